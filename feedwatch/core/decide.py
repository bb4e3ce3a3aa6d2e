"""One poll's result against what is known: baseline, comparison or hold (design, section 4, laws 5 and 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feedwatch.core.diff import Difference, diff_snapshots, fact_of, tell_added
from feedwatch.core.earlier import beyond, close_window, join_earlier
from feedwatch.core.keys import digest_text
from feedwatch.core.kinds import KindRules
from feedwatch.core.model import Notice, NoticeKind, NoticeLine, Reason, Snapshot
from feedwatch.core.state import FeedMemory, HeldReply, PollDecision, PollResult, Verdict

_HOLD_FROM = 10
"""A whole list shorter than this may lose most of itself in an evening: it is believed."""


@dataclass(frozen=True, slots=True)
class PollTerms:
    """What the decision about one poll needs beside the lists: the rules, and when to poll next."""

    feed: str
    rules: KindRules
    next_poll_at: datetime
    confirm_at: datetime
    announce_baseline: bool = False


def decide_poll(memory: FeedMemory, result: PollResult, terms: PollTerms) -> PollDecision:
    """Say what a poll's result means. Deliveries are the caller's to add (core/route.py)."""
    difference = _compare(memory, result, terms)
    if reason := doubt(memory, result, difference):
        held = HeldReply(reason, digest_snapshot(result.snapshot, terms.rules))
        if memory.held is None or memory.held.digest != held.digest:
            return _hold(memory, held, terms)
    if difference is None:
        return _baseline(memory, result, terms)
    return PollDecision(
        verdict=Verdict.COMPARED,
        next_poll_at=terms.next_poll_at,
        compared_as=terms.rules.signature,
        snapshot=difference.snapshot,
        changes=difference.changes,
        departed=difference.departed,
        rekeyed=difference.rekeyed,
        grows_at_end=difference.grows_at_end,
        notice=announce_recovery(memory, terms.feed, result.at),
    )


def doubt(memory: FeedMemory, result: PollResult, difference: Difference | None) -> Reason | None:
    """Why a reply is too strange to believe at once (law 8); None if it is not.

    A list that turns empty is doubted even where it cannot be compared, since its rules changed.
    """
    before, after = memory.snapshot, result.snapshot
    if before is None:
        return None
    if before.entries and not after.entries:
        return Reason.TURNED_EMPTY
    if difference is None:
        return None
    size = len(before.entries)
    if before.whole and after.whole and size >= _HOLD_FROM and difference.lost * 2 > size:
        return Reason.LOST_MOST
    left_behind = result.body_etag in memory.left_etags and result.body_etag != memory.body_etag
    return Reason.STALE_READ if left_behind and difference.changes else None


def digest_snapshot(snapshot: Snapshot, rules: KindRules) -> bytes:
    """What a held reply showed, as far as it counts: to recognise it when it comes again."""
    parts = [
        repr((entry.key, entry.position, [fact_of(entry, name) for name in rules.compared]))
        for entry in snapshot.entries
    ]
    return bytes.fromhex(digest_text(str(snapshot.whole), *parts))


def announce_recovery(memory: FeedMemory, feed: str, at: datetime) -> Notice | None:
    """The notice that a feed said to be broken works again."""
    if not memory.broken_announced:
        return None
    return Notice(NoticeKind.FEED_RECOVERED, at, feeds=(NoticeLine(feed),), since_at=memory.failing_since_at)


def _compare(memory: FeedMemory, result: PollResult, terms: PollTerms) -> Difference | None:
    """What changed; None where there is nothing to compare with, or it was compared otherwise."""
    if memory.snapshot is None or memory.compared_as != terms.rules.signature:
        return None
    after = join_earlier(result.snapshot, result.earlier) if result.earlier else result.snapshot
    difference = diff_snapshots(
        memory.snapshot, after, terms.rules, seen=memory.seen, grows_at_end=memory.grows_at_end
    )
    return close_window(difference, result.snapshot) if result.earlier else difference


def _hold(memory: FeedMemory, held: HeldReply, terms: PollTerms) -> PollDecision:
    return PollDecision(
        verdict=Verdict.HELD,
        next_poll_at=terms.confirm_at,
        compared_as=terms.rules.signature,
        held=held,
        grows_at_end=memory.grows_at_end,
    )


def _baseline(memory: FeedMemory, result: PollResult, terms: PollTerms) -> PollDecision:
    """The first snapshot, or the first under other rules: recorded, not announced unless asked for."""
    tell = terms.announce_baseline and memory.snapshot is None
    known = memory.snapshot.entries if memory.snapshot and not terms.rules.absence_removes else ()
    return PollDecision(
        verdict=Verdict.BASELINE,
        next_poll_at=terms.next_poll_at,
        compared_as=terms.rules.signature,
        snapshot=result.snapshot,
        changes=tuple(tell_added(result.snapshot.entries, terms.rules)) if tell else (),
        departed=beyond(result.snapshot, (*result.earlier, *known)),
        notice=announce_recovery(memory, terms.feed, result.at),
    )
