"""The one place that knows what is secret: known values in any spelling, and what URLs carry.

It is asked at every way out: logs, tables, JSON, error texts, the database, messages.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "•••"
_SHORTEST = 4
"""A shorter "secret" would mask half of every text, and could be guessed anyway."""

_SECRET_NAME = re.compile(
    r"token|secret|passw|passwd|pwd|api_?key|auth|signature|session|\bsig\b|\bkey\b", re.IGNORECASE
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"'`]+", re.IGNORECASE)
_PARAMETER = re.compile(r"(?P<lead>[?&;#])(?P<name>[^=&;#\s]{1,64})=(?P<value>[^&;#\s\"'<>]+)")
_USERINFO = re.compile(r"(?<=://)[^/?#\s@]+@")


def mask_url(url: str) -> str:
    """An address without its user, password, and the values of parameters that sound secret."""
    masked = _USERINFO.sub(f"{MASK}@", url)
    return _PARAMETER.sub(_mask_parameter, masked)


def secrets_of_url(url: str) -> tuple[str, ...]:
    """The secret values that an address carries, to register them."""
    found = [m["value"] for m in _PARAMETER.finditer(url) if _SECRET_NAME.search(m["name"])]
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    return tuple(dict.fromkeys(unquote(value) for value in (*found, *([password] if password else []))))


class Redactor:
    """Masks registered secrets, raw, URL-encoded or in base64, and what URLs carry.

    `enabled=False` lets everything through: only to prove that it is needed.
    """

    def __init__(self, *secrets: str, enabled: bool = True) -> None:
        self._enabled = enabled
        self._spellings: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Learn secrets; what is too short to be one is ignored."""
        known = len(self._spellings)
        for secret in secrets:
            for spelling in _spell(secret.strip()):
                self._spellings.setdefault(spelling)
        if len(self._spellings) > known:
            # The longest first: a secret may be a part of another.
            longest_first = sorted(self._spellings, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def redact(self, text: str) -> str:
        """The text without secrets."""
        if not self._enabled:
            return text
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return _URL.sub(lambda match: mask_url(match.group()), text) if "://" in text else text


class RedactingFormatter(logging.Formatter):
    """Redacts the finished record, traceback and all: a filter would miss that."""

    def __init__(self, form: str, *, redactor: Redactor) -> None:
        super().__init__(form)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Format a record and redact the outcome."""
        return self._redactor.redact(super().format(record))


def _mask_parameter(match: re.Match[str]) -> str:
    if not _SECRET_NAME.search(unquote(match["name"])):
        return match.group()
    return f"{match['lead']}{match['name']}={MASK}"


def _spell(secret: str) -> Iterator[str]:
    """The ways in which a secret may stand in a text."""
    if len(secret) < _SHORTEST:
        return
    yield secret
    encoded = {quote(secret, safe=""), quote_plus(secret), quote(secret)}
    yield from encoded
    yield from (_lower_escapes(each) for each in encoded)
    yield from _spell_base64(secret.encode())


def _lower_escapes(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), text)


def _spell_base64(raw: bytes) -> Iterable[str]:
    """What stays the same of a secret's base64, whatever stands before and behind it."""
    if len(raw) < _SHORTEST * 2:
        yield base64.b64encode(raw).decode().rstrip("=")
        return
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            text = alphabet(b"\0" * before + raw).decode()
            start = (0, 2, 3)[before]  # characters that the bytes before take part in
            end = len(text) - (4 if text.endswith("=") else 0)
            yield text[start:end]
