"""What is fuzzed: each target gives bytes to one reader of ours, and asserts what is promised of it.

The same functions are driven by Hypothesis (`test_fuzz.py`) and by atheris (`run_atheris.py`). A target
raises nothing but AssertionError where a promise is broken, and what a reader raises that it should not.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from feedwatch.config import load_config
from feedwatch.core.catalog import IndexedTitle
from feedwatch.core.kinds import rules_of
from feedwatch.core.messages import Markup, OwedDelivery, Style
from feedwatch.core.model import (
    ChangeKind,
    FactChange,
    FetchFailed,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    Page,
    ParseFailed,
    RawEntry,
    Reason,
    RecordedChange,
    Validators,
)
from feedwatch.core.render import compose_message
from feedwatch.core.snapshot import build_snapshot
from feedwatch.core.text import clean, escape_html, escape_markup, measure, page_of, shorten
from feedwatch.errors import ConfigError
from feedwatch.fetch.addresses import Origin, basic_auth, host_named_by, origin_of, wire_url
from feedwatch.fetch.exchange import MOST_REDIRECTS, Exchange
from feedwatch.fetch.headers import read_head, read_max_age, read_retry_after, read_validators
from feedwatch.netflix.catalog_index import UnreadableIndex, read_title_index
from feedwatch.netflix.index import read_index, read_user_id
from feedwatch.netflix.status import classify_failure, read_status
from feedwatch.opml import Opml, read_opml, write_opml
from feedwatch.parse import NeedsFeedparser, read_direct
from feedwatch.parse.charset import settle_charset
from feedwatch.parse.digest import Digests
from feedwatch.parse.facts import LONGEST_TEXT
from feedwatch.parse.guard import refuse_page
from feedwatch.parse.said import make_page
from feedwatch.parse.worker import answer_question, import_feedparser
from feedwatch.store.catalog import Catalog, CatalogOrigin
from feedwatch.store.catalog_writing import write_catalog

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
URL = "http://h.example/lists/feed"
SECRET = "s3cr3t-0f-nobody-else"
KINDS = list(Kind)
CONTENT_TYPES = (
    None,
    "text/xml",
    "text/html; charset=utf-7",
    'application/xml; charset="koi8-r"',
    "x; charset=\0",
)


# ── documents ─────────────────────────────────────────────────────────────────────────────────────

_CONTROLS = re.compile("[\x7f-\x9f]")
_SPACE = bytes(range(9, 14)) + b" "


def read_feed(data: bytes) -> None:
    """Any bytes are a page or a failure, and a page is one that can be compared, kept and shown."""
    # By its length, so that every document is one to begin with as it is.
    kind, content_type = KINDS[len(data) % 5], CONTENT_TYPES[len(data) // 5 % len(CONTENT_TYPES)]
    digests = Digests(data, kind)
    assert len(digests.content) == 16
    if parts := digests.parts:
        whole = parts.write_only(range(len(parts.entries)))
        assert whole.translate(None, _SPACE) == data.translate(None, _SPACE), "white space alone may go"
    read = read_direct(data, kind=kind, url=URL, content_type=content_type)
    if isinstance(read, NeedsFeedparser):
        read = make_page(answer_question(_feedparser(), read.body, {"charset": read.charset}), URL)
    if isinstance(read, Page):
        read = refuse_page(read) or read
    if isinstance(read, ParseFailed):
        assert_told_shortly(read)
        return
    for entry in read.entries:
        assert_entry(entry)
    snapshot = build_snapshot(
        read.entries,
        rules_of(kind, compare_content=True),
        whole=read.complete,
        requested_at=NOW,
        other_sort=False,
    )
    keys = [entry.key for entry in snapshot.entries]
    assert len(set(keys)) == len(keys)
    assert read.total is None or read.total >= 0
    assert read.ttl is None or read.ttl > timedelta(0)


@cache
def _feedparser() -> object:
    return import_feedparser()


def assert_entry(entry: RawEntry) -> None:
    for text in (entry.id, entry.title, entry.link, entry.title_ref, *entry.facts.values()):
        if text is not None:
            text.encode()  # no halves of characters
            assert len(text) <= LONGEST_TEXT
    for line in (entry.title, entry.id or "", entry.link or ""):
        assert not any(character < " " or "\x7f" <= character < "\xa0" for character in line), line
    for at in (entry.watched_at, entry.published_at, entry.updated_at):
        assert at is None or (at.tzinfo is UTC and 1900 <= at.year <= 2200)
    assert entry.position is None or 0 < entry.position < 10**9


def assert_told_shortly(failed: ParseFailed) -> None:
    assert len(failed.detail) <= 200
    assert failed.detail.isprintable()
    assert SECRET not in failed.detail


def read_subscriptions(data: bytes) -> None:
    """Any bytes are subscriptions or a failure, and what was read is read again as it was once written."""
    found = read_opml(data)
    if isinstance(found, ParseFailed):
        assert_told_shortly(found)
        return
    written = read_opml(write_opml(found.outlines))
    assert isinstance(written, Opml)
    # What could drive a terminal is not written, and what is nothing without it is not read again.
    kept = (_CONTROLS.sub("", each.address).strip() for each in found.outlines)
    assert sorted(each.address for each in written.outlines) == sorted(filter(None, kept))


def read_reply(data: bytes) -> None:
    """Any reply of the API is an index, a status or neither; a failure keeps no token of it."""
    index = read_index(data, URL)
    if isinstance(index, ParseFailed):
        assert_told_shortly(index)
    else:
        assert index
        assert len({feed.name for feed in index}) == len(index)
        assert all(feed.name and feed.address for feed in index)
    user = read_user_id(data)
    assert user is None or user
    status = read_status(data)
    assert status is None or isinstance(status.message, str)
    for number in (400, 401, 403, 500):
        for tokenized in (False, True):
            failed = FetchFailed(Reason.CLIENT_ERROR, "", number, body=data)
            refined = classify_failure(failed, tokenized=tokenized, now=NOW)
            assert len(refined.detail) <= 200
            assert refined.detail.isprintable()
            assert SECRET not in refined.detail
            assert refined.retry_after is None or refined.retry_after > timedelta(0)


def read_catalog(data: bytes) -> None:
    """Any bytes are titles or no index, and what was read can be written, found and shown."""
    titles: list[IndexedTitle] = []
    refused = ""
    try:
        titles.extend(read_title_index(data[at : at + 99] for at in range(0, len(data), 99)))
    except UnreadableIndex as error:
        refused = str(error)
    assert refused.isprintable()
    assert len(refused) <= 200
    for title in titles:
        assert title.ref
        assert title.name
        assert all(len(text) <= 2000 for text in (title.ref, title.name, *title.people, *title.genres))
    if not titles:
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "catalog.db"
        assert 1 <= write_catalog(place, titles, CatalogOrigin("", "", Validators(), NOW)) <= len(titles)
        with closing(Catalog.open(place)) as catalog:
            found = catalog.find(titles[0].ref)
            assert found == titles[0]


# ── what a person writes ──────────────────────────────────────────────────────────────────────────


def read_configuration(data: bytes) -> None:
    """A configuration of any bytes is read, or refused with a place for each problem and no secret told."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.touch(mode=0o600)
        file.write_bytes(data)
        try:
            config = load_config(file, environ={"HOME": folder})
        except ConfigError as error:
            problems = error.problems
        else:
            assert SECRET not in repr(config)
            return
    assert problems
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message
        assert SECRET not in problem.message, problem.message


