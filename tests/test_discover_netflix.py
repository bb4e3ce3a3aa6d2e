"""Discovery of an account at the sandbox: real requests, real signatures, a real state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from feedwatch.clock import SYSTEM_CLOCK
from feedwatch.config import Config, load_config
from feedwatch.core.model import FoundFeed, Kind, Reason
from feedwatch.core.networks import NetworkPolicy
from feedwatch.core.route import Routes
from feedwatch.core.state import PollTask
from feedwatch.discover import Discoverer, DiscoveryReport
from feedwatch.fetch import Fetcher, FetchLimits
from feedwatch.netflix.signing import Consumer, Token
from feedwatch.redact import Redactor
from feedwatch.sandbox import Sandbox, sample_config, serving
from feedwatch.services import Found, IndexFailed, Means, Memory, NetflixSettings, open_service
from feedwatch.store import Store
from feedwatch.store.thread import StoreThread

ROUTES = Routes((), {"phone": ("phone/1",)}, ("phone",))
LIMITS = FetchLimits(timedelta(seconds=20), 1 << 20)
KINDS = {
    "queue": Kind.QUEUE,
    "history": Kind.HISTORY,
    "ratings": Kind.RATINGS,
    "recommendations": Kind.RECOMMENDATIONS,
}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def base(sandbox: Sandbox) -> Iterator[str]:
    with serving(sandbox) as url:
        yield url


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with aclosing(Fetcher(LIMITS, networks=NetworkPolicy("allow"), user_agent="test")) as fetcher:
        yield fetcher


def settings_of(sandbox: Sandbox, base: str, **changed: str) -> NetflixSettings:
    account = replace(sandbox.world.account)
    for name, value in changed.items():
        setattr(account, name, value)
    return NetflixSettings(
        base,
        Consumer(account.consumer_key, account.consumer_secret),
        Token(account.access_token, account.access_token_secret),
        account.user_id,
    )


async def find(settings: NetflixSettings, fetcher: Fetcher) -> Found | IndexFailed:
    means = Means(fetcher.fetch, SYSTEM_CLOCK.now, send=fetcher.call)
    return await open_service(settings, means, Memory()).find_feeds()


def by_name(found: Found | IndexFailed) -> dict[str, FoundFeed]:
    assert isinstance(found, Found), found
    return {feed.name: feed for feed in found.feeds}


async def test_both_forms_name_the_same_feeds(sandbox: Sandbox, base: str, fetcher: Fetcher) -> None:
    """XML and OPML give the same feeds, under the same names, with the same kinds."""
    settings = settings_of(sandbox, base)
    xml = by_name(await find(settings, fetcher))
    opml = by_name(await find(replace(settings, discovery="opml"), fetcher))
    assert {name: feed.kind for name, feed in xml.items()} == KINDS
    assert {name: feed.kind for name, feed in opml.items()} == KINDS


async def test_every_found_address_answers(sandbox: Sandbox, base: str, fetcher: Fetcher) -> None:
    """What is found in either form can be fetched as it stands, without a signature."""
    settings = settings_of(sandbox, base)
    for form in (settings, replace(settings, discovery="opml")):
        for feed in by_name(await find(form, fetcher)).values():
            outcome = await fetcher.fetch(feed.address)
            assert type(outcome).__name__ == "Fetched", (feed.name, outcome)


async def test_user_is_found_by_the_token_alone(sandbox: Sandbox, base: str, fetcher: Fetcher) -> None:
    """Without a user in the configuration the access token is enough."""
    found = await find(replace(settings_of(sandbox, base), user_id=None), fetcher)
    assert isinstance(found, Found)
    assert found.facts["user_id"] == sandbox.world.account.user_id


async def test_many_signed_calls_of_one_second_are_all_taken(
    sandbox: Sandbox, base: str, fetcher: Fetcher
) -> None:
    """A server that remembers nonces and refuses earlier timestamps refuses none of many calls."""
    means = Means(fetcher.fetch, SYSTEM_CLOCK.now, send=fetcher.call)
    service = open_service(settings_of(sandbox, base), means, Memory())
    for _ in range(10):
        assert isinstance(await service.find_feeds(), Found)


@pytest.mark.parametrize("wrong", ["consumer_key", "consumer_secret", "access_token", "access_token_secret"])
async def test_wrong_credential_is_signed_out(
    sandbox: Sandbox, base: str, fetcher: Fetcher, wrong: str
) -> None:
    """A server that does not accept the signature signs the account out."""
    failed = await find(settings_of(sandbox, base, **{wrong: "wrong"}), fetcher)
    assert isinstance(failed, IndexFailed)
    assert (failed.reason, failed.signed_out) == (Reason.UNAUTHORIZED, True)


@dataclass
class Daemon:
    """What of a daemon a discovery needs, at the sandbox."""

    folder: Path
    text: str
    store: StoreThread
    fetcher: Fetcher
    redactor: Redactor = field(default_factory=Redactor)

    async def discover(self, **changed: str) -> DiscoveryReport:
        config = self.configure(**changed)
        stamps = {name: account.credentials_stamp() for name, account in config.accounts.items()}
        await self.store.run(Store.sync_accounts, stamps, SYSTEM_CLOCK.now())
        discoverer = Discoverer(
            self.store, self.fetcher, config, routes=ROUTES, clock=SYSTEM_CLOCK, redactor=self.redactor
        )
        return await discoverer.discover("jane")

    def configure(self, **changed: str) -> Config:
        path = self.folder / "config.yaml"
        more = "".join(f"    {key}: {value}\n" for key, value in changed.items())
        path.write_text(self.text.replace("    service: netflix\n", f"    service: netflix\n{more}"))
        path.chmod(0o600)
        return load_config(path, environ={})

    async def tasks(self) -> dict[str, PollTask]:
        taken = await self.store.run(Store.take_polls, SYSTEM_CLOCK.now(), due_only=False)
        return {task.name: task for task in taken}


@pytest.fixture
async def daemon(tmp_path: Path, sandbox: Sandbox, base: str, fetcher: Fetcher) -> AsyncIterator[Daemon]:
    async with AsyncExitStack() as stack:
        store = StoreThread(lambda: Store.open(tmp_path / "feedwatch.db"))
        await store.start()
        stack.callback(store.close)
        yield Daemon(tmp_path, sample_config(sandbox, base), store, fetcher)


async def test_other_discovery_form_is_no_news(daemon: Daemon) -> None:
    """Asking for OPML instead of XML finds no feed anew and retires none (law 6)."""
    await daemon.discover()
    before = await daemon.tasks()
    report = await daemon.discover(discovery="opml")
    after = await daemon.tasks()
    assert (report.effect.found, report.effect.retired, report.effect.returned) == ((), (), ())
    assert {name: (task.feed_id, task.kind) for name, task in after.items()} == {
        name: (task.feed_id, task.kind) for name, task in before.items()
    }
    assert await daemon.store.run(Store.due_addresses, SYSTEM_CLOCK.now()) == ()


async def test_rotated_token_moves_every_feed_and_says_nothing(daemon: Daemon, sandbox: Sandbox) -> None:
    """New feed tokens change addresses only; each new address answers."""
    await daemon.discover()
    before = await daemon.tasks()
    sandbox.world.rotate_token()
    report = await daemon.discover()
    assert set(report.effect.readdressed) == set(KINDS)
    assert report.effect.found == ()
    after = await daemon.tasks()
    assert {name: task.feed_id for name, task in after.items()} == {n: t.feed_id for n, t in before.items()}
    assert all(after[name].address != before[name].address for name in before)
    assert await daemon.store.run(Store.due_addresses, SYSTEM_CLOCK.now()) == ()


async def test_revoked_access_is_told_once_and_keeps_the_feeds(daemon: Daemon, sandbox: Sandbox) -> None:
    """A revoked access token signs the account out with one notice; its feeds stay and are polled on."""
    await daemon.discover()
    sandbox.world.revoke()
    report = await daemon.discover()
    assert (report.reason, report.signed_out, report.next_index_at) == (Reason.UNAUTHORIZED, True, None)
    asked = dict(sandbox.world.requests)
    assert (await daemon.discover()).signed_out
    assert dict(sandbox.world.requests) == asked
    assert set(await daemon.tasks()) == set(KINDS)
    (waiting,) = await daemon.store.run(Store.list_messages)
    assert waiting.changes == 1


async def test_no_secret_reaches_report_or_log(
    daemon: Daemon, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """At no log level does a discovery show a credential or a feed token."""
    account = sandbox.world.account
    with caplog.at_level(0):
        reports = [await daemon.discover()]
        sandbox.world.revoke()
        reports.append(await daemon.discover())
    said = repr(reports) + "".join(
        record.getMessage() for record in caplog.records if "feedwatch" in record.name
    )
    for secret in (
        account.consumer_secret,
        account.access_token,
        account.access_token_secret,
        account.feed_token,
    ):
        assert secret not in said
        assert secret not in "".join(
            record.getMessage() for record in caplog.records if "oauthlib" in record.name
        )
