"""The commands that only look: they need the state and no secret, beside a daemon or without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
import yaml

from feedwatch.config import Config
from feedwatch.core.model import FeedState, ParseFailed
from feedwatch.errors import FeedwatchError
from feedwatch.netflix.address import is_tokenized
from feedwatch.opml import Outline, read_opml, split_group, write_opml
from feedwatch.present import Screen, describe_change, describe_entry, describe_feed, describe_message
from feedwatch.redact import Redactor, secrets_of_url
from feedwatch.services.naming import name_feeds
from feedwatch.store import Store


@contextmanager
def open_for_looking(config: Config, *, as_json: bool) -> Iterator[tuple[Store, Screen]]:
    """Open the state read-only, and a screen that knows the tokens in it.

    Raises:
        StoreError: there is no state, or it cannot be read.
    """
    store = Store.open_read_only(config.state)
    try:
        redactor = Redactor()
        for feed in store.list_feeds():
            redactor.register(*secrets_of_url(feed.address))
        yield store, Screen(redactor, as_json=as_json)
    finally:
        store.close()


def show_status(store: Store, screen: Screen) -> None:
    """Print a line for each feed."""
    rows = [describe_feed(feed) for feed in store.list_feeds()]
    columns = ["feed", "kind", "entries", "state", "reason", "last_polled_at", "next_poll_at", "failures"]
    if any(row["group"] for row in rows):
        columns.insert(1, "group")
    screen.print_rows(rows, columns, empty="no feeds yet: is the daemon running? (feedwatch run)")


def show_feed(store: Store, screen: Screen, feed: str) -> None:
    """Print a list as last seen.

    Raises:
        FeedwatchError: there is no such feed.
    """
    entries = store.list_entries(feed)
    if entries is None:
        known = ", ".join(each.feed for each in store.list_feeds()) or "none"
        raise FeedwatchError(f"no feed is called {feed!r}. Known: {known}")
    rows = [describe_entry(entry) for entry in entries]
    columns = ["position", "title", "fields", "first_seen_at"]
    if not any(row["position"] for row in rows):
        columns.remove("position")
    screen.print_rows(rows, columns, empty=f"{feed} is empty, or has not been read yet")


def show_changes(store: Store, screen: Screen, feed: str | None, since_at: datetime | None) -> None:
    """Print what changed, newest last.

    Raises:
        FeedwatchError: there is no such feed.
    """
    if feed is not None and all(feed != each.feed for each in store.list_feeds()):
        raise FeedwatchError(f"no feed is called {feed!r}: see feedwatch status")
    rows = [describe_change(change) for change in store.list_changes(feed=feed, since_at=since_at)]
    columns = ["at", "feed", "change", "title", "previous_position", "position", "fields"]
    screen.print_rows(rows, columns, empty="no changes")


def show_outbox(store: Store, screen: Screen) -> None:
    """Print messages waiting, dead or done."""
    rows = [describe_message(message) for message in store.list_messages()]
    columns = ["id", "target", "state", "attempts", "next_attempt_at", "reason", "changes"]
    screen.print_rows(rows, columns, empty="the outbox is empty")


def export_opml(store: Store, *, with_tokens: bool) -> None:
    """Print the feeds that are watched as OPML; addresses with tokens only where asked for."""
    feeds = [feed for feed in store.list_feeds() if feed.state is not FeedState.RETIRED]
    told = [feed for feed in feeds if with_tokens or not is_tokenized(feed.address)]
    outlines = [
        Outline(feed.feed, feed.address, kind=str(feed.kind), groups=split_group(feed.group)) for feed in told
    ]
    sys.stdout.buffer.write(write_opml(outlines))
    if len(told) < len(feeds):
        left_out = len(feeds) - len(told)
        click.echo(f"left out {left_out} whose address holds a token (--with-tokens)", err=True)


def import_opml(file: Path, account: str) -> None:
    """Print an account for the configuration that has the feeds of an OPML file.

    Raises:
        FeedwatchError: the file is no OPML.
    """
    opml = read_opml(file.read_bytes())
    if isinstance(opml, ParseFailed):
        raise FeedwatchError(f"{file}: {opml.reason}{': ' + opml.detail if opml.detail else ''}")
    feeds = {named.name: named.outline.address for named in name_feeds(opml.outlines, ())}
    click.echo(f"# {len(feeds)} feeds of {file.name}: put this into the configuration")
    click.echo(
        yaml.safe_dump({"accounts": {account: {"service": "feeds", "feeds": feeds}}}, sort_keys=False),
        nl=False,
    )
