"""Accounts and their indexes: which feeds there are, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from feedwatch.core.model import FeedState, FoundFeed, Notice, NoticeKind, Reason
from feedwatch.core.state import AccountStatus, IndexEffect, KnownFeed
from feedwatch.store.codec import read_facts, read_instant, read_reason, stamp, write_facts, write_instant
from feedwatch.store.connection import Connection, Row, Transaction
from feedwatch.store.owing import owe_notice

_SAID_OF_ACCOUNT = {NoticeKind.SIGNED_OUT: "signed_out", NoticeKind.ACCOUNT_BROKEN: "broken_announced"}
"""What says of an account that a notice of this kind has been told."""
MISSING_BEFORE_RETIRING = 2
"""Indexes in a row that must lack a feed before it retires (law 12)."""


class Indexes(Connection):
    """The store's words about accounts."""

    def sync_accounts(self, accounts: Mapping[str, str], now: datetime) -> tuple[str, ...]:
        """Take over which accounts are configured, each with a stamp of its credentials.

        A new stamp ends the signed-out state and makes the index due. Feeds of accounts that are no
        longer configured rest until the account is back. Returns whose signed-out state has ended.
        """
        known = self.query("SELECT * FROM accounts")
        wanted = {row["name"]: row["stamp"] for row in known if row["configured"]}
        if wanted == dict(accounts):
            return ()
        with self.transaction() as conn:
            rows = {row["name"]: row for row in conn.execute("SELECT * FROM accounts")}
            conn.execute("UPDATE accounts SET configured = 0")
            for name, mark in accounts.items():
                _sync_account(conn, name, mark, rows.get(name), now)
        return tuple(
            name
            for name, mark in accounts.items()
            if name in rows and rows[name]["signed_out"] and rows[name]["stamp"] != mark
        )

    def due_accounts(self, now: datetime) -> tuple[str, ...]:
        """The accounts whose index is to be read."""
        rows = self.query(
            "SELECT name FROM accounts WHERE configured AND next_index_at <= ? ORDER BY next_index_at",
            (stamp(now),),
        )
        return tuple(row["name"] for row in rows)

    def ask_index(self, account: str, now: datetime) -> None:
        """Make an account's index due now, unless it is signed out."""
        with self.transaction() as conn:
            conn.execute(
                "UPDATE accounts SET next_index_at = ? WHERE name = ? AND NOT signed_out",
                (stamp(now), account),
            )

    def account_statuses(self) -> tuple[AccountStatus, ...]:
        """What is known of each configured account."""
        return tuple(_account_status(row) for row in self.query(f"{_CONFIGURED} ORDER BY name"))

    def account_status(self, account: str) -> AccountStatus | None:
        """What is known of one account; None while it is not configured."""
        rows = self.query(_ONE_CONFIGURED, (account,))
        return _account_status(rows[0]) if rows else None

    def feed_addresses(self) -> tuple[str, ...]:
        """Where the indexes say that the feeds are that there are or were, of all accounts."""
        return tuple(row["named_address"] for row in self.query("SELECT named_address FROM feeds"))

    def has_feeds(self, account: str) -> bool:
        """Whether an account has or had any feed."""
        return bool(self.query("SELECT 1 FROM feeds WHERE account = ? LIMIT 1", (account,)))

    def known_feeds(self, account: str) -> tuple[KnownFeed, ...]:
        """The feeds that an account has or had."""
        rows = self.query(
            "SELECT name, title, named_address, state FROM feeds WHERE account = ? ORDER BY id", (account,)
        )
        return tuple(
            KnownFeed(row["name"], row["title"], row["named_address"], row["state"] == FeedState.RETIRED)
            for row in rows
        )

    def record_index(  # noqa: PLR0913 — all that an index brings, each by its name
        self,
        account: str,
        found: Sequence[FoundFeed],
        *,
        now: datetime,
        next_index_at: datetime,
        authoritative: bool,
        facts: Mapping[str, str],
        make_notices: Callable[[IndexEffect], Sequence[Notice]],
        notice_addresses: Sequence[str],
        asked_as: str | None = None,
    ) -> IndexEffect | None:
        """Take over an account's index as read: feeds new, back, at a new address, missing.

        A feed keeps its state whatever its address becomes (law 6); it retires when two indexes in a
        row lack it, at once where the index is the configuration itself (`authoritative`).
        None, and nothing is written, if the account was asked as somebody else than it is by now.
        """
        with self.transaction() as conn:
            before = _find_account(conn, account)
            if asked_as is not None and (before is None or before["asked_as"] != asked_as):
                return None
            effect = _take_over(conn, account, found, now, authoritative=authoritative)
            merged = {**_facts_of(conn, account), **facts}
            conn.execute(
                "UPDATE accounts SET next_index_at = ?, failures = 0, failing_since_at = NULL, "
                "reason = NULL, detail = '', broken_announced = 0, signed_out = 0, facts = ? WHERE name = ?",
                (stamp(next_index_at), write_facts(merged), account),
            )
            was_broken = before is not None and before["broken_announced"]
            for notice in make_notices(effect):
                if was_broken or notice.kind is not NoticeKind.ACCOUNT_RECOVERED:
                    owe_notice(conn, notice, notice_addresses)
        return effect

    def record_index_failure(
        self,
        account: str,
        *,
        now: datetime,
        next_index_at: datetime | None,
        reason: Reason,
        detail: str,
        notice: Notice | None,
        notice_addresses: Sequence[str],
        asked_as: str | None = None,
    ) -> bool:
        """Write that an index could not be read; not to be read again by itself, it is signed out.

        False, and nothing is written, if the account was asked as somebody else than it is by now.
        """
        announced_broken = notice is not None and notice.kind is NoticeKind.ACCOUNT_BROKEN
        with self.transaction() as conn:
            before = _find_account(conn, account)
            if asked_as is not None and (before is None or before["asked_as"] != asked_as):
                return False
            conn.execute(
                "UPDATE accounts SET next_index_at = ?, failures = failures + 1, "
                "failing_since_at = coalesce(failing_since_at, ?), reason = ?, detail = ?, signed_out = ?, "
                "broken_announced = max(broken_announced, ?) WHERE name = ?",
                (
                    write_instant(next_index_at),
                    stamp(now),
                    reason,
                    detail,
                    next_index_at is None,
                    announced_broken,
                    account,
                ),
            )
            # However many find a token dead or an account broken, in however many processes: it is told once.
            said = _SAID_OF_ACCOUNT.get(notice.kind) if notice else None
            if notice and not (said and before is not None and before[said]):
                owe_notice(conn, notice, notice_addresses)
        return True


