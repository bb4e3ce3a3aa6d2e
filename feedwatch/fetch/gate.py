"""Where a connection is made, or is not: the address really used is looked at, and no other.

Whatever led here (a name that answers differently each time, any spelling of a number, a redirect), the
system is given a socket only for an address that has been judged (docs/decisions/0009-private-networks.md).
"""

from __future__ import annotations

import errno
import socket
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self

from feedwatch.core.networks import NetworkPolicy, canonical_host

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]
"""One address of a host, as `getaddrinfo` gives it."""


class PrivateAddress(Exception):
    """A host is at private addresses only, and may not be asked there."""


class Way:
    """The way to the host of one request, open within a `with`.

    It ends with a PrivateAddress where the request failed because the host must not be asked at any of its
    addresses.
    """

    __slots__ = ("_opened", "host", "refused", "tried")

    def __init__(self, host: str) -> None:
        self.host = host
        self.tried = False
        self.refused: str | None = None
        self._opened: Token[Way]

    def __enter__(self) -> Self:
        self._opened = _WAY.set(self)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        _WAY.reset(self._opened)
        if isinstance(error, OSError) and self.refused is not None and not self.tried:
            raise PrivateAddress(_say_where(canonical_host(self.host), self.refused)) from error


_WAY: ContextVar[Way] = ContextVar("way")
"""The library makes sockets without a word about the host they are for."""


class Gate:
    """Judges each address by its host's name. Of one event loop."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self._policy = policy
        self._named: frozenset[str] = frozenset()

    def update(self, policy: NetworkPolicy | None = None, named: frozenset[str] | None = None) -> bool:
        """Take other rules over; True if they may refuse what the old ones let pass."""
        before = (self._policy, self._named)
        self._policy = self._policy if policy is None else policy
        self._named = self._named if named is None else named
        return self._policy != before[0] or not self._named >= before[1]

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """Make the socket for one address of the host that the way leads to.

        Raises:
            OSError: the host must not be asked there; its other addresses are tried.
        """
        way = _WAY.get()
        family, kind, protocol, _, (address, *_port) = info
        host = canonical_host(way.host)  # most requests find a connection, and never come here
        if not self._policy.allows(host, str(address), named=host in self._named):
            way.refused = way.refused or str(address)
            raise OSError(errno.EACCES, "a private address")
        way.tried = True
        return socket.socket(family, kind, protocol)


def _say_where(host: str, address: str) -> str:
    return address if host == address else f"{host} is at {address}"
