"""One request and the redirects it meets: where it may go, and what it may take along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, unquote_plus, urljoin

import httpx

from feedwatch.core.keys import digest_text
from feedwatch.core.model import FetchFailed, Reason, Validators
from feedwatch.fetch.addresses import Origin, basic_auth, is_upgrade, origin_of, wire_url, with_user_of
from feedwatch.fetch.transport import make_raw_request
from feedwatch.redact import secrets_of_url

MOST_REDIRECTS: Final = 5
REDIRECTS: Final = {301, 302, 303, 307, 308}
_PERMANENT: Final = {301, 308}
_SHORTEST_SECRET: Final = 4
"""A shorter value could be guessed anyway, and would be found in half of all addresses."""

Sign = Callable[[str], Mapping[str, str]]


class Exchange:
    """Where one request stands. What is secret goes to its first origin only.

    That origin behind encryption (http → https, same host) counts as itself.
    """

    def __init__(
        self,
        url: str,
        home: Origin,
        validators: Validators | None,
        sign: Sign | None,
        *,
        method: str = "GET",
        form: bytes | None = None,
    ) -> None:
        self._method = method
        self._form = form
        self.url = url
        self.origin = home
        self._home = home
        self._first = url
        self._validators = validators
        self._sign = sign
        self._seen = [url]
        self._ours = [url]
        """The addresses at its first origin: only a redirect asks what is secret in them."""
        self._permanent = True
        self._left_home = False
        self.status: int | None = None
        """What the last hop that answered said; None while nobody has."""

    @property
    def is_led(self) -> bool:
        """Whether redirects have led away from the address that was asked."""
        return self.url != self._first

    @property
    def is_led_for_now(self) -> bool:
        """Whether one of these redirects is not for good."""
        return self.is_led and not self._permanent

    def place_validators(self, validators: Validators) -> Validators:
        """Validators that came from the hop we are at, with where that is."""
        return replace(validators, place=self._place()) if self.is_led and validators else validators

    @property
    def conditional(self) -> bool:
        """Whether the hop we are at asks "only if it changed": of the very document that was given before.

        Another address may know another document by the same etag.
        """
        known = self._validators
        return known is not None and bool(known) and self._is_trusted() and known.place == self._place()

    @property
    def moved_to(self) -> str | None:
        """Where the document has moved to for good; None while it has not."""
        if not self.is_led or not self._permanent:
            return None
        if self._is_trusted():
            return with_user_of(self._first, self.url)
        # Who sends us elsewhere does not choose as whom we sign in there.
        return with_user_of("", self.url) if "@" in self.url else self.url

    def make_request(self, headers: httpx.Headers) -> httpx.Request:
        """Make the request for the hop we are at, with these headers and those that it may take along.

        Raises:
            UnicodeError: the host cannot be a host's name.
        """
        address = wire_url(self.url)
        request = make_raw_request(self._method, address, headers, self._form or b"", once=self._goes_once())
        if self._is_trusted():
            self._add_secrets(request.headers, address)
        if self._form is not None:
            request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return request

    def redirect(self, status: int, location: str | None) -> FetchFailed | None:  # noqa: PLR0911 — one for each
        """Go where a redirect points, or say why not."""
        if self._method != "GET":
            # Nobody has said that what we change may be changed elsewhere.
            return FetchFailed(Reason.REDIRECT_REFUSED, f"HTTP {status} to a {self._method}", status)
        if not location:
            return FetchFailed(Reason.PROTOCOL, f"HTTP {status} without a Location", status)
        target = _join(self.url, location)
        there = origin_of(target)
        if there is None:
            return FetchFailed(Reason.REDIRECT_REFUSED, "redirected to no http address", status)
        if target in self._seen:
            return FetchFailed(Reason.TOO_MANY_REDIRECTS, "redirected in a circle", status)
        if len(self._seen) > MOST_REDIRECTS:
            return FetchFailed(Reason.TOO_MANY_REDIRECTS, f"more than {MOST_REDIRECTS} redirects", status)
        if self._would_leak(target, there):
            return FetchFailed(Reason.REDIRECT_REFUSED, "would have carried a secret elsewhere", status)
        if self._is_home(there):
            self._ours.append(target)
        self._seen.append(target)
        self._permanent = self._permanent and status in _PERMANENT
        self.url, self.origin = target, there
        self._left_home = self._left_home or not self._is_home(there)
        return None

    def _place(self) -> str | None:
        """Which of all addresses that redirects may lead to this is; None for the one that was asked."""
        return digest_text(self.url) if self.is_led else None

    def _goes_once(self) -> bool:
        """Whether the library must not send it again by itself: a change, or what would be a replay."""
        return self._method != "GET" or (self._sign is not None and self._is_trusted())

    def _is_trusted(self) -> bool:
        """Whether the hop we are at may see what is secret.

        Another host may send us home again, but not have us sign or say who we are at an address it chose.
        """
        return not self._left_home  # from the first hop to this one, each was at home

    def _is_home(self, origin: Origin) -> bool:
        return origin == self._home or is_upgrade(self._home, origin)

    def _add_secrets(self, headers: httpx.Headers, address: str) -> None:
        if "@" in self._first and (authorization := basic_auth(self._first)):
            headers["Authorization"] = authorization
        if self._validators and self.conditional:
            if self._validators.etag is not None:
                headers["If-None-Match"] = self._validators.etag
            if self._validators.last_modified is not None:
                headers["If-Modified-Since"] = self._validators.last_modified
        if self._sign:
            # What is signed is what goes out, whatever the address looked like before.
            for name, value in self._sign(address).items():
                headers[name] = value

    def _would_leak(self, target: str, there: Origin) -> bool:
        """Whether a redirect takes our token to another host, or out of encryption."""
        if self._is_home(there):
            return False
        secrets = {secret for url in self._ours for secret in _secrets_in(url)}
        if not (secrets or self._sign):
            return False
        downgrade = self.origin.scheme == "https" and there.scheme == "http"
        spellings = (target, unquote(target), unquote_plus(target))
        return downgrade or any(secret in text for secret in secrets for text in spellings)


def _secrets_in(url: str) -> tuple[str, ...]:
    return tuple(secret for secret in secrets_of_url(url) if len(secret) >= _SHORTEST_SECRET)


def _join(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return ""
