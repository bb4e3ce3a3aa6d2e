"""The commands that need no network: they look at the state, or only at the configuration.

None of them needs a secret, and all work beside a daemon or without one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from feedwatch.config import Config, FeedsAccount, is_web_address
from feedwatch.config.hiding import hide_secrets
from feedwatch.core.model import FeedState, Kind, MessageState, ParseFailed
from feedwatch.core.state import FeedStatus
from feedwatch.errors import FeedwatchError
from feedwatch.present import Row, Screen
from feedwatch.redact import Redactor, mask_url, secrets_of_url
from feedwatch.rows import (
    describe_change,
    describe_entry,
    describe_feed,
    describe_message,
    say_details,
    say_facts,
    say_feed_trouble,
    say_reason,
    say_unknown,
)
from feedwatch.store import Store
from feedwatch.terminal import clean_text


@contextmanager
def open_for_looking(config: Config, *, as_json: bool) -> Iterator[tuple[Store, Screen]]:
    """Open the state read-only, and a screen that knows the tokens in it.

    Raises:
        StoreError: there is no state, or it cannot be read.
    """
    store = Store.open_read_only(config.state)
    try:
        redactor = Redactor()
        hide_secrets(config, redactor)
        for feed in store.list_feeds():
            redactor.register(*secrets_of_url(feed.address))
        yield store, Screen(redactor, as_json=as_json)
    finally:
        store.close()


def show_status(store: Store, screen: Screen) -> None:
    """Print a line for each feed, and what ails those that do not fare well."""
    rows = [describe_feed(feed) for feed in store.list_feeds()]
    columns = ["feed", "kind", "entries", "state", "last_polled_at", "next_poll_at"]
    if any(row["group"] for row in rows):
        columns.insert(1, "group")
    empty = "no feeds yet: is the daemon running? (feedwatch run)"
    screen.print_rows(rows, columns, empty=empty, aside=("why", say_feed_trouble))


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
    columns = ["at", "feed", "change", "title", "details"]
    screen.print_rows(rows, columns, empty="no changes", show={"details": say_details})


def show_outbox(store: Store, screen: Screen) -> None:
    """Print messages waiting, dead or done."""
    rows = [describe_message(message) for message in store.list_messages()]
    columns = ["id", "target", "state", "attempts", "next_attempt_at", "changes"]
    if any(row["reason"] for row in rows):
        columns.append("why")
    screen.print_rows(rows, columns, empty="the outbox is empty", show={"why": _say_delay})


def _say_delay(row: Row) -> str | None:
    return say_reason(row["reason"], row["detail"]) if row["reason"] else None


def retry_messages(store: Store, ids: Collection[int], now: datetime) -> int:
    """Make messages due now (all that wait or are dead, or these); 1 if one of these is not of them."""
    return _act_on(
        store,
        ids or None,
        lambda chosen: store.retry_messages(chosen, now),
        done="due now",
        refused="neither waiting nor dead",
        states={MessageState.PENDING, MessageState.DEAD},
    )


def drop_messages(store: Store, ids: Collection[int], now: datetime) -> int:
    """Give messages up; 1 if one of these does not wait."""
    return _act_on(
        store,
        ids,
        lambda chosen: store.drop_messages(chosen or (), now),
        done="dropped",
        refused="not waiting",
        states={MessageState.PENDING, MessageState.CLAIMED},
    )


def _act_on(
    store: Store,
    ids: Collection[int] | None,
    act: Callable[[Collection[int] | None], int],
    *,
    done: str,
    refused: str,
    states: Collection[str],
) -> int:
    fit = {message.id for message in store.list_messages() if message.state in states}
    misfits = sorted(set(ids or ()) - fit, key=int)
    chosen = None if ids is None else sorted(set(ids) - set(misfits))
    count = 0 if chosen == [] else act(chosen)
    if count or not misfits:
        click.echo(f"{count or 'no'} message{'' if count == 1 else 's'} {done}")
    for each in misfits:
        click.echo(f"error: message {each} is {refused} (see feedwatch outbox)", err=True)
    return int(bool(misfits))


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


def explain_login(config: Config, account: str) -> int:
    """Say how an account is signed in, until signing in from here is built."""
    check_accounts(config, [account])
    kind = config.accounts[account].service
    if kind != "netflix":
        click.echo(f"{account} needs no signing in: its service is {kind}.")
        return 0
    variable = re.sub(r"[^A-Z0-9]", "_", account.upper())
    variable = f"_{variable}" if variable[0].isdigit() else variable
    click.echo(
        f"Signing in from here is not built yet. Put the access token into {config.path}, under\n"
        f"accounts: {account}:\n\n"
        f"    access_token: ${{{variable}_ACCESS_TOKEN}}\n"
        f"    access_token_secret: ${{{variable}_ACCESS_TOKEN_SECRET}}\n\n"
        f"(or  !file path,  or  !credential name ), then  systemctl reload feedwatch , or start feedwatch\n"
        f"again. A changed token ends the signed-out state by itself.",
        err=True,
    )
    return 1


# ── subscriptions ─────────────────────────────────────────────────────────────────────────────────


def export_opml(store: Store, config: Config, *, with_tokens: bool) -> None:
    """Print the feeds that are watched as OPML; addresses that are secret only where asked for."""
    from feedwatch.opml import Outline, split_group, write_opml  # noqa: PLC0415 — lxml, for this alone

    feeds = [feed for feed in store.list_feeds() if feed.state is not FeedState.RETIRED]
    told = [feed for feed in feeds if with_tokens or not _is_secret(feed, config)]
    accounts = {_account_of(feed) for feed in told}
    outlines = [
        Outline(
            feed.feed.partition("/")[2],
            feed.address,
            kind=str(feed.kind),
            groups=(*([_account_of(feed)] if len(accounts) > 1 else []), *split_group(feed.group)),
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
