"""OAuth 1.0a for GET requests: the only importer of oauthlib. It never shows or logs a credential."""

from __future__ import annotations

import logging
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit, urlunsplit

from oauthlib.oauth1 import Client

# oauthlib writes signature base strings and tokens at DEBUG: no log level of ours may let them out.
logging.getLogger("oauthlib").setLevel(logging.WARNING)

_OAUTHLIB_QUERY = "=&;:%+~,*@!()/?"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an application and one subscriber sign with."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)


class Signer:
    """Signs requests for one access token; safe to share between threads.

    Timestamps never go back behind one that a server has accepted, though the clock may: it refuses one
    that is earlier than the last it has seen from this token. So there should be one Signer for each
    token. A timestamp that was refused counts for nothing: the clock may have been wrong.
    """

    def __init__(self, credentials: Credentials, clock: Callable[[], datetime]) -> None:
        self._credentials = credentials
        self._clock = clock
        self._signed = 0
        self._accepted = 0
        self._lock = threading.Lock()

    @property
    def accepted(self) -> int:
        """The latest timestamp that a server has accepted, in seconds since 1970; 0 if none has been."""
        return self._accepted

    def recall_accepted(self, timestamp: int) -> None:
        """Learn what a server has accepted in an earlier run."""
        with self._lock:
            self._accepted = max(timestamp, self._accepted)

    def note_accepted(self) -> None:
        """Take note that the server has accepted what was signed last."""
        self.recall_accepted(self._signed)

    def sign(self, url: str) -> dict[str, str]:
        """Give the headers that sign one GET of `url`."""
        of = self._credentials
        client = Client(
            of.consumer_key,
            of.consumer_secret,
            resource_owner_key=of.access_token,
            resource_owner_secret=of.access_token_secret,
            timestamp=str(self._take_timestamp()),
            nonce=secrets.token_hex(16),
        )
        _url, headers, _body = client.sign(_make_signable(url))
        return {"Authorization": headers["Authorization"]}

    def _take_timestamp(self) -> int:
        with self._lock:
            self._signed = max(int(self._clock().timestamp()), self._accepted)
            return self._signed


def _make_signable(url: str) -> str:
    """Escape what oauthlib refuses in a query; the parameters, and so the signature, stay the same."""
    parts = urlsplit(url)
    query = quote(_STRAY_PERCENT.sub("%25", parts.query), safe=_OAUTHLIB_QUERY)
    return urlunsplit(parts._replace(query=query, fragment=""))
