"""What is watched: the questions about an account, for each kind of service."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

from feedwatch.config import is_account_name, is_web_address
from feedwatch.core.model import Kind
from feedwatch.services.naming import make_name
from feedwatch.starting.addresses import check_server
from feedwatch.starting.dialogue import Dialogue, need
from feedwatch.starting.draft import AccountDraft, FeedDraft, FeedsDraft, NetflixDraft, OpmlDraft
from feedwatch.starting.targets import check_name

Try = Callable[[AccountDraft], bool]
"""Tries an account out and says what came of it; whether to go on with it."""

_KINDS: list[tuple[Kind, str]] = [
    (Kind.STREAM, "stream: posts, newest first (a blog, the news)"),
    (Kind.QUEUE, "queue: titles waiting (a watchlist, books to read)"),
    (Kind.HISTORY, "history: what was watched or read (a diary)"),
    (Kind.RATINGS, "ratings: titles rated"),
    (Kind.RECOMMENDATIONS, "recommendations: titles suggested"),
]
_HINTS = (
    (re.compile(r"watch-?list|queue|to-?read|wish-?list|want", re.IGNORECASE), Kind.QUEUE),
    (re.compile(r"diary|history|watched|shelf=read\b", re.IGNORECASE), Kind.HISTORY),
    (re.compile(r"rating", re.IGNORECASE), Kind.RATINGS),
    (re.compile(r"recommend", re.IGNORECASE), Kind.RECOMMENDATIONS),
)
_SAYS_NOTHING = frozenset(
    {"feed", "feeds", "rss", "rss2", "atom", "rdf", "index", "xml", "all", "main", "www", "default", "home"}
)
_FOR_KINDS = {Kind.STREAM: "news"}


def ask_account(dialogue: Dialogue, try_out: Try) -> AccountDraft:
    """Ask what is watched, and try it out."""
    choices: list[tuple[Callable[[Dialogue, Try], AccountDraft], str]] = [
        (_ask_feeds, "single feeds, by their addresses (Atom, RSS, JSON Feed)"),
        (_ask_opml, "a list of subscriptions: an OPML file, or its address"),
        (_ask_netflix, "an account at a server that speaks the Netflix API 1.5"),
    ]
    return dialogue.choose("What is it?", choices)(dialogue, try_out)


# ── single feeds ──────────────────────────────────────────────────────────────────────────────────


def _ask_feeds(dialogue: Dialogue, try_out: Try) -> FeedsDraft:
    feeds: list[FeedDraft] = []
    while True:
        feed = _ask_feed(dialogue, feeds)
        if feed is None:
            break
        if try_out(FeedsDraft("feeds", (feed,))):
            feeds.append(_ask_about_feed(dialogue, feed, feeds))
    suggested = _FOR_KINDS.get(feeds[0].kind, _suggest_person())
    return FeedsDraft(dialogue.ask("What to call them all", suggested, check_name), tuple(feeds))


def _ask_feed(dialogue: Dialogue, before: Collection[FeedDraft]) -> FeedDraft | None:
    """Ask for one more address; None if there are enough."""

    def check(answer: str) -> str:
        if not answer and before:
            return ""
        address = answer if "://" in answer else f"https://{need(answer)}"
        if not is_web_address(address):
            raise ValueError("an http or https address is wanted, such as https://example.org/feed")
        if any(feed.address == address for feed in before):
            raise ValueError("that one is there already")
        return address

    question = "Address of one more, or Enter for no more" if before else "Address of the feed"
    address = dialogue.ask(question, check=check)
    return FeedDraft("feed", address) if address else None


def _ask_about_feed(dialogue: Dialogue, feed: FeedDraft, before: Collection[FeedDraft]) -> FeedDraft:
    names = {each.name for each in before}

    def check(answer: str) -> str:
        if not answer.isprintable() or re.search(r"[\s/]", need(answer)) or len(answer) > 100:
            raise ValueError("a feed's name has no spaces and no slash")
        if answer in names:
            raise ValueError("another feed is called so")
        return answer

    meant = guess_kind(feed.address)
    numbers = [kind for kind, _ in _KINDS]
    kind = dialogue.choose("What does it list?", _KINDS, numbers.index(meant) + 1)
    return FeedDraft(
        dialogue.ask("What to call it", _free(suggest_name(feed.address), names), check), feed.address, kind
    )


def guess_kind(address: str) -> Kind:
    """What a feed may list, by its address."""
    return next((kind for hint, kind in _HINTS if hint.search(unquote(address))), Kind.STREAM)


def suggest_name(address: str) -> str:
    """A name for a feed by its address: the last part of the path that says something, else its host."""
    parts = urlsplit(address)
    path = [re.sub(r"\.\w{2,4}$", "", part) for part in unquote(parts.path).split("/")]
    labels = (parts.hostname or "").split(".")
    words = [part for part in reversed(path) if part.lower() not in _SAYS_NOTHING]
    named = [each for each in (*words, *(labels[-2:-1] or labels)) if re.search(r"[^\W\d_]", each)]
    return make_name(named[0] if named else "feed")  # at home a server may have a number alone


def _free(name: str, taken: Collection[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name}-{number}"
        number += 1
    return free


# ── a list of subscriptions ───────────────────────────────────────────────────────────────────────


def _ask_opml(dialogue: Dialogue, try_out: Try) -> OpmlDraft:
    while True:
        place = dialogue.ask("OPML file, or address", check=_check_place)
        if try_out(OpmlDraft("feeds", place)):
            return OpmlDraft(dialogue.ask("What to call it", "reading", check_name), place)


def _check_place(answer: str) -> str:
    if "://" in need(answer):
        if not is_web_address(answer):
            raise ValueError("a file, or an http or https address is wanted")
        return answer
    try:
        path = Path(answer).expanduser().absolute()
        there = path.is_file()
    except (OSError, RuntimeError, ValueError):
        there, path = False, Path(answer)
    if not there:
        raise ValueError(f"there is no file {path}")
    return str(path)


# ── the API ───────────────────────────────────────────────────────────────────────────────────────


def _ask_netflix(dialogue: Dialogue, _try_out: Try) -> NetflixDraft:
    """Ask for all that signing in needs; it is tried by that, when all is written."""
    url = dialogue.ask("Server", check=check_server)
    key = dialogue.ask("Consumer key of the application registered there")
    secret = dialogue.ask_secret("Its secret")
    name = dialogue.ask("What to call the account", _suggest_person(), check_name)
    dialogue.say(f"To sign in, type at the end: feedwatch login {name}")
    return NetflixDraft(name, url, key, secret)


def _suggest_person() -> str:
    try:
        name = make_name(getpass.getuser())
    except (KeyError, OSError):
        name = ""
    return name if is_account_name(name) and name != "root" else "me"
