"""The table of statuses against every row of the documents it is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from status_table import Expected, read_fixture

from feedwatch.core.model import Reason
from feedwatch.core.statuses import ROWS, Action, Resource, Row, Service, actions_of_reasons, judge_status

FIXTURE = read_fixture()
WITH_MESSAGE = [each for each in FIXTURE if each.message and each.document != "tmdb"]


def judge(row: Expected, *, code: int | None = None, message: str = "") -> Row:
    return judge_status(row.service, row.status, code=code, message=message, resource=row.asked)


@pytest.mark.parametrize("expected", FIXTURE, ids=str)
def test_every_row_of_the_documents_has_its_action(expected: Expected) -> None:
    """Each row of the documents leads to the action, the reason and the rest that the fixture names."""
    row = judge(expected, code=expected.code, message=expected.message)
    assert (row.action, row.reason) == (expected.action, expected.reason)
    assert (row.rest, row.until_day_ends) == (expected.rest, expected.wait == "day")
    assert row.documented is (expected.document in ("api", "rest", "tmdb"))


def test_table_has_no_row_that_no_answer_leads_to() -> None:
    """Every row of the table is that of a row of the fixture, but those of REST which the API has itself."""
    reached = {judge(each, code=each.code, message=each.message) for each in FIXTURE}
    assert reached == set(ROWS)


def test_all_rows_of_the_documents_are_there() -> None:
    """The API's table has 36 rows of messages, that of REST services 13 statuses, TMDB's 47 codes."""
    counted = Counter(each.document for each in FIXTURE)
    assert (counted["api"], counted["rest"], counted["tmdb"]) == (36, 13, 47)
    assert {each.code for each in FIXTURE if each.document == "tmdb"} == set(range(1, 48))


def test_no_two_rows_are_told_by_the_same() -> None:
    """Whose, status, code, message and resource make a row: there is no second one of any."""
    keys = Counter((row.service, row.status, row.code, row.message.casefold(), row.resource) for row in ROWS)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("expected", WITH_MESSAGE, ids=str)
def test_message_is_enough_where_the_code_is_missing(expected: Expected) -> None:
    """Servers often leave the sub code out: what the message says leads to the same row."""
    with_code = judge(expected, code=expected.code, message=expected.message)
    assert judge(expected, message=expected.message) == with_code


@given(st.sampled_from(WITH_MESSAGE), st.sampled_from([str.upper, str.lower, str.title]), st.booleans())
def test_case_blanks_and_full_stop_do_not_count(
    expected: Expected,
    spell: Callable[[str], str],
    full_stop: bool,  # noqa: FBT001
) -> None:
    """A message in other letters, other blanks, with or without a full stop leads to the same row."""
    said = spell(expected.message).rstrip(".").replace(" ", "  ") + "." * full_stop
    assert judge(expected, message=f" {said}\n") == judge(expected, message=expected.message)


@given(
    st.sampled_from(list(Service)),
    st.integers(100, 599),
    st.integers(1, 2000),
    st.text(max_size=30),
    st.sampled_from(list(Resource)),
)
def test_code_that_is_in_no_table_is_unknown(
    service: Service, status: int, code: int, message: str, resource: Resource
) -> None:
    """There is no default: a code that no row has is an action of its own, whatever stands beside it."""
    known = {(row.service, row.status, row.code) for row in ROWS}
    row = judge_status(service, status, code=code, message=message, resource=resource)
    assert (row.action is Action.UNKNOWN) is ((service, status, code) not in known)


@given(
    st.sampled_from(list(Service)),
    st.integers(100, 599),
    st.text(max_size=30),
    st.sampled_from(list(Resource)),
)
def test_status_that_is_in_no_table_is_unknown(
    service: Service, status: int, message: str, resource: Resource
) -> None:
    """A status that neither the service's rows nor those of REST services have is unknown, and says so."""
    row = judge_status(service, status, message=message, resource=resource)
    if status not in {each.status for each in ROWS}:
        assert (row.action, row.reason, row.status) == (Action.UNKNOWN, None, status)
    if status in {each.status for each in ROWS if each.service is Service.REST}:
        assert row.action is not Action.UNKNOWN


