"""What feedwatch says about itself, in words: why, since when, for how long, and what a person can do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from feedwatch.core.model import Notice, NoticeKind, Reason
from feedwatch.core.wording import Part, Sentence, quote, say

REASONS: dict[Reason, str] = {
    Reason.DNS: "the name of its server is not known",
    Reason.CONNECT: "its server does not answer",
    Reason.TLS: "its server offers no secure connection that can be trusted",
    Reason.TIMEOUT: "its server does not answer in time",
    Reason.CUT_SHORT: "its server breaks off in the middle",
    Reason.TOO_LARGE: "its server sends far too much",
    Reason.BAD_ENCODING: "what its server sends cannot be unpacked",
    Reason.PROTOCOL: "its server does not speak proper HTTP",
    Reason.TOO_MANY_REDIRECTS: "its server redirects without end",
    Reason.REDIRECT_REFUSED: "its server redirects to where a token must not go",
    Reason.BAD_ADDRESS: "its address cannot be used",
    Reason.PRIVATE_ADDRESS: "it leads into a private network, which the configuration does not allow",
    Reason.BAD_REQUEST: "its server does not understand the request",
    Reason.UNAUTHORIZED: "its server does not accept the sign-in",
    Reason.WRONG_CLOCK: "the clock of this machine is wrong, and its server accepts no sign-in with that",
    Reason.NO_TURN: "signed calls cannot be kept in order on this machine",
    Reason.BAD_TOKEN: "its server does not accept the token in its address",
    Reason.FORBIDDEN: "its server denies access",
    Reason.NOT_FOUND: "its server does not find it",
    Reason.GONE: "its server says that it is gone for good",
    Reason.RATE_LIMITED: "its server asks for rest",
    Reason.CLIENT_ERROR: "its server refuses the request",
    Reason.SERVER_ERROR: "its server has a fault",
    Reason.UNAVAILABLE: "its server is not available at the moment",
    Reason.EMPTY_BODY: "its server sends nothing",
    Reason.NOT_A_FEED: "its server sends something that is no feed",
    Reason.ERROR_DOCUMENT: "its server sends an error message in place of the list",
    Reason.MALFORMED: "what its server sends is broken",
    Reason.HOSTILE: "what its server sends could do harm",
    Reason.PARSER_KILLED: "what its server sends took too long or too much memory to read",
    Reason.TORN: "the list keeps changing while it is read",
    Reason.INTERNAL: "something is wrong with feedwatch itself, or where it runs; its log says more",
    Reason.TURNED_EMPTY: "the list turned empty, and that has to be seen twice",
    Reason.LOST_MOST: "the list lost most of its titles, and that has to be seen twice",
    Reason.STALE_READ: "its server sent an old state of the list",
    Reason.LEFT_INDEX: "no longer listed by the account",
    Reason.NOT_CONFIGURED: "no longer in the configuration",
    Reason.NO_CREDENTIALS: "there are no tokens to sign in with",
    Reason.REFUSED: "the service refused the message",
    Reason.UNREACHABLE: "the service takes nothing at the moment",
    Reason.AMBIGUOUS: "the service did not say whether it took the message",
    Reason.GAVE_UP: "it was tried for as long as configured",
    Reason.TARGET_GONE: "its target is not in the configuration any more",
    Reason.DROPPED: "it was dropped by hand",
    Reason.SILENCED: "a silence covered it",
}

_MOST_NAMED = 3
"""A title names so many feeds; more are counted."""


def summarize_notice(notice: Notice) -> Sentence:
    """Say what it is about, as the title of a message."""
    return _SUMMARIES[notice.kind](notice)


def describe_notice(notice: Notice) -> tuple[Sentence, ...]:
    """Say all of it, a line for each sentence."""
    return _DETAILS[notice.kind](notice)


def say_duration(length: timedelta) -> str:
    """A duration as a person says it: `3 hours`, `2 days`."""
    minutes = max(int(length.total_seconds() + 30) // 60, 0)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        count = (minutes + size // 2) // size
        # Two of the smaller unit say more than one of the larger: 90 minutes, 36 hours.
        if minutes >= 2 * size or (count and minutes == size) or (size == 1 and count):
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return "less than a minute"


def say_moment(at: datetime, zone: tzinfo = UTC) -> str:
    """An instant as a person reads it, by the clock of a zone."""
    at = at.astimezone(zone)
    return f"{at.day} {at:%B %Y, %H:%M %Z}"


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────


def _why(notice: Notice) -> str | Part:
    try:
        return REASONS[Reason(notice.reason)] if notice.reason else "why is not known"
    except ValueError:
        return quote(notice.reason or "")


def _since(notice: Notice) -> str | None:
    return f" since {say_moment(notice.since_at)}" if notice.since_at else None


def _names(notice: Notice) -> Sentence:
    """The feeds by name, or the account."""
    if not notice.feeds:
        return (_account(notice),)
    if len(notice.feeds) > _MOST_NAMED:
        return say(f"{len(notice.feeds):,} lists", *((" of ", _account(notice)) if notice.account else ()))
    return _listed([(quote(line.feed),) for line in notice.feeds])


def _account(notice: Notice) -> Part:
    return quote(notice.account or "feedwatch")


def _are(notice: Notice) -> str:
    return "are" if len(notice.feeds) > 1 else "is"


def _they(notice: Notice) -> str:
    return "They" if len(notice.feeds) > 1 else "It"


def _listed(sentences: list[Sentence]) -> Sentence:
    """Sentences one after the other, with commas."""
    joined = [part for sentence in sentences for part in (Part(", "), *sentence)]
    return tuple(joined[1:])


def _name_lines(notice: Notice) -> tuple[Sentence, ...]:
    """A line for each feed, where the title could not name all of them."""
    if len(notice.feeds) <= _MOST_NAMED:
        return ()
    return tuple((quote(line.feed),) for line in notice.feeds)


# ── one for each kind ─────────────────────────────────────────────────────────────────────────────


def _watching(notice: Notice) -> Sentence:
    lines = notice.feeds
    if len(lines) > _MOST_NAMED:
        total = sum(line.entries or 0 for line in lines)
        return say(f"watching {total:,} titles in {len(lines):,} lists")
    counted = [
        say(f"{line.entries or 0:,}" + ("" if at else _titles(line.entries)), " in ", quote(line.feed))
        for at, line in enumerate(lines)
    ]
    return say("watching ", *_listed(counted)) if counted else say("watching nothing yet")


def _titles(count: int | None) -> str:
    return " title" if count == 1 else " titles"


def _watching_details(notice: Notice) -> tuple[Sentence, ...]:
    """A line for each list, where the title could only count them."""
    if len(notice.feeds) <= _MOST_NAMED:
        return (_watching(notice),)
    return tuple(
        say(f"{line.entries or 0:,}{_titles(line.entries)} in ", quote(line.feed)) for line in notice.feeds
    )


def _broken(notice: Notice) -> Sentence:
    return say(*_names(notice), " cannot be read: ", _why(notice))


def _broken_details(notice: Notice) -> tuple[Sentence, ...]:
    first = say(*_names(notice), " cannot be read", _since(notice), ": ", _why(notice), ".")
    return (first, say("Nothing known is lost; feedwatch keeps trying, and says when it works again."))


def _account_broken(notice: Notice) -> Sentence:
    return say("the lists of ", _account(notice), " cannot be looked up: ", _why(notice))


def _account_broken_details(notice: Notice) -> tuple[Sentence, ...]:
    first = say(
        "The lists of ", _account(notice), " cannot be looked up", _since(notice), ": ", _why(notice), "."
    )
    return (first, say("The lists already known are watched as before; feedwatch keeps trying."))


def _recovered(notice: Notice) -> Sentence:
    return say(*_names(notice), f" {'work' if len(notice.feeds) > 1 else 'works'} again")


def _recovered_details(notice: Notice) -> tuple[Sentence, ...]:
    return (say(*_recovered(notice), "."), *_outage(notice, f"{_they(notice)} could not be read"))


def _account_recovered(notice: Notice) -> Sentence:
    return say("the lists of ", _account(notice), " can be looked up again")


def _account_recovered_details(notice: Notice) -> tuple[Sentence, ...]:
    first = say("The lists of ", _account(notice), " can be looked up again.")
    return (first, *_outage(notice, "They could not be looked up"))


def _outage(notice: Notice, what: str) -> tuple[Sentence, ...]:
    if notice.since_at is None:
        return ()
    return (say(f"{what} for {say_duration(notice.at - notice.since_at)}."),)


def _found(notice: Notice) -> Sentence:
    return say("found ", *_names(notice))


def _found_details(notice: Notice) -> tuple[Sentence, ...]:
    first = say("Found ", *_names(notice), f"; {_they(notice).lower()} {_are(notice)} watched from now on.")
    return (first, *_name_lines(notice))


def _retired(notice: Notice) -> Sentence:
    return say(*_names(notice), f" {_are(notice)} not watched any more")


def _retired_details(notice: Notice) -> tuple[Sentence, ...]:
    return (say(*_retired(notice), ": ", _why(notice), "."), *_name_lines(notice))


def _signed_out(notice: Notice) -> Sentence:
    return say(_account(notice), " is signed out")


def _signed_out_details(notice: Notice) -> tuple[Sentence, ...]:
    why = say(": ", _why(notice)) if notice.reason else ()
    return (
        say(*_signed_out(notice), *why, "."),
        say("To sign in again, type: feedwatch login ", _account(notice)),
        say("Where its access token stands in the configuration, put a new one there instead."),
        say("Until then, lists that still answer are watched."),
    )


def _target_failing(notice: Notice) -> Sentence:
    return say(_account(notice), " takes no messages: ", _why(notice))


def _target_failing_details(notice: Notice) -> tuple[Sentence, ...]:
    first = say(_account(notice), " has taken no message", _since(notice), ": ", _why(notice), ".")
    return (
        first,
        say("What it is owed is kept; feedwatch keeps trying, and says here when it works again."),
        say("To see what waits, type: feedwatch outbox"),
    )


def _target_recovered(notice: Notice) -> Sentence:
    return say(_account(notice), " takes messages again")


def _target_recovered_details(notice: Notice) -> tuple[Sentence, ...]:
    return (say(*_target_recovered(notice), "."), *_outage(notice, "It took none"))


def _state_damaged(_: Notice) -> Sentence:
    return say("feedwatch begins anew: its state was damaged")


def _state_damaged_details(notice: Notice) -> tuple[Sentence, ...]:
    """Its reason is the name under which the damaged state was set aside."""
    aside = quote(notice.reason or "")
    return (
        say("The state of feedwatch was damaged. It is set aside, as it was, under the name ", aside, "."),
        say("Watching goes on with a new state: each list is read anew and counted, not announced."),
        say("What waited to be sent is lost, and so is what changed since each list was last read."),
        say(
            "To go back to a backup: stop feedwatch, move the state and the -wal and -shm beside it away, "
            "put the backup in its place, start it."
        ),
        # Not every build of sqlite3 can recover (Debian's cannot); dump leaves out what it cannot read.
        say("To see what can still be read: sqlite3 ", aside, " .recover (or .dump, where that fails)"),
    )


def _test(_: Notice) -> Sentence:
    return say("feedwatch: a test")


def _test_details(_: Notice) -> tuple[Sentence, ...]:
    return (say("If you can read this, messages reach you here."),)


_SUMMARIES: dict[NoticeKind, Callable[[Notice], Sentence]] = {
    NoticeKind.WATCHING: _watching,
    NoticeKind.FEED_BROKEN: _broken,
    NoticeKind.FEED_RECOVERED: _recovered,
    NoticeKind.FEEDS_FOUND: _found,
    NoticeKind.FEED_RETIRED: _retired,
    NoticeKind.SIGNED_OUT: _signed_out,
    NoticeKind.ACCOUNT_BROKEN: _account_broken,
    NoticeKind.ACCOUNT_RECOVERED: _account_recovered,
    NoticeKind.TARGET_FAILING: _target_failing,
    NoticeKind.TARGET_RECOVERED: _target_recovered,
    NoticeKind.STATE_DAMAGED: _state_damaged,
    NoticeKind.TEST: _test,
}
_DETAILS: dict[NoticeKind, Callable[[Notice], tuple[Sentence, ...]]] = {
    NoticeKind.WATCHING: _watching_details,
    NoticeKind.FEED_BROKEN: _broken_details,
    NoticeKind.FEED_RECOVERED: _recovered_details,
    NoticeKind.FEEDS_FOUND: _found_details,
    NoticeKind.FEED_RETIRED: _retired_details,
    NoticeKind.SIGNED_OUT: _signed_out_details,
    NoticeKind.ACCOUNT_BROKEN: _account_broken_details,
    NoticeKind.ACCOUNT_RECOVERED: _account_recovered_details,
    NoticeKind.TARGET_FAILING: _target_failing_details,
    NoticeKind.TARGET_RECOVERED: _target_recovered_details,
    NoticeKind.STATE_DAMAGED: _state_damaged_details,
    NoticeKind.TEST: _test_details,
}
