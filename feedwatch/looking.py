"""The commands that need no network: they look at the state, or only at the configuration.

None of them needs a secret, and all work beside a daemon or without one.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from feedwatch.config import Config, FeedsAccount, is_web_address
from feedwatch.config.hiding import hide_secrets
from feedwatch.core.messages import MessageState
from feedwatch.core.model import FeedState, Kind, ParseFailed
from feedwatch.core.notices import say_duration
from feedwatch.core.schedule import is_failing_by_now
from feedwatch.core.state import FeedStatus
from feedwatch.errors import FeedwatchError, StoreError, StoreLocked, StoreMissing
from feedwatch.logs import redact_crashes
from feedwatch.present import Row, Screen, Show
from feedwatch.redact import Redactor, mask_url, secrets_of_url
from feedwatch.rows import (
    WAITS,
    describe_change,
    describe_checked,
    describe_entry,
    describe_feed,
    describe_message,
    say_age,
    say_details,
    say_facts,
    say_feed_trouble,
    say_reason,
    say_unknown,
)
from feedwatch.store import Store, copy_state
from feedwatch.terminal import clean_lines, clean_text


def start_hiding(config: Config) -> Redactor:
    """Give a redactor that knows the secrets of a configuration; what crashes from now on passes it, too."""
    redactor = Redactor()
    hide_secrets(config, redactor)
    redact_crashes(redactor)
    return redactor


@contextmanager
def open_for_looking(config: Config, *, as_json: bool) -> Iterator[tuple[Store, Screen]]:
    """Open the state read-only, and a screen that knows the tokens in it.

    Raises:
        StoreError: there is no state, or it cannot be read.
    """
    redactor = start_hiding(config)
    store = Store.open_read_only(config.state)
    try:
        yield store, make_screen(store, redactor, as_json=as_json)
    finally:
        store.close()


def make_screen(store: Store, redactor: Redactor, *, as_json: bool = False) -> Screen:
    """Make a screen that hides the tokens in a state, too."""
    hide_tokens(store, redactor)
    return Screen(redactor, as_json=as_json)


def hide_tokens(store: Store, redactor: Redactor) -> None:
    """Tell the redactor the tokens in a state: of its feeds, and those that signing in has got."""
    for address in store.feed_addresses():
        redactor.register(*secrets_of_url(address))
    for sign_in in store.list_sign_ins():
        redactor.register(sign_in.token, sign_in.secret)


def show_status(store: Store, screen: Screen) -> None:
    """Print a line for each feed, and what ails those that do not fare well."""
    feeds = store.list_feeds()
    rows = [describe_feed(feed) for feed in feeds]
    columns = ["feed", "kind", "entries", "state", "last_polled_at", "next_poll_at"]
    if any(row["group"] for row in rows):
        columns.insert(1, "group")
    screen.print_rows(rows, columns, empty=_say_no_feeds(store), aside=("why", say_feed_trouble))
    _warn_of_accounts(store, screen, {_account_of(feed) for feed in feeds})
    _warn_of_addresses(store, screen)


def _say_no_feeds(store: Store) -> str:
    """Say what is to be done where there are no feeds yet."""
    accounts = store.account_statuses()
    signed_out = [each.name for each in accounts if each.signed_out]
    if signed_out:
        commands = (f"feedwatch login {each}" for each in signed_out)
        return f"no feeds yet: to sign in, type  {',  '.join(commands)}"
    if any(each.reason for each in accounts):
        return "no feeds yet"
    return "no feeds yet: is the daemon running? (feedwatch run)"


def show_feed(store: Store, screen: Screen, feed: str) -> None:
    """Print a list as last seen.

    Raises:
        FeedwatchError: there is no such feed.
    """
    entries = store.list_entries(feed)
    if entries is None:
        raise FeedwatchError(say_unknown("feed", feed, [each.feed for each in store.list_feeds()]))
    rows = [describe_entry(entry) for entry in entries]
    columns = ["position", "title", "details", "first_seen_at"]
    if not any(row["position"] for row in rows):
        columns.remove("position")
    empty = f"{feed} is empty, or has not been read yet"
    screen.print_rows(rows, columns, empty=empty, show={"details": say_facts})


def show_changes(store: Store, screen: Screen, feed: str | None, since_at: datetime | None) -> None:
    """Print what changed, newest last.

    Raises:
        FeedwatchError: there is no such feed.
    """
    if feed is not None:
        known = [each.feed for each in store.list_feeds()]
        if feed not in known:
            raise FeedwatchError(say_unknown("feed", feed, known))
    rows = [describe_change(change) for change in store.list_changes(feed=feed, since_at=since_at)]
    columns = ["id", "at", "feed", "change", "title", "details"]
    screen.print_rows(rows, columns, empty="no changes", show={"details": say_details})


def show_outbox(store: Store, screen: Screen, *, all_done: bool = False) -> None:
    """Print messages waiting, paused, dead or done: the newest of the last, or all of them."""
    rows = [describe_message(message) for message in store.list_messages(all_done=all_done)]
    columns = ["id", "target", "state", "attempts", "age", "next_attempt_at", "changes"]
    waits_for = _first_open(rows)
    why = partial(_say_delay, waits_for=waits_for)
    if any(why(row) for row in rows):
        columns.append("why")
    show: dict[str, Show] = {"why": why, "age": partial(say_age, now=datetime.now(UTC))}
    screen.print_rows(rows, columns, empty="the outbox is empty", show=show)
    _warn_of_addresses(store, screen)


def _first_open(rows: Sequence[Row]) -> dict[object, object]:
    """The message that each address is to be sent next, where there is one."""
    open_states = (MessageState.PENDING, MessageState.CLAIMED)
    made = [row for row in reversed(rows) if row["id"] is not None and row["state"] in open_states]
    return {row["target"]: row["id"] for row in made}


def _say_delay(row: Row, waits_for: Mapping[object, object]) -> str | None:
    if row["reason"]:
        return say_reason(row["reason"], row["detail"])
    if row["waits_for"]:
        return WAITS[str(row["waits_for"])]
    first = waits_for.get(row["target"])
    behind = row["state"] == MessageState.PENDING and first is not None and first != row["id"]
    return f"after message {first}" if behind else None


def _warn_of_accounts(store: Store, screen: Screen, shown: Collection[str]) -> None:
    """Say on standard error of which accounts no new lists are found, unless what is `shown` says so."""
    for each in store.account_statuses():
        if each.signed_out and shown and each.name not in shown:
            said = f"{each.name} is not signed in: feedwatch login {each.name}"
        elif each.reason is not None and not each.signed_out:
            why = say_reason(each.reason, each.detail)
            said = f"the lists of {each.name} could not be looked up: {why}"
        else:
            continue
        click.echo(f"warning: {screen.clean(said)}", err=True)


def _warn_of_addresses(store: Store, screen: Screen) -> None:
    """Say on standard error which addresses are told nothing: nobody else may say so."""
    now = datetime.now(UTC)
    for each in store.list_addresses():
        since_at = each.health.failing_since_at
        if each.paused_at is not None:
            said = f"{each.address} is paused: feedwatch outbox resume {each.address}"
        elif since_at is not None and is_failing_by_now(since_at, now):
            said = f"{each.address} has taken no message for {say_duration(now - since_at)}"
        else:
            continue
        click.echo(f"warning: {screen.clean(said)}", err=True)


# ── the state as a whole ──────────────────────────────────────────────────────────────────────────


def check_state(config: Config, now: datetime, *, as_json: bool) -> int:
    """Print whether each thing holds that must hold in a state; 1 if one does not.

    Raises:
        StoreMissing: there is no state.
    """
    # Not `open_for_looking`: it reads the feeds, and they may be what is damaged.
    redactor = start_hiding(config)
    try:
        store = Store.open_read_only(config.state)
    except (StoreMissing, StoreLocked):
        raise
    except StoreError as error:
        rows = [describe_checked("state", str(error))]
    else:
        try:
            rows = [describe_checked(f"state: {each.rule}", each.problem) for each in store.inspect(now)]
        finally:
            store.close()
    Screen(redactor, as_json=as_json).print_rows(rows, ["subject", "ok", "problem"], empty="nothing to check")
    return int(any(not row["ok"] for row in rows))


def backup_state(config: Config, file: Path, *, replace: bool) -> None:
    """Copy the state to a file, and say so.

    Raises:
        StoreError: it cannot be copied, or not there.
    """
    size = copy_state(config.state, file, replace=replace)
    click.echo(clean_text(f"{config.state} is copied to {file} ({size / 1_000_000:,.1f} MB)"))


# ── the configuration alone ───────────────────────────────────────────────────────────────────────


def check_accounts(config: Config, accounts: Collection[str]) -> None:
    """See to it that these accounts are configured.

    Raises:
        FeedwatchError: one is not.
    """
    for account in accounts:
        if account not in config.accounts:
            raise FeedwatchError(say_unknown("account", account, list(config.accounts)))


def check_feeds(config: Config, feeds: Collection[str]) -> None:
    """See to it that these can be names of feeds, before anybody is asked for any.

    Raises:
        FeedwatchError: one cannot.
    """
    for feed in feeds:
        account, slash, _ = feed.partition("/")
        if not slash:
            raise FeedwatchError(f"no feed is called {feed!r}: it is account/name, as in feedwatch status")
        check_accounts(config, [account])


# ── subscriptions ─────────────────────────────────────────────────────────────────────────────────


def export_opml(store: Store, config: Config, redactor: Redactor, *, with_tokens: bool) -> None:
    """Print the feeds that are watched as OPML; addresses that are secret only where asked for."""
    from feedwatch.opml import Outline, split_group, write_opml  # noqa: PLC0415 — lxml, for this alone

    feeds = [feed for feed in store.list_feeds() if feed.state is not FeedState.RETIRED]
    told = [feed for feed in feeds if with_tokens or not _is_secret(feed, config)]
    accounts = {_account_of(feed) for feed in told}
    outlines = [
        Outline(
            redactor.redact(feed.feed.partition("/")[2]),
            feed.address,
            kind=str(feed.kind),
            groups=(
                *([_account_of(feed)] if len(accounts) > 1 else []),
                *map(redactor.redact, split_group(feed.group)),
            ),
        )
        for feed in told
    ]
    sys.stdout.buffer.write(write_opml(outlines))
    if len(told) < len(feeds):
        left_out = len(feeds) - len(told)
        click.echo(f"left out {left_out} whose address is secret (--with-tokens takes them in)", err=True)


def _account_of(feed: FeedStatus) -> str:
    return feed.feed.partition("/")[0]


def _is_secret(feed: FeedStatus, config: Config) -> bool:
    """Whether an address holds a token or password, or was not to stand in the configuration itself."""
    account_name, _, name = feed.feed.partition("/")
    account = config.accounts.get(account_name)
    listed = account.feeds.get(name) if isinstance(account, FeedsAccount) else None
    return mask_url(feed.address) != feed.address or (listed is not None and not listed.url.is_literal)


def import_opml(file: Path, account: str) -> None:
    """Print an account for the configuration that has the feeds of an OPML file.

    Raises:
        FeedwatchError: the file is no OPML.
    """
    import yaml  # noqa: PLC0415 — for this alone

    feeds, left_out = _read_feeds(file)
    click.echo(f"# {len(feeds)} feeds of {clean_text(file.name)}: put this into the configuration")
    wanted = {"accounts": {account: {"service": "feeds", "feeds": feeds}}}
    text = yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True, width=1_000_000)
    if clean_lines(text) != text:  # what turns a line around on a terminal is written as its number
        text = yaml.safe_dump(wanted, sort_keys=False, width=1_000_000)
    click.echo(text, nl=False)
    if left_out:
        click.echo(f"left out {left_out} whose address is not one of http or https", err=True)


def _read_feeds(file: Path) -> tuple[dict[str, object], int]:
    """The feeds of an OPML file as the configuration has them, and how many it cannot have."""
    from feedwatch.opml import read_opml  # noqa: PLC0415
    from feedwatch.services.naming import name_feeds  # noqa: PLC0415

    opml = read_opml(file.read_bytes())
    if isinstance(opml, ParseFailed):
        raise FeedwatchError(f"{file} is no OPML that can be read: {opml.detail or opml.reason}")
    outlines = [outline for outline in opml.outlines if is_web_address(outline.address)]
    named = name_feeds(outlines, ())
    feeds = {each.name: _configure(each.outline.address, each.outline.kind) for each in named}
    return feeds, len(opml.outlines) - len(outlines)


def _configure(address: str, kind: str | None) -> object:
    url = address.replace("${", "$${")  # in the configuration this would be a variable
    kind = (kind or "").lower()
    return {"url": url, "kind": kind} if kind in set(Kind) - {Kind.STREAM} else url
