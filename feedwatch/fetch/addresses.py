"""Web addresses: where one leads, and how it goes out byte for byte."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import httpx

from feedwatch.core.networks import canonical_host

_PORTS: Final = {"http": 80, "https": 443}
_BLANK: Final = "".join(map(chr, range(33)))
_BREAKS: Final = {ord(each): None for each in "\t\r\n"}
_UP_TO_PATH: Final = re.compile(r"[^:/?#]*://[^/?#]*")
_KEPT: Final = "%/:?#[]@!$&'()*+,;=-._~|^`{}\\\"<>"
"""Only what may not stand in a URL at all is encoded: `%` and every reserved character stay."""
_AS_IT_GOES_OUT: Final = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9_" + re.escape(_KEPT.replace("#", "")) + "]*+"
)
"""An address in which there is nothing to write anew, as nearly all are."""


class Origin(NamedTuple):
    """Scheme, host and port of a web address in one form."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin | None:
    """Give the origin of a web address; None for any other address."""
    start = _UP_TO_PATH.match(_clean(url))
    return _read_origin(start[0]) if start else None


@lru_cache(maxsize=1024)  # hosts are fewer than feeds, and asked again and again
def _read_origin(start: str) -> Origin | None:
    """Read an address up to its path."""
    try:
        parts = urlsplit(start)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return Origin(parts.scheme, parts.hostname, port or _PORTS[parts.scheme])


def host_named_by(url: str) -> str | None:
    """Give the host that a web address names, in the form in which hosts are compared; None without one."""
    try:
        scheme, host_and_port, _ = _split(url)
        host = urlsplit(f"//{host_and_port}").hostname if scheme in _PORTS else None
    except ValueError:  # a UnicodeError is one
        return None
    return canonical_host(host) if host else None


def is_upgrade(origin: Origin, to: Origin) -> bool:
    """Whether one origin is the other behind encryption, at the ports that every server has for it."""
    return origin == ("http", to.host, 80) and to == ("https", origin.host, 443)


def wire_url(url: str) -> str:
    """Give a URL as it goes out: as it came but for user, fragment, and what no URL may hold.

    Raises:
        UnicodeError: the host cannot be a host's name.
    """
    if _AS_IT_GOES_OUT.fullmatch(url):
        return url
    scheme, host, path = _split(url)
    return f"{scheme}://{host}/{quote(path, safe=_KEPT)}"


def basic_auth(url: str) -> str | None:
    """Give what the user and password in a URL are sent as; None where it has none."""
    parts = urlsplit(_clean(url))
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def with_user_of(first: str, url: str) -> str:
    """Put the user and password of one URL into another, in place of its own."""
    user, at, _ = urlsplit(_clean(first)).netloc.rpartition("@")
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}{at}{parts.netloc.rpartition('@')[2]}").geturl()


def _split(url: str) -> tuple[str, str, str]:
    """Give scheme, host and port, and what follows the slash behind them."""
    scheme, _, after = _clean(url).partition("#")[0].partition("://")
    authority, _, path = after.partition("/")
    if "?" in authority:
        authority, _, query = after.partition("?")
        path = f"?{query}"
    return scheme.lower(), _wire_host(authority.rpartition("@")[2]), path


def _wire_host(host: str) -> str:
    # A backslash is a slash to some readers of URLs, and a part of the name to others.
    if "\\" in host or not host.isprintable() or " " in host:
        raise UnicodeError("no host's name")
    if host.isascii():
        return host
    try:
        return httpx.URL(f"http://{host}").netloc.decode()
    except httpx.InvalidURL as error:
        raise UnicodeError("no host's name") from error


def _clean(url: str) -> str:
    """Without what stands around it by accident: every reader of URLs leaves the same characters out."""
    stripped = url.strip(_BLANK)
    return stripped if stripped.isprintable() else stripped.translate(_BREAKS)
