"""What to do about an answer to a call, over real HTTP where headers count."""

from __future__ import annotations

import logging
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from wire import open_wire

from feedwatch.core.model import Answered, FetchFailed, Reason
from feedwatch.core.networks import NetworkPolicy
from feedwatch.core.statuses import ROWS, Action, Resource, Service
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.fetch.failures import reason_of_status
from feedwatch.netflix import status
from feedwatch.netflix.judging import judge_answer, judge_failure, resource_of
from feedwatch.netflix.replies import ApiFailed

NOW = datetime(2026, 11, 1, 21, 30, tzinfo=UTC)
QUEUE = "/users/T1-/queues/instant"


@pytest.fixture(autouse=True)
def nothing_logged_yet() -> None:
    status._logged.clear()


def document(code: int | None = None, sub_code: int | None = None, message: str = "") -> bytes:
    codes = (
        f"<{name}>{value}</{name}>"
        for name, value in (("status_code", code), ("sub_code", sub_code))
        if value
    )
    return f"<status>{''.join(codes)}<message>{message}</message></status>".encode()


def fail(number: int, body: bytes = b"", *, server_at: datetime | None = None) -> FetchFailed:
    return FetchFailed(Reason.CLIENT_ERROR, f"HTTP {number}", number, body=body, server_at=server_at)


def judge(failed: FetchFailed, resource: str = QUEUE) -> ApiFailed:
    return judge_failure(failed, resource=resource, now=NOW)


@pytest.mark.parametrize(
    ("number", "sub_code", "message", "says"),
    [
        (412, 710, "Title already in queue", "already"),
        (404, 610, "whatever", "not in the queue"),
        (400, 620, "Title is saved; cannot move it", "saved"),
        (400, 650, "Queue is too large", "full"),
        (400, 660, "Invalid title format", "address in the catalog"),
        (400, 690, "Title currently at home", "at your home"),
        (400, 130, "Title not found or not available", "no such title"),
        (412, None, "Precondition failed. Resource has been modified.", "changed meanwhile"),
        (412, None, "", "changed meanwhile"),
    ],
)
def test_refused_change_is_said_in_a_sentence(
    number: int, sub_code: int | None, message: str, says: str
) -> None:
    """Each way in which a queue refuses has a sentence of its own, with or without its sub code."""
    judged = judge(fail(number, document(number, sub_code, message)))
    assert says in judged.says
    assert (judged.status, judged.sub_code) == (number, sub_code)
    assert judged.message == (message or "HTTP 412")


@pytest.mark.parametrize(
    "message", ["Title not found or not available", "title  NOT found or not available."]
)
def test_missing_sub_code_is_taken_from_the_message(message: str) -> None:
    """A server that leaves the sub code out, or writes its message a little differently, is understood."""
    judged = judge(fail(400, document(400, None, message)))
    assert (judged.sub_code, judged.action) == (130, Action.GIVE_UP)


def test_second_rating_is_to_be_changed_not_given() -> None:
    """A 422 of the ratings says that there is one; elsewhere it is a value that is not taken."""
    body = document(422, None, "Title has already been rated")
    ratings = judge(fail(422, body), "/users/T1-/ratings/title/actual")
    assert (ratings.action, "rating already" in ratings.says) == (Action.FIX_REQUEST, True)
    assert "rating" not in judge(fail(422), "/users/T1-/queues/instant").says


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/users/T1-/queues/instant/available/3/70-", Resource.QUEUES),
        ("/v1/users/T1-/queues", Resource.QUEUES),
        ("/users/T1-/ratings/title/actual?title_refs=queues", Resource.RATINGS),
        ("/oauth/request_token", Resource.OAUTH),
        ("/oauth/access_token", Resource.OAUTH),
        ("/oauth/login", Resource.LOGIN),
        ("/users/current", Resource.SIGNED),
        ("/catalog/titles?term=queues", Resource.SIGNED),
        ("", Resource.SIGNED),
    ],
)
def test_path_says_which_rows_are_its_own(path: str, resource: Resource) -> None:
    """A call is known by its path."""
    assert resource_of(path) is resource


