"""What is no answer to what was asked is a failure, and never an empty list; nothing signed leaves home."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from apis import failed, got, opening_api
from apiserver import NO_WORD, Answer, Asked, serving_answers, status

from feedwatch.core.model import Reason
from feedwatch.core.statuses import Action
from feedwatch.netflix import catalog, history, queues, ratings, users
from feedwatch.netflix.calling import Caller
from feedwatch.netflix.login import Provider
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.netflix.turns import Turns
from feedwatch.services import NetflixSettings

FILM = "http://api.netflix.com/catalog/titles/movies/60001"

NO_LIST = {
    "nothing": (Answer(200), Reason.EMPTY_BODY),
    "an XML declaration": (Answer(200, '<?xml version="1.0"?>\n'), Reason.EMPTY_BODY),
    "a page for people": (Answer(200, "<!DOCTYPE html><html><p>Hello</p></html>"), Reason.NOT_A_FEED),
    "another document": (Answer(200, "<people/>"), Reason.NOT_A_FEED),
    "half a document": (Answer(200, "<queue><etag>1</etag><queue_item>"), Reason.MALFORMED),
    "an entity": (Answer(200, '<!DOCTYPE q [<!ENTITY a "b">]><queue>&a;</queue>'), Reason.HOSTILE),
    "half of JSON": (Answer(200, '{"queue": {'), Reason.MALFORMED),
    "JSON null": (Answer(200, '{"queue": null}'), Reason.EMPTY_BODY),
    "a JSON list": (Answer(200, "[1]"), Reason.MALFORMED),
    "many roots": (Answer(200, '{"queue": {}, "people": {}}'), Reason.MALFORMED),
    "deep JSON": (Answer(200, '{"queue":' * 5000 + "1" + "}" * 5000), Reason.MALFORMED),
    "no word": (NO_WORD, Reason.CONNECT),
}


async def ask_queue(answer: Answer) -> object:
    with serving_answers(lambda _: answer) as server:
        async with opening_api(server.base) as api:
            return await queues.find_queue(api)


@pytest.mark.parametrize(("answer", "reason"), NO_LIST.values(), ids=NO_LIST)
async def test_what_is_no_list_is_no_empty_list(answer: Answer, reason: Reason) -> None:
    """Whatever comes in place of a list is a failure that says what it was."""
    assert failed(await ask_queue(answer)).reason is reason


@pytest.mark.parametrize(
    "body",
    [
        "<queue><etag>0</etag><number_of_results>0</number_of_results></queue>",
        '{"queue": {"etag": "0", "number_of_results": "0"}}',
    ],
)
async def test_list_that_says_that_it_is_empty_is_believed(body: str) -> None:
    """A whole document without an entry is an empty queue; its etag is 0."""
    page = got(await ask_queue(Answer(200, body)))
    assert getattr(page, "items", None) == ()
    assert getattr(page, "etag", None) == "0"


@pytest.mark.parametrize(
    "body",
    [
        "<status><status_code>401</status_code><message>Access token is invalid</message></status>",
        '{"status": {"status_code": 401, "message": "Access token is invalid"}}',
    ],
)
@pytest.mark.parametrize("http", [200, 401])
async def test_status_document_counts_whatever_it_came_with(http: int, body: str) -> None:
    """A refusal is one, even where HTTP says that all is well."""
    why = failed(await ask_queue(Answer(http, body)))
    assert (why.action, why.status, why.message) == (Action.SIGN_IN_AGAIN, 401, "Access token is invalid")
    assert why.says


async def test_change_that_nobody_answered_may_have_happened() -> None:
    """No answer to a change, or half of one, a server's own error, or "done, look there": it may be made."""
    broken = Answer(200, status(500, "Internal error").body)
    done = Answer(303, headers={"Location": "/users/T1user-/queues/instant"})
    answers = (NO_WORD, status(500), status(504), Answer(201, "<html/>"), Answer(200, "<status><sta"))
    for answer in (*answers, broken, done):
        with serving_answers(lambda _, answer=answer: answer) as server:  # type: ignore[misc]
            async with opening_api(server.base) as api:
                why = failed(await queues.post_title(api, FILM))
                assert why.may_have_happened, answer
                assert len(server.asked) == 1


@pytest.mark.parametrize("there_is", ["no turn", "no server"])
async def test_change_that_was_never_sent_has_not_happened(tmp_path: Path, there_is: str) -> None:
    """Without a turn nothing is sent, and nothing reaches a server that takes no connection."""
    with serving_answers(lambda _: Answer(500)) as server:
        if there_is == "no turn":
            (tmp_path / "file").touch()
            await refuse_to_post(server.base, Turns(tmp_path / "file" / "turns"))
            assert server.asked == []
    if there_is == "no server":
        await refuse_to_post(server.base, Turns())


async def refuse_to_post(base: str, turns: Turns) -> None:
    async with opening_api(base) as api:
        api.caller = Caller(api.consumer, api.send, turns, api.clock)
        assert not failed(await queues.post_title(api, FILM)).may_have_happened


@pytest.mark.parametrize("answer", [status(400), status(401), status(404), status(412)])
async def test_change_that_was_refused_has_not_happened(answer: Answer) -> None:
    """A plain no is a no."""
    with serving_answers(lambda _: answer) as server:
        async with opening_api(server.base) as api:
            assert not failed(await queues.post_title(api, FILM)).may_have_happened


