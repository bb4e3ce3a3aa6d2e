"""What a hand keeps quiet: silences, and feeds that are not polled for a while; and what is said of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo

import click

from feedwatch.config.conditions import ConditionError, parse_condition
from feedwatch.core.document import show_instant
from feedwatch.core.notices import say_moment
from feedwatch.core.state import SilenceStatus
from feedwatch.errors import FeedwatchError
from feedwatch.present import Row, Screen
from feedwatch.rows import say_unknown
from feedwatch.store import Store

# ── silences ──────────────────────────────────────────────────────────────────────────────────────


def add_silence(
    store: Store,
    screen: Screen,
    matcher: str,
    comment: str,
    *,
    now: datetime,
    ends_at: datetime,
    zone: tzinfo,
) -> int:
    """Silence what fulfils a condition until an instant, and say so. No secret is kept in a comment.

    Raises:
        FeedwatchError: it is no condition, or the end is no later than now.
    """
    try:
        condition = parse_condition(matcher)
    except ConditionError as error:
        raise FeedwatchError(f"{screen.clean(matcher)}: column {error.column}: {error}") from error
    if ends_at <= now:
        raise FeedwatchError("the end of a silence lies ahead: --for 2h, or --until a date to come")
    number = store.add_silence(str(condition), screen.redactor.redact(comment), now, ends_at)
    screen.say(f"silence {number}: nothing is told of what happens until {say_moment(ends_at, zone)}, where")
    screen.say(f"  {condition}")
    return 0


def list_silences(store: Store, screen: Screen, now: datetime, *, all_ended: bool) -> None:
    """Print the silences in force, or all that are remembered."""
    silences = [each for each in store.list_silences() if all_ended or each.silence.ends_at > now]
    rows = [_describe(each, now) for each in silences]
    columns = ["id", "state", "ends_at", "kept", "matcher", "comment"]
    if not any(row["comment"] for row in rows):
        columns.remove("comment")
    screen.print_rows(rows, columns, empty="no silences")


def expire_silences(store: Store, ids: Sequence[int], now: datetime, *, tell: bool) -> int:
    """End silences now; with `tell`, what they kept is told after all. 1 if one is not known."""
    known = {each.silence.id: each for each in store.list_silences()}
    missing = [number for number in ids if number not in known]
    found = [number for number in ids if number in known]
    store.expire_silences(found, now)
    for number in found:
        click.echo(f"silence {number} has ended; it kept {_count(known[number].kept)} from being told")
    if tell and found:
        store.tell_silenced(found, now)
        which = "it" if len(found) == 1 else "they"
        click.echo(f"what {which} kept is told now; what a digest tells, in the next one")
    for number in missing:
        click.echo(f"error: there is no silence {number} (feedwatch silence list --all)", err=True)
    return int(bool(missing))


def _count(changes: int) -> str:
    return f"{changes:,} change{'' if changes == 1 else 's'}" if changes else "nothing"


def _describe(each: SilenceStatus, now: datetime) -> Row:
    """A line of `feedwatch silence list`."""
    silence = each.silence
    return {
        "id": silence.id,
        "state": "active" if silence.ends_at > now else "ended",
        "matcher": silence.matcher,
        "comment": silence.comment or None,
        "created_at": show_instant(silence.created_at),
        "ends_at": show_instant(silence.ends_at),
        "kept": each.kept,
    }


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────────


def pause_feeds(store: Store, feeds: Sequence[str], now: datetime) -> int:
    """Poll these feeds no more until they are resumed."""
    _must_be_known(store, feeds)
    store.pause_feeds(feeds, now)
    for feed in feeds:
        click.echo(f"{feed} is paused: it is not polled until you type  feedwatch resume {feed}")
    return 0


def resume_feeds(store: Store, feeds: Sequence[str], now: datetime) -> int:
    """Poll these feeds again."""
    _must_be_known(store, feeds)
    store.resume_feeds(feeds, now)
    for feed in feeds:
        click.echo(f"{feed} is polled again; what has changed meanwhile is told")
    return 0


def _must_be_known(store: Store, feeds: Collection[str]) -> None:
    known = [each.feed for each in store.list_feeds()]
    for feed in feeds:
        if feed not in known:
            raise FeedwatchError(say_unknown("feed", feed, known))
