"""JSON Feed 1.0 and 1.1 (jsonfeed.org) → a page; other JSON is no feed."""

from __future__ import annotations

import json
from typing import cast
from urllib.parse import urljoin

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.facts import clean_title
from feedwatch.parse.guard import MOST_ENTRIES
from feedwatch.parse.tree import digest_content

JsonObject = dict[str, object]


def read_json(body: bytes, url: str) -> Page | ParseFailed:
    """Read a JSON document."""
    try:
        document: object = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ParseFailed(Reason.MALFORMED, "no well-formed JSON")
    if not isinstance(document, dict):
        return ParseFailed(Reason.NOT_A_FEED, "JSON, but no JSON Feed")
    feed = cast("JsonObject", document)
    if not str(feed.get("version", "")).startswith(("https://jsonfeed.org/", "http://jsonfeed.org/")):
        status = feed.get("status")
        error = isinstance(status, dict) or "status_message" in feed
        return ParseFailed(Reason.ERROR_DOCUMENT if error else Reason.NOT_A_FEED, "JSON, but no JSON Feed")
    items = feed.get("items")
    if not isinstance(items, list):
        return ParseFailed(Reason.MALFORMED, "a JSON Feed without items")
    if len(items) > MOST_ENTRIES:
        return ParseFailed(Reason.HOSTILE, "too many entries")
    entries = [_read_item(cast("JsonObject", item), url) for item in items if isinstance(item, dict)]
    return Page(form=Form.JSON, entries=tuple(entries))


def _read_item(item: JsonObject, base: str) -> RawEntry:
    texts = [text for name in ("content_html", "content_text", "summary") if (text := _text(item, name))]
    link = _text(item, "url") or _text(item, "external_url")
    title = clean_title(_text(item, "title")) or clean_title(
        _text(item, "summary") or _text(item, "content_text")
    )
    return RawEntry(
        id=_text(item, "id"),
        title=title[:200],
        link=urljoin(base, link) if link else None,
        published_at=parse_instant(_text(item, "date_published")),
        updated_at=parse_instant(_text(item, "date_modified")),
        facts={"content": digest_content(texts)} if texts else {},
    )


def _text(item: JsonObject, name: str) -> str | None:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None
