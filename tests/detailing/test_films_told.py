"""Titles of lists from elsewhere, looked up at TMDB: over HTTP against the sandbox's, told to a webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from detailed import Told
from feedserver import FeedServer, reply
from sinks import WebhookSink
from watching import Jane, let_jane_in, watching

from feedwatch.sandbox import Sandbox
from feedwatch.sandbox.titles import Title


@dataclass
class Diary:
    """A diary that somebody keeps elsewhere, and what is told of it."""

    jane: Jane
    server: FeedServer
    told: Told

    @property
    def film(self) -> Title:
        return self.jane.world.catalog[5]

    async def write(self, *titles: str) -> str:
        """Put titles into the diary; what is told of that."""
        self.server.on("/diary", diary_of("Seven Samurai, 1954", *titles))
        return await self.told.tell()

    @property
    def calls(self) -> int:
        return self.jane.requests("tmdb")


def diary_of(*titles: str) -> bytes:
    items = "".join(
        f"<item><guid>{n}</guid><title>{t}</title><link>http://films.example/{n}</link></item>"
        for n, t in enumerate(titles)
    )
    return reply(f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode())


@pytest.fixture
def key() -> str:
    return ""


@pytest.fixture
async def diary(served: tuple[Sandbox, str], tmp_path: Path, key: str) -> AsyncIterator[Diary]:
    jane = let_jane_in(*served, queue=20)
    key = key or jane.world.account.tmdb_key
    with FeedServer() as server, WebhookSink() as sink:
        feed = server.on("/diary", diary_of("Seven Samurai, 1954"))
        config = (
            f"accounts:\n  films:\n    service: feeds\n    feeds:\n"
            f"      diary: {{url: '{feed}', kind: history}}\n"
            f"targets:\n  phone: {sink.url}\nroutes:\n  - {{to: phone, changes: all}}\nstate: feedwatch.db\n"
            f"tmdb: {{api_key: {key}, url: '{jane.base}'}}\ngather: 0s\n"
        )
        async with watching(tmp_path, config, jane.moment) as watch:
            told = Told(jane, watch, sink)
            await watch.discover()
            await told.poll()
            await told.deliver()
            yield Diary(jane, server, told)


async def test_film_is_found_by_name_and_year(diary: Diary) -> None:
    """A poster and what the film is about, and no more: nothing is said of ratings or queues."""
    message = await diary.write(f"{diary.film.name}, {diary.film.year} - ★★★★")
    first, about = message.splitlines()[-2:]
    assert first.startswith(f"watched {diary.film.name}, {diary.film.year}")
    assert about.startswith("  ")
    (kept,) = (await diary.told.kept()).values()
    assert "/t/p/w342/" in str(kept)
    assert "rating" not in str(kept)


@pytest.mark.parametrize(
    "written",
    ["{name}, {far}", "{name} Returns, {year}", "{name}", "{year}", "The {name}, {year}"],
)
async def test_nothing_is_guessed(diary: Diary, written: str) -> None:
    """Another year, another name, or no year at all: the title is told as it is, and nothing with it."""
    film = diary.film
    title = written.format(name=film.name, year=film.year, far=film.year - 20)
    assert (await diary.write(title)).splitlines()[-1].startswith(f"watched {title}")
    assert [each for each in (await diary.told.kept()).values() if each is not None] == []


async def test_what_is_not_there_is_asked_for_once_a_day(diary: Diary) -> None:
    """That nothing was found is kept as well."""
    await diary.write("No Such Film, 1999")
    calls = diary.calls
    assert calls == 2
    diary.jane.moment.pass_by(hours=1)
    await diary.write("No Such Film, 1999", "No Such Film, 1999 - again")
    assert diary.calls == calls


async def test_key_is_in_no_message_and_no_log(diary: Diary, caplog: pytest.LogCaptureFixture) -> None:
    """The key goes to TMDB alone, whatever becomes of the call."""
    caplog.set_level("DEBUG")
    diary.jane.world.fail(feed="tmdb", fault="500", times=4)
    film = diary.film
    message = await diary.write(f"{film.name}, {film.year}")
    assert film.name in message
    key = diary.jane.world.account.tmdb_key
    assert "no details for now" in caplog.text
    assert key not in caplog.text + message
    assert key not in str(await diary.told.watch.query("SELECT * FROM title_details"))


@pytest.mark.parametrize("key", ["0123456789abcdef"])
async def test_wrong_key_is_said_once(diary: Diary, caplog: pytest.LogCaptureFixture) -> None:
    """A key that TMDB does not know ends the asking; the log says where to look."""
    message = await diary.write("Some Film, 1999", "Another, 1998", "A third, 1997")
    assert message.count("watched") == 3
    assert diary.calls == 1
    assert caplog.text.count("tmdb.api_key") == 1
    assert "0123456789abcdef" not in caplog.text


async def test_limit_that_others_have_used_up_is_heeded(diary: Diary) -> None:
    """A 429 is the end of the turn: nothing waits for it, and nothing is asked until then."""
    diary.jane.world.fail(feed="tmdb", fault="429")
    film = diary.film
    assert film.name in await diary.write(f"{film.name}, {film.year}")
    assert diary.calls == 1
    await diary.told.ask()
    assert diary.calls == 1


async def test_post_of_a_stream_is_not_looked_up(served: tuple[Sandbox, str], tmp_path: Path) -> None:
    """Only lists of titles are: a post that is named like a film is none."""
    jane = let_jane_in(*served, queue=20)
    film = jane.world.catalog[5]
    with FeedServer() as server:
        feed = server.on("/posts", diary_of("One"), diary_of("One", f"{film.name}, {film.year}"))
        config = (
            f"accounts:\n  news:\n    service: feeds\n    feeds: {{posts: '{feed}'}}\n"
            f"targets:\n  phone: json://127.0.0.1:9/\nstate: feedwatch.db\n"
            f"tmdb: {{api_key: {jane.world.account.tmdb_key}, url: '{jane.base}'}}\n"
        )
        async with watching(tmp_path, config, jane.moment) as watch:
            await watch.discover()
            await watch.poll()
            assert (await watch.poll())["news/posts"].changes == 1
            await watch.assembly.detailer.run_turn()
            assert jane.requests("tmdb") == 0
