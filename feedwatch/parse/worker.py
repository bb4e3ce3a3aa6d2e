"""The worker process: feedparser's only importer. It reads documents from its standard input.

Started by `feedwatch.parse.foreign`; it ends with its input, so it never outlives the daemon.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from feedwatch.parse.frames import HEADER, LENGTH

MEMORY = 768 * 1024 * 1024

_DATES = {"published": "published", "updated": "updated", "created": "published"}


def main() -> None:
    """Answer questions until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's business
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Read each document asked for and write what it says."""
    import feedparser  # noqa: PLC0415 — after the limits are set

    # What HTML a title has is made text by ours, in one place for all forms.
    feedparser.api.SANITIZE_HTML = 0
    while len(head := questions.read(HEADER.size)) == HEADER.size:
        about_length, body_length = HEADER.unpack(head)
        about = json.loads(questions.read(about_length))
        body = questions.read(body_length)
        answer = json.dumps(read_document(feedparser, body, about)).encode()
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def read_document(feedparser: Any, body: bytes, about: dict[str, str]) -> dict[str, object]:
    """Read one document with feedparser; only plain values leave this process."""
    headers = {"content-location": about["url"], "content-type": about["content_type"]}
    headers = {name: value for name, value in headers.items() if value}
    found = feedparser.parse(body, response_headers=headers, sanitize_html=False, resolve_relative_uris=True)
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
    yield "id", entry.get("id")
    yield "title", entry.get("title")
    detail = entry.get("title_detail") or {}
    yield "title_is_html", "html" in str(detail.get("type", "html"))
    yield "link", entry.get("link")
    for name, ours in _DATES.items():
        if entry.get(name):
            yield ours, entry[name]
    content = [part.get("value") or "" for part in entry.get("content", [])]
    yield "content", [*content, entry.get("summary") or ""]
    for key, value in entry.items():
        if isinstance(value, str) and len(value) < 200 and key.count("_") and not key.startswith("summary"):
            yield f"x:{key}", value


if __name__ == "__main__":
    main()
