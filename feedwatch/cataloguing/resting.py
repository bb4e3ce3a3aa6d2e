"""Whether a server has asked for rest: what a sync hears of it, and what it has to heed, is in the state."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from feedwatch.cataloguing.places import Place
from feedwatch.core.model import Reason
from feedwatch.core.networks import host_of
from feedwatch.core.schedule import RATE_REST
from feedwatch.errors import StoreError
from feedwatch.netflix.replies import ApiFailed
from feedwatch.store import Store


def find_rest(state: Path, place: Place) -> datetime | None:
    """Until when the server of a catalog wants not to be asked; None if it may be."""
    # Without a state, or with one that cannot be read now, nobody has heard of anything.
    with suppress(StoreError), closing(Store.open_read_only(state)) as store:
        return store.resting_hosts(datetime.now(UTC)).get(host_of(place.account.url))
    return None


def keep_rest(state: Path, place: Place, failed: ApiFailed) -> None:
    """Let the server rest for everybody, if that is what its answer was."""
    if failed.reason is not Reason.RATE_LIMITED:
        return
    until_at = datetime.now(UTC) + (failed.retry_after or RATE_REST)
    with suppress(StoreError), closing(Store.open_existing(state)) as store:
        store.rest_host(failed.host or host_of(place.account.url), until_at, failed.reason)
