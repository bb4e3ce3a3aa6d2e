"""A configuration to be: what was answered, and the file that a person would have written for it.

Secrets stand in files of their own beside it (`!file`), or, if that is not wanted, in the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from feedwatch.core.model import Kind
from feedwatch.redact import mask_url

_PLAIN = re.compile(r"(?:https?://|[A-Za-z0-9_./])[\w./:@%+=&?~-]*", re.ASCII)
_LONGEST_STEM = 180
"""Bytes of a file's name before its ending: no file system takes more than 255 in all."""
_MEANS_NOTHING = frozenset({"null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class FeedDraft:
    """A feed by its address."""

    name: str
    address: str = field(repr=False)
    kind: Kind = Kind.STREAM

    @property
    def is_secret(self) -> bool:
        """Whether its address holds a token or password."""
        return mask_url(self.address) != self.address


@dataclass(frozen=True, slots=True)
class FeedsDraft:
    """An account of feeds by name."""

    name: str
    feeds: tuple[FeedDraft, ...]


@dataclass(frozen=True, slots=True)
class OpmlDraft:
    """A list of subscriptions: a path or an address."""

    name: str
    place: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NetflixDraft:
    """An account at a server that speaks the API; without a token it is not signed in yet."""

    name: str
    url: str
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)


AccountDraft = FeedsDraft | OpmlDraft | NetflixDraft


@dataclass(frozen=True, slots=True)
class TargetDraft:
    """A target with one address; `about` says what it is, without a secret; `secret` signs what is sent."""

    name: str
    about: str
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """All that was answered. `apart` keeps secrets in files of their own."""

    account: AccountDraft | None = None
    target: TargetDraft | None = None
    quiet: str = ""
    zone: str = ""
    apart: bool = True


@dataclass(frozen=True, slots=True)
class Papers:
    """The text of a configuration, and the files of secrets that belong beside it."""

    text: str = field(repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def write_papers(draft: Draft, today: date, taken: Collection[str] = ()) -> Papers:
    """Write a draft down. No file of secrets is called as one that is there already (`taken`)."""
    writer = _Writer(draft.apart, set(taken))
    parts = [
        (
            f"# What feedwatch watches, and who is told. Begun on {today.day} {today:%B %Y}.\n"
            "# `feedwatch check` says whether it works; all keys: docs/configuration.md"
        ),
        "\n".join(writer.write_accounts(draft.account)),
        "\n".join(writer.write_targets(draft.target)),
        "\n".join(writer.write_quiet(draft)),
    ]
    return Papers("\n\n".join(filter(None, parts)) + "\n", writer.secrets)


def write_value(text: str) -> str:
    """A text as a value of YAML that reads as that very text."""
    text = text.replace("${", "$${")  # or it would be a variable
    if _PLAIN.fullmatch(text) and not text.endswith(":") and text not in _MEANS_NOTHING:
        return text
    return "'" + text.replace("'", "''") + "'"


class _Writer:
    """Lines of a configuration, and the secrets that they name."""

    def __init__(self, apart: bool, taken: set[str]) -> None:  # noqa: FBT001 — its only caller says which
        self._apart = apart
        self._taken = taken
        self.secrets: dict[str, str] = {}

    def write_accounts(self, account: AccountDraft | None) -> Iterator[str]:
        if account is None:
            return
        yield "accounts:"
        yield f"  {account.name}:"
        match account:
            case FeedsDraft():
                yield "    service: feeds"
                yield "    feeds:"
                for feed in account.feeds:
                    yield from self._write_feed(account.name, feed)
            case OpmlDraft():
                yield "    # A list of subscriptions, read again once a day."
                yield "    service: opml"
                is_secret = mask_url(account.place) != account.place
                place = self._write_secret(account.place, f"{account.name}.address", secret=is_secret)
                yield f"    url: {place}"
            case NetflixDraft():
                yield from self._write_netflix(account)

    def _write_feed(self, account: str, feed: FeedDraft) -> Iterator[str]:
        address = self._write_secret(feed.address, f"{account}.{feed.name}.address", secret=feed.is_secret)
        if feed.kind is Kind.STREAM:
            yield f"      {write_value(feed.name)}: {address}"
            return
        yield f"      {write_value(feed.name)}:"
        yield f"        url: {address}"
        yield f"        kind: {feed.kind}"

    def _write_netflix(self, account: NetflixDraft) -> Iterator[str]:
        yield "    service: netflix"
        yield f"    url: {write_value(account.url)}"
        yield f"    consumer_key: {write_value(account.consumer_key)}"
        secret = self._write_secret(account.consumer_secret, f"{account.name}.consumer_secret")
        yield f"    consumer_secret: {secret}"
        yield f"    # Nobody is signed in yet: type  feedwatch login {account.name}"

    def write_targets(self, target: TargetDraft | None) -> Iterator[str]:
        if target is None:
            yield "# Nobody is told yet. To be told on a phone, for example:"
            yield "#targets:"
            yield "#  phone: ntfy://ntfy.sh/a-topic-that-nobody-guesses"
            return
        yield "targets:"
        yield f"  # {target.about}"
        address = self._write_secret(target.address, f"{target.name}.address")
        if not target.secret:
            yield f"  {target.name}: {address}"
            return
        yield f"  {target.name}:"
        yield f"    url: {address}"
        yield f"    secret: {self._write_secret(target.secret, f'{target.name}.secret')}"

    def write_quiet(self, draft: Draft) -> Iterator[str]:
        if not draft.quiet or draft.target is None:
            return
        if draft.zone:
            yield f"zone: {write_value(draft.zone)}"
            yield ""
        yield "# In these hours nothing is told; what came is told together when they end."
        yield "routes:"
        yield f"  - to: {draft.target.name}"
        yield f"    quiet: {draft.quiet}"
        yield "notices:"
        yield f"  to: {draft.target.name}"
        yield f"  quiet: {draft.quiet}"

    def _write_secret(self, value: str, name: str, *, secret: bool = True) -> str:
        if not secret or not self._apart:
            return write_value(value)
        stem, _, ending = name.rpartition(".")
        name = f"{stem.encode()[:_LONGEST_STEM].decode(errors='ignore')}.{ending}"
        free = name
        number = 1
        while free in self._taken:
            number += 1
            free = f"{name}-{number}"
        self._taken.add(free)
        self.secrets[free] = value
        return f"!file {write_value(free)}"
