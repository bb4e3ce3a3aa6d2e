"""Each key of a configuration: what it may be, what it is when it is left out, and what is refused."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from configs import NETFLIX, read, refuse
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from feedwatch.config import (
    Config,
    FeedsAccount,
    FeedSettings,
    NetflixAccount,
    PollSettings,
    RetrySettings,
    Secret,
    is_web_address,
)
from feedwatch.config.conditions import parse_condition
from feedwatch.core.bucket import Rate
from feedwatch.core.calendar import Digest, Every, Hours, Quiet
from feedwatch.core.manner import PLAIN
from feedwatch.core.model import ChangeKind, Kind

FEEDS = (
    "accounts:\n  news:\n    service: feeds\n    feeds:\n      lwn:\n        url: https://lwn.example/rss\n"
)
OPML = "accounts:\n  reading:\n    service: opml\n    url: subs.opml\n"
TARGETS = "targets:\n  phone: json://127.0.0.1\n  mail: json://127.0.0.2\n"
ROUTE = f"{NETFLIX}{FEEDS.partition(':')[2][1:]}{TARGETS}routes:\n  - to: phone\n"
ZONE = "zone: Europe/Berlin\n"
TIMED = f"{ZONE}{ROUTE}"
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours(time(22), time(7), BERLIN, "Europe/Berlin")
TEMPLATES = """\
templates:
  short: {title: '{{ count }} things', line: one line}
  long:
    line: {queue: queued, notice: noted}
    body:
      text: a
      html: |
        <p>
          a
        </p>
