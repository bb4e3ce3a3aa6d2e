"""What of a configuration must never be shown, told to the redactor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from feedwatch.config.schema import NetflixAccount
from feedwatch.config.settings import Config
from feedwatch.redact import Redactor, secrets_of_url

_BETWEEN_PIECES = re.compile(r"[/:@?&=#,]")
_OPAQUE_FROM = 16
"""A shorter piece of an address, or one without both letters and digits, may well be a name."""


def hide_secrets(config: Config, redactor: Redactor) -> None:
    """Tell the redactor every secret that can be had now, and those within a target's address."""
    redactor.register(*(secret.reveal() for secret in config.secrets()))
    for account in config.accounts.values():
        if isinstance(account, NetflixAccount):
            redactor.register(*secrets_of_url(account.url))
        for address in account.addresses:
            # One that stands in the configuration is no secret, but for the tokens in it.
            if address.verify() is None:
                redactor.register(*secrets_of_url(address.reveal()))
    if config.tmdb is not None:
        redactor.register(*secrets_of_url(config.tmdb.url))
    for target in config.targets.values():
        for url in target.urls:
            if url.verify() is None:
                redactor.register(*secrets_of_url(url.reveal()), *_opaque_pieces(url.reveal()))


def _opaque_pieces(url: str) -> Iterator[str]:
    """The pieces of a service's address that look made up: many services have their token in the path."""
    for piece in _BETWEEN_PIECES.split(url.partition("://")[2]):
        spoken = unquote(piece)
        mixed = any(map(str.isdigit, spoken)) and any(map(str.isalpha, spoken))
        if len(spoken) >= _OPAQUE_FROM and mixed and "." not in spoken:
            yield spoken