def test_wrong_secret_is_another_thing_while_signing_in() -> None:
    """An invalid signature may pass with a new sign-in; that of the sign-in itself is the consumer's."""
    body = document(401, None, "Invalid signature")
    assert judge(fail(401, body)).action is Action.SIGN_IN_AGAIN
    signing_in = judge(fail(401, body), "/oauth/request_token")
    assert signing_in.action is Action.FIX_REQUEST
    assert "consumer_secret" in signing_in.says


@pytest.mark.parametrize(("minutes", "said"), [(60, "60 minutes behind"), (-5, "5 minutes ahead of")])
def test_wrong_clock_is_blamed_before_the_token(minutes: int, said: str) -> None:
    """A refused signature while the clocks differ by minutes is the clock's fault."""
    failed = fail(401, document(401, None, "Invalid signature"), server_at=NOW + timedelta(minutes=minutes))
    judged = judge(failed)
    assert (judged.action, judged.reason) == (Action.FIX_REQUEST, Reason.WRONG_CLOCK)
    assert said in judged.says


def test_clock_has_nothing_to_do_with_other_failures() -> None:
    """Where nothing was refused for its signature, a clock that is off is no matter."""
    assert judge(fail(404, server_at=NOW + timedelta(hours=1))).reason is Reason.NOT_FOUND


def test_token_in_a_message_is_not_kept() -> None:
    """Nothing of a server's message that could be a token is told."""
    judged = judge(fail(401, document(401, None, "no oauth_token=T1secret of T1u.tZSbY93kQm")))
    assert "T1" not in judged.message


def test_what_a_server_allows_is_told_on_one_short_line() -> None:
    """An Allow header is a server's word like its messages: no control characters, no token, no end."""
    failed = fail(405)
    said = judge(replace(failed, allow="GET\x1b[2J oauth_token=T1abcdef " + "PUT, " * 900)).says
    assert "GET" in said
    assert said.isprintable()
    assert "T1abcdef" not in said
    assert len(said) < 400


def test_wire_and_table_agree() -> None:
    """The reason that a bare status has on the wire is that of its row."""
    rows = [row for row in ROWS if row.service is Service.REST and row.status >= 400]
    assert {row.status: row.reason for row in rows} == {
        row.status: reason_of_status(row.status) for row in rows
    }
    assert len(rows) > 10


@pytest.mark.parametrize("code", [999, 131])
def test_unknown_code_is_logged_once(caplog: pytest.LogCaptureFixture, code: int) -> None:
    """A sub code that is in no table is an action of its own, logged once, without what could be a token."""
    body = document(400, code, "a new thing with oauth_token=T1secret")
    with caplog.at_level(logging.WARNING):
        judged = [judge(fail(400, body)) for _ in range(3)]
    assert {(each.action, each.reason, each.sub_code) for each in judged} == {
        (Action.UNKNOWN, Reason.CLIENT_ERROR, code)
    }
    assert caplog.text.count("unknown answer") == 1
    assert f"status=400 sub_code={code}" in caplog.text
    assert "T1secret" not in caplog.text