async def test_links_to_another_host_are_asked_for_at_home() -> None:
    """A reply names api.netflix.com; its path is asked for at the account's own server, and nowhere else."""
    title = (
        f"<catalog_title><id>{FILM}</id><title regular='A'/>"
        f"<link href='https://api-public.netflix.com/catalog/titles/movies/60001/synopsis?x=1' "
        "rel='http://schemas.netflix.com/catalog/titles/synopsis' title='synopsis'/></catalog_title>"
    )

    def answer(asked: Asked) -> Answer:
        return Answer(200, "<synopsis>S</synopsis>" if asked.path.endswith("synopsis") else title)

    with serving_answers(answer) as server:
        async with opening_api(server.base) as api:
            film = got(await catalog.find_title(api, FILM))
            assert got(await catalog.find_synopsis(api, film)).text == "S"
        assert [each.path for each in server.asked] == [
            "/catalog/titles/movies/60001",
            "/catalog/titles/movies/60001/synopsis",
        ]


async def test_link_that_is_none_of_the_api_is_passed_by() -> None:
    """A part that is said to be at a page for people is looked for where parts are."""
    title = (
        f"<catalog_title><id>{FILM}</id><link href='http://www.netflix.com/Movie/1' "
        "rel='http://schemas.netflix.com/catalog/titles/synopsis' title='synopsis'/></catalog_title>"
    )
    with serving_answers(lambda _: Answer(200, title)) as server:
        async with opening_api(server.base) as api:
            await catalog.find_synopsis(api, got(await catalog.find_title(api, FILM)))
        assert server.asked[-1].path == "/catalog/titles/movies/60001/synopsis"


async def test_redirect_takes_no_signature_to_another_host() -> None:
    """Who is sent elsewhere by a signed call does not sign there."""
    with serving_answers(lambda _: Answer(200, "<queue/>")) as other:
        away = Answer(302, "", {"Location": other.base.replace("127.0.0.1", "localhost") + "/users/x/queues"})
        with serving_answers(lambda _: away) as server:
            async with opening_api(server.base) as api:
                await queues.find_queue(api)
        assert all(each.authorization is None for each in other.asked)


async def test_user_is_asked_for_once_and_only_where_nobody_named_one() -> None:
    """`users/current` is asked once; its user is in the path of all that is the subscriber's own."""

    def answer(asked: Asked) -> Answer:
        if asked.path == "/users/current":
            link = "<link href='http://api.netflix.com/users/T1abc.-_' rel='http://schemas.netflix.com/user.current'/>"
            return Answer(200, f"<resource>{link}</resource>")
        return Answer(200, "<rental_history/>")

    with serving_answers(answer) as server:
        account = NetflixSettings(server.base, Consumer("key", "secret"), Token("token", "hush"))
        async with opening_api(server.base, account) as api:
            for _ in range(2):
                got(await history.find_history(api))
        mine = "/users/T1abc.-_/rental_history/watched"
        assert [each.path for each in server.asked] == ["/users/current", mine, mine]


async def test_refusal_in_place_of_a_user_is_one_whatever_http_says() -> None:
    """A 200 with a status in it that says no is a refusal, also where users and feeds are asked for."""
    with serving_answers(lambda _: Answer(200, status(401, "Access token is invalid").body)) as server:
        account = NetflixSettings(server.base, Consumer("key", "secret"), Token("token", "hush"))
        async with opening_api(server.base, account) as api:
            assert failed(await api.find_user()).action is Action.SIGN_IN_AGAIN
            api.user_id = "T1user-"
            assert failed(await users.find_feeds(api)).action is Action.SIGN_IN_AGAIN


async def test_nobody_signed_in_is_told_to_sign_in_and_nothing_is_asked() -> None:
    """Without an access token what is a subscriber's own is not asked for; the catalog is."""
    with serving_answers(lambda _: Answer(200, "<catalog_titles/>")) as server:
        account = NetflixSettings(server.base, Consumer("key", "secret"))
        async with opening_api(server.base, account) as api:
            for reply in (
                await queues.find_queue(api),
                await users.find_user(api),
                await users.find_title_states(api, [FILM]),
                await ratings.rate(api, FILM, 3),
            ):
                why = failed(reply)
                assert (why.action, why.reason) == (Action.SIGN_IN_AGAIN, Reason.NO_CREDENTIALS)
                assert "feedwatch login" in why.says
            assert server.asked == []
            got(await catalog.search_titles(api, "x"))


async def test_no_secret_stands_in_a_failure_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """Neither what is shown of a client, nor a failure, nor any log holds a secret or a token."""
    caplog.set_level(logging.DEBUG)
    with serving_answers(lambda _: status(401, "oauth_token=TOPTOKEN99 is bad")) as server:
        consumer = Consumer("KEYKEY7", "TOPSECRET1")
        account = NetflixSettings(server.base, consumer, Token("TOPTOKEN99", "TOPSECRET2"), "T1me-")
        async with opening_api(server.base, account) as api:
            replies = (await users.find_user(api), await catalog.complete_title(api, "x"))
            shown = [*map(repr, replies), repr(api)]
    text = " ".join([*shown, caplog.text])
    assert not [secret for secret in ("TOPSECRET", "TOPTOKEN99", "KEYKEY7", "T1me-") if secret in text]


async def test_password_in_the_servers_address_shows_in_no_repr() -> None:
    """A server behind a password of its own has it in its address; nothing that holds that shows it."""
    async with opening_api("http://jane:pass-word@127.0.0.1:9") as api:
        provider = Provider(api.server, api.consumer, api.caller, api.clock)
        assert "pass-word" not in f"{api!r} {provider!r}"


async def test_call_that_nobody_answered_is_made_once() -> None:
    """No library repeats a signed call by itself: it would be a replay, or a change made twice."""
    with serving_answers(lambda _: NO_WORD) as server:
        async with opening_api(server.base) as api:
            failed(await queues.find_queue(api))
            failed(await queues.delete_entry(api, "/users/T1user-/queues/instant/available/1/60001"))
            failed(await ratings.change_rating(api, "60001", 3))
        assert server.methods() == ["GET", "DELETE", "PUT"]
