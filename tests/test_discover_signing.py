"""What signs beside the discovery, and what a discovery makes of a sign-in that happens while it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedwatch.clock import SYSTEM_CLOCK
from feedwatch.config import Config, load_config
from feedwatch.core.model import AskOutcome, FetchFailed, Reason
from feedwatch.core.networks import NetworkPolicy
from feedwatch.core.route import Routes
from feedwatch.core.state import SignIn
from feedwatch.discover import Asking, Discoverer, discover_account
from feedwatch.discover.settings import make_settings
from feedwatch.discover.signers import Signer
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.signing import Consumer, application_of
from feedwatch.redact import Redactor
from feedwatch.services import Means
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

SERVER = "http://127.0.0.1:9"
CONFIG = f"""\
accounts:
  jane: {{service: netflix, url: '{SERVER}', consumer_key: the-key, consumer_secret: the-secret}}
"""
ROUTES = Routes((), {"phone": ("phone/1",)}, ("phone",))
SIGN_IN = SignIn(
    "jane",
    application_of(SERVER, Consumer("the-key", "the-secret")),
    "T1user-",
    "T1access-token-",
    "its-secret",
    datetime.now(UTC),
)


@dataclass
class Place:
    """A state with jane in it, and what asks for her."""

    config: Config
    store: StoreThread
    discoverer: Discoverer
    redactor: Redactor

    async def record(self, sign_in: SignIn) -> None:
        await self.store.run(Store.record_sign_in, sign_in)

    async def find_signer(self) -> Signer | None:
        opened = await self.discoverer.open_api("jane")
        return opened[1] if opened is not None else None

    async def notices(self) -> int:
        return len(await self.store.run(lambda store: store.query("SELECT id FROM notices")))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "config.yaml").write_text(f"state: feedwatch.db\n{CONFIG}")
    config = load_config(tmp_path / "config.yaml", environ={})
    limits = FetchLimits(timedelta(seconds=5), 1 << 20)
    redactor = Redactor()
    async with AsyncExitStack() as stack:
        store = StoreThread(lambda: Store.open(config.state))
        stack.callback(store.close)
        await store.start()
        fetcher = await stack.enter_async_context(
            aclosing(Fetcher(limits, networks=NetworkPolicy("allow"), user_agent="test"))
        )
        stamps = {name: account.credentials_stamp() for name, account in config.accounts.items()}
        await store.run(Store.sync_accounts, stamps, SYSTEM_CLOCK.now())
        discoverer = Discoverer(store, fetcher, config, routes=ROUTES, clock=SYSTEM_CLOCK, redactor=redactor)
        yield Place(config, store, discoverer, redactor)


async def test_nothing_signs_before_anybody_is_signed_in(place: Place) -> None:
    """Without a token there is nobody to sign for; with one, its secrets are hidden from then on."""
    assert await place.find_signer() is None
    await place.record(SIGN_IN)
    signer = await place.find_signer()
    assert signer is not None
    assert (signer.token.value, signer.user_id) == (SIGN_IN.token, SIGN_IN.user_id)
    assert place.redactor.redact(f"{SIGN_IN.token} {SIGN_IN.secret}") == "••• •••"


async def test_a_dead_token_signs_out_once_and_nothing_signs_then(place: Place) -> None:
    """Whoever finds the token dead says so; all others find nobody to sign for, and one notice is owed."""
    await place.record(SIGN_IN)
    signers = [await place.find_signer() for _ in range(3)]
    for signer in signers:
        assert signer is not None
        assert await place.discoverer.sign_out(signer)
    assert await place.find_signer() is None
    assert await place.notices() == 1
    report = await place.discoverer.discover("jane")
    assert (report.signed_out, report.reason) == (True, Reason.UNAUTHORIZED)


async def test_a_late_failure_with_the_old_token_signs_nobody_out(place: Place) -> None:
    """Somebody signs in while a call with the old token is under way: that it is dead is no news by then."""
    await place.record(SIGN_IN)
    signer = await place.find_signer()
    assert signer is not None
    await place.record(replace(SIGN_IN, token="T1another-", at=datetime.now(UTC)))
    assert not await place.discoverer.sign_out(signer)
    assert await place.find_signer() is not None
    assert await place.notices() == 0


async def test_a_sign_in_while_the_index_is_asked_for_counts(place: Place) -> None:
    """A discovery that fails with the old token leaves the account signed in, and due at once."""
    await place.record(SIGN_IN)
    later = replace(SIGN_IN, token="T1another-", at=datetime.now(UTC))

    async def send(*_: object, **__: object) -> AskOutcome:
        await place.record(later)
        return FetchFailed(Reason.UNAUTHORIZED, status=401)

    async def fetch(*_: object, **__: object) -> FetchFailed:
        return FetchFailed(Reason.INTERNAL)

    means = Means(fetch, SYSTEM_CLOCK.now, send=send)
    asking = Asking("jane", make_settings("jane", place.config.accounts["jane"]))
    await discover_account(asking, store=place.store, means=means)
    (status,) = await place.store.run(Store.account_statuses)
    assert not status.signed_out
    assert await place.store.run(Store.due_accounts, SYSTEM_CLOCK.now()) == ("jane",)
    assert await place.notices() == 0


@pytest.mark.parametrize("changed", ["url", "consumer_key"])
async def test_a_sign_in_for_another_application_is_worth_nothing(place: Place, changed: str) -> None:
    """Its token is never sent to another server, nor signed with another application's key."""
    other = {"url": "http://127.0.0.1:8", "consumer_key": "another-key"}[changed]
    consumer = Consumer(other if changed == "consumer_key" else "the-key", "the-secret")
    application = application_of(other if changed == "url" else SERVER, consumer)
    await place.record(replace(SIGN_IN, application=application))
    assert await place.find_signer() is None
    report = await place.discoverer.discover("jane")
    assert (report.signed_out, report.reason) == (True, Reason.NO_CREDENTIALS)
