"""JSON Feed 1.0 and 1.1 (jsonfeed.org) → a page; other JSON is no feed."""

from __future__ import annotations

import json
import math
from typing import cast

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.facts import clean_reference, clean_title, make_excerpt
from feedwatch.parse.guard import MOST_ENTRIES
from feedwatch.parse.links import resolve_link
from feedwatch.parse.tree import digest_content

JsonObject = dict[str, object]
_MOST_OBJECTS = 250_000
_MOST_VALUES = 500_000
"""As many as would fit are a hundred times as large once they are read."""


def read_json(body: bytes, url: str) -> Page | ParseFailed:
    """Read a JSON document."""
    if body.count(b"{") + body.count(b"[") > _MOST_OBJECTS or body.count(b",") > _MOST_VALUES:
        return ParseFailed(Reason.HOSTILE, "too many values")
    try:
        document: object = json.loads(
            body.decode("utf-8-sig"), parse_constant=_refuse_number, parse_float=_read_float
        )
    except (ValueError, RecursionError):
        return ParseFailed(Reason.MALFORMED, "no well-formed JSON")
    return _read_feed(document, url)


def _read_feed(document: object, url: str) -> Page | ParseFailed:
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


def _read_float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> float:
    """What is no number in JSON, or none that anybody can keep."""
    raise ValueError(text[:20])


def _read_item(item: JsonObject, base: str) -> RawEntry:
    texts = [text for name in ("content_html", "content_text", "summary") if (text := _text(item, name))]
    title = clean_title(_text(item, "title")) or _excerpt(item)
    return RawEntry(
        id=clean_reference(_text(item, "id")),
        title=title,
        link=resolve_link(base, clean_reference(_text(item, "url") or _text(item, "external_url"))),
        published_at=parse_instant(_text(item, "date_published")),
        updated_at=parse_instant(_text(item, "date_modified")),
        facts={"content": digest_content(texts)} if texts else {},
    )


def _excerpt(item: JsonObject) -> str:
    plain = make_excerpt(_text(item, "summary") or _text(item, "content_text"), is_html=False)
    return plain or make_excerpt(_text(item, "content_html"))


def _text(item: JsonObject, name: str) -> str | None:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None