# ── addresses and headers ─────────────────────────────────────────────────────────────────────────


def follow_address(data: bytes) -> None:
    """Any Location is refused or followed, and nothing of ours goes to another host."""
    text = data.decode("utf-8", "surrogateescape")
    first, _, location = text.partition("\n")
    for url in (first, location):
        origin = origin_of(url)
        assert origin is None or (origin.scheme in ("http", "https") and origin.host)
        host = host_named_by(url)
        assert host is None or host
    home = f"https://jane:{SECRET}@home.example/feed?feed_token={SECRET}"
    exchange = Exchange(
        home, _home(home), Validators(f'"{SECRET}"', None), lambda _: {"Authorization": SECRET}
    )
    for hop in (first, location, *(["/next"] * MOST_REDIRECTS)):
        if exchange.redirect(302, hop) is not None:
            break
        _assert_nothing_told(exchange)
    assert len(exchange._seen) <= MOST_REDIRECTS + 1


def _home(url: str) -> Origin:
    origin = origin_of(url)
    assert origin is not None
    return origin


def _assert_nothing_told(exchange: Exchange) -> None:
    try:
        request = exchange.make_request(httpx.Headers({"User-Agent": "x"}))
        basic_auth(exchange.url)
        wire = wire_url(exchange.url)
    except UnicodeError:  # documented: a host that cannot be one
        return
    assert not any(character.isspace() or character < " " for character in wire), wire
    if exchange.origin.host == "home.example" and exchange.origin.scheme == "https":
        return
    sent = wire + "".join(f"{name}{value}" for name, value in request.headers.items())
    assert SECRET not in sent, sent
    assert (urlsplit(wire).hostname or "") != "home.example" or exchange.origin.host == "home.example"


