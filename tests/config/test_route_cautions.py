"""What routes and templates may say but are warned about: above all, what can never come true."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

from pathlib import Path

import pytest
from configs import NETFLIX, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedwatch.core.kinds import rules_of
from feedwatch.core.model import Change, ChangeKind, Entry, Kind
from feedwatch.core.where import Subjects

NEWS = "  news: {service: feeds, feeds: {lwn: 'https://a.example', diary: {url: 'https://b.example', kind: history}}}\n"
SUBSCRIPTIONS = "  reading: {service: opml, url: subs.opml}\n"
TAIL = "zone: Europe/Berlin\ntargets: {p: 'json://x'}\nroutes:\n"
BOTH = f"{NETFLIX}{NEWS}{TAIL}"
CHOSEN = f"{NETFLIX}    feeds: [queue, history]\n{TAIL}"
WITH_OPML = f"{NETFLIX}{SUBSCRIPTIONS}{TAIL}"

NEVER = "nothing can match this route: no change that it speaks of can be like that"
NO_FEED = "nothing can match this route: no account that it speaks of has such a feed"
UNTELLABLE = "nothing can match this route: all that its lists ({}) can have is {}"
LATE = "this digest is due within the quiet hours of its route, and waits until they end"
NEVER_URGENT = "nothing is ever urgent here: no change that this route tells can be like that"
MUTED = "this route tells nothing: it is muted at all times"

WARNED: dict[str, tuple[str, str, str]] = {
    "moves in a history": (BOTH, "feeds: history, changes: moved", UNTELLABLE.format("history", "added")),
    "moves in a listed stream": (BOTH, "feeds: news/lwn, changes: moved", UNTELLABLE.format("stream", "added, updated")),
    "moves in an account of no queues": (BOTH, "accounts: news, changes: [moved, removed]", UNTELLABLE.format("stream, history", "added, updated")),
    "removals in what an index calls a history": (BOTH, "feeds: jane/history, changes: removed", UNTELLABLE.format("history", "added")),
    "a queue of an account without": (BOTH, "accounts: news, feeds: queue", NO_FEED),
    "a feed of another account": (BOTH, "accounts: news, feeds: jane/queue", NO_FEED),
    "a feed that was not chosen": (CHOSEN, "feeds: ratings", NO_FEED),
    "another kind in its condition": (BOTH, "feeds: history, where: kind = queue", NEVER),
    "another account in its condition": (BOTH, "accounts: news, where: account = jane and year > 1990", NEVER),
    "another feed in its condition": (BOTH, "feeds: jane/queue, where: 'feed in (ratings, history)'", NEVER),
    "a change that was not asked for": (BOTH, "feeds: queue, where: change = moved", NEVER),
    "a change that cannot be": (BOTH, "feeds: history, changes: all, where: not change = added", NEVER),
    "a fact that streams never have": (BOTH, "feeds: news/lwn, where: rating > 3 or availability is known", NEVER),
    "a place in a list without an order": (BOTH, "feeds: history, where: position <= 10", NEVER),
    "the text of what was removed": (BOTH, "feeds: queue, changes: removed, where: text ~ robbery", NEVER),
    "a contradiction over kinds": (BOTH, "feeds: [queue, history], where: 'kind = queue and not kind in (queue, ratings)'", NEVER),
    "what is never urgent": (BOTH, "feeds: history, quiet: {hours: 22:00-07:00, urgent: kind = queue}", NEVER_URGENT),
    "muted for ever": (BOTH, "mute: true", MUTED),
    "a digest at night": (BOTH, "digest: daily at 03:00, quiet: 22:00-07:00", LATE),
    "a digest in a night elsewhere": (BOTH, "digest: daily at 03:00, quiet: {hours: 06:00-08:00, zone: Asia/Kathmandu}", LATE),
    "a digest in one night of seven": (BOTH, "digest: daily at 03:00, quiet: {hours: 02:00-07:00, days: thu}", LATE),
    "a weekly one in that night": (BOTH, "digest: weekly on thu at 03:00, quiet: {hours: 02:00-07:00, days: thu}", LATE),
}  # fmt: skip

SOUND: dict[str, tuple[str, str]] = {
    "moves anywhere": (BOTH, "changes: moved"),
    "moves among others": (BOTH, "feeds: [queue, history], changes: moved"),
    "additions to a history": (BOTH, "feeds: history, changes: added"),
    "a feed that is still to be found": (BOTH, "feeds: jane/queue-instant, changes: moved"),
    "a feed by name alone": (BOTH, "feeds: lists-of-1942, changes: moved"),
    "a history that may be a stream's name": (WITH_OPML, "feeds: history, changes: updated"),
    "a condition on facts": (BOTH, "where: year > 1990 or kind = queue"),
    "a condition that some feed meets": (BOTH, "feeds: [queue, history], where: kind = queue and rating is unknown"),
    "an account by another way": (BOTH, "where: account != jane"),
    "an unknown fact that streams never have": (BOTH, "feeds: news/lwn, where: rating is unknown"),
    "urgent for one list": (BOTH, "quiet: {hours: 22:00-07:00, urgent: kind = queue}"),
    "muted at night": (BOTH, "mute: 22:00-07:00"),
    "not muted": (BOTH, "mute: false"),
    "an hourly digest over the night": (BOTH, "digest: hourly, quiet: 22:00-07:00"),
    "a digest when the night ends": (BOTH, "digest: daily at 07:00, quiet: 22:00-07:00"),
    "a weekly one in another night": (BOTH, "digest: weekly on wed at 03:00, quiet: {hours: 02:00-07:00, days: thu}"),
    "nobody is asked yet": (TAIL, "feeds: history, changes: moved"),
}  # fmt: skip


def warn(folder: Path, text: str, route: str) -> list[str]:
    return [each.message for each in read(folder, f"{text}  - {{to: p, {route}}}").warnings]


@pytest.mark.parametrize("name", WARNED)
def test_what_can_never_be_is_warned_about(tmp_path: Path, name: str) -> None:
    """A route that tells nothing, or otherwise than it seems to, is read all the same."""
    text, route, message = WARNED[name]
    assert warn(tmp_path, text, route) == [message]


@pytest.mark.parametrize("name", SOUND)
def test_what_may_be_is_not_warned_about(tmp_path: Path, name: str) -> None:
    """Where something may match, however rarely, there is nothing to say."""
    text, route = SOUND[name]
    assert warn(tmp_path, text, route) == []


@pytest.mark.parametrize(
    ("route", "at"),
    [
        ("feeds: [history], changes: [moved]", "changes"),
        ("accounts: news, feeds: [queue]", "feeds"),
        ("feeds: [history], where: kind = queue", "kind"),
        ("feeds: [history], quiet: {hours: 1:00-2:00, urgent: kind = queue}", "kind"),
        ("mute: yes", "yes"),
    ],
)
def test_warning_stands_where_it_is_caused(tmp_path: Path, route: str, at: str) -> None:
    """The place of a warning is that of the word, or of the key of the list, which makes it so."""
    line = f"  - {{to: p, {route}}}"
    (warning,) = read(tmp_path, f"{BOTH}{line}").warnings
    assert (warning.line, warning.column) == (11, line.index(at) + 1)


def test_template_that_no_route_names_is_warned_about(tmp_path: Path) -> None:
    """Templates without a route are read, and never used."""
    text = f"{BOTH}  - {{to: p, template: used}}\ntemplates:\n  used: {{title: a}}\n  spare: {{title: b}}\n"
    (warning,) = read(tmp_path, text).warnings
    assert (warning.line, warning.column, warning.message) == (14, 3, "no route names these templates")


FACTS = {"rating": "5", "year": "1999", "availability": "now", "category": "Drama", "predicted_rating": "3.5"}
COMPARISONS = [
    "kind = queue", "kind != history", "kind in (stream, ratings)", "change = added", "change != moved",
    "feed = queue", "feed = news/lwn", "account = jane", "account != jane", "rating > 3", "rating is known",
    "availability is unknown", "year < 1990", "category = Drama", "predicted_rating >= 3", "title ~ film",
]  # fmt: skip
conditions = st.recursive(
    st.sampled_from(COMPARISONS),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
    ),
    max_leaves=5,
)


@given(conditions, st.sampled_from(["queue", "history", "ratings", "news/lwn", "jane/queue"]), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_does_match_is_never_said_to_be_impossible(
    tmp_path: Path, condition: str, selector: str, data: st.DataObject
) -> None:
    """No change that a route would tell exists where the warning says that there is none."""
    config = read(tmp_path, f'{BOTH}  - {{to: p, changes: all, feeds: {selector}, where: "{condition}"}}')
    if NEVER not in [each.message for each in config.warnings]:
        return
    kind = Kind.STREAM if selector == "news/lwn" else Kind(selector.rpartition("/")[2])
    rules = rules_of(kind)
    change = data.draw(st.sampled_from([c for c in ChangeKind if may_be(c, kind)]))
    facts = {name: data.draw(st.sampled_from([None, value])) for name, value in FACTS.items()}
    known = {k: v for k, v in facts.items() if v and k in (*rules.compared, *rules.recorded)}
    entry = Entry("k", data.draw(st.sampled_from(["A film", "Other"])), facts=known)
    account, name = ("news", "lwn") if kind is Kind.STREAM else ("jane", kind.value)
    where = config.routes[0].where
    assert where is not None
    assert list(where.select(Subjects((Change(change, entry, entry),), account, name, kind))) == []


def may_be(change: ChangeKind, kind: Kind) -> bool:
    """The table of what each kind of list means, once more."""
    only = {
        Kind.QUEUE: "added removed moved updated",
        Kind.RATINGS: "added removed updated",
        Kind.STREAM: "added updated",
    }
    return change.value in only.get(kind, "added").split()
