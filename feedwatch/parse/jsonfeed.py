"""JSON Feed 1.0 and 1.1 (jsonfeed.org) → a page; other JSON is no feed."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterator
from typing import cast

from feedwatch.core.model import Form, Page, ParseFailed, RawEntry, Reason
from feedwatch.parse.dates import parse_instant
from feedwatch.parse.details import Place, Sight, origin_of_document
from feedwatch.parse.facts import clean_reference, clean_title, make_excerpt
from feedwatch.parse.guard import MOST_ENTRIES, TOO_MANY_ENTRIES
from feedwatch.parse.links import resolve_link

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
        return TOO_MANY_ENTRIES
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
    sight = _look_at(item, base)
    categories = sight.categories
    return RawEntry(
        id=clean_reference(_text(item, "id")),
        title=title,
        link=resolve_link(base, clean_reference(_text(item, "url") or _text(item, "external_url"))),
        published_at=parse_instant(_text(item, "date_published")),
        updated_at=parse_instant(_text(item, "date_modified")),
        facts={"category": categories} if categories else {},
        details=sight.finish(origin_of_document(base)),
        texts=tuple(texts),
    )


def _look_at(item: JsonObject, base: str) -> Sight:
    sight = Sight(base)
    for name in ("image", "banner_image"):
        sight.add_picture(Place.MEDIA, _word(item, name))
    for attachment in _objects(item, "attachments"):
        sight.add_picture(Place.ENCLOSURE, _word(attachment, "url"), _word(attachment, "mime_type"))
    tags = item.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        sight.add_category(tag if isinstance(tag, str) else None)
    # Plain text comes first: it needs no tags taken out, and may hold what looks like one.
    for name in ("summary", "content_html", "content_text"):
        if text := _text(item, name):
            sight.see_text(name, html.escape(text, quote=False) if name != "content_html" else text)
    return sight


def _word(item: JsonObject, name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) else None


def _objects(item: JsonObject, name: str) -> Iterator[JsonObject]:
    found = item.get(name)
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            yield cast("JsonObject", each)


def _excerpt(item: JsonObject) -> str:
    plain = make_excerpt(_text(item, "summary") or _text(item, "content_text"), is_html=False)
    return plain or make_excerpt(_text(item, "content_html"))


def _text(item: JsonObject, name: str) -> str | None:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None
