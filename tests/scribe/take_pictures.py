"""Takes the pictures in docs/pictures (`make pictures`): the page of a digest, and commands on a terminal.

What they show is invented, and nothing is staged: the page is what the scribe writes, the terminal shows
real commands against a sandbox whose lists moved.
"""

from __future__ import annotations

import base64
import html
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from browser import find_browser, photograph
from inventing import DIGEST, MAIL, invent_day, invent_titles

from feedwatch.core.messages import PictureLink
from feedwatch.core.pictures import keep_pictures
from feedwatch.core.told import Draft, Told
from feedwatch.sandbox.art import draw_box_art
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.world import World
from feedwatch.scribe import compile_templates

sys.path.insert(0, str(Path(__file__).parents[1]))
from running import Place, at_sandbox
from sinks import WebhookSink

_PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
_MOST_BYTES = 200_000
_COLUMNS = 96
_LINE = 20
_SIZES = {"phone": (390, 844), "desktop": (1000, 800)}
_ROUTES = """
notices: [phone]
zone: Europe/Berlin

routes:
  - {to: phone, feeds: [queue, history, ratings], changes: [added, removed, updated]}
  - {to: mail, digest: daily at 08:00}
  - {to: phone, feeds: [recommendations], where: predicted_rating > 4.5}
"""
_SHELL = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #15181d; color: #dcdfe4 }
pre { margin: 0; padding: 18px 22px; width: 96ch; white-space: pre-wrap; overflow-wrap: anywhere;
  word-break: break-all; font: 14px/20px 'DejaVu Sans Mono', monospace }
b { color: #9ecb86; font-weight: normal }
</style>"""


def main() -> None:
    """Take all of them anew."""
    find_browser()
    _PICTURES.mkdir(exist_ok=True)
    _photograph_digest()
    with tempfile.TemporaryDirectory() as folder:
        _photograph_terminal(Path(folder))
    for picture in sorted(_PICTURES.glob("*.png")):
        size = picture.stat().st_size
        sys.stdout.write(f"{picture.name}  {size // 1000} kB{'  too large' if size > _MOST_BYTES else ''}\n")


# ── the digest ────────────────────────────────────────────────────────────────────────────────────


def _photograph_digest() -> None:
    scribe, _ = compile_templates({})
    draft = scribe.write(Told(invent_day(12), DIGEST), MAIL)
    assert draft is not None
    page = _show_pictures(draft)
    for name, (width, height) in _SIZES.items():
        for shade in ("light", "dark"):
            target = _PICTURES / f"digest-{name}-{shade}.png"
            photograph(page, target, width=width, height=height, dark=shade == "dark")


def _show_pictures(draft: Draft) -> str:
    """The page with its pictures in it, as a reader of mail puts them together."""
    page = keep_pictures(draft.body, {link.name: link.name for link in draft.pictures})
    for link in draft.pictures:
        page = page.replace(f'"cid:{link.name}"', f'"{_draw(link)}"')
    return page


def _draw(link: PictureLink) -> str:
    number = re.search(r"(\d+)\.png$", link.url)
    assert number is not None
    art = draw_box_art(7 * int(number[1]))
    return f"data:image/png;base64,{base64.b64encode(art).decode()}"


# ── the terminal ──────────────────────────────────────────────────────────────────────────────────


def _photograph_terminal(folder: Path) -> None:
    with WebhookSink() as sink, at_sandbox(folder, queue=14) as place:
        _invent_lists(place.world)
        targets = f"  phone: {sink.url}\n  mail: json://127.0.0.1:9/mail"
        place.configure(targets=targets, more=_ROUTES)
        _poll(place)
        for move in _moves(place.world):
            move()
        _poll(place)
        watched = next(row["id"] for row in place.run("changes", "--json").rows if row["kind"] == "history")
        for words in (("status",), ("changes",), ("explain", str(watched)), ("preview", "--route", "2")):
            _photograph_command(place, *words)


def _poll(place: Place) -> None:
    done = place.run("poll")
    if done.status:
        sys.exit(done.said)


def _moves(world: World) -> Iterator[Callable[[], object]]:
    fresh = world.catalog[60:64]
    yield lambda: world.add(title=fresh[0].id, position=2)
    yield lambda: world.move(start=9, to=1)
    yield lambda: world.watch(title=world.queue[5].title.id)
    yield lambda: world.rate(title=world.history[0].title.id, value="5")
    yield lambda: world.remove(title=world.history[0].title.id)
    yield lambda: world.recommend(title=fresh[1].id, predicted="4.7")


def _invent_lists(world: World) -> None:
    """The sandbox's lists, of titles that nobody has filmed."""
    names = invent_titles(len(world.catalog))
    invented = {
        title.id: Title(title.id, name, int(year))
        for title, (name, year) in zip(world.catalog, names, strict=True)
    }
    world.catalog = list(invented.values())
    world.queue = [replace(each, title=invented[each.title.id]) for each in world.queue]
    world.history = [replace(each, title=invented[each.title.id]) for each in world.history]
    world.ratings = [replace(each, title=invented[each.title.id]) for each in world.ratings]
    world.recommendations = [replace(each, title=invented[each.title.id]) for each in world.recommendations]


def _photograph_command(place: Place, *words: str) -> None:
    shown = place.run_on_terminal(*words, columns=_COLUMNS).out
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).strip("\n")
    typed = f"<b>$</b> feedwatch {' '.join(words)}\n"
    page = f"{_SHELL}<pre>{typed}{html.escape(plain)}\n</pre>"
    lines = sum(1 + max(len(line) - 1, 0) // _COLUMNS for line in plain.splitlines())
    height = round((lines + 1) * _LINE) + 36
    photograph(page, _PICTURES / f"terminal-{words[0]}.png", width=860, height=height, dark=True)


if __name__ == "__main__":
    main()
