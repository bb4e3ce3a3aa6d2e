"""The fuzz targets, driven by Hypothesis: quickly and always alike here, for longer with `-m long`.

What is drawn is a real document with faults in it: tags swapped, doubled and taken out, pieces of another
document, bytes turned, the end cut off. Random bytes alone would not get beyond the first look at them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz_targets import SECRET, TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from indexes import make_index

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
DOCUMENTS = [
    path.read_bytes() for path in sorted(FEEDS.iterdir()) if not path.name.endswith(".expected.json")
]
_OUTLINES = b"""<opml version="2.0"><body><outline text="Films">
<outline text="A &amp; B" xmlUrl="http://h.example/a?b=1&c=2" htmlUrl="http://h.example/"
 type="rss"/></outline>
<outline type="include" url="x.opml"/></body></opml>"""
_INDEX = b"""<resource>
<link href="http://h.example/users/T1u/queues/instant?feed_token=T1abc" title="Queue"
 rel="http://schemas.h.example/feed.queues.instant"/>
<link href="/users/T1u" rel="http://schemas.h.example/user.current"/></resource>"""
_INDEX_AS_OPML = b"""<opml><body>
<outline text="Queue" xmlUrl="http://h.example/users/T1u/ratings?feed_token=T1abc"/></body></opml>"""
_STATUS = b"""<status><status_code>403</status_code><sub_code>1</sub_code>
<message>Over queries per second limit for feed_token=%b</message></status>"""
_STATUS_AS_JSON = b"""{"status": {"status_code": "401", "sub_code": 2, "message": "Invalid feed token %b"}}"""
SUBSCRIPTIONS = [(FEEDS / "recipe-subscriptions.opml").read_bytes(), _OUTLINES]
CATALOGS = [make_index(3, dialect) for dialect in ("reference", "wild", "full")]
REPLIES = [_INDEX, _INDEX_AS_OPML, *(each % SECRET.encode() for each in (_STATUS, _STATUS_AS_JSON))]
CONFIG = b"""\
state: feedwatch.db
poll: {every: 15m, timeout: 30s, max_body: 10MiB}
accounts:
  jane:
    service: netflix
    url: https://api.example.net
    consumer_key: key-of-the-app
    consumer_secret: %(secret)b
    access_token: %(secret)b
    access_token_secret: ${NAMED}
    user_id: T1u
  news:
    service: feeds
    feeds:
      lwn: https://reader:%(secret)b@lwn.example/headlines?token=%(secret)b
      releases: {url: https://example.org/releases.atom, every: 1h, kind: stream}
targets:
  phone: ntfys://%(secret)b@ntfy.example/topic
  mail: [{url: "mailtos://jane:%(secret)b@example.org"}]
routes:
  - {to: phone, feeds: [queue, jane/ratings], changes: [added, removed]}
notices: [phone]
retry: {first: 30s, most: 1h, give_up: 5d}
keep: 90d
""" % {b"secret": SECRET.encode()}
PIECES = [
    b"<item>", b"</item>", b"<entry>", b"</entry>", b"<title>", b"<!DOCTYPE x [", b"]>", b"<![CDATA[",
    b"]]>", b"<!--", b"-->", b"&", b"&amp;", b"&#0;", b"&#xD800;", b"&nbsp;", b'="', b"'", b"\0",
    b"\xff\xfe", b"\xef\xbb\xbf", b"<?xml", b' xmlns:a="u"', b' xml:base="//["', b"encoding='utf-7'",
    b"1e999", b"\\ud800", b"{", b"[", b"\r\n", b"\xc2\x85", b"9999999999999", b"-1", b"0000-00-00T00:00:00Z",
    b"Mon, 99 Foo 99999 99:99", b"!!python/object:x", b"*a", b"&a", b"<<: ", b"${X}", b"!file /x", b"%2e",
    b"://", b"@", b"\t", b"http://[::1", b"\xe2\x80\xae",
]  # fmt: skip
_TOKEN = re.compile(rb"<[^<>]*>|[^<>]+|[<>]")
_LINE = re.compile(rb"[^\n]*\n?")


@st.composite
def broken(draw: st.DrawFn, documents: list[bytes], split: re.Pattern[bytes]) -> bytes:
    """A real document with some faults."""
    tokens = split.findall(draw(st.sampled_from(documents)))
    other = split.findall(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(tokens)))
        match draw(st.integers(0, 6)):
            case 0:
                tokens[at : at + 1] = []
            case 1:
                tokens[at : at + 1] = tokens[at : at + 2][::-1]
            case 2:
                tokens[at:at] = tokens[at : at + 3] * 2
            case 3:
                tokens[at:at] = draw(st.lists(st.sampled_from(PIECES), max_size=3))
            case 4:
                tokens[at:at] = other[at : at + 8]
            case 5:
                tokens[at : at + 1] = [_turn(draw, token) for token in tokens[at : at + 1]]
            case _:
                tokens = tokens[:at]
    return b"".join(tokens)


def _turn(draw: st.DrawFn, token: bytes) -> bytes:
    """Other bytes in the middle, but in what is secret: another secret would be none."""
    if SECRET.encode() in token or not token:
        return token
    at = draw(st.integers(0, len(token) - 1))
    return token[:at] + draw(st.sampled_from(PIECES) | st.binary(max_size=4)) + token[at + 1 :]


HOSTS = [
    "home.example",
    "other.example",
    "[::1]",
    "[",
    "hömé.example",
    "home.example:99999",
    "home.example@other.example",
    "",
]
ADDRESSES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(
        ["http://", "https://", "//", "/", "", "javascript:", "HTTPS:\\\\", "ftp://", "?", "#", "\t"]
    ),
    st.sampled_from(HOSTS),
    st.sampled_from(
        ["", "/", "/x y", f"?a={SECRET}", f"/%73{SECRET[1:]}", "/\r\nX: y", "/\u2028", ":0", "/..//"]
    ),
    st.text(max_size=6),
)
SECONDS = st.integers(-9, 10**40).map(str) | st.sampled_from(
    ["max-age=", "Wed, 99 Oct", "Sun, 06 Nov 1994 08:49:37 GMT"]
)
HEADERS = st.lists(
    st.lists(
        SECONDS
        | st.sampled_from(["max-age=9", ",", '"', "charset=", "utf-8", "utf-7", "hex"])
        | st.text(max_size=5)
    ).map("".join),
    max_size=5,
).map("\n".join)
TRICKS = st.sampled_from(
    [
        "@everyone",
        "<!channel>",
        "\u202e",
        "feed_token=x",
        "\ud83d",
        "e\u0301",
        "👩‍👩‍👧",
        "🇩🇪",
        "](",
        "x" * 3000,
    ]
)
TEXTS = st.lists(st.lists(TRICKS | st.text(max_size=8), max_size=6).map("".join), max_size=4).map("\n".join)

DRAWN: dict[str, st.SearchStrategy[bytes]] = {
    "read_feed": broken(DOCUMENTS, _TOKEN),
    "read_subscriptions": broken(SUBSCRIPTIONS, _TOKEN),
    "read_reply": broken([*REPLIES, *SUBSCRIPTIONS], _TOKEN),
    "read_catalog": broken(CATALOGS, _TOKEN),
    "read_configuration": broken([CONFIG], _LINE) | broken([EXAMPLE.read_bytes()], _LINE),
    "follow_address": st.builds("{}\n{}".format, ADDRESSES, ADDRESSES).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    ),
    "read_headers": HEADERS.map(lambda text: text.encode("utf-8", "replace")),
    "write_message": TEXTS.map(lambda text: b"\n" + text.encode("utf-8", "surrogatepass")),
}
QUICK, LONG = 200, 20_000
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def drive(
    target: Callable[[bytes], None], drawn: st.SearchStrategy[bytes], *, times: int, alike: bool
) -> None:
    @settings(
        max_examples=times, derandomize=alike, database=None, deadline=None, suppress_health_check=CHECKS
    )
    @given(drawn)
    def run(data: bytes) -> None:
        target(data)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_break_a_promise(name: str) -> None:
    """Whatever comes, each reader gives what it promises; the same is drawn each time."""
    drive(TARGETS[name], DRAWN[name], times=QUICK, alike=True)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_break_a_promise_for_long(name: str) -> None:
    """The same for longer, and with something else each time; random bytes too."""
    drive(TARGETS[name], DRAWN[name] | st.binary(max_size=300), times=LONG, alike=False)


@pytest.mark.parametrize("name", TARGETS)
def test_every_document_that_is_drawn_from_keeps_the_promises(name: str) -> None:
    """What is broken above is sound before."""
    sound = {
        "read_feed": DOCUMENTS,
        "read_catalog": CATALOGS,
        "read_configuration": [CONFIG, EXAMPLE.read_bytes()],
    }
    for data in sound.get(name, [*REPLIES, *SUBSCRIPTIONS, b""]):
        TARGETS[name](data)