def test_row_that_takes_any_message_has_no_code() -> None:
    """A row that holds for a whole status can be no row of one code; one that is exact says of what."""
    assert all(row.code is None for row in ROWS if not row.exact)
    assert all(row.code is not None or row.message for row in ROWS if row.exact)


def test_403_is_told_apart_by_its_message() -> None:
    """A dead feed token, a rate limit and a plain no are all 403."""
    said = ["Invalid feed token", "Over queries per day limit", "Forbidden", ""]
    rows = [judge_status(Service.NETFLIX, 403, message=each, resource=Resource.FEEDS) for each in said]
    expected = [Action.DISCOVER_ANEW, Action.WAIT, Action.GIVE_UP, Action.GIVE_UP]
    assert [row.action for row in rows] == expected
    signed = judge_status(Service.NETFLIX, 403, message="Invalid feed token", resource=Resource.SIGNED)
    assert signed.action is Action.GIVE_UP


def test_message_without_end_is_not_gone_through() -> None:
    """Of a message longer than any row's only the start is compared: all of it would take seconds."""
    long = "over " * 13_000
    assert judge_status(Service.NETFLIX, 403, message=f"{long} per second limit").reason is Reason.FORBIDDEN


@pytest.mark.parametrize("message", ["", "Access token is invalid", "Invalid signature", "no"])
def test_401_of_a_feed_is_about_its_token(message: str) -> None:
    """A feed is not signed: whatever its 401 says, only a new address helps; that of a call is another."""
    feeds = judge_status(Service.NETFLIX, 401, message=message, resource=Resource.FEEDS)
    signed = judge_status(Service.NETFLIX, 401, message=message, resource=Resource.SIGNED)
    assert (feeds.action, feeds.reason) == (Action.DISCOVER_ANEW, Reason.BAD_TOKEN)
    assert (signed.action, signed.reason) == (Action.SIGN_IN_AGAIN, Reason.UNAUTHORIZED)


def test_412_without_a_sub_code_asks_to_read_again() -> None:
    """A 412 is the queue that moved on, unless it says that the title is there already."""
    moved = judge_status(Service.NETFLIX, 412, message="", resource=Resource.QUEUES)
    there = judge_status(Service.NETFLIX, 412, code=710, message="", resource=Resource.QUEUES)
    assert (moved.action, there.action) == (Action.FIX_REQUEST, Action.GIVE_UP)
    assert moved.says != there.says


def test_every_row_says_what_it_means() -> None:
    """Each row has a sentence for a person: a part of a line, without a full stop or anybody's address."""
    for row in ROWS:
        assert row.says.strip() == row.says
        assert row.says
        assert row.says[-1] not in ".!\n"
        assert "://" not in row.says


def test_every_reason_of_the_wire_has_an_action() -> None:
    """What goes wrong beside a status is decided too: all reasons of a fetch, and none of anything else."""
    of_statuses = {row.reason for row in ROWS} | {Reason.WRONG_CLOCK}
    of_the_rest = set(Reason) - of_statuses - set(actions_of_reasons)
    assert not set(actions_of_reasons) & of_statuses
    assert of_the_rest == {
        Reason.TURNED_EMPTY,
        Reason.LOST_MOST,
        Reason.STALE_READ,
        Reason.LEFT_INDEX,
        Reason.NOT_CONFIGURED,
        Reason.NO_CREDENTIALS,
        Reason.REFUSED,
        Reason.UNREACHABLE,
        Reason.AMBIGUOUS,
        Reason.GAVE_UP,
        Reason.TARGET_GONE,
        Reason.DROPPED,
        Reason.SILENCED,
    }
