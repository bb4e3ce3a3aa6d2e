"""RSS is read the same by our own reader and by feedparser, to the letter, or our own declines.

A key that came out differently would make every post of somebody's feed a new one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_feeds import DECLARED, FEEDS, mutated, rss
from feedparser.html import _cp1252
from feedparser.sanitizer import _HTMLSanitizer
from hypothesis import HealthCheck, given, settings
from two_readers import expect_the_same

from feedwatch.parse.mending import HTML_TAGS, WINDOWS

REAL = sorted(path for path in FEEDS.iterdir() if b"<rss" in path.read_bytes() and "broken" not in path.name)
UNDECLARED = "rss-2.0-no-declaration-windows-1252.xml"
thoroughly = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@given(rss())
@thoroughly
def test_any_rss_is_read_as_feedparser_reads_it(body: bytes) -> None:
    """Elements in any number and order, with any attributes, in any dialect, with text of every kind."""
    expect_the_same(body)


@given(mutated([path.read_bytes() for path in REAL if path.name != UNDECLARED], twice=True))
@thoroughly
def test_rss_that_has_changed_is_read_as_feedparser_reads_it(body: bytes) -> None:
    """Real feeds with elements lost, doubled, moved, renamed, and filled with something else."""
    expect_the_same(body)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_rss_is_read_without_feedparser(path: Path) -> None:
    """The feeds that people have are those that are quick to read."""
    assert expect_the_same(path.read_bytes(), "text/xml; charset=windows-1252")


POST = (
    "<title>A &amp;amp; B</title><link>https://blog.example/1</link><comments>https://blog.example/1#c"
    "</comments><dc:creator><![CDATA[Jane]]></dc:creator><pubDate>Sat, 31 Oct 2026 12:00:00 +0000</pubDate>"
    "<category><![CDATA[Film]]></category><guid isPermaLink='false'>https://blog.example/?p=1</guid>"
    "<description><![CDATA[<p>Short</p>]]></description><content:encoded><![CDATA[<p>Long</p>]]>"
    "</content:encoded><wfw:rss xmlns:wfw='http://wellformedweb.org/CommentAPI/'>https://blog.example/1/f</wfw:rss>"
)
EPISODE = (
    "<title>One</title><itunes:title>One</itunes:title><description>Short</description><guid>e1</guid>"
    "<itunes:summary>Longer</itunes:summary><itunes:image href='https://i.example/1.jpg'/><itunes:explicit>"
    "no</itunes:explicit><enclosure url='https://h.example/1.mp3' length='1' type='audio/mpeg'/>"
    "<pubDate>Sat, 31 Oct 2026 12:00:00 GMT</pubDate><itunes:duration>60</itunes:duration>"
)
VIDEO = (
    "<guid isPermaLink='true'>https://v.example/</guid><media:group><media:title type='plain'>T</media:title>"
    "<media:description type='html'>d</media:description><media:thumbnail url='https://i.example/1.png'/>"
    "</media:group><dc:date>2026-10-31T12:00:00Z</dc:date><atom:link href='https://v.example/1'/>"
)


@pytest.mark.parametrize("item", [POST, EPISODE, VIDEO], ids=["post", "episode", "video"])
def test_usual_item_is_read_without_feedparser(item: str) -> None:
    """What the programs write that most feeds are written by."""
    head = "<title>t</title><atom:link href='https://h.example/' rel='self'/><ttl>60</ttl>"
    head += "<sy:updatePeriod>hourly</sy:updatePeriod>"
    body = f"<rss version='2.0' {DECLARED}><channel>{head}<item>{item}</item></channel></rss>"
    assert expect_the_same(body.encode())


def test_tags_that_are_taken_for_html_are_so_by_feedparser() -> None:
    """A title with other tags is declined: feedparser's list may be longer than ours, and never shorter."""
    assert _HTMLSanitizer.acceptable_elements >= HTML_TAGS


def test_characters_of_windows_are_those_of_feedparser() -> None:
    """What feedparser mends, we mend."""
    assert _cp1252 == WINDOWS
