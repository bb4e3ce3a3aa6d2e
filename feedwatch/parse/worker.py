"""The worker process: feedparser's only importer. It reads documents from its standard input.

Started by `feedwatch.parse.foreign`; it ends with its input, so it never outlives the daemon.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from feedwatch.core.content import digest_content
from feedwatch.parse.budget import memory_for, seconds_for
from feedwatch.parse.frames import HEADER, LENGTH
from feedwatch.parse.said import begin_of, pick_facts

MEMORY = 768 * 1024 * 1024
"""The most that a document of any size may bring it to."""

_PAGE = resource.getpagesize()


def main() -> None:
    """Answer questions until there are no more."""
    # When to end is the daemon's business, whoever sends a signal to all of its processes.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)


def import_feedparser() -> Any:
    """Give feedparser as it is used here: with a SAX parser of ours."""
    import feedparser  # noqa: PLC0415 — it takes a while, and is wanted in this process alone
    import feedparser.api  # noqa: PLC0415

    feedparser.api.PREFERRED_XML_PARSERS = ["feedwatch.parse.sax"]
    return feedparser


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Read each document asked for and write what it says."""
    feedparser = import_feedparser()
    while len(head := questions.read(HEADER.size)) == HEADER.size:
        about_length, body_length = HEADER.unpack(head)
        about = json.loads(questions.read(about_length))
        body = questions.read(body_length)
        with _limited(body, broken=about["broken"]):
            answer = json.dumps(answer_question(feedparser, body, about)).encode()
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


@contextmanager
def _limited(body: bytes, *, broken: bool) -> Iterator[None]:
    """Allow a document what one of its size may cost. Who takes more time ends this process, by signal.

    The system keeps the time: a regular expression that goes astray never comes back to ask for it.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, (min(hard, _address_space() + memory_for(body)), hard))
    signal.setitimer(signal.ITIMER_PROF, seconds_for(body, broken=broken))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * _PAGE


def answer_question(feedparser: Any, body: bytes, about: Mapping[str, str | None]) -> dict[str, object]:
    """Read one document, or say what feedparser tripped over."""
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
    # What links within a text lead to is nobody's business here, and HTML is what it reads slowest.
    found = feedparser.parse(
        body,
        response_headers={"content-type": content_type},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
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
    if texts := [text for text in texts if text]:
        yield "content", digest_content(texts)
        yield "excerpt", begin_of(texts, said.get("title"))
    yield from pick_facts(said).items()


if __name__ == "__main__":
    main()
