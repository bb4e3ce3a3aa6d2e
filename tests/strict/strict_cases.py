"""A list that changes, told to a strict service by all of feedwatch: what a person sees in the end.

Nothing is left out: a feed over HTTP, the configuration, the state, the deliverer, the plugin, a socket.
Only the clock is the test's own, so that a service's limit on messages a second costs nobody a second.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
import strict_discord
import strict_slack
import strict_telegram
from feedserver import FeedServer, reply
from strict_discord import StrictDiscord
from strict_mail import StrictMailbox
from strict_push import StrictGotify, StrictNtfy, StrictPushover
from strict_receiver import SECRET, StrictReceiver
from strict_server import Seen, StrictServer
from strict_slack import StrictSlack
from strict_telegram import StrictTelegram
from watching import Moment, Watch, watching

from feedwatch.core.state import MessageStatus
from feedwatch.notify.plugins import load_plugin
from feedwatch.store import Store

Server = StrictServer | StrictMailbox


@dataclass(frozen=True, slots=True)
class Film:
    """One title of the list; `picture` is the path of its picture at the feed's server."""

    title: str
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One service as a person sets it up: its name, its form of address, and how a test opens it."""

    name: str
    address: str
    open: Callable[[Callable[[], float]], Server]
    url: Callable[[Server], str]
    hosted: tuple[tuple[str, str, str], ...] = ()
    more: str = ""
    shows_pictures: bool = True
    title_apart: bool = True


def _fixed(url: str) -> Callable[[Server], str]:
    return lambda _: url


def _own(server: Server) -> str:
    assert not isinstance(server, StrictMailbox) or server.port
    assert isinstance(server, StrictNtfy | StrictGotify | StrictReceiver | StrictMailbox)
    return server.url


PLACES = (
    Place("E-mail", "`mailto://`", lambda _: StrictMailbox(), _own),
    Place(
        "Telegram",
        "`tgram://`",
        StrictTelegram,
        _fixed(strict_telegram.URL),
        (("tgram", "notify_url", "/bot"),),
        title_apart=False,
    ),
    Place(
        "Discord",
        "`discord://`",
        StrictDiscord,
        _fixed(strict_discord.URL),
        (("discord", "notify_url", "/api/webhooks"),),
        title_apart=False,
    ),
    Place(
        "Slack (webhook)",
        "`slack://…/…/…`",
        StrictSlack,
        _fixed(strict_slack.HOOK_URL),
        (("slack", "webhook_url", "/services"),),
        shows_pictures=False,
    ),
    Place(
        "Slack (bot)",
        "`slack://xoxb-…/#channel`",
        StrictSlack,
        _fixed(strict_slack.BOT_URL),
        (("slack", "api_url", "/api/{}"),),
    ),
    Place("ntfy", "`ntfy://`", StrictNtfy, _own),
    Place("Gotify", "`gotify://`", StrictGotify, _own, shows_pictures=False),
    Place(
        "Pushover",
        "`pover://`",
        StrictPushover,
        _fixed(StrictPushover.URL),
        (("pover", "notify_url", "/1/messages.json"),),
    ),
    Place(
        "Our own webhook",
        "`webhook+https://`",
        StrictReceiver,
        _own,
        more=f", secret: {SECRET}",
        shows_pictures=False,
    ),
)


@dataclass
class Scene:
    """A list, a service, and everything between them."""

    place: Place
    feeds: FeedServer
    server: Server
    watch: Watch
    moment: Moment
    films: list[Film] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The service's address."""
        return self.place.url(self.server)

    async def add(self, films: Sequence[Film], *, crowded: bool = False) -> list[Seen]:
        """Put films on the list, have it polled, and give what a person then sees.

        Where it is `crowded`, somebody else has just sent as much as the service takes.
        """
        before = len(self.server.seen)
        self.films += films
        self.publish()
        self.moment.pass_by(minutes=20)
        await self.watch.poll("jane/queue")
        self.moment.pass_by(seconds=1)
        if crowded and isinstance(self.server, StrictServer):
            self.server.crowd()
        await self._deliver()
        return self.server.seen[before:]

    def publish(self) -> None:
        """Serve the list as it is."""
        page = write_list(self.films, self.feeds.url())
        self.feeds.on("/queue", reply(page, Content_Type="application/atom+xml"))

    async def _deliver(self, *, most: int = 500) -> None:
        """Serve the address, moving the clock to each next attempt, until nothing waits."""
        for _ in range(most):
            await self.watch.assembly.deliverer.serve("there/1")
            waiting = [m for m in await self.messages() if m.state not in ("delivered", "dead")]
            if not waiting:
                return
            ats = [m.next_attempt_at for m in waiting if m.next_attempt_at is not None]
            turn = self.moment.at + self.watch.assembly.notifier.wait_for("there/1", self.url)
            self.moment.at = max([self.moment.at + timedelta(milliseconds=1), turn, *ats[:1]])
        raise AssertionError(f"still waiting: {await self.messages()}; refused: {self.server.refusals[-3:]}")

    async def messages(self) -> Sequence[MessageStatus]:
        """What the outbox says."""
        return await self.watch.assembly.store.run(Store.list_messages)


CONFIG = """\
accounts:
  jane:
    service: feeds
    feeds:
      queue: {{url: "{feed}", kind: queue}}
targets:
  there: {{url: "{target}"{more}}}
gather: 0s
notices: []
state: feedwatch.db
"""


@asynccontextmanager
async def open_scene(place: Place, folder: Path) -> AsyncIterator[Scene]:
    """A list of one title that is known already, watched for a service."""
    moment = Moment()
    with ExitStack() as stack:
        feeds = stack.enter_context(FeedServer())
        server = place.open(moment.seconds)
        stack.enter_context(server)
        stack.enter_context(_pointed_at(place, server))
        text = CONFIG.format(feed=feeds.url("/queue"), target=place.url(server), more=place.more)
        async with watching(folder, text, moment) as watch:
            scene = Scene(place, feeds, server, watch, moment, [Film("Known Before")])
            scene.publish()
            await watch.discover()
            await watch.poll("jane/queue")
            yield scene


@contextmanager
def _pointed_at(place: Place, server: Server) -> Iterator[None]:
    """A hosted service's plugin, for as long as its host is on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for schema, attribute, path in place.hosted:
            assert isinstance(server, StrictServer)
            patch.setattr(load_plugin(schema), attribute, server.base + path)
        yield


def write_list(films: Sequence[Film], base: str) -> bytes:
    """A queue as Atom; the list is whole, and says so."""
    entries = "".join(_write_entry(number, film, base) for number, film in enumerate(films, start=1))
    head = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0">'
        "<id>urn:queue</id><title>Queue</title><updated>2026-11-01T12:00:00Z</updated><fh:complete/>"
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{entries}</feed>'.encode()


def _write_entry(number: int, film: Film, base: str) -> str:
    page = f"https://films.example/titles/{number}"
    picture = ""
    if film.picture is not None:
        address = base.rstrip("/") + film.picture
        picture = f'<link rel="enclosure" type="image/png" href={quoteattr(address)}/>'
    return (
        f"<entry><id>{page}</id><title>{escape(film.title)}</title><updated>2026-11-01T12:00:00Z</updated>"
        f"<link rel='alternate' type='text/html' href={quoteattr(page)}/>{picture}</entry>"
    )