# Another sign-in is another account to whoever was asked with the one before. The token itself is not told.
_CONFIGURED = """
SELECT accounts.*,
    accounts.stamp || coalesce(' ' || sign_ins.application || ' ' || sign_ins.at, '') AS asked_as
FROM accounts LEFT JOIN sign_ins ON sign_ins.account = accounts.name WHERE configured
"""
_ONE_CONFIGURED = f"{_CONFIGURED} AND name = ?"


def _find_account(conn: Transaction, account: str) -> Row | None:
    found: Row | None = conn.execute(_ONE_CONFIGURED, (account,)).fetchone()
    return found


def find_asked_as(conn: Transaction, account: str) -> str | None:
    """As whom an account would be asked now; None while it is not configured."""
    row = _find_account(conn, account)
    return row["asked_as"] if row is not None else None


def _sync_account(conn: Transaction, name: str, mark: str, row: Row | None, now: datetime) -> None:
    if row is None:
        conn.execute(
            "INSERT INTO accounts (name, configured, stamp, next_index_at) VALUES (?, 1, ?, ?)",
            (name, mark, stamp(now)),
        )
    elif row["stamp"] != mark:
        conn.execute(
            "UPDATE accounts SET configured = 1, stamp = ?, signed_out = 0, next_index_at = ? WHERE name = ?",
            (mark, stamp(now), name),
        )
        # Whoever it is asked as now: what another was told is not theirs.
        conn.execute("DELETE FROM title_details WHERE account = ?", (name,))
    else:
        # Back in the configuration after a while: its index may have moved on.
        due = row["next_index_at"] if row["configured"] or row["signed_out"] else stamp(now)
        conn.execute("UPDATE accounts SET configured = 1, next_index_at = ? WHERE name = ?", (due, name))


def _account_status(row: Row) -> AccountStatus:
    return AccountStatus(
        name=row["name"],
        stamp=row["asked_as"],
        signed_out=bool(row["signed_out"]),
        reason=read_reason(row["reason"]),
        detail=row["detail"],
        failures=row["failures"],
        next_index_at=read_instant(row["next_index_at"]),
        failing_since_at=read_instant(row["failing_since_at"]),
        broken_announced=bool(row["broken_announced"]),
        facts=read_facts(row["facts"]),
    )


def _facts_of(conn: Transaction, account: str) -> dict[str, str]:
    row = conn.execute("SELECT facts FROM accounts WHERE name = ?", (account,)).fetchone()
    return read_facts(row["facts"]) if row else {}


