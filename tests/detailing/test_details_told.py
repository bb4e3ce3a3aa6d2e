"""Details in messages, over HTTP from a real server to a real webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from detailed import telling
from sinks import Reply, WebhookSink
from watching import Jane, let_jane_in, watching

from feedwatch.core.model import Reason, TitleDetails
from feedwatch.core.state import SignIn
from feedwatch.core.subjects import WantedTitle
from feedwatch.sandbox import Sandbox
from feedwatch.store import Store

STARS = "★ on average"


@pytest.fixture(params=["reference", "wild"])
def jane(served: tuple[Sandbox, str], request: pytest.FixtureRequest) -> Jane:
    """Jane's lists, told of by a server that speaks either dialect."""
    jane = let_jane_in(*served, queue=20)
    jane.world.speak(dialect=request.param)
    return jane


@pytest.fixture
def jane_alone(served: tuple[Sandbox, str]) -> Jane:
    """Jane's lists, where the dialect does not matter."""
    return let_jane_in(*served, queue=20)


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as sink:
        yield sink


# ── what is told ──────────────────────────────────────────────────────────────────────────────────


async def test_message_about_a_title_carries_its_details(
    jane: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """Certificate, both ratings and the synopsis stand below what happened; the year stands in it."""
    async with telling(jane, tmp_path, sink) as told:
        title = jane.world.add()
        happened, figures, about = (await told.tell()).splitlines()
        assert happened == f"added {title.name} ({title.year}) at 1"
        assert STARS in figures
        assert "★ for you" in figures
        assert "queue" not in figures
        assert about.startswith("  ")
        assert len(about) > 20


async def test_recommendation_says_that_it_is_queued_and_can_be_played(
    jane: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """Title states are told with what is recommended; one call asks about all titles of a round."""
    async with telling(jane, tmp_path, sink) as told:
        queued = jane.world.queue[3].title
        jane.world.recommend(title=queued.id)
        other = jane.world.recommend()
        message = await told.tell()
        of_queued = message.partition(queued.name)[2].partition("recommended")[0]
        of_other = message.partition(other.name)[2].partition("recommended")[0]
        assert "in your queue" in of_queued
        assert "in your queue" not in of_other
        assert jane.requests("title_states") == 1


async def test_box_art_travels_with_the_message(jane_alone: Jane, sink: WebhookSink, tmp_path: Path) -> None:
    """The picture of a title, at the account's own server, is attached where a target takes pictures."""
    hook = sink.url.replace("json://", "webhook+http://")
    async with telling(jane_alone, tmp_path, sink, url=hook) as told:
        title = jane_alone.world.add()
        await told.poll()
        await told.ask()
        await told.deliver()
        (story,) = sink.received[-1].json["stories"]
        assert story["details"]["year"] == str(title.year)
        assert story["details"]["synopsis"]
        assert str(title.id) in story["picture"]


async def test_title_that_left_the_queue_since_is_not_told_to_be_in_it(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """What was asked this morning is mended by what the queue itself has shown since."""
    async with telling(jane_alone, tmp_path, sink) as told:
        title = jane_alone.world.add()
        await told.tell()
        jane_alone.moment.pass_by(hours=1)
        jane_alone.world.remove(title=title.id)
        await told.tell()
        jane_alone.moment.pass_by(hours=1)
        jane_alone.world.recommend(title=title.id)
        message = await told.tell()
        assert STARS in message
        assert "in your queue" not in message


async def test_message_without_details_is_what_it_always_was(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """Where nobody was asked in time, nothing of the message is another."""
    async with telling(jane_alone, tmp_path, sink) as told:
        title = jane_alone.world.add()
        await told.poll()
        assert (await told.deliver())[-1]["message"] == f"added {title.name} ({title.year}) at 1"


# ── for how long ──────────────────────────────────────────────────────────────────────────────────


async def test_title_is_asked_about_once_a_day(jane_alone: Jane, sink: WebhookSink, tmp_path: Path) -> None:
    """What is known is told again without a call for 24 hours, and not a moment longer."""
    async with telling(jane_alone, tmp_path, sink) as told:
        title = jane_alone.world.add()
        await told.tell()
        calls = jane_alone.requests("catalog")
        jane_alone.moment.pass_by(hours=23)
        jane_alone.world.rate(title=title.id)
        assert STARS in await told.tell()
        assert jane_alone.requests("catalog") == calls
        jane_alone.moment.pass_by(hours=2)
        jane_alone.world.recommend(title=title.id)
        await told.poll()
        assert STARS not in str((await told.deliver())[-1]["message"])
        jane_alone.world.watch(title=title.id)
        assert STARS in await told.tell()
        assert jane_alone.requests("catalog") > calls


async def test_what_was_asked_is_forgotten_after_a_day(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """Pruning takes it from the state, and from the texts of messages, as the API's terms want it."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.add()
        await told.tell()
        await told.watch.assembly.prune()
        assert len(await told.kept()) == 1
        jane_alone.moment.pass_by(hours=25)
        await told.watch.assembly.prune()
        assert await told.kept() == {}
        messages = await told.watch.query("SELECT title, body FROM messages")
        assert all(message["title"] for message in messages)
        assert {message["body"] for message in messages} == {""}


async def test_signing_in_as_another_forgets_what_the_first_was_told(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """Predictions and queues are one person's: nothing of one shows in another's messages."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.add()
        await told.tell()
        store = told.watch.assembly.store
        other = SignIn("jane", "application", "user", "token", "secret", jane_alone.moment.at)
        await store.run(Store.record_sign_in, other)
        assert await told.kept() == {}


async def test_answer_to_who_was_signed_in_before_is_not_kept(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """Somebody signs in while an answer is on its way: it is of somebody else, and is dropped."""
    async with telling(jane_alone, tmp_path, sink) as told:
        store, title = told.watch.assembly.store, WantedTitle("jane", "/catalog/titles/movies/1")
        (status,) = await store.run(Store.account_statuses)
        for asked_as, is_kept in (("somebody", False), (status.stamp, True)):
            answer = {title: TitleDetails(year="1995")}
            now = jane_alone.moment.at
            assert await store.run(Store.keep_title_details, answer, now, asked_as) is is_kept
            assert (title.subject in await told.kept()) is is_kept


# ── trouble ───────────────────────────────────────────────────────────────────────────────────────


async def test_hanging_server_delays_nothing_and_loses_nothing(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """A server that says nothing is given up in time, the message goes without, and it is left alone."""
    async with telling(jane_alone, tmp_path, sink) as told:
        first = jane_alone.world.add()
        await told.poll()
        with jane_alone.world.lock:  # whoever wants to know anything of the world waits
            await told.ask(timedelta(seconds=0.3))
            message = (await told.deliver())[-1]["message"]
        assert message == f"added {first.name} ({first.year}) at 1"
        jane_alone.world.add()
        assert STARS not in await told.tell()
        assert jane_alone.requests("title_states") <= 1
        jane_alone.moment.pass_by(minutes=11)
        jane_alone.world.rate(title=first.id)
        assert STARS in await told.tell()


async def test_title_that_the_catalog_lacks_is_asked_about_once(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """A 404 is an answer: nothing is known, and that is kept for as long."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.fail(feed="catalog", fault="404")
        title = jane_alone.world.add()
        assert STARS not in await told.tell()
        assert list((await told.kept()).values()) == [None]
        calls = jane_alone.requests("catalog")
        jane_alone.world.rate(title=title.id)
        assert STARS not in await told.tell()
        assert jane_alone.requests("catalog") == calls


async def test_refused_token_signs_the_account_out_once(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """A 401 is told in one notice, and no signed call is made from then on; lists go on."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.fail(feed="title_states", fault="401")
        jane_alone.world.add()
        assert STARS not in await told.tell()
        assert (await told.watch.notices()).count("signed_out") == 1
        calls = (jane_alone.requests("title_states"), jane_alone.requests("catalog"))
        for _ in range(3):
            jane_alone.moment.pass_by(hours=1)
            title = jane_alone.world.add()
            assert f"added {title.name}" in await told.tell()
        assert (jane_alone.requests("title_states"), jane_alone.requests("catalog")) == calls
        assert (await told.watch.notices()).count("signed_out") == 1


async def test_refusal_of_what_the_application_alone_signs_signs_nobody_out(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """The person's own token has just worked: the catalog is left alone for a while, nobody is alarmed."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.fail(feed="catalog", fault="401")
        jane_alone.world.add()
        title = jane_alone.world.add()
        assert title.name in await told.tell()
        assert jane_alone.requests("catalog") == 1
        assert "signed_out" not in await told.watch.notices()
        jane_alone.moment.pass_by(minutes=11)
        jane_alone.world.rate(title=title.id)
        assert STARS in await told.tell()


@pytest.mark.parametrize("fault", ["429", "403-per-second", "503-later"])
async def test_rate_limit_ends_the_asking(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path, fault: str
) -> None:
    """After the first refusal nothing more is asked of the server until it has rested."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.fail(feed="catalog", fault=fault)
        jane_alone.world.add()
        title = jane_alone.world.add()
        message = await told.tell()
        assert title.name in message
        assert STARS not in message
        assert jane_alone.requests("catalog") == 1
        await told.ask()
        assert jane_alone.requests("catalog") == 1
        jane_alone.moment.pass_by(minutes=11)
        jane_alone.world.rate(title=title.id)
        assert STARS in await told.tell()


async def test_one_title_that_fails_costs_the_others_nothing(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A server error is about one title: the next is asked about, and the log says it once."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.fail(feed="catalog", fault="500", times=1)
        jane_alone.world.add()
        jane_alone.world.add()
        message = await told.tell()
        assert message.count(STARS) == 1
        assert caplog.text.count("no details for now") == 1


async def test_death_in_the_middle_loses_neither_change_nor_answers(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """What came before a process ended is there for the next; the change is told, with it."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.add()
        await told.poll()
        await told.ask()
    text = (tmp_path / "config.yaml").read_text()
    calls = jane_alone.requests("catalog")
    async with watching(tmp_path, text, jane_alone.moment) as again:
        await again.assembly.end_rounds(gather=False)
        await again.assembly.deliverer.serve_all()
    assert STARS in sink.messages[-1]["message"]
    assert jane_alone.requests("catalog") == calls


async def test_repeated_message_is_the_same_as_before(
    jane_alone: Jane, sink: WebhookSink, tmp_path: Path
) -> None:
    """Details that come between two attempts change nothing of what was bound: it goes again unchanged."""
    async with telling(jane_alone, tmp_path, sink) as told:
        sink.script(Reply(500))
        title = jane_alone.world.add()
        await told.poll()
        await told.deliver()
        await told.ask()
        jane_alone.moment.pass_by(hours=1)
        assert (await told.deliver())[-1]["message"] == f"added {title.name} ({title.year}) at 1"


async def test_secret_in_an_answer_is_not_told(jane_alone: Jane, sink: WebhookSink, tmp_path: Path) -> None:
    """Whatever a server makes of our token, no message shows it."""
    async with telling(jane_alone, tmp_path, sink) as told:
        jane_alone.world.add()
        await told.poll()
        await told.ask()
        token = jane_alone.world.account.access_token_secret
        evil = json.dumps({"synopsis": f"It was {token}.", "picture": f"http://x.example/{token}"})
        store = told.watch.assembly.store

        def spoil(open_store: Store) -> None:
            with open_store.transaction() as conn:
                conn.execute("UPDATE title_details SET details = ?", (evil,))

        await store.run(spoil)
        message = str((await told.deliver())[-1])
        assert "It was" in message
        assert token not in message


async def test_host_that_rests_is_left_alone(jane_alone: Jane, sink: WebhookSink, tmp_path: Path) -> None:
    """A host that has asked for rest elsewhere is not asked about titles either."""
    async with telling(jane_alone, tmp_path, sink) as told:
        title = jane_alone.world.add()
        await told.poll()
        host = jane_alone.base.removeprefix("http://")
        until = jane_alone.moment.at + timedelta(minutes=5)
        await told.watch.assembly.store.run(Store.rest_host, host, until, Reason.RATE_LIMITED)
        await told.ask()
        assert jane_alone.requests("title_states") == 0
        assert title.name in (await told.deliver())[-1]["message"]