def test_known_code_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What the table has is nothing to log here."""
    judge(fail(400, document(400, 650, "Queue is too large")))
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("reason", "action"),
    [
        (Reason.DNS, Action.WAIT),
        (Reason.TIMEOUT, Action.WAIT),
        (Reason.TOO_LARGE, Action.GIVE_UP),
        (Reason.BAD_ADDRESS, Action.FIX_REQUEST),
        (Reason.INTERNAL, Action.WAIT),
    ],
)
@pytest.mark.parametrize("number", [None, 200, 404])
def test_what_the_wire_says_is_not_judged_by_a_status(
    reason: Reason, action: Action, number: int | None
) -> None:
    """A reply that never came whole is a failure of the wire, whatever status stood at its head."""
    judged = judge(FetchFailed(reason, "a detail", number))
    assert (judged.action, judged.reason, judged.message) == (action, reason, "a detail")
    assert judged.says


@pytest.mark.parametrize(
    ("head", "action", "rest", "said"),
    [
        ("405 No\r\nAllow: GET, POST", Action.FIX_REQUEST, None, "(GET, POST)"),
        ("429 Slow\r\nRetry-After: 120", Action.WAIT, 120, "later"),
        ("429 Slow", Action.WAIT, 300, "later"),
        ("503 Away", Action.WAIT, 120, "two minutes"),
        ("503 Away\r\nRetry-After: 600", Action.WAIT, 600, "two minutes"),
        ("500 No", Action.WAIT, None, "fault"),
        ("504 No", Action.WAIT, None, "next try"),
        ("418 Teapot", Action.UNKNOWN, None, "does not know"),
    ],
)
async def test_headers_of_a_refusal_count(head: str, action: Action, rest: int | None, said: str) -> None:
    """What a server says in its headers about when and how to ask again is heeded."""
    fetcher = Fetcher(
        FetchLimits(timedelta(seconds=20), 1 << 20), networks=NetworkPolicy("allow"), user_agent="test"
    )
    async with open_wire() as wire, aclosing(fetcher):
        wire.answers = [f"HTTP/1.1 {head}\r\nContent-Length: 0".encode()]
        outcome = await fetcher.call("POST", f"{wire.url}{QUEUE}")
    assert isinstance(outcome, FetchFailed)
    judged = judge(outcome)
    assert judged.action is action
    assert judged.retry_after == (timedelta(seconds=rest) if rest else None)
    assert said in judged.says


@pytest.mark.parametrize(
    "answered",
    [
        Answered(200, document(200), "http://h/"),
        Answered(201, b"", "http://h/"),
        Answered(201, document(201, None, "Move successful"), "http://h/"),
        Answered(201, document(201, 640, "Only some"), "http://h/"),
        Answered(201, document(201, None, "only some titles in the set were added"), "http://h/"),
        Answered(202, b"", "http://h/"),
        Answered(204, b"", "http://h/"),
    ],
    ids=["200", "201 without a body", "201", "201/640", "640 without its code", "202", "204"],
)
def test_granted_change_is_no_failure(answered: Answered) -> None:
    """Made, made in part, to be made later, or done without a word: none of them came to nothing."""
    assert judge_answer(answered, resource=QUEUE, now=NOW) is None


def test_failure_in_the_body_of_a_200_is_a_failure() -> None:
    """A status document that says no is believed, whatever the status line says."""
    answered = Answered(200, document(412, 710, "Title already in queue"), "http://h/")
    judged = judge_answer(answered, resource=QUEUE, now=NOW)
    assert isinstance(judged, ApiFailed)
    assert (judged.action, judged.status, judged.may_have_happened) == (Action.GIVE_UP, 412, False)


def test_fault_in_the_body_of_a_200_may_have_come_after_the_deed() -> None:
    """A server that breaks does not say when: what was to be changed may be changed."""
    judged = judge_answer(Answered(200, document(500, None, "Internal error"), "h"), resource=QUEUE, now=NOW)
    assert isinstance(judged, ApiFailed)
    assert (judged.action, judged.may_have_happened) == (Action.WAIT, True)


def test_success_that_is_in_no_table_may_have_happened() -> None:
    """A 2xx that nobody knows is no failure to repeat: the change may have been made."""
    judged = judge_answer(Answered(207, b"", "http://h/"), resource=QUEUE, now=NOW)
    assert isinstance(judged, ApiFailed)
    assert (judged.action, judged.may_have_happened) == (Action.UNKNOWN, True)