def _take_over(
    conn: Transaction, account: str, found: Sequence[FoundFeed], now: datetime, *, authoritative: bool
) -> IndexEffect:
    known = {row["name"]: row for row in conn.execute(_KNOWN, (account,))}
    listed = {feed.name: feed for feed in found}
    new = [feed for name, feed in listed.items() if name not in known]
    _add_feeds(conn, account, new, now)
    both = [(known[name], feed) for name, feed in listed.items() if name in known]
    return IndexEffect(
        found=tuple(feed.name for feed in new),
        readdressed=tuple(feed.name for row, feed in both if row["named_address"] != feed.address),
        returned=tuple(feed.name for row, feed in both if _update_feed(conn, row, feed, now)),
        retired=tuple(
            name
            for name, row in known.items()
            if name not in listed and _miss_feed(conn, row, authoritative=authoritative)
        ),
    )


# Not `*`: the order of a list is as long as the list.
_KNOWN = """
SELECT id, name, kind, named_address, title, feed_group, every_seconds, announce_baseline, compare_content,
    plain, missing_indexes, state, reason, compared_as
FROM feeds WHERE account = ? ORDER BY id
"""


def _add_feeds(conn: Transaction, account: str, feeds: Sequence[FoundFeed], now: datetime) -> None:
    at = stamp(now)
    conn.executemany(
        "INSERT INTO feeds (account, name, kind, address, named_address, title, feed_group, every_seconds, "
        "announce_baseline, compare_content, plain, next_poll_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((account, feed.name, feed.kind, feed.address, feed.address, *_wishes(feed), at) for feed in feeds),
    )


def _update_feed(conn: Transaction, row: Row, feed: FoundFeed, now: datetime) -> bool:
    """Bring a feed's row up to what the index says; True if it had retired and is back."""
    readdressed = row["named_address"] != feed.address
    if readdressed:
        conn.execute(
            "UPDATE feeds SET address = ?1, named_address = ?1, paging_refused = 0, moved_to = NULL, "
            "moved_polls = 0 WHERE id = ?2",
            (feed.address, row["id"]),
        )
    # Where what is compared changes, the next reply must be read, whatever its bytes (law 5).
    known = (row["kind"], bool(row["compare_content"]), bool(row["plain"]))
    if readdressed or known != (feed.kind, feed.compare_content, feed.plain):
        _read_anew(conn, row["id"], now)
    said = (feed.kind, *_wishes(feed))
    if said != tuple(row[name] for name in _SAID) or row["missing_indexes"]:
        conn.execute(
            "UPDATE feeds SET kind = ?, title = ?, feed_group = ?, every_seconds = ?, announce_baseline = ?, "
            "compare_content = ?, plain = ?, missing_indexes = 0 WHERE id = ?",
            (*said, row["id"]),
        )
    still_gone = row["reason"] == Reason.GONE and not readdressed
    if row["state"] != FeedState.RETIRED or still_gone:
        return False
    _bring_back(conn, row, now)
    return True


def _read_anew(conn: Transaction, feed_id: int, now: datetime) -> None:
    """Forget what was kept to see that nothing is new; polls under way were made for what was before."""
    conn.execute(
        "UPDATE feeds SET validators = '[]', body_digest = NULL, content_digest = NULL, parts = NULL, "
        "landed_number = poll_number, next_poll_at = ? WHERE id = ?",
        (stamp(now), feed_id),
    )


def _bring_back(conn: Transaction, row: Row, now: datetime) -> None:
    state = FeedState.NEW if row["compared_as"] is None else FeedState.OK
    conn.execute(
        "UPDATE feeds SET state = ?, reason = NULL, detail = '', failures = 0, failing_since_at = NULL, "
        "broken_announced = 0, next_poll_at = ? WHERE id = ?",
        (state, stamp(now), row["id"]),
    )


# What an index says of a feed beside its address; of most it says what it said before.
_SAID = ("kind", "title", "feed_group", "every_seconds", "announce_baseline", "compare_content", "plain")


def _wishes(feed: FoundFeed) -> tuple[object, ...]:
    every = feed.every.total_seconds() if feed.every else None
    return feed.title, feed.group, every, feed.announce_baseline, feed.compare_content, feed.plain


def _miss_feed(conn: Transaction, row: Row, *, authoritative: bool) -> bool:
    """Count a feed as missing from an index; True if that retires it."""
    reason = Reason.NOT_CONFIGURED if authoritative else Reason.LEFT_INDEX
    if row["state"] == FeedState.RETIRED:
        # One that answered 410 rests only while its index lists it: if it returns, it is asked again.
        conn.execute("UPDATE feeds SET reason = ? WHERE id = ?", (reason, row["id"]))
        return False
    missing = row["missing_indexes"] + 1
    retires = authoritative or missing >= MISSING_BEFORE_RETIRING
    conn.execute("UPDATE feeds SET missing_indexes = ? WHERE id = ?", (missing, row["id"]))
    if retires:
        conn.execute(
            "UPDATE feeds SET state = ?, reason = ?, detail = '' WHERE id = ?",
            (FeedState.RETIRED, reason, row["id"]),
        )
    return retires