def read_headers(data: bytes) -> None:
    """What headers say is a length of time, a validator as it came, a charset, or nothing."""
    values = (data.split(b"\n") + [b""] * 4)[:4]
    raw = list(zip((b"retry-after", b"cache-control", b"etag", b"last-modified"), values, strict=True))
    head = read_head(httpx.Response(200, headers=raw))
    for length in (read_retry_after(head, NOW), read_max_age(head)):
        assert length is None or timedelta(0) <= length <= timedelta(days=1000)
    validators = read_validators(head)
    assert validators.etag is None or validators.etag.encode() == values[2]
    settled = settle_charset(b"<rss/>", values[0].decode("latin-1"))
    if not isinstance(settled, ParseFailed) and settled.charset:
        b"<rss/>".decode(settled.charset)


# ── messages ──────────────────────────────────────────────────────────────────────────────────────

STYLES = (
    Style(limit=2000, title_limit=250, mentions="@ < ](", escape="\\*_~`|[]<>#", title_escape="\\*_~`|[]<>#"),
    Style(markup=Markup.HTML, limit=4096, twin=True),
    Style(markup=Markup.MARKDOWN, limit=2000, mentions="@ < ]("),
    Style(markup=Markup.JSON, limit=10**6),
    Style(limit=160),
)


def write_message(data: bytes) -> None:
    """Texts from anywhere become messages that fit, show no control character and call nobody."""
    texts = [
        part.decode("utf-8", "surrogatepass" if data[:1] < b"\x80" else "replace") for part in _parts(data)
    ]
    for text in texts:
        line = clean(text)
        assert clean(line) == line
        assert not any(character < " " or character == "\x7f" for character in line)
        shorter = shorten(line, 20)
        assert measure(shorter) <= 20
        shorter.encode()
        assert "<" not in escape_html(line)
        escape_markup(line, "\\*_~`|[]<>#")
        page = page_of(text)
        assert page is None or not any(character.isspace() or character in "<>\"'" for character in page)
    title, link, rating = ([*texts, "", "", ""])[:3]
    owed = [
        OwedDelivery(number, "phone/1", subject)
        for number, subject in enumerate(_subjects(title, link, rating))
    ]
    for style in STYLES:
        message = compose_message(owed, style)
        assert 1 <= len(message.deliveries) <= len(owed)
        assert measure(message.body) <= style.limit
        assert measure(message.twin) <= style.limit
        (message.title + message.body + message.twin).encode()


def _parts(data: bytes) -> list[bytes]:
    parts = []
    for part in data.split(b"\n")[:4]:
        try:
            part.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            parts.append(part.decode("latin-1").encode())
        else:
            parts.append(part)
    return parts


def _subjects(title: str, link: str, fact: str) -> list[RecordedChange | Notice]:
    def change(number: int, kind: ChangeKind, feed_kind: Kind = Kind.QUEUE) -> RecordedChange:
        return RecordedChange(
            id=number,
            at=NOW,
            account="jane",
            feed=feed_kind.value,
            feed_kind=feed_kind,
            kind=kind,
            key=f"k@{NOW.isoformat()}" if feed_kind is Kind.HISTORY else "k",
            title=title,
            link=link,
            position=1,
            previous_position=2,
            facts={"availability": FactChange(fact, title)} if kind is ChangeKind.UPDATED else {},
            entry_facts={"rating": fact, "watched_at": fact, "predicted_rating": fact},
        )

    notice = Notice(NoticeKind.WATCHING, NOW, feeds=(NoticeLine("jane/queue", 220),))
    # What was removed from the queue was watched and rated: one story.
    seen = (change(8, ChangeKind.ADDED, Kind.HISTORY), change(9, ChangeKind.ADDED, Kind.RATINGS))
    return [*(change(number, kind) for number, kind in enumerate(ChangeKind)), *seen, notice]


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        *(read_feed, read_subscriptions, read_reply, read_catalog, read_configuration),
        *(follow_address, read_headers, write_message),
    )
}
