"""Everything that works together for one configuration, wired once: for the daemon and for one round."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from feedwatch.clock import SYSTEM_CLOCK, Clock
from feedwatch.config import Config, Secret, Target
from feedwatch.config.hiding import hide_secrets
from feedwatch.core.model import Notice, NoticeKind
from feedwatch.core.route import Routes, plan_again
from feedwatch.core.schedule import LONGEST_WAIT, RetryPolicy, next_poll_after
from feedwatch.core.state import PendingDelivery, Planned, PollTask
from feedwatch.deliver import Deliverer, Terms
from feedwatch.detailing import Detailer, OpenedApi, Sources
from feedwatch.discover import Discoverer
from feedwatch.errors import ConfigError, StoreError
from feedwatch.fetch import Fetcher, PictureFetcher, Poster
from feedwatch.notify import Notifier
from feedwatch.parse import Parser
from feedwatch.poll import EarlierViewings, ListReader, Places, Poller, PollWriter
from feedwatch.reaching import USER_AGENT, make_limits, make_networks
from feedwatch.redact import Redactor
from feedwatch.routing import address_urls, make_routes
from feedwatch.scribe import TemplateProblem, TemplateScribe, compile_templates
from feedwatch.services import turns_beside
from feedwatch.store import Store, is_owner_alive, owner_now, rescue_state
from feedwatch.store.thread import StoreThread
from feedwatch.verifying import place_fault, recall_checked, verify

_LOG = logging.getLogger("feedwatch")

_PRUNE_BATCHES = 100
_LONGEST_COMPANY = timedelta(seconds=30)
"""How long the lists of an account wait for each other, where that is a small part of their interval."""
_PART_OF_INTERVAL = 30


class Assembly:
    """The parts, and the few things they do together. Made by `assemble`."""

    def __init__(
        self,
        config: Config,
        store: StoreThread,
        fetcher: Fetcher,
        parser: Parser,
        notifier: Notifier,
        redactor: Redactor,
        clock: Clock,
        turns: Path | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.fetcher = fetcher
        self.notifier = notifier
        self.redactor = redactor
        self._clock = clock
        self._planned_routes: str | None = None
        """The routes that what waits was last planned by, as far as we know."""
        self._planned_by = config.poll
        """The settings with the longest interval that polls of the state may have been planned by."""
        routes = make_routes(config)
        self.writer = PollWriter(store, routes=routes, every=config.poll.every, clock=clock)
        self.discoverer = Discoverer(
            store, fetcher, config, routes=routes, clock=clock, redactor=redactor, turns=turns
        )
        self.reader = ListReader(fetcher.fetch, parser.read_page, clock)
        self.earlier = EarlierViewings(
            store, self.discoverer.ask_own, parser.read_page, keep=config.keep, clock=clock
        )
        self.places = Places(config.poll.concurrency, config.poll.per_host)
        self.poller = self._make_poller()
        self.discoverer.hear = self.poller.hear
        fetcher.rests_until = self.poller.rests_until
        store.on_rest = self.poller.hear_rest
        self.sources = Sources(
            config,
            open_api=self.open_api,
            send=fetcher.call,
            now=clock.now,
            turns=turns or turns_beside(config.state),
        )
        self.detailer = Detailer(store, self.sources, kept=config.details, clock=clock)
        self._tell_notifier(config)
        self.pictures = PictureFetcher(fetcher, networks=make_networks(config), user_agent=USER_AGENT)
        self.deliverer = self._make_deliverer(make_terms(config, routes))

    def _make_poller(self) -> Poller:
        return Poller(
            self.store,
            self.reader,
            self.writer,
            clock=self._clock,
            rediscover=self.discoverer.discover_again,
            earlier=self.earlier,
            places=self.places,
        )

    def _make_deliverer(self, terms: Terms) -> Deliverer:
        return Deliverer(
            self.store,
            self.notifier,
            terms,
            owner=owner_now(),
            clock=self._clock,
            redact=self.redactor.redact,
            fetch_pictures=self.pictures.fetch_all,
        )

    def apply(self, config: Config) -> None:
        """Take a new configuration over, to be followed by `tell_store`; the state stays the one opened.

        Raises:
            ConfigError: it cannot be used, and nothing is changed.
        """
        verify(config, self.notifier)
        if config.state != self.config.state:
            _LOG.warning("state: another file takes a restart; this one stays in use")
        self.config = config
        hide_secrets(config, self.redactor)
        routes = make_routes(config)
        self.writer.routes = routes
        self.writer.every = config.poll.every
        self._planned_by = max(self._planned_by, config.poll, key=lambda poll: poll.every)
        self.earlier.keep = config.keep
        self.deliverer.terms = make_terms(config, routes)
        self._tell_notifier(config)
        self.fetcher.update_limits(make_limits(config))
        self.fetcher.update_networks(make_networks(config))
        self.pictures.update_networks(make_networks(config))
        self.places.limit(config.poll.concurrency, config.poll.per_host)
        self.sources.apply(config)
        self.detailer.kept = config.details
        self.discoverer.apply(config, routes)
        logging.getLogger("feedwatch").setLevel(config.log.upper())

    async def tell_store(self) -> None:
        """Have the state follow the configuration in force.

        Raises:
            StoreError: it does not, or not in all; to be tried again.
        """
        await self.sync()
        await self.discoverer.name_hosts()
        poll, before = self.config.poll, self._planned_by
        if poll.every < before.every:
            now = self._clock.now()
            longest = next_poll_after(now, before.every, 1.0) - now + before.timeout
            await self.store.run(Store.hasten_polls, longest, now, poll.every)
        self._planned_by = poll

    def _tell_notifier(self, config: Config) -> None:
        """Hand over what targets say beside their addresses."""
        targets = [(address, target) for address, target, _ in _addresses(config)]
        self.notifier.secrets = {a: t.secret.reveal for a, t in targets if t.secret is not None}
        self.notifier.rates = {
            a: None if t.rate == "none" else t.rate for a, t in targets if t.rate is not None
        }

    async def sync(self) -> None:
        """Tell the store which accounts and addresses there are now."""
        now = self._clock.now()
        stamps = {name: account.credentials_stamp() for name, account in self.config.accounts.items()}
        back = await self.store.run(Store.sync_accounts, stamps, now)
        for account in back:
            _LOG.info("signed in again account=%s", account)
        addresses = self.writer.routes.all_addresses
        dead = await self.store.run(Store.sync_addresses, addresses, now)
        if dead:
            _LOG.warning("gave up deliveries=%d reason=target_gone", dead)
        await self._plan_again(now)
        await self._release(is_owner_alive)

    async def _plan_again(self, now: datetime) -> None:
        """Have what is owed and not on its way told as the routes say now, if they say otherwise."""
        routes = self.writer.routes

        def plan(pending: PendingDelivery) -> Planned | None:
            return plan_again(pending.change, pending.address, routes, now)

        anew = self._planned_routes not in (None, routes.signature)
        changed = await self.store.run(Store.plan_again, routes.signature, plan, now, anew=anew)
        self._planned_routes = routes.signature
        if changed:
            _LOG.info("routes are others: planned anew deliveries=%d", changed)

    async def end_rounds(self, *, gather: bool) -> None:
        """Let be told what has been gathered in rounds that nobody else will end: in a while, or at once."""
        wait = self.writer.routes.gather if gather else timedelta(0)
        await self.store.run(Store.end_round, None, self._clock.now() + wait)

    async def _mend_instants(self) -> None:
        # Not at a start: a clock that is behind until it is set makes everything look far ahead.
        longest = max(self.deliverer.terms.policy.most, LONGEST_WAIT)
        mended = await self.store.run(Store.mend_instants, self._clock.now(), longest)
        if mended:
            _LOG.warning(
                "a clock was far ahead: instants=%d of the state lay in the future, and are now", mended
            )

    async def release_claims(self) -> None:
        """Give back what this process has claimed: nothing of it is under way any more."""
        await self.deliverer.settle_left()
        ours = owner_now()
        await self._release(lambda owner: owner != ours and is_owner_alive(owner))

    async def _release(self, is_alive: Callable[[str], bool]) -> None:
        drop = self.deliverer.terms.policy.drop_ambiguous
        await self.store.run(Store.release_claims, is_alive, self._clock.now(), drop_ambiguous=drop)

    async def open_api(self, account: str) -> OpenedApi | None:
        """Open an account's API for what is signed beside its discovery; None while nothing may be."""
        opened = await self.discoverer.open_api(account)
        if opened is None:
            return None
        api, signer = opened
        return OpenedApi(api, signer.asked_as, partial(self.discoverer.sign_out, signer))

    async def find_details(self, within: timedelta) -> None:
        """Ask about titles that are about to be told; what cannot be had is no reason to tell them later."""
        try:
            await self.detailer.run_turn(within)
        except StoreError as error:
            _LOG.warning("no details for now: %s", error)

    async def due_accounts(self) -> tuple[str, ...]:
        """Give the accounts whose index is due."""
        due = await self.store.run(Store.due_accounts, self._clock.now())
        return tuple(account for account in due if account in self.config.accounts)

    async def discover_due(self) -> None:
        """Read the indexes that are due."""
        await self.discoverer.discover_due()

    async def take_due(self, *, exclude: Collection[int], limit: int) -> tuple[PollTask, ...]:
        """Take the polls that are due now."""
        company = min(_LONGEST_COMPANY, self.config.poll.every / _PART_OF_INTERVAL)
        return await self.store.run(
            Store.take_polls, self._clock.now(), exclude=exclude, limit=limit, company=company
        )

    async def due_addresses(self) -> tuple[str, ...]:
        """Give the addresses that something is due for."""
        return await self.deliverer.due_addresses()

    async def count_feeds(self) -> int:
        """Count the feeds that are watched."""
        return await self.store.run(Store.count_feeds)

    async def prune(self) -> None:
        """Forget what is older than the configuration wants kept, and give back its room, bite by bite.

        And see to it that nothing waits for an instant that only a wrong clock has named.
        """
        await self._mend_instants()
        for _ in range(_PRUNE_BATCHES):
            if not await self.store.run(
                Store.prune, self._clock.now(), self.config.keep, self.config.details
            ):
                break
        for _ in range(_PRUNE_BATCHES):
            if not await self.store.run(Store.give_back_room):
                break
        await self.store.run(Store.tidy_log)

    def hurry(self, seconds: float) -> None:
        """Let the store wait no longer than this for another writer: we are about to end."""
        self.store.hurry(seconds)


