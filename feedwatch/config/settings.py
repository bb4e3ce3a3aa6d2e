"""The configuration as the rest of feedwatch sees it: frozen, checked, and knowing its own lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from feedwatch.config.nodes import PathStep
from feedwatch.config.routes import RouteSettings, TemplateSet
from feedwatch.config.schema import (
    SIGNED_ONLY,
    Account,
    PollSettings,
    PrivateNetworks,
    RetrySettings,
    Target,
    TmdbSettings,
)
from feedwatch.config.secrets import Secret
from feedwatch.config.values import is_webhook
from feedwatch.config.yaml_source import Source
from feedwatch.core.calendar import Quiet
from feedwatch.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that the configuration says. `path` is the file it was read from, `state` an absolute path.

    Secrets in it are looked up when they are first revealed. `notices` is None for every target, and
    `notice_quiet` when they are not told. `zone` holds where a digest or hours name none.
    """

    path: Path
    state: Path
    poll: PollSettings
    private_networks: PrivateNetworks
    accounts: Mapping[str, Account]
    targets: Mapping[str, Target]
    routes: tuple[RouteSettings, ...]
    templates: Mapping[str, TemplateSet]
    notices: tuple[str, ...] | None
    notice_quiet: Quiet | None
    gather: timedelta
    zone: ZoneInfo
    retry: RetrySettings
    on_ambiguous: Literal["retry", "drop"]
    keep: timedelta
    details: timedelta
    tmdb: TmdbSettings | None
    log: Literal["debug", "info", "warning", "error"]
    warnings: tuple[Problem, ...] = ()
    _file: str = field(repr=False)
    _source: Source = field(repr=False)

    @property
    def folder(self) -> Path:
        """The folder that relative paths of the configuration start from."""
        return self.path.parent

    def locate(self, path: Sequence[PathStep]) -> tuple[int, int]:
        """Find line and column of a value, or of the nearest thing around it: `("targets", "phone")`."""
        return self._source.find_place(path)

    def problem(self, path: Sequence[PathStep], message: str) -> Problem:
        """Make a problem that names where a value stands."""
        return Problem(self._file, *self.locate(path), message)

    def secrets(self) -> Iterator[Secret]:
        """Give all secrets that can be had now, for the redactor.

        An address of a feed is among them when it, or a piece of it, comes from elsewhere; one that
        stands in the configuration is shown, but for the tokens in it.
        """
        for secret in self._credentials():
            if secret.verify() is None:
                yield secret
                yield from secret.split()
        for address in self._addresses():
            if not address.is_literal and address.verify() is None:
                yield from _hide_address(address)

    def verify_secrets(self) -> tuple[Problem, ...]:
        """Look every secret up; the problems of those that cannot be had, in the order of the file."""
        secrets = (*self._credentials(), *self._addresses())
        problems = {problem for secret in secrets if (problem := secret.verify())}
        problems |= {Problem(self._file, *secret.place, SIGNED_ONLY) for secret in self._misplaced()}
        return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))

    def _credentials(self) -> Iterator[Secret]:
        for account in self.accounts.values():
            yield from account.credentials
        for target in self.targets.values():
            yield from target.urls
            if target.secret:
                yield target.secret
        if self.tmdb is not None:
            yield self.tmdb.api_key

    def _misplaced(self) -> Iterator[Secret]:
        """Secrets of targets that cannot sign: where an address comes from elsewhere, it shows only now."""
        for target in self.targets.values():
            addresses = (url.reveal() for url in target.urls if url.verify() is None)
            if target.secret and not all(map(is_webhook, addresses)):
                yield target.secret

    def _addresses(self) -> Iterator[Secret]:
        for account in self.accounts.values():
            yield from account.addresses


def _hide_address(address: Secret) -> Iterator[Secret]:
    """Hide a path never, an address whole, and its pieces unless they only say which host is asked."""
    url = address.reveal()
    if "://" not in url:
        return
    yield address
    host = urlsplit(url).netloc.rpartition("@")[2]
    yield from (piece for piece in address.split() if piece.reveal() not in host)
