"""One document read twice: by our own readers, and by feedparser as the worker would have it read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from lxml import etree

from feedwatch.core.content import content_of
from feedwatch.core.kinds import rules_of
from feedwatch.core.model import Kind, Page, ParseFailed, RawEntry
from feedwatch.core.snapshot import build_snapshot
from feedwatch.parse import NeedsFeedparser, _prepare_foreign, read_direct
from feedwatch.parse.charset import settle_charset
from feedwatch.parse.guard import parse_strictly, refuse_page, refuse_tree, refuse_unread
from feedwatch.parse.links import base_of
from feedwatch.parse.said import add_seen, make_page
from feedwatch.parse.worker import answer_question, import_feedparser

URL = "http://feeds.example.org/in/feed"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@cache
def _feedparser() -> Any:
    return import_feedparser()


def read_ourselves(body: bytes, content_type: str | None = None) -> Page | ParseFailed | None:
    """Read a document in this process; None if that is declined."""
    read = read_direct(body, kind=Kind.STREAM, url=URL, content_type=content_type)
    if isinstance(read, NeedsFeedparser):
        return None
    return (refuse_page(read) or _with_digests(read)) if isinstance(read, Page) else read


def read_with_feedparser(body: bytes, content_type: str | None = None) -> Page | ParseFailed | None:
    """Read a well-formed document as the worker would; None if it would never come to that."""
    settled = settle_charset(body.lstrip(), content_type)
    if isinstance(settled, ParseFailed) or refuse_unread(settled.body):
        return None
    try:
        root = parse_strictly(settled.body, settled.charset)
    except etree.XMLSyntaxError:
        return None
    prepared = refuse_tree(root) or _prepare_foreign(root, base_of(URL))
    if isinstance(prepared, ParseFailed):
        return prepared
    answer = answer_question(_feedparser(), prepared.body, {"charset": prepared.charset})
    page = make_page(answer, base_of(URL))
    if isinstance(page, ParseFailed):
        return page
    return refuse_page(page) or add_seen(page, prepared.seen)


def _with_digests(page: Page) -> Page:
    """The same page with a digest in place of texts, as another process would give it."""
    return replace(page, entries=tuple(map(_with_digest, page.entries)))


def _with_digest(entry: RawEntry) -> RawEntry:
    digest = content_of(entry)
    facts = {**entry.facts, "content": digest} if digest else entry.facts
    return replace(entry, facts=facts, texts=())


def expect_the_same(body: bytes, content_type: str | None = None) -> bool:
    """Both ways of reading come to the same, or ours declines; whether it did not."""
    ours = read_ourselves(body, content_type)
    if ours is None:
        return False
    theirs = read_with_feedparser(body, content_type)
    if theirs is None:
        assert isinstance(ours, ParseFailed), body
        return False
    assert ours == theirs, body
    if isinstance(ours, ParseFailed) or isinstance(theirs, ParseFailed):
        return False
    expect_same_keys(ours, theirs)
    return True


def expect_same_keys(ours: Page, theirs: Page) -> None:
    """What an entry is known by does not depend on who read it."""
    for kind in (Kind.STREAM, Kind.QUEUE, Kind.HISTORY):
        assert keys_of(ours, kind) == keys_of(theirs, kind)


def keys_of(page: Page, kind: Kind) -> list[str]:
    made = build_snapshot(page.entries, rules_of(kind), whole=True, requested_at=NOW)
    return [entry.key for entry in made.entries]
