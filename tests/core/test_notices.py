"""A notice says what it is about, why, since when, and what a person can do; in a title and in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feedwatch.core.model import Notice, NoticeKind, NoticeLine, Reason
from feedwatch.core.notices import REASONS, describe_notice, say_duration, say_moment, summarize_notice
from feedwatch.core.wording import Sentence

NOW = datetime(2026, 11, 25, 12, 5, tzinfo=UTC)
ASIDE = "/srv/feedwatch.db.damaged-20261125T120500Z"
ONE = (NoticeLine("jane/queue", 220),)
TWO = (*ONE, NoticeLine("jane/ratings", 1))
FIVE = tuple(NoticeLine(f"jane/list-{number}", number * 1000) for number in range(1, 6))


def text_of(sentence: Sentence) -> str:
    return "".join(part.text for part in sentence)


def lines_of(notice: Notice) -> list[str]:
    return [text_of(sentence) for sentence in describe_notice(notice)]


def notice(
    kind: NoticeKind,
    feeds: Sequence[NoticeLine] = (),
    *,
    reason: str | None = None,
    ago: timedelta | None = None,
) -> Notice:
    return Notice(kind, NOW, "jane", tuple(feeds), reason, NOW - ago if ago else None)


CASES = {
    "watching one list": (
        notice(NoticeKind.WATCHING, ONE),
        "watching 220 titles in jane/queue",
        ["watching 220 titles in jane/queue"],
    ),
    "watching two lists": (
        notice(NoticeKind.WATCHING, TWO),
        "watching 220 titles in jane/queue, 1 in jane/ratings",
        ["watching 220 titles in jane/queue, 1 in jane/ratings"],
    ),
    "watching more lists than a title names": (
        notice(NoticeKind.WATCHING, FIVE),
        "watching 15,000 titles in 5 lists",
        [f"{number},000 titles in jane/list-{number}" for number in range(1, 6)],
    ),
    "watching an empty and a tiny list": (
        notice(NoticeKind.WATCHING, [NoticeLine("jane/a"), NoticeLine("jane/b", 1)]),
        "watching 0 titles in jane/a, 1 in jane/b",
        ["watching 0 titles in jane/a, 1 in jane/b"],
    ),
    "watching nothing": (notice(NoticeKind.WATCHING), "watching nothing yet", ["watching nothing yet"]),
    "a feed broke": (
        notice(NoticeKind.FEED_BROKEN, ONE, reason=Reason.CONNECT, ago=timedelta(hours=3)),
        "jane/queue cannot be read: its server does not answer",
        [
            "jane/queue cannot be read since 25 November 2026, 09:05 UTC: its server does not answer.",
            "Nothing known is lost; feedwatch keeps trying, and says when it works again.",
        ],
    ),
    "the state was damaged": (
        Notice(NoticeKind.STATE_DAMAGED, NOW, reason=ASIDE),
        "feedwatch begins anew: its state was damaged",
        [
            f"The state of feedwatch was damaged. It is set aside, as it was, under the name {ASIDE}.",
            "Watching goes on with a new state: each list is read anew and counted, not announced.",
            "What waited to be sent is lost, and so is what changed since each list was last read.",
            (
                "To go back to a backup: stop feedwatch, move the state and the -wal and -shm beside it "
                "away, put the backup in its place, start it."
            ),
            f"To see what can still be read: sqlite3 {ASIDE} .recover (or .dump, where that fails)",
        ],
    ),
    "a feed recovered": (
        notice(NoticeKind.FEED_RECOVERED, ONE, ago=timedelta(hours=3)),
        "jane/queue works again",
        ["jane/queue works again.", "It could not be read for 3 hours."],
    ),
    "feeds recovered": (
        notice(NoticeKind.FEED_RECOVERED, TWO),
        "jane/queue, jane/ratings work again",
        ["jane/queue, jane/ratings work again."],
    ),
    "a feed found": (
        notice(NoticeKind.FEEDS_FOUND, ONE),
        "found jane/queue",
        ["Found jane/queue; it is watched from now on."],
    ),
    "more feeds found than a title names": (
        notice(NoticeKind.FEEDS_FOUND, FIVE),
        "found 5 lists of jane",
        ["Found 5 lists of jane; they are watched from now on.", *[line.feed for line in FIVE]],
    ),
    "a feed gone for good": (
        notice(NoticeKind.FEED_RETIRED, ONE, reason=Reason.GONE),
        "jane/queue is not watched any more",
        ["jane/queue is not watched any more: its server says that it is gone for good."],
    ),
    "feeds no longer listed": (
        notice(NoticeKind.FEED_RETIRED, FIVE, reason=Reason.LEFT_INDEX),
        "5 lists of jane are not watched any more",
        [
            "5 lists of jane are not watched any more: no longer listed by the account.",
            *[line.feed for line in FIVE],
        ],
    ),
    "signed out": (
        notice(NoticeKind.SIGNED_OUT, reason=Reason.UNAUTHORIZED),
        "jane is signed out",
        [
            "jane is signed out: its server does not accept the sign-in.",
            "To sign in again, type: feedwatch login jane",
            "Where its access token stands in the configuration, put a new one there instead.",
            "Until then, lists that still answer are watched.",
        ],
    ),
    "an account broke": (
        notice(NoticeKind.ACCOUNT_BROKEN, reason=Reason.EMPTY_BODY, ago=timedelta(days=2)),
        "the lists of jane cannot be looked up: its server sends nothing",
        [
            (
                "The lists of jane cannot be looked up since 23 November 2026, 12:05 UTC: "
                "its server sends nothing."
            ),
            "The lists already known are watched as before; feedwatch keeps trying.",
        ],
    ),
    "an account recovered": (
        notice(NoticeKind.ACCOUNT_RECOVERED, ago=timedelta(days=2)),
        "the lists of jane can be looked up again",
        ["The lists of jane can be looked up again.", "They could not be looked up for 2 days."],
    ),
    "a target fails": (
        replace(
            notice(NoticeKind.TARGET_FAILING, reason="unreachable", ago=timedelta(hours=4)), account="phone/1"
        ),
        "phone/1 takes no messages: the service takes nothing at the moment",
        [
            (
                "phone/1 has taken no message since 25 November 2026, 08:05 UTC: "
                "the service takes nothing at the moment."
            ),
            "What it is owed is kept; feedwatch keeps trying, and says here when it works again.",
            "To see what waits, type: feedwatch outbox",
        ],
    ),
    "a target works again": (
        replace(notice(NoticeKind.TARGET_RECOVERED, ago=timedelta(hours=30)), account="phone/1"),
        "phone/1 takes messages again",
        ["phone/1 takes messages again.", "It took none for 30 hours."],
    ),
    "a test": (
        notice(NoticeKind.TEST),
        "feedwatch: a test",
        ["If you can read this, messages reach you here."],
    ),
}


@pytest.mark.parametrize(("told", "summary", "lines"), CASES.values(), ids=CASES)
def test_notices_say_what_it_is_about(told: Notice, summary: str, lines: list[str]) -> None:
    """A notice has a title that says it all at a glance, and lines that say the rest once."""
    assert text_of(summarize_notice(told)) == summary
    assert lines_of(told) == lines


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("feeds", [(), ONE, TWO, FIVE], ids=["no feed", "one", "two", "five"])
def test_every_kind_of_notice_has_words(kind: NoticeKind, feeds: tuple[NoticeLine, ...]) -> None:
    """Whatever a notice lacks, it has a title and at least one line, and no word says None."""
    told = Notice(kind, NOW, feeds=feeds)
    texts = [text_of(summarize_notice(told)), *lines_of(told)]
    assert len(texts) > 1
    assert all(texts)
    assert "None" not in " ".join(texts)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    """No reason reaches a person as the word of an enum."""
    assert REASONS[reason]
    assert "_" not in REASONS[reason]


def test_reason_of_a_newer_version_is_shown_as_it_is() -> None:
    """A reason that this version does not know is better than none, and is no markup."""
    told = notice(NoticeKind.FEED_BROKEN, ONE, reason="<new>")
    (foreign,) = [part.text for part in summarize_notice(told) if part.foreign and "new" in part.text]
    assert foreign == "<new>"


def test_names_from_a_configuration_make_no_markup() -> None:
    """Names of accounts and feeds are foreign parts, on one line."""
    told = Notice(NoticeKind.SIGNED_OUT, NOW, account="<b>\njane")
    assert [part.text for part in summarize_notice(told) if part.foreign] == ["<b> jane"]


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(0), "less than a minute"),
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=29), "less than a minute"),
        (timedelta(seconds=31), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(minutes=60), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=150), "3 hours"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=5, hours=1), "5 days"),
    ],
    ids=str,
)
def test_durations_are_said_as_a_person_says_them(length: timedelta, said: str) -> None:
    """One unit, rounded; two of the smaller unit where one of the larger says too little."""
    assert say_duration(length) == said


def test_moments_are_said_with_their_zone() -> None:
    """An instant is a day and a time of UTC, whatever language the machine speaks."""
    assert say_moment(NOW) == "25 November 2026, 12:05 UTC"