async def assemble(
    config: Config,
    redactor: Redactor,
    stack: AsyncExitStack,
    *,
    clock: Clock = SYSTEM_CLOCK,
    open_state: Callable[[Config, Clock], Store] = lambda config, _: Store.open(config.state),
    turns: Path | None = None,
) -> Assembly:
    """Build everything for a configuration; `stack` closes it all, in the right order.

    A daemon, which alone may set a damaged state aside, has its own way to open it: `open_for_daemon`.
    `turns` is where it is kept whose turn it is to sign, if not beside the state.

    Raises:
        ConfigError: a secret cannot be had, or a target is none.
        StoreError: the state cannot be used.
    """
    poster = Poster(user_agent=USER_AGENT, now=clock.now)
    stack.push_async_callback(poster.aclose)
    notifier = Notifier(post=poster.post, now=clock.now)
    stack.push_async_callback(notifier.aclose)
    hide_secrets(config, redactor)  # first: whatever fails from here on may hold one
    checked = verify(config, notifier, recall_checked(config.state))
    store = StoreThread(lambda: open_state(config, clock))
    stack.push_async_callback(_close_store, store)
    await store.start()
    await store.run(Store.record_checked_addresses, checked)
    networks = make_networks(config)
    fetcher = Fetcher(make_limits(config), networks=networks, user_agent=USER_AGENT, now=clock.now)
    stack.push_async_callback(fetcher.aclose)
    parser = Parser()
    stack.push_async_callback(parser.aclose)
    assembly = Assembly(config, store, fetcher, parser, notifier, redactor, clock, turns)
    stack.push_async_callback(assembly.pictures.aclose)
    stack.push_async_callback(assembly.writer.flush)
    await assembly.sync()
    await assembly.poller.recall_resting()
    await assembly.end_rounds(gather=True)
    await assembly.discoverer.name_hosts()
    await assembly.discoverer.register_tokens()
    return assembly


