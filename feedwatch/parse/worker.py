"""The worker process: feedparser's only importer. It reads documents from its standard input.

Started by `feedwatch.parse.foreign`; it ends with its input, so it never outlives the daemon.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, cast

from feedwatch.parse.facts import make_excerpt
from feedwatch.parse.frames import HEADER, LENGTH
from feedwatch.parse.tree import digest_content

MEMORY = 768 * 1024 * 1024
"""A document of the largest size that is read by default takes half of it."""

_FACTS = {
    "watched": ("watcheddate", "watched_date", "user_read_at"),
    "rating": ("memberrating", "user_rating"),
    "year": ("filmyear", "release_year", "book_published"),
    "name": ("filmtitle",),
}
"""Elements of diaries and bookshelves, in whatever namespace, under our own names."""
_LONGEST_FACT = 200


def main() -> None:
    """Answer questions until there are no more."""
    # When to end is the daemon's business, whoever sends a signal to all of its processes.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Read each document asked for and write what it says."""
    import feedparser  # noqa: PLC0415 — after the limits are set

    while len(head := questions.read(HEADER.size)) == HEADER.size:
        about_length, body_length = HEADER.unpack(head)
        about = json.loads(questions.read(about_length))
        body = questions.read(body_length)
        answer = json.dumps(_answer(feedparser, body, about)).encode()
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _answer(feedparser: Any, body: bytes, about: Mapping[str, str | None]) -> dict[str, object]:
    try:
        return read_document(feedparser, body, about)
    except MemoryError:
        raise  # this process is not what it was: a fresh one reads the next document
    except Exception as error:  # noqa: BLE001 — feedparser meets many that it does not expect
        return {"problem": type(error).__name__, "entries": []}


def read_document(feedparser: Any, body: bytes, about: Mapping[str, str | None]) -> dict[str, object]:
    """Read one document with feedparser; only plain values leave this process."""
    # What the server calls it is judged before; told `text/html`, feedparser would take it at its word.
    charset = about["charset"]
    content_type = f"application/xml; charset={charset}" if charset else "application/xml"
    # Without a base of its own feedparser leaves relative ids as they are: a feed that moves keeps them.
    found = feedparser.parse(body, response_headers={"content-type": content_type}, sanitize_html=False)
    feed = found.get("feed", {})
    return {
        "version": found.get("version", ""),
        "ttl": feed.get("ttl"),
        "period": feed.get("sy_updateperiod"),
        "frequency": feed.get("sy_updatefrequency"),
        "complete": "fh_complete" in feed or feed.get("cf_treatas") == "list",
        "entries": [dict(_read_entry(entry)) for entry in found.get("entries", [])],
    }


def _read_entry(entry: Any) -> Iterator[tuple[str, object]]:
    said = cast("dict[str, Any]", dict(entry))  # its own `get` takes one date for another
    yield "id", said.get("id")
    yield "title", said.get("title")
    yield "title_is_html", "html" in str((said.get("title_detail") or {}).get("type", "html"))
    yield "link", said.get("link")
    yield "published", said.get("published") or said.get("created")
    yield "updated", said.get("updated")
    texts = [part.get("value") or "" for part in said.get("content", ())] + [said.get("summary") or ""]
    texts = [text for text in texts if text]
    if texts:
        yield "content", digest_content(texts)
        if not said.get("title"):
            yield "excerpt", make_excerpt(texts[-1])
    for fact, names in _FACTS.items():
        yield fact, next((text for key, text in said.items() if _is_fact(key, text, names)), None)


def _is_fact(key: str, text: object, names: tuple[str, ...]) -> bool:
    if not isinstance(text, str) or len(text) > _LONGEST_FACT:
        return False
    return key in names or key.endswith(tuple(f"_{name}" for name in names))


if __name__ == "__main__":
    main()
