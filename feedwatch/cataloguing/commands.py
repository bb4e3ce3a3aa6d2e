"""What `feedwatch catalog sync` does, and what it says."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from feedwatch.cataloguing.places import FULL, Place, find_places, index_source, say_origin
from feedwatch.cataloguing.resting import find_rest, keep_rest
from feedwatch.cataloguing.syncing import (
    Downloaded,
    Kept,
    Progress,
    Synced,
    SyncFailed,
    SyncJob,
    download,
    load,
)
from feedwatch.clock import SYSTEM_CLOCK
from feedwatch.config import Config
from feedwatch.core.model import FetchFailed, FetchOutcome, Reason
from feedwatch.core.statuses import Action
from feedwatch.discover.settings import make_consumer
from feedwatch.fetch import host_named_by
from feedwatch.fetch.downloading import Downloader
from feedwatch.logs import start_logging
from feedwatch.present import Screen, show_duration
from feedwatch.reaching import USER_AGENT, make_networks
from feedwatch.redact import Redactor
from feedwatch.rows import say_reason
from feedwatch.services import Means, turns_beside
from feedwatch.store.catalog_place import hold_catalog
from feedwatch.terminal import can_redraw, ending_like_ctrl_c


def sync_catalogs(
    config: Config, redactor: Redactor, account: str | None, *, full: bool, ids: Sequence[str] = ()
) -> int:
    """Have the catalog of each server anew, or of one account's; 1 if one could not be had.

    `ids` names whose identifiers are asked for beside, for applications that may have them.

    Raises:
        FeedwatchError: there is no such account; or the catalog cannot be written.
    """
    start_logging("error" if config.log != "debug" else "debug", redactor)
    screen = Screen(redactor)
    places = find_places(config, account)
    source = FULL if full else index_source(ids)
    failed = False
    for place in places:
        with ending_like_ctrl_c():
            outcome = _sync(config, place, source)
        _say_outcome(screen, place, outcome, among_others=len(places) > 1)
        failed = failed or isinstance(outcome, SyncFailed)
    return int(failed)


def _sync(config: Config, place: Place, source: str) -> Synced | Kept | SyncFailed:
    if (rests_until := find_rest(config.state, place)) is not None:
        detail = f"it asked for rest until {rests_until:%Y-%m-%d %H:%M:%S} UTC"
        return SyncFailed(Reason.RATE_LIMITED, detail)
    with hold_catalog(place.path), _show_progress() as progress:
        job, got = asyncio.run(_download(config, place, progress, source))
        return load(job, got, progress) if isinstance(got, Downloaded) else got


async def _download(
    config: Config, place: Place, progress: Progress, source: str
) -> tuple[SyncJob, Downloaded | Kept | SyncFailed]:
    account = place.account
    caller = Means(_fetch_nothing, SYSTEM_CLOCK.now, turns=turns_beside(config.state)).caller_for(
        account.url, make_consumer(account)
    )
    downloader = Downloader(
        networks=make_networks(config),
        named=frozenset(filter(None, [host_named_by(account.url)])),
        user_agent=USER_AGENT,
    )
    job = SyncJob(account.url, source, place.path, caller, downloader, SYSTEM_CLOCK.now)
    try:
        got = await download(job, progress)
    finally:
        await downloader.aclose()
    if isinstance(got, SyncFailed) and got.judged is not None:
        keep_rest(config.state, place, got.judged)
    return job, got


async def _fetch_nothing(*_: object, **__: object) -> FetchOutcome:
    return FetchFailed(Reason.INTERNAL, "a catalog is downloaded, not fetched")


# ── what is said ──────────────────────────────────────────────────────────────────────────────────


def _say_outcome(
    screen: Screen, place: Place, outcome: Synced | Kept | SyncFailed, *, among_others: bool
) -> None:
    whose = f"{place.name}: " if among_others else ""
    if isinstance(outcome, Kept):
        screen.say(f"{whose}the catalog is unchanged ({say_origin(outcome.origin)})")
    elif isinstance(outcome, Synced):
        got = outcome.downloaded
        before = f" after {_say_size(got.before)} before" if got.before else ""
        screen.say(
            f"{whose}the catalog has {outcome.titles:,} titles ({_say_size(got.fetched)} downloaded{before})"
        )
    else:
        for line in _say_failure(place, outcome):
            click.echo(screen.clean(line), err=True)


def _say_failure(place: Place, failed: SyncFailed) -> Iterator[str]:
    yield f"error: the catalog of {place.name} could not be had: {_say_why(failed)}"
    if failed.kept:
        yield f"{_say_size(failed.kept)} of it are here: the next sync goes on from there"
    if place.path.exists():
        yield "the catalog from before is still there and can be searched"


def _say_why(failed: SyncFailed) -> str:
    judged = failed.judged
    if judged is None:
        return say_reason(failed.reason, failed.detail)
    if judged.action is Action.SIGN_IN_AGAIN:  # nobody had signed in for it: the application alone signs
        quoted = f" (its server says: {judged.message})" if judged.message else ""
        return f"the server refuses the application{quoted}: look at consumer_key and consumer_secret"
    again = f"; try again in {show_duration(judged.retry_after)}" if judged.retry_after else ""
    return f"{judged.says}{again}"


def _say_size(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"


# ── progress ──────────────────────────────────────────────────────────────────────────────────────


class _Silent:
    def arrive(self, size: int, total: int | None) -> None:
        """Say nothing."""

    def read(self, titles: int) -> None:
        """Say nothing."""


@contextmanager
def _show_progress() -> Iterator[Progress]:
    if not can_redraw(sys.stderr):
        yield _Silent()
        return
    # rich takes a while to import: only a terminal pays for it.
    from feedwatch.cataloguing.progress import show_bar  # noqa: PLC0415

    with show_bar() as bar:
        yield bar
