"""All that is told to one service, case after case, and the row that it makes in docs/targets.md."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from feedserver import reply
from strict_cases import PLACES, Film, Place, Scene, Server, open_scene
from strict_looks import make_picture
from strict_server import Rate, Seen, StrictServer

from feedwatch.core.messages import Style

TARGETS = Path(__file__).parents[2] / "docs" / "targets.md"
PICTURE = make_picture(40, 60)
FAMILY, FLAG, THUMB = "👨‍👩‍👧‍👦", "🇩🇪", "👍🏽"

ONE = ("Night Train to Lisbon",)
MANY = tuple(f"Film {number:03} of the long list" for number in range(1, 301))
HOSTILE = (
    "@everyone @here @channel <!channel> <!here> <@U123> <@&42> <@42>",
    "@jane_doe /start /stop@feedwatch_bot",
    "<script>alert('x')</script> </b> <b>",
    "<3 & _*",
    "&lt;b&gt; &amp; &#64;everyone",
    "*bold* **bolder** _it_ __under__ ~~gone~~ `code` ||spoiler||",
    "# Heading",
    "1. First",
    "- Dash > Quote",
    "[click](https://evil.example/) <https://evil.example/|click>",
    "\u202eesrever\u202c and \u200fright\u200e to left",
    f"{FAMILY} {FLAG} {THUMB} 🏳️‍🌈",
    "Ünïcödé «日本語» العربية",
)
GROWING = tuple(f"{number} {'<&>' * 20}{chr(34) * 20}{'*_' * 20}" for number in range(100, 200))
"""Titles whose escapes take several times the room of what they say."""
LONG = tuple(f"Chapter {number:02} " + "長い物語" * 6 for number in range(1, 31))
"""Too much for what may stand below a picture, or beside it in an address."""
EMOJI = FAMILY * 700 + FLAG * 700 + THUMB * 700


@dataclass
class Told:
    """What became of each case at one service."""

    place: Place
    style: Style
    server: Server
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    too_soon: int = 0

    @property
    def has_rate(self) -> bool:
        """Whether the service says how much it takes."""
        return isinstance(self.server, StrictServer) and bool(self.server.rates)

    def texts(self, case: str) -> str:
        """All that is read of a case, without its titles."""
        return "\n".join(seen.text for seen in self.seen[case])

    def everything(self, case: str) -> str:
        """All that is read of a case."""
        return "\n".join(f"{seen.title}\n{seen.text}" for seen in self.seen[case])

    def twins(self, case: str) -> str:
        """All that is read of a case by whoever reads mails as plain text."""
        return "\n".join(seen.twin for seen in self.seen[case]).strip()

    def pictures(self, case: str) -> list[bytes]:
        """All pictures that are shown."""
        return [picture for seen in self.seen[case] for picture in seen.pictures]


async def tell_all(place: Place) -> Told:
    """Tell a service every case, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_scene(place, Path(folder)) as scene:
            told = Told(place, scene.watch.assembly.notifier.style_of(scene.url), scene.server)
            for case, titles in {"one": ONE, "many": MANY, "hostile": HOSTILE, "growing": GROWING}.items():
                await _tell(told, scene, case, [Film(title) for title in titles])
            await _tell(told, scene, "emoji", [Film(EMOJI)])
            scene.feeds.on("/a.png", reply(PICTURE, Content_Type="image/png"))
            await _tell(told, scene, "picture", [Film("Shown", "/a.png")])
            await _tell(told, scene, "long with a picture", [Film(title, "/a.png") for title in LONG])
            await _tell(told, scene, "missing picture", [Film("Unseen", "/gone.png")])
            soon = scene.server.limited
            await _tell(told, scene, "crowded", [Film("Patience")], crowded=True)
            told.too_soon, scene.server.limited = scene.server.limited - soon, soon
            scene.server.takes_pictures = False
            await _tell(told, scene, "refused picture", [Film("Refused", "/a.png")])
            return told


async def _tell(told: Told, scene: Scene, case: str, films: Sequence[Film], *, crowded: bool = False) -> None:
    before = len(scene.server.refusals)
    told.seen[case] = await scene.add(films, crowded=crowded)
    told.refusals[case] = scene.server.refusals[before:]


# ── the table ─────────────────────────────────────────────────────────────────────────────────────

_INTRODUCTION = """\
# Targets

How feedwatch speaks to eight services, each through a server on this machine that enforces what the service
documents: lengths, tags, escapes, keys, sizes and rates. `make targets` runs all of it and writes this page;
a test holds that the page is what the run gives.

The limit is what feedwatch puts into one message, in UTF-16 units (of e-mail and ntfy in bytes), and never
more than the service takes. A list of 300 changes goes on in the next message where one is full; it is
divided between titles. Hostile text is everything that could call people, run as a command, or be read as
markup (`@everyone`, `<script>`, `<3 & _*`, right-to-left marks, emoji at the cut): it is shown as it is, and
nobody is called.

"""
_COLUMNS = (
    "service",
    "address",
    "title",
    "limit",
    "written as",
    "messages for 300 changes",
    "hostile text",
    "a picture",
    "a picture that fails",
    "the service's rate",
)
_NOTES = """\

What stands behind it:

- **E-mail** is one page with its plain-text twin. Nothing in it is fetched from elsewhere; pictures travel in
  the mail.
- **Telegram** counts 4096 UTF-16 units once its markup is read, 1024 below a picture.
- **Discord** takes 2000 characters, the title among them.
- **Slack** would take 40,000 characters, but an `&` counts as five. An incoming webhook cannot take pictures;
  a bot can, if it has the scope `files:write`.
- **ntfy** makes a file, which has to be opened, of a message from 4096 bytes on. In the request a character
  beyond ASCII takes six bytes and more: what is safe for every script is 2600 bytes of text. A server that is
  set up without attachments refuses pictures; the message goes without.
- **Gotify** has no limit of its own, and takes no pictures.
- **Pushover** takes 1024 characters and one picture of 5 MB.
- **Our own webhook** gives all facts to a program: [webhook.md](webhook.md). Its receiver here verifies the
  signature, the schema and the key of each message.
"""


def write_page(rows: Sequence[str]) -> str:
    """The page with these rows."""
    head = [_write_row(_COLUMNS), _write_row(["---"] * len(_COLUMNS))]
    return _INTRODUCTION + "\n".join([*head, *rows]) + "\n" + _NOTES


def make_row(told: Told) -> str:
    """What a service does with all cases, in one row."""
    place, style = told.place, told.style
    return _write_row([
        place.name,
        place.address,
        "apart" if style.titled else "above the text",
        f"{style.limit:,}",
        {"html": "HTML", "json": "JSON"}.get(style.markup, str(style.markup)),
        str(len(told.seen["many"])),
        "shown, broken by what nobody sees" if "\u200b" in told.everything("hostile") else "shown as it is",
        "shown" if told.pictures("picture") else "left out",
        "told without" if told.texts("missing picture") else "lost",
        _describe_rates(told.server),
    ])  # fmt: skip


def _describe_rates(server: Server) -> str:
    rates = server.rates if isinstance(server, StrictServer) else ()
    return ", ".join(_describe_rate(rate) for rate in rates) or "none"


def _describe_rate(rate: Rate) -> str:
    return f"{rate.count} in {rate.seconds:g} s"


def _write_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


async def make_page() -> str:
    """Tell everything to every service, and write the page."""
    return write_page([make_row(await tell_all(place)) for place in PLACES])
