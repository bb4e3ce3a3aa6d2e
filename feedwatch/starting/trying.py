"""Answers tried out: an account really asked, a target really sent to, in a folder that is thrown away."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from feedwatch.checking import ReachedFeed, assemble_apart, reach_accounts, reach_feeds, send_tests
from feedwatch.config import Config, load_config
from feedwatch.logs import start_logging
from feedwatch.notify import Notifier
from feedwatch.redact import Redactor
from feedwatch.rows import say_reason
from feedwatch.starting.draft import Draft, Papers, write_papers
from feedwatch.starting.placing import write_new
from feedwatch.store import Store

_PATIENCE = timedelta(seconds=15)
"""Somebody sits there and waits: less than a poll would give a server."""
_MOST_ASKED = 12
"""Of a long list of subscriptions so many feeds are asked: enough to see that it is one."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of asking an account: how many feeds it has, and those of them that were asked."""

    count: int = 0
    feeds: tuple[ReachedFeed, ...] = ()
    problem: str | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the index and every feed that was asked could be read."""
        return self.problem is None and all(feed.problem is None for feed in self.feeds)

    @property
    def is_partly_sound(self) -> bool:
        """Whether some feed could be read."""
        return any(feed.problem is None for feed in self.feeds)


def try_account(draft: Draft) -> Tried:
    """Ask the account of a draft for its feeds, and some of these for their lists."""
    with _read_draft(draft) as config:
        return asyncio.run(_ask(config))


def try_target(draft: Draft) -> str | None:
    """Send the target of a draft a test message; what went wrong, or None."""
    with _read_draft(draft) as config:
        return asyncio.run(_send(config))


def check_address(address: str) -> str | None:
    """Say what is wrong with the address of a service, before anything is sent; None if nothing is."""
    return Notifier().check_address(address)


def check_papers(papers: Papers) -> tuple[str, ...]:
    """Read a configuration as it is to be, with its secrets; what is wrong with it, or only warned about.

    Raises:
        ConfigError: it is none.
    """
    with _lay_out(papers) as config:
        return tuple(problem.message for problem in (*config.warnings, *config.verify_secrets()))


@contextmanager
def _read_draft(draft: Draft) -> Iterator[Config]:
    with _lay_out(write_papers(draft, date.min)) as config:
        yield config


@contextmanager
def _lay_out(papers: Papers) -> Iterator[Config]:
    """Lay a configuration out in a folder of its own, for as long as it is looked at."""
    with TemporaryDirectory(prefix="feedwatch-init-") as name:
        for file, content in papers.secrets.items():
            write_new(Path(name, file), content)
        config = Path(name, "config.yaml")
        write_new(config, papers.text)
        yield load_config(config, environ=os.environ)


async def _ask(config: Config) -> Tried:
    redactor = Redactor()
    start_logging("critical", redactor)
    patient = config.poll.model_copy(update={"timeout": _PATIENCE})
    async with assemble_apart(replace(config, poll=patient), redactor) as assembly:
        for report in await reach_accounts(assembly):
            if not report.ok:
                return Tried(problem=redactor.redact(say_reason(report.reason, report.detail)))
        count = len(await assembly.store.run(Store.list_feeds))
        reached = await reach_feeds(assembly, most=_MOST_ASKED)
        return Tried(count, tuple(_hide_secrets(each, redactor) for each in reached))


def _hide_secrets(reached: ReachedFeed, redactor: Redactor) -> ReachedFeed:
    """What a feed said, as it may be shown: a server may repeat what it was asked with."""
    title, problem = reached.first_title, reached.problem
    return replace(
        reached,
        feed=redactor.redact(reached.feed),
        first_title=title and redactor.redact(title),
        problem=problem and redactor.redact(problem),
    )


async def _send(config: Config) -> str | None:
    redactor = Redactor()
    start_logging("critical", redactor)
    async with assemble_apart(config, redactor) as assembly:
        sent = await send_tests(assembly, assembly.deliverer.terms.urls)
    problem = next(filter(None, sent.values()), None)
    return redactor.redact(problem) if problem else None
