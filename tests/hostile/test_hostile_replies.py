"""Hostile subscriptions and replies of the API: each is refused, quickly and in little memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from documents import ENTITIES, MB, Made, Served, nested, noise, numbered
from victim import memory_of, reset_peak

from feedwatch.core.model import ParseFailed
from feedwatch.netflix.index import read_index, read_user_id
from feedwatch.netflix.status import read_status
from feedwatch.opml import read_opml

OPML = b"<opml><body>%s</body></opml>"
REPLIES: dict[str, Callable[[], Made]] = {
    **ENTITIES,
    "a million attributes": lambda: OPML % ((b"<outline" + numbered(b' a#="1"', 250) + b"/>") * 1500),
    "400,000 outlines": lambda: OPML % (b"<outline/>" * 400_000),
    "30,000 subscriptions": lambda: OPML % (b'<outline xmlUrl="u"/>' * 30_000),
    "200 levels of outlines": lambda: OPML % nested(b"<outline>", b"</outline>", 200),
    "100,000 levels of outlines": lambda: OPML % nested(b"<outline>", b"</outline>", 100_000),
    "an outline that is never closed": lambda: OPML % (b"<outline>" * 100_000),
    "ampersands": lambda: OPML % (b'<outline text="' + b"&" * MB),
    "ampersands that are mended": lambda: OPML % (b'<outline text="' + b"&&#1234567" * 100_000 + b'">'),
    "an index of a million lists": lambda: b'{"status": [' + b"[]," * MB + b"[]]}",
    "an index of numbers": lambda: b'{"status": {"status_code": ' + b"9" * MB + b"}}",
    "an index of levels": lambda: b'{"status":' * 9000,
    "a status of a megabyte": lambda: b"<status><message>" + b"x" * MB + b"</message></status>",
    "noise": lambda: noise(MB),
    "an HTML page": lambda: b"<!-- x -->" * 400 + b"<html>" + b"<p>" * MB,
    "comments before nothing": lambda: b"<!-- x" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("name", REPLIES)
def test_hostile_reply_is_refused(name: str) -> None:
    """As subscriptions, as an index, as a user and as a status, in two seconds and 100 MB altogether."""
    made = REPLIES[name]()
    body = made.body if isinstance(made, Served) else made
    before = reset_peak(os.getpid())
    begun = time.process_time()
    assert isinstance(read_opml(body), ParseFailed)
    assert isinstance(read_index(body, "http://h.example/"), ParseFailed)
    assert read_user_id(body) is None
    assert read_status(body) is None
    assert time.process_time() - begun < 2
    assert memory_of(os.getpid())[1] - before < 100 * 1024