def open_for_daemon(config: Config, clock: Clock) -> Store:
    """Open the state that the daemon holds; a damaged one is set aside before, and a notice says so.

    Raises:
        StoreError: it cannot be used, or the file there is none of ours.
    """
    now = clock.now()

    def announce(aside: Path) -> tuple[Notice, tuple[str, ...]]:
        notice = Notice(NoticeKind.STATE_DAMAGED, now, reason=str(aside))
        return notice, make_routes(config).notice_addresses

    rescued = rescue_state(config.state, now, announce)
    if rescued:
        aside, problem = rescued
        _LOG.error("the state was damaged: %s", problem)
        _LOG.error("the damaged state is set aside as %s; going on with a new one", aside)
    store = Store.open(config.state)
    try:
        if store.rebuild_once():
            _LOG.info("the state was rebuilt, so that it can give room back")
    except BaseException:
        store.close()
        raise
    return store


async def _close_store(store: StoreThread) -> None:
    await asyncio.to_thread(store.close)


def make_terms(config: Config, routes: Routes) -> Terms:
    """What the configuration says about telling."""
    return Terms(
        urls={address: url.reveal for address, _, url in _addresses(config)},
        policy=make_policy(config),
        told_about=routes.told_about,
        manners=routes.manners,
        notices_quiet=routes.notices_quiet,
        scribe=make_scribe(config),
        details=config.details,
    )


def _addresses(config: Config) -> Iterator[tuple[str, Target, Secret]]:
    """Each of our addresses, with its target and the service's address for it."""
    for name, target in config.targets.items():
        for address, url in address_urls(name, target).items():
            yield address, target, url


def make_scribe(config: Config) -> TemplateScribe:
    """Who writes messages in the words of the configuration's templates.

    Raises:
        ConfigError: one of them cannot be read.
    """
    scribe, problems = compile_templates(config.templates, zone=config.zone, complain=_complain_of_template)
    if problems:
        raise ConfigError([place_fault(config, problem) for problem in problems])
    return scribe


def _complain_of_template(problem: TemplateProblem) -> None:
    _LOG.error("%s: the built-in words are used", problem)


def make_policy(config: Config) -> RetryPolicy:
    """How long deliveries are tried."""
    retry = config.retry
    return RetryPolicy(retry.first, retry.most, retry.give_up, drop_ambiguous=config.on_ambiguous == "drop")
