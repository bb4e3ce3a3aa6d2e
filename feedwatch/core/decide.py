"""One poll's result against what is known: baseline, comparison or hold (design, section 4, laws 5 and 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feedwatch.core.diff import Difference, diff_snapshots
from feedwatch.core.keys import digest_text
from feedwatch.core.kinds import KindRules
from feedwatch.core.model import Change, ChangeKind, Notice, NoticeKind, NoticeLine, Reason, Snapshot
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
    before = memory.snapshot
    if before is None or memory.compared_as != terms.rules.signature:
        return _baseline(memory, result, terms)
    difference = diff_snapshots(
        before, result.snapshot, terms.rules, seen=memory.seen, grows_at_end=memory.grows_at_end
    )
    reason = doubt(before, result, memory, difference)
    digest = digest_snapshot(result.snapshot)
    if reason and not (memory.held and memory.held.digest == digest):
        return PollDecision(
            verdict=Verdict.HELD,
            next_poll_at=terms.confirm_at,
            compared_as=terms.rules.signature,
            held=HeldReply(reason, digest),
            grows_at_end=memory.grows_at_end,
        )
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


def doubt(before: Snapshot, result: PollResult, memory: FeedMemory, difference: Difference) -> Reason | None:
    """Why a reply is too strange to believe at once (law 8); None if it is not."""
    after = result.snapshot
    if before.entries and not after.entries:
        return Reason.TURNED_EMPTY
    lost = len(before.entries) - _count_stayed(before, difference)
    if before.whole and after.whole and len(before.entries) >= _HOLD_FROM and lost * 2 > len(before.entries):
        return Reason.LOST_MOST
    left_behind = result.body_etag in memory.left_etags and result.body_etag != memory.body_etag
    return Reason.STALE_READ if left_behind and difference.changes else None


def digest_snapshot(snapshot: Snapshot) -> bytes:
    """What a held reply showed, to recognise it when it comes again."""
    parts = [
        f"{entry.key}\x1e{entry.position}\x1e{sorted(entry.facts.items())}" for entry in snapshot.entries
    ]
    return bytes.fromhex(digest_text(str(snapshot.whole), *parts))


def announce_recovery(memory: FeedMemory, feed: str, at: datetime) -> Notice | None:
    """The notice that a feed said to be broken works again."""
    if not memory.broken_announced:
        return None
    return Notice(NoticeKind.FEED_RECOVERED, at, feeds=(NoticeLine(feed),), since_at=memory.failing_since_at)


def _count_stayed(before: Snapshot, difference: Difference) -> int:
    kept = {entry.key for entry in difference.snapshot.entries}
    kept.update(difference.rekeyed.values())
    return sum(entry.key in kept for entry in before.entries)


def _baseline(memory: FeedMemory, result: PollResult, terms: PollTerms) -> PollDecision:
    """The first snapshot, or the first under other rules: recorded, not announced unless asked for."""
    tell = terms.announce_baseline and memory.snapshot is None
    entries = result.snapshot.entries
    told = reversed(entries) if terms.rules.dated else entries
    return PollDecision(
        verdict=Verdict.BASELINE,
        next_poll_at=terms.next_poll_at,
        compared_as=terms.rules.signature,
        snapshot=result.snapshot,
        changes=tuple(Change(ChangeKind.ADDED, None, entry) for entry in told) if tell else (),
        notice=announce_recovery(memory, terms.feed, result.at),
    )