"""


def berlin(every: Every, at: time = time(), day: int | None = None) -> Digest:
    return Digest(every, BERLIN, "Europe/Berlin", at, day)


def look_up(config: Config, path: str) -> Any:
    """Follow attributes and keys, `accounts.jane.url`."""
    value: Any = config
    for step in path.split("."):
        if isinstance(value, dict):
            value = value[step]
        else:
            value = value[int(step)] if step.isdigit() else getattr(value, step)
    return value.reveal() if isinstance(value, Secret) else value


HOURS, DAYS = timedelta(hours=1), timedelta(days=1)

VALID = {
    "poll.every": ("poll:\n  every: 90s", "poll.every", timedelta(seconds=90)),
    "poll.every shortest": ("poll:\n  every: 1s", "poll.every", timedelta(seconds=1)),
    "poll.every longest": ("poll:\n  every: 365d", "poll.every", 365 * DAYS),
    "poll.timeout": ("poll:\n  timeout: 10ms", "poll.timeout", timedelta(milliseconds=10)),
    "poll.max_body": ("poll:\n  max_body: 512KiB", "poll.max_body", 512 * 1024),
    "poll.concurrency": ("poll:\n  concurrency: 1000", "poll.concurrency", 1000),
    "poll.per_host": ("poll:\n  per_host: 1", "poll.per_host", 1),
    "poll of comments only": ("poll:\n  # every: 1h", "poll", PollSettings()),
    "retry.first": ("retry:\n  first: 1s", "retry.first", timedelta(seconds=1)),
    "retry.most": ("retry: {most: 2h}", "retry.most", 2 * HOURS),
    "retry.give_up": ("retry: {give_up: 1w}", "retry.give_up", 7 * DAYS),
    "on_ambiguous": ("on_ambiguous: drop", "on_ambiguous", "drop"),
    "keep": ("keep: 1h30m", "keep", 1.5 * HOURS),
    "log": ("log: debug", "log", "debug"),
    "log quoted": ("log: 'error'", "log", "error"),
    "notices of nobody": ("notices: []", "notices", ()),
    "notices of one": (f"{TARGETS}notices: mail", "notices", ("mail",)),
    "notices of two": (f"{TARGETS}notices: [mail, phone]", "notices", ("mail", "phone")),
    "notices in a mapping": (f"{TARGETS}notices: {{to: mail}}", "notices", ("mail",)),
    "notices to all, quietly": (f"{TARGETS}notices: {{quiet: 22:00-07:00}}", "notices", None),
    "notices quiet": (f"{ZONE}notices: {{quiet: 22:00-07:00}}", "notice_quiet", Quiet(NIGHT)),
    "gather": ("gather: 2m", "gather", timedelta(minutes=2)),
    "gather not": ("gather: 0s", "gather", timedelta()),
    "zone": ("zone: Asia/Kathmandu", "zone", ZoneInfo("Asia/Kathmandu")),
    "details": ("details: 1h", "details", HOURS),
    "tmdb": ("tmdb: {api_key: word}", "tmdb.api_key", "word"),
    "tmdb's server": ("tmdb: {api_key: word}", "tmdb.url", "https://api.themoviedb.org"),
    "tmdb's other server": (
        "tmdb: {api_key: word, url: 'http://127.0.0.1:9/x'}",
        "tmdb.url",
        "http://127.0.0.1:9/x",
    ),
    "tmdb none": ("log: info", "tmdb", None),
    "target secret": (
        "targets: {p: {url: 'webhook+https://h.example/x', secret: word}}",
        "targets.p.secret",
        "word",
    ),
    "target rate": ("targets: {p: {url: 'json://x', rate: 20/1m}}", "targets.p.rate", Rate(20, HOURS / 60)),
    "target rate none": ("targets: {p: {url: 'json://x', rate: none}}", "targets.p.rate", "none"),
    "template title": (TEMPLATES, "templates.short.title", "{{ count }} things"),
    "template line": (TEMPLATES, "templates.short.line", {"": "one line"}),
    "template lines": (TEMPLATES, "templates.long.line", {"queue": "queued", "notice": "noted"}),
    "template body": (TEMPLATES, "templates.long.body", {"html": "<p>\n  a\n</p>\n", "text": "a"}),
    "template left out": (TEMPLATES, "templates.short.body", {}),
    "netflix url": (NETFLIX, "accounts.jane.url", "https://api.example.net"),
    "consumer_key": (NETFLIX, "accounts.jane.consumer_key", "key-of-the-app"),
    "consumer_secret": (NETFLIX, "accounts.jane.consumer_secret", "secret-of-the-app"),
    "discovery": (f"{NETFLIX}    discovery: opml", "accounts.jane.discovery", "opml"),
    "login page": (
        f"{NETFLIX}    login_url: https://www.example.net/let-in",
        "accounts.jane.login_url",
        "https://www.example.net/let-in",
    ),
    "user_id": (f"{NETFLIX}    user_id: jane-1024", "accounts.jane.user_id", "jane-1024"),
    "user_id that looks like a number": (f"{NETFLIX}    user_id: 0123", "accounts.jane.user_id", "0123"),
    "access tokens": (
        f"{NETFLIX}    access_token: abc\n    access_token_secret: def",
        "accounts.jane.access_token",
        "abc",
    ),
    "netflix feeds chosen": (
        f"{NETFLIX}    feeds: [queue, ratings]",
        "accounts.jane.wanted",
        ("queue", "ratings"),
    ),
    "netflix feed chosen": (f"{NETFLIX}    feeds: queue", "accounts.jane.wanted", ("queue",)),
    "netflix feeds special": (
        f"{NETFLIX}    feeds: {{queue: {{every: 1h}}}}",
        "accounts.jane.overrides.queue.every",
        HOURS,
    ),
    "netflix feeds special chooses none": (
        f"{NETFLIX}    feeds: {{queue: {{every: 1h}}}}",
        "accounts.jane.wanted",
        None,
    ),
    "opml address": (
        OPML.replace("subs.opml", "https://x.example/o"),
        "accounts.reading.url",
        "https://x.example/o",
    ),
    "opml feeds": (
        f"{OPML}    feeds: {{été: {{kind: history}}}}",
        "accounts.reading.feeds.été.kind",
        Kind.HISTORY,
    ),
    "feeds address": (FEEDS, "accounts.news.feeds.lwn.url", "https://lwn.example/rss"),
    "feeds address alone": (
        "accounts: {news: {service: feeds, feeds: {a: http://a.example}}}",
        "accounts.news.feeds.a.url",
        "http://a.example",
    ),
    "no feeds yet": ("accounts: {news: {service: feeds, feeds: }}", "accounts.news.feeds", {}),
    "feed kind": (f"{FEEDS}        kind: queue", "accounts.news.feeds.lwn.kind", Kind.QUEUE),
    "feed every": (f"{FEEDS}        every: 2h", "accounts.news.feeds.lwn.every", 2 * HOURS),
    "announce_baseline": (
        f"{FEEDS}        announce_baseline: yes",
        "accounts.news.feeds.lwn.announce_baseline",
        True,
    ),
    "content": (f"{FEEDS}        content: true", "accounts.news.feeds.lwn.content", True),
    "route to one": (ROUTE, "routes.0.to", ("phone",)),
    "route to several": (f"{TARGETS}routes: [{{to: [phone, mail]}}]", "routes.0.to", ("phone", "mail")),
    "route accounts": (f"{ROUTE}    accounts: [jane, news]", "routes.0.accounts", ("jane", "news")),
    "route feeds": (
        f"{ROUTE}    feeds: [queue, jane/x, news/lwn]",
        "routes.0.feeds",
        ("queue", "jane/x", "news/lwn"),
    ),
    "route changes": (f"{ROUTE}    changes: [moved]", "routes.0.changes", frozenset({ChangeKind.MOVED})),
    "route changes all": (f"{ROUTE}    changes: all", "routes.0.changes", frozenset(ChangeKind)),
    "route where": (f"{ROUTE}    where: year > 1990", "routes.0.where", parse_condition("year > 1990")),
    "route template": (f"{ROUTE}    template: short\n{TEMPLATES}", "routes.0.manner.template", "short"),
    "route images": (f"{ROUTE}    images: no", "routes.0.manner.pictures", False),
    "route limit": (f"{ROUTE}    limit: 12", "routes.0.manner.limit", 12),
    "digest hourly": (f"{TIMED}    digest: hourly", "routes.0.manner.digest", berlin(Every.HOURLY)),
    "digest daily": (
        f"{TIMED}    digest: daily at 8:00",
        "routes.0.manner.digest",
        berlin(Every.DAILY, time(8)),
    ),
    "digest weekly": (
        f"{TIMED}    digest: Weekly on Sun at 18:30",
        "routes.0.manner.digest",
        berlin(Every.WEEKLY, time(18, 30), 6),
    ),
    "digest elsewhere": (
        f"{TIMED}    digest: {{every: hourly, zone: Asia/Kathmandu}}",
        "routes.0.manner.digest",
        Digest(Every.HOURLY, ZoneInfo("Asia/Kathmandu"), "Asia/Kathmandu"),
    ),
    "quiet": (f"{TIMED}    quiet: 22:00-07:00", "routes.0.manner.quiet", Quiet(NIGHT)),
    "quiet on some days": (
        f"{TIMED}    quiet: {{hours: 22:00 - 7:00, days: [mon-wed, friday, weekend]}}",
        "routes.0.manner.quiet",
        Quiet(replace(NIGHT, days=frozenset({0, 1, 2, 4, 5, 6}))),
    ),
    "quiet over Sunday": (
        f"{TIMED}    quiet: {{hours: 22:00-07:00, days: sat-mon}}",
        "routes.0.manner.quiet.hours.days",
        frozenset({5, 6, 0}),
    ),
    "quiet but for what is urgent": (
        f"{TIMED}    quiet: {{hours: 22:00-07:00, urgent: rating > 4}}",
        "routes.0.manner.quiet",
        Quiet(NIGHT, parse_condition("rating > 4")),
    ),
    "quiet elsewhere": (
        f"{TIMED}    quiet: {{hours: 22:00-07:00, zone: UTC}}",
        "routes.0.manner.quiet",
        Quiet(Hours(time(22), time(7), ZoneInfo("UTC"), "UTC")),
    ),
    "muted": (f"{TIMED}    mute: yes", "routes.0.muted", True),
    "not muted": (f"{TIMED}    mute: no", "routes.0.muted", False),
    "muted at night": (f"{TIMED}    mute: 22:00-07:00", "routes.0.muted", NIGHT),
    "muted in the evening": (
        f"{TIMED}    mute: {{hours: 18:00-24:00, days: weekdays}}",
        "routes.0.muted",
        Hours(time(18), time(), BERLIN, "Europe/Berlin", frozenset(range(5))),
    ),
    "an anchor and an alias": (
        "poll: &p {every: 2m}\nretry: {first: 1m}\nkeep: 1d",
        "poll.every",
        timedelta(minutes=2),
    ),
    "a merge": (
        "accounts: {n: {service: feeds, feeds: {a: &a {url: 'http://a.x', every: 3h}, b: {<<: *a, url: 'http://b.x'}}}}",
        "accounts.n.feeds.b.every",
        3 * HOURS,
    ),
}


@pytest.mark.parametrize("name", VALID)
def test_key_takes_what_it_documents(tmp_path: Path, name: str) -> None:
    """A key takes each form that is documented for it."""
    text, path, value = VALID[name]
    assert look_up(read(tmp_path, text), path) == value


def test_target_takes_an_address_a_list_and_a_mapping(tmp_path: Path) -> None:
    """The three forms of a target give its addresses in their order."""
    config = read(
        tmp_path,
        "targets:\n  a: json://a\n  b: [json://b, json://c]\n  c: {url: json://d}\n  d: {url: [json://e, json://f]}",
    )
    urls = {name: [url.reveal() for url in target.urls] for name, target in config.targets.items()}
    assert urls == {
        "a": ["json://a"],
        "b": ["json://b", "json://c"],
        "c": ["json://d"],
        "d": ["json://e", "json://f"],
    }


def test_everything_left_out_has_its_default(tmp_path: Path) -> None:
    """A configuration that says almost nothing means what the reference says."""
    config = read(tmp_path, f"{NETFLIX}targets: {{phone: json://x}}\nroutes: [{{to: phone}}]")
    poll = config.poll
    assert (poll.every, poll.timeout) == (timedelta(minutes=15), timedelta(seconds=30))
    assert (poll.max_body, poll.concurrency, poll.per_host) == (10 * 1024**2, 32, 4)
    assert config.retry == RetrySettings(first=timedelta(seconds=30), most=HOURS, give_up=5 * DAYS)
    assert (config.on_ambiguous, config.keep, config.log, config.notices) == (
        "retry",
        90 * DAYS,
        "info",
        None,
    )
    jane = config.accounts["jane"]
    assert isinstance(jane, NetflixAccount)
    assert (jane.discovery, jane.user_id, jane.access_token, jane.access_token_secret) == (
        "xml",
        None,
        None,
        None,
    )
    assert (jane.wanted, dict(jane.overrides)) == (None, {})
    (route,) = config.routes
    assert (route.to, route.accounts, route.feeds, route.changes) == (("phone",), (), (), None)
    assert (route.where, route.muted, route.manner) == (None, False, PLAIN)
    assert (config.gather, config.details) == (timedelta(seconds=30), DAYS)
    assert (config.templates, config.notice_quiet) == ({}, None)
    assert (config.targets["phone"].secret, config.targets["phone"].rate) == (None, None)
    assert config.warnings == ()


def test_special_feed_left_out_has_its_default(tmp_path: Path) -> None:
    """A feed of which nothing is said is as its service says."""
    account = read(tmp_path, f"{OPML}    feeds: {{a: }}").accounts["reading"]
    feed = account.overrides["a"]
    assert (feed.kind, feed.every, feed.announce_baseline, feed.content) == (None, None, False, False)


NO_DIGEST = "this is no digest; write hourly, daily at 08:00, or weekly on sunday at 18:00"
NO_LENGTH = "start and end are the same: that is no hour or all of them; name another end"
NO_RATE = "a rate is wanted: so many messages, at most 1000, in so long: 20/1m; or none"
SIGNED_ONLY = "only webhooks of ours are signed: `secret` goes with webhook+https://… addresses alone"
BAD = {
    "poll.every without a unit": ("poll:\n  every: 30", "2:10: a duration needs a unit: 30s, 15m, 2h, 1d"),
    "poll.every no duration": ("poll:\n  every: soon", "2:10: this is no duration; write 500ms, 30s, 15m, 2h, 1d, 1w or 1h30m"),
    "poll.every too long a number": ("poll:\n  every: 999999999w", "2:10: this is no duration; write 500ms, 30s, 15m, 2h, 1d, 1w or 1h30m"),
    "poll.every too short": ("poll:\n  every: 500ms", "2:10: this is too short: at least 1s"),
    "poll.every too long": ("poll:\n  every: 366d", "2:10: this is too long: at most 52w1d"),
    "poll.every negative": ("poll:\n  every: -5m", "2:10: this is no duration; write 500ms, 30s, 15m, 2h, 1d, 1w or 1h30m"),
    "poll.every empty": ("poll:\n  every:", "2:3: a value is missing"),
    "poll.every a list": ("poll:\n  every: [1m]", "2:3: one value is wanted here, not a list or mapping"),
    "poll.timeout": ("poll:\n  timeout: 2h", "2:12: this is too long: at most 1h"),
    "poll.max_body without a unit": ("poll:\n  max_body: 100", "2:13: a size needs a unit: 10MiB, 512KiB, 1MB, 4096B"),
    "poll.max_body no size": ("poll:\n  max_body: big", "2:13: this is no size; write 10MiB, 512KiB, 1MB or 4096B"),
    "poll.max_body too small": ("poll:\n  max_body: 1B", "2:13: a size from 1KiB to 1GiB is wanted"),
    "poll.concurrency none": ("poll:\n  concurrency: 0", "2:16: a whole number from 1 to 1000 is wanted"),
    "poll.concurrency a fraction": ("poll:\n  concurrency: 1.5", "2:16: a whole number from 1 to 1000 is wanted"),
    "poll.per_host": ("poll:\n  per_host: many", "2:13: a whole number from 1 to 1000 is wanted"),
    "poll a list": ("poll: [1]", "1:1: a mapping is wanted here: lines of `key: value`"),
    "poll a text": ("poll: fast", "1:7: a mapping is wanted here: lines of `key: value`"),
    "retry.first": ("retry:\n  first: 0s", "2:10: this is too short: at least 1ms"),
    "retry.most before first": ("retry: {first: 2h, most: 1h}", "1:26: `most` must not be shorter than `first`"),
    "retry.first after the default of most": ("retry: {first: 2h}", "1:1: `most` must not be shorter than `first`"),
    "retry.give_up before first": ("retry: {first: 10s, give_up: 1s}", "1:30: `give_up` must not be shorter than `first`"),
    "on_ambiguous": ("on_ambiguous: maybe", "1:15: one of these is wanted: retry, drop"),
    "keep": ("keep: 3651d", "1:7: this is too long: at most 521w3d"),
    "log": ("log: loud", "1:6: one of these is wanted: debug, info, warning, error"),
    "state a folder": ("state: .", "1:8: this is a folder; the name of a file is wanted"),
    "notices empty": ("notices:", "1:1: the name of a target is missing; write [] to tell nobody"),
    "notices unknown": (f"{TARGETS}notices: [phne]", "4:11: no target has this name; did you mean `phone`?"),
    "notices an address": ("notices: [json://x]", "1:11: the name of a target is wanted here; addresses stand under `targets`"),
    "account without a service": ("accounts:\n  a: {url: x}", "2:3: `service` is missing: one of netflix, opml, feeds"),
    "account of an unknown service": ("accounts:\n  a:\n    service: imdb", "3:14: one of these is wanted: netflix, opml, feeds"),
    "account a text": ("accounts:\n  a: netflix", "2:6: a mapping is wanted here: lines of `key: value`"),
    "account's name": ("accounts:\n  Jane Doe: {service: feeds, feeds: {}}", "2:3: a name is made of lower-case letters, digits, - and _"),
    "accounts a list": ("accounts: [jane]", "1:1: a mapping is wanted here: lines of `key: value`"),
    "netflix url no address": (NETFLIX.replace("https://api.example.net", "api.example.net"), "4:10: an address is wanted: https://…"),
    "netflix url of another scheme": (NETFLIX.replace("https:", "ftp:"), "4:10: an http or https address is wanted"),
    "netflix url with a query": (NETFLIX.replace("example.net", "example.net/?a=1"), "4:10: the address of a server is wanted, without `?` and `#`"),
    "netflix url of no host": (NETFLIX.replace("api.example.net", "[::1"), "4:10: this is no address: https://host/path, without spaces"),
    "login page with a query": (f"{NETFLIX}    login_url: https://x.example/in?a=b", "7:16: the address of a server is wanted, without `?` and `#`"),
    "discovery": (f"{NETFLIX}    discovery: json", "7:16: one of these is wanted: xml, opml"),
    "user_id empty": (f"{NETFLIX}    user_id: ''", "7:14: what stands here is empty"),
    "half a token": (f"{NETFLIX}    access_token: abc", "2:3: `access_token` and `access_token_secret` go together: one of them is missing"),
    "the other half of a token": (f"{NETFLIX}    access_token_secret: abc", "7:26: `access_token` and `access_token_secret` go together: one of them is missing"),
    "consumer_secret missing": (NETFLIX.replace("    consumer_secret: secret-of-the-app\n", ""), "2:3: `consumer_secret` is missing"),
    "consumer_key of two lines": (NETFLIX.replace("key-of-the-app", '"a\\nb"'), "5:19: a line break or control character in a value of one line"),
    "feeds chosen badly": (f"{NETFLIX}    feeds: [a/b]", "7:13: a feed's name has no spaces and no slash"),
    "feeds empty": (f"{NETFLIX}    feeds: []", "7:5: this list is empty; leave the key out for the default"),
    "opml url missing": ("accounts:\n  r: {service: opml}", "2:3: `url` is missing"),
    "opml url of another scheme": (OPML.replace("subs.opml", "ftp://x/y"), "4:10: an http or https address is wanted"),
    "opml feed with a url": (f"{OPML}    feeds: {{a: {{url: 'http://x'}}}}", "5:17: unknown key; known here are: kind, every, announce_baseline, content"),
    "feeds missing": ("accounts:\n  n: {service: feeds}", "2:3: `feeds` is missing"),
    "feeds a list": ("accounts:\n  n: {service: feeds, feeds: [a]}", "2:23: a mapping is wanted here: lines of `key: value`"),
    "feed without a url": ("accounts:\n  n: {service: feeds, feeds: {a: {kind: queue}}}", "2:31: `url` is missing"),
    "feed's url": (FEEDS.replace("https://lwn.example/rss", "https://"), "6:14: this is no address: https://host/path, without spaces"),
    "feed's url with a space": (FEEDS.replace("/rss", "/r ss"), "6:14: this is no address: https://host/path, without spaces"),
    "feed's name": (FEEDS.replace("lwn:", "l/wn:"), "5:7: a feed's name has no spaces and no slash"),
    "feed's kind": (f"{FEEDS}        kind: list", "7:15: one of these is wanted: queue, history, ratings, recommendations, stream"),
    "feed's every": (f"{FEEDS}        every: 0s", "7:16: this is too short: at least 1s"),
    "announce_baseline": (f"{FEEDS}        announce_baseline: maybe", "7:28: true or false is wanted"),
    "content": (f"{FEEDS}        content: 1", "7:18: true or false is wanted"),
    "target's name": ("targets: {Phone: 'json://x'}", "1:11: a name is made of lower-case letters, digits, - and _"),
    "target's address": ("targets:\n  phone: ntfy.sh/topic", "2:10: an Apprise address is wanted: service://…, e.g. ntfy://ntfy.sh/topic"),
    "target without an address": ("targets:\n  phone:", "2:3: `url` is missing"),
    "target of an empty list": ("targets:\n  phone: []", "2:3: this list is empty; leave the key out for the default"),
    "route without to": (f"{TARGETS}routes:\n  - changes: all", "5:5: `to` is missing"),
    "route to nobody known": ("routes:\n  - to: phone", "2:9: no target has this name; there is none"),
    "route of an unknown account": (f"{ROUTE}    accounts: [jne]", "17:16: no account has this name; did you mean `jane`?"),
    "route of an unknown feed": (f"{ROUTE}    feeds: [news/lwnn]", "17:13: no feed has this name; did you mean `lwn`?"),
    "route of a feed of an unknown account": (f"{ROUTE}    feeds: [bob/queue]", "17:13: no account has this name; there are: jane, news"),
    "route of a strange feed": (f"{ROUTE}    feeds: ['a b']", "17:13: a feed's name has no spaces and no slash"),
    "route changes": (f"{ROUTE}    changes: [new]", "17:15: one of these is wanted: added, removed, moved, updated, all"),
    "route changes empty": (f"{ROUTE}    changes: []", "17:5: this list is empty; leave the key out for the default"),
    "routes a mapping": ("routes: {to: phone}", "1:1: a list is wanted here"),
    "route template": (f"{ROUTE}    template: shrt\n{TEMPLATES}", "17:15: no template has this name; did you mean `short`?"),
    "route template of none": (f"{ROUTE}    template: short", "17:15: no template has this name; there is none"),
    "route images": (f"{ROUTE}    images: maybe", "17:13: true or false is wanted"),
    "route limit": (f"{ROUTE}    limit: 0", "17:12: a whole number from 1 to 1000 is wanted"),
    "digest misspelt": (f"{ROUTE}    digest: dayly at 08:00", f"17:13: {NO_DIGEST}; did you mean `daily`?"),
    "digest without a time": (f"{ROUTE}    digest: daily", f"17:13: {NO_DIGEST}"),
    "digest without a day": (f"{ROUTE}    digest: weekly at 08:00", f"17:13: {NO_DIGEST}"),
    "digest on no day": (f"{ROUTE}    digest: weekly on sonday at 08:00", "17:13: no day has this name; did you mean `sunday`?"),
    "digest at no time": (f"{ROUTE}    digest: daily at 24:00", "17:13: this is no time of a day; write 08:00, or 22:30"),
    "digest of nothing": (f"{ROUTE}    digest: {{zone: UTC}}", "17:5: `every` is missing"),
    "digest twice": (f"{ROUTE}    digest: [hourly]", "17:5: one value is wanted here, not a list or mapping"),
    "digest's zone": (f"{ROUTE}    digest: {{every: hourly, zone: Europa/Berlin}}", "17:35: no time zone has this name; did you mean `Europe/Berlin`?"),
    "digest's key": (f"{ROUTE}    digest: {{evry: hourly, every: hourly}}", "17:14: unknown key; did you mean `every`?"),
    "quiet of no length": (f"{ROUTE}    quiet: 22:00-22:00", f"17:12: {NO_LENGTH}"),
    "quiet of a whole day": (f"{ROUTE}    quiet: 0:00-24:00", f"17:12: {NO_LENGTH}"),
    "quiet from one hour": (f"{ROUTE}    quiet: 22:00", "17:12: hours are wanted, from and to: 22:00-07:00"),
    "quiet at no time": (f"{ROUTE}    quiet: 22:00-25:00", "17:12: this is no time of a day; write 08:00, or 22:30"),
    "quiet without hours": (f"{ROUTE}    quiet: {{days: mon}}", "17:5: `hours` is missing"),
    "quiet on no day": (f"{ROUTE}    quiet: {{hours: 1:00-2:00, days: [mon, x]}}", "17:43: days are wanted: mon, tuesday, mon-fri, weekdays or weekend"),
    "quiet to no day": (f"{ROUTE}    quiet: {{hours: 1:00-2:00, days: mon-fryday}}", "17:37: no day has this name; did you mean `friday`?"),
    "quiet on days of none": (f"{ROUTE}    quiet: {{hours: 1:00-2:00, days: []}}", "17:31: this list is empty; leave the key out for the default"),
    "quiet's zone": (f"{ROUTE}    quiet: {{hours: 1:00-2:00, zone: berlin}}", "17:37: no time zone has this name; did you mean `Europe/Berlin`?"),
    "mute sometimes": (f"{ROUTE}    mute: sometimes", "17:11: true, false or hours are wanted: mute: 22:00-07:00"),
    "mute with what is urgent": (f"{ROUTE}    mute: {{hours: 1:00-2:00, urgent: x}}", "17:30: unknown key; known here are: hours, days, zone"),
    "mute of no length": (f"{ROUTE}    mute: 7:00-07:00", f"17:11: {NO_LENGTH}"),
    "mute empty": (f"{ROUTE}    mute:", "17:5: a value is missing"),
    "notices with what is urgent": ("notices: {quiet: {hours: 1:00-2:00, urgent: x}}", "1:37: unknown key; known here are: hours, days, zone"),
    "notices to nobody known": (f"{TARGETS}notices: {{to: [phne]}}", "4:16: no target has this name; did you mean `phone`?"),
    "notices to nobody named": (f"{TARGETS}notices: {{to: }}", "4:11: the name of a target is missing; write [] to tell nobody"),
    "gather": ("gather: 2h", "1:9: this is too long: at most 1h"),
    "zone": ("zone: Berln", "1:7: no time zone has this name; did you mean `Europe/Berlin`?"),
    "zone like none": ("zone: ../../etc/passwd", "1:7: no time zone has this name; they are written as Europe/Berlin, or UTC"),
    "zone empty": ("zone:", "1:1: a value is missing"),
    "details": ("details: 0s", "1:10: this is too short: at least 1ms"),
    "webhook of no host": ("targets: {p: 'webhook+https:///x'}", "1:14: this is no address: https://host/path, without spaces"),
    "webhook of another scheme": ("targets: {p: 'webhook+ftp://x/x'}", "1:14: an http or https address is wanted"),
    "secret of another service": ("targets: {p: {url: ['webhook+http://x', 'json://x'], secret: x}}", f"1:62: {SIGNED_ONLY}"),
    "secret of an unknown place": ("targets: {p: {url: 'json://${X}', secret: x}}", f"1:43: {SIGNED_ONLY}"),
    "secret empty": ("targets: {p: {url: 'webhook+http://x', secret: }}", "1:40: a value is missing"),
    "rate of a bare number": ("targets: {p: {url: 'json://x', rate: 20}}", f"1:38: {NO_RATE}"),
    "rate of nothing": ("targets: {p: {url: 'json://x', rate: 0/1m}}", f"1:38: {NO_RATE}"),
    "rate without a unit": ("targets: {p: {url: 'json://x', rate: 1/60}}", "1:38: a duration needs a unit: 30s, 15m, 2h, 1d"),
    "rate of a month": ("targets: {p: {url: 'json://x', rate: 9/30d}}", "1:38: the time of a rate is from 1s to 1d: 20/1m"),
    "template a text": ("templates: {a: hello}", "1:16: a mapping is wanted here: lines of `key: value`"),
    "template's name": ("templates: {A b: {title: x}}", "1:13: a name is made of lower-case letters, digits, - and _"),
    "template of a key unknown": ("templates: {a: {titel: x}}", "1:17: unknown key; did you mean `title`?"),
    "template for a kind unknown": ("templates: {a: {line: {queu: x}}}", "1:24: unknown key; did you mean `queue`?"),
    "template for a form unknown": ("templates: {a: {body: {xml: x}}}", "1:24: unknown key; known here are: text, html, markdown"),
    "template empty": ("templates: {a: {body: ' '}}", "1:23: what stands here is empty; leave the key out for the built-in words"),
    "template of nothing": ("templates: {a: {line: {queue: }}}", "1:24: a value is missing"),
    "template with a bell": ('templates: {a: {title: "a\\ab"}}', "1:24: a line break or control character in a value of one line"),
    "a key that is unknown": ("pol: {every: 1h}", "1:1: unknown key; did you mean `poll`?"),
    "a key like no other": ("zzz: 1", "1:1: unknown key; known here are: state, poll, private_networks, accounts, targets, routes, templates, notices, gather, zone, retry, on_ambiguous, keep, details, tmdb, log"),
    "tmdb a key alone": ("tmdb: key", "1:7: a mapping is wanted here: lines of `key: value`"),
    "tmdb without a key": ("tmdb: {url: 'https://tmdb.example'}", "1:1: `api_key` is missing"),
    "tmdb of another key": ("tmdb: {api_key: word, key: x}", "1:23: unknown key; known here are: api_key, url"),
    "tmdb of no server": ("tmdb: {api_key: word, url: tmdb.example}", "1:28: an address is wanted: https://…"),
    "a key that stands twice": ("log: info\nkeep: 1d\nlog: debug", "3:1: this key stands twice; the first is on line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_value_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    """A bad value gets one problem that says where it stands and what is wanted."""
    text, problem = BAD[name]
    assert refuse(tmp_path, text) == [problem]


@pytest.mark.parametrize(
    ("written", "place", "within"),
    [
        ("where: yaer > 1990", "17:12", "column 1"),
        ("quiet: {hours: 1:00-2:00, urgent: kind = quue}", "17:39", "column 8"),
    ],
)
def test_bad_condition_is_named_with_two_places(
    tmp_path: Path, written: str, place: str, within: str
) -> None:
    """A condition that cannot be read is named with its place in the file, and the place within it."""
    (problem,) = refuse(tmp_path, f"{ROUTE}    {written}")
    assert problem.startswith(f"{place}: ")
    assert f"{within} of the condition" in problem


def test_configuration_is_frozen(tmp_path: Path) -> None:
    """Nothing in a configuration can be changed once it is read."""
    config = read(tmp_path, FEEDS)
    with pytest.raises(FrozenInstanceError):
        config.log = "debug"  # type: ignore[misc]  # that it cannot be assigned is the claim
    with pytest.raises(ValidationError):
        config.poll.every = HOURS  # type: ignore[misc]  # as above
    account = config.accounts["news"]
    assert isinstance(account, FeedsAccount)
    with pytest.raises(ValidationError):
        account.feeds["lwn"].kind = Kind.QUEUE  # type: ignore[misc]  # as above


@given(st.text("htps:/aB-.1890@?#[]%é \t", max_size=12))
@example("a.example:9999/x")
@example("a.example:65536/x")
@example("a.example:0")
@example("[::1]:80/")
def test_no_address_is_taken_that_has_no_host(rest: str) -> None:
    """Also what looks like any other address is one: with a host, and a port that there can be."""
    for scheme in ("http", "https"):
        address = f"{scheme}://{rest}"
        if is_web_address(address):
            parts = urlsplit(address)
            assert parts.hostname
            assert parts.port is None or 0 < parts.port < 65536
            assert (parts.scheme, parts.geturl().split()) == (scheme, [parts.geturl()])


@pytest.mark.thorough
def test_a_hundred_thousand_feeds_are_a_configuration(tmp_path: Path) -> None:
    """However many feeds are listed, each is read, and where it stands is still known."""
    lines = (f"      f{number}: http://h{number % 100}.example/{number}.rss\n" for number in range(100_000))
    config = read(tmp_path, f"accounts:\n  many:\n    service: feeds\n    feeds:\n{''.join(lines)}")
    many = config.accounts["many"]
    assert isinstance(many, FeedsAccount)
    assert (len(many.feeds), many.feeds["f99999"].url.reveal()) == (100_000, "http://h99.example/99999.rss")
    assert config.locate(("accounts", "many", "feeds", "f99999")) == (100_004, 15)


def test_stamp_of_an_account_tells_whatever_is_said_of_its_feeds(tmp_path: Path) -> None:
    """Its index is read anew once any of it changes, and not before."""
    spellings = [
        "a: {url: 'http://a.example/'}",
        "b: {url: 'http://a.example/'}",
        "a: {url: 'http://b.example/'}",
        "a: {url: 'http://a.example/', kind: queue}",
        "a: {url: 'http://a.example/', every: 1h}",
        "a: {url: 'http://a.example/', announce_baseline: true}",
        "a: {url: 'http://a.example/', content: true}",
        "a: {url: 'http://a.example/'}, b: {url: 'http://a.example/'}",
    ]
    text = "accounts: {news: {service: feeds, feeds: {%s}}}\n"
    stamps = [read(tmp_path, text % each).accounts["news"].credentials_stamp() for each in spellings]
    assert len(set(stamps)) == len(spellings)
    assert all(f"{name}:" in " ".join(spellings) for name in FeedSettings.model_fields), "each key is tried"
    assert read(tmp_path, text % "a: http://a.example/").accounts["news"].credentials_stamp() == stamps[0]
