"""What is said of each thing: rows with stable keys for a program, and words for a person.

A row holds what JSON can: its keys are a promise (docs/commands.md), the words may change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from feedwatch.core.document import lay_out_change, show_instant
from feedwatch.core.keys import full_name
from feedwatch.core.messages import WaitsFor
from feedwatch.core.model import Reason, RecordedChange
from feedwatch.core.notices import REASONS
from feedwatch.core.state import FeedStatus, MessageStatus, StoredEntry
from feedwatch.present import Row, show_duration
from feedwatch.redact import mask_url

# ── rows ────────────────────────────────────────────────────────────────────────────────


def describe_change(change: RecordedChange) -> Row:
    """A line of `feedwatch changes`."""
    return lay_out_change(change)


def describe_entry(stored: StoredEntry) -> Row:
    """A line of `feedwatch show`."""
    entry = stored.entry
    return {
        "key": entry.key,
        "title": entry.title,
        "link": entry.link,
        "position": entry.position,
        "fields": dict(entry.facts),
        "first_seen_at": show_instant(stored.first_seen_at),
    }


def describe_feed(feed: FeedStatus) -> Row:
    """A line of `feedwatch status`."""
    return {
        "feed": feed.feed,
        "kind": str(feed.kind),
        "entries": feed.entries,
        "state": str(feed.state),
        "reason": str(feed.reason) if feed.reason else None,
        "last_polled_at": show_instant(feed.last_polled_at),
        "next_poll_at": show_instant(feed.next_poll_at),
        "failures": feed.failures,
        "group": feed.group,
        "detail": feed.detail or None,
    }


def describe_message(message: MessageStatus) -> Row:
    """A line of `feedwatch outbox`."""
    return {
        "id": message.id,
        "target": message.address,
        "state": message.state,
        "attempts": message.attempts,
        "next_attempt_at": show_instant(message.next_attempt_at),
        "reason": str(message.reason) if message.reason else None,
        "changes": message.changes,
        "created_at": show_instant(message.created_at),
        "detail": message.detail or None,
        "waits_for": str(message.waits_for) if message.waits_for else None,
    }


def describe_checked(subject: str, problem: str | None) -> Row:
    """A line of `feedwatch check`."""
    return {"subject": subject, "ok": problem is None, "problem": problem}


def describe_found(account: str, feed: str, kind: str, group: str | None, url: str, state: str | None) -> Row:
    """A line of `feedwatch discover`; the address is shown without its token."""
    return {
        "account": account,
        "feed": full_name(account, feed),
        "kind": kind,
        "group": group,
        "url": mask_url(url),
        "state": state,
    }


_KEYS: Mapping[str, str] = {Reason.PRIVATE_ADDRESS: "private_networks"}
"""Keys of the configuration that can allow what a reason refuses."""


WAITS: Mapping[str, str] = {
    WaitsFor.GATHERING: "gathered with what else changes",
    WaitsFor.DIGEST: "waits for the digest",
    WaitsFor.QUIET: "held while it is quiet",
}


# ── words for a person ────────────────────────────────────────────────────────────────────────────


def say_reason(reason: object, detail: object = None) -> str:
    """Say why something is as it is: a reason in words, what was seen, and the key that can allow it."""
    try:
        words = REASONS.get(Reason(str(reason)), str(reason))
    except ValueError:
        words = str(reason)
    said = f"{words} ({detail})" if detail else words
    key = _KEYS.get(str(reason))
    return f"{said}: `{key}` can allow it" if key else said


def say_unknown(what: str, name: str, known: Collection[str]) -> str:
    """Say that there is no such thing, and which one may have been meant."""
    from difflib import get_close_matches  # noqa: PLC0415 — for mistakes alone

    close = get_close_matches(name, list(known), n=1, cutoff=0.75)
    if close:
        return f"no {what} is called {name!r}. Did you mean {close[0]}?"
    shown = ", ".join(sorted(known)[:8]) + (", …" if len(known) > 8 else "")
    return f"no {what} is called {name!r}. {f'There are: {shown}' if shown else 'There is none.'}"


def say_feed_trouble(row: Row) -> str | None:
    """Say why a feed does not fare well; None if it does."""
    if row["state"] == "signed_out":
        account = str(row["feed"]).partition("/")[0]
        return f"{say_reason(row['reason'] or 'unauthorized')}; type: feedwatch login {account}"
    if row["reason"] is None:
        return None
    failures = row["failures"]
    often = f"; {failures} failures in a row" if isinstance(failures, int) and failures > 1 else ""
    return say_reason(row["reason"], row["detail"]) + often


def say_age(row: Row, now: datetime) -> str | None:
    """Say how long ago something was created; None for what is still to come."""
    length = now - datetime.fromisoformat(str(row["created_at"]))
    return show_duration(length) if length >= timedelta(0) else None


def say_details(row: Row) -> str:
    """Say what makes a change: where to, where from, and which facts, old and new."""
    position, previous = row["position"], row["previous_position"]
    said = []
    if position and previous:
        said.append(f"{previous} → {position}")
    elif position and row["change"] == "added":
        said.append(f"at {position}")
    elif previous:
        said.append(f"was {previous}")
    fields = row["fields"]
    assert isinstance(fields, Mapping)
    said += [_say_fact_change(name, fact) for name, fact in fields.items()]
    return ", ".join(said)


def _say_fact_change(name: str, fact: Mapping[str, object]) -> str:
    if name == "content":  # a digest, which says nothing to a person
        return "new text"
    before, after = (_say_value(fact[side]) or "none" for side in ("from", "to"))
    return f"{_say_name(name)}{before} → {after}"


def say_facts(row: Row) -> str:
    """Say what is known of an entry."""
    fields = row["fields"]
    assert isinstance(fields, Mapping)
    return ", ".join(f"{_say_name(n)}{_say_value(fact)}" for n, fact in fields.items() if n != "content")


def _say_name(name: str) -> str:
    """The name of a fact; none for one whose value says it all."""
    if name in ("availability", "year"):
        return ""
    return name.removesuffix("_at").replace("_", " ") + " "


def _say_value(value: object) -> str:
    """A fact's value; an instant without what nobody wants to know."""
    text = "" if value is None else str(value)
    instant = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)\S*", text)
    return f"{instant[1]} {instant[2]}" if instant else text.replace("_", " ")
