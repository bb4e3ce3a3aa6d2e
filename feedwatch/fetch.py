"""One conditional GET under limits: the door of the HTTP client.

What goes wrong comes back as a value with a reason. Redirects are followed by hand, so that neither a
token nor a signature ever reaches another host. Nothing here knows of feeds or of the database.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from feedwatch.core.model import Fetched, FetchFailed, FetchOutcome, NotModified, Reason, Validators
from feedwatch.redact import mask_url, secrets_of_url

MOST_REDIRECTS: Final = 5
ERROR_BODY: Final = 64 * 1024
_ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
)
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_PERMANENT: Final = {301, 308}
_OF_STATUS: Final = {
    204: Reason.EMPTY_BODY,
    205: Reason.EMPTY_BODY,
    400: Reason.BAD_REQUEST,
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    410: Reason.GONE,
    429: Reason.RATE_LIMITED,
    503: Reason.UNAVAILABLE,
}

Sign = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long a whole reply may take, how large it may be, and how many may be asked for at once."""

    timeout: timedelta
    max_body: int
    concurrency: int = 32
    per_host: int = 4


class Fetcher:
    """Asks for documents, many at once, over one pool of connections. Of one event loop."""

    def __init__(
        self, limits: FetchLimits, *, user_agent: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._now = now
        self._transport = _RawTransport(client=_make_session)
        self._headers = {
            "User-Agent": user_agent,
            "Accept": _ACCEPT,
            "Accept-Encoding": "gzip, deflate",
        }
        self.update_limits(limits)

    def update_limits(self, limits: FetchLimits) -> None:
        """Take new limits over; what is under way ends under the old ones."""
        self._limits = limits
        self._all = asyncio.Semaphore(limits.concurrency)
        self._hosts: dict[str, asyncio.Semaphore] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def fetch(
        self,
        url: str,
        *,
        validators: Validators | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109 — a deadline for the whole exchange
        sign: Sign | None = None,
    ) -> FetchOutcome:
        """Ask for a document and read it whole.

        The URL goes out byte for byte. `validators` make the request conditional; `sign` gives the
        headers that sign a hop, and is asked for hops to the same origin only. Waiting for a free
        place at the host does not count towards the deadline.
        """
        origin = _origin(url)
        if origin is None:
            return FetchFailed(Reason.BAD_ADDRESS, f"no http or https address: {mask_url(url)[:200]}")
        exchange = _Exchange(url, origin, validators, sign)
        async with self._place_at(origin):
            seconds = (timeout or self._limits.timeout).total_seconds()
            try:
                async with asyncio.timeout(seconds):
                    return await self._follow(exchange)
            except TimeoutError:
                return FetchFailed(Reason.TIMEOUT, f"no whole reply within {seconds:g} s")
            except (httpx.HTTPError, aiohttp.ClientError, OSError, ssl.SSLError) as error:
                return _failure_of(error)
            except (ValueError, UnicodeError, httpx.InvalidURL) as error:
                return FetchFailed(Reason.BAD_ADDRESS, type(error).__name__)

    @asynccontextmanager
    async def _place_at(self, origin: str) -> AsyncIterator[None]:
        host = self._hosts.setdefault(origin, asyncio.Semaphore(self._limits.per_host))
        everybody = self._all
        # The host's place first: who waits for a slow host must not take a place from all others.
        async with host, everybody:
            yield

    async def _follow(self, exchange: _Exchange) -> FetchOutcome:
        for _ in range(MOST_REDIRECTS + 1):
            requested_at = self._now()
            response = await self._transport.handle_async_request(exchange.make_request(self._headers))
            try:
                if response.status_code not in _REDIRECTS:
                    return await self._read(response, exchange, requested_at)
                refused = exchange.redirect(response.status_code, response.headers.get("location"))
                if refused:
                    return refused
            finally:
                await response.aclose()
        return FetchFailed(Reason.TOO_MANY_REDIRECTS, f"more than {MOST_REDIRECTS} redirects")

    async def _read(
        self, response: httpx.Response, exchange: _Exchange, requested_at: datetime
    ) -> FetchOutcome:
        status, headers = response.status_code, response.headers
        max_age = _max_age(headers)
        if status == 304:
            if not exchange.conditional:
                return FetchFailed(Reason.PROTOCOL, "304 to an unconditional request", status)
            return NotModified(_validators(response), max_age)
        if status != 200:
            return await self._read_error(response)
        body = await _read_body(response, self._limits.max_body)
        if isinstance(body, FetchFailed):
            return body
        return Fetched(
            body=body,
            validators=_validators(response),
            url=exchange.url,
            requested_at=requested_at,
            content_type=headers.get("content-type"),
            max_age=max_age,
            moved_to=exchange.url if exchange.permanent and exchange.hops else None,
        )

    async def _read_error(self, response: httpx.Response) -> FetchFailed:
        status = response.status_code
        reason = _OF_STATUS.get(status)
        if reason is None:
            reason = Reason.SERVER_ERROR if status >= 500 else Reason.CLIENT_ERROR
            reason = reason if status >= 400 else Reason.PROTOCOL
        body = await _read_body(response, ERROR_BODY, cut=True)
        return FetchFailed(
            reason,
            f"HTTP {status}",
            status,
            _retry_after(response.headers, self._now()),
            body if isinstance(body, bytes) else b"",
        )


class _Exchange:
    """One request and the redirects it meets."""

    def __init__(self, url: str, origin: str, validators: Validators | None, sign: Sign | None) -> None:
        self.url = url
        self.hops = 0
        self.permanent = True
        self._first = url
        self._origin = origin
        self._validators = validators
        self._sign = sign
        self._seen = {url}

    @property
    def conditional(self) -> bool:
        return bool(self._validators) and self._at_home

    @property
    def _at_home(self) -> bool:
        return _origin(self.url) == self._origin

    def make_request(self, headers: Mapping[str, str]) -> httpx.Request:
        """The request for the hop we are at; what is secret goes to the first origin only."""
        sent = dict(headers)
        if self._at_home:
            sent.update(_basic_auth(self._first))
            if self._validators and self._validators.etag is not None:
                sent["If-None-Match"] = self._validators.etag
            if self._validators and self._validators.last_modified is not None:
                sent["If-Modified-Since"] = self._validators.last_modified
            if self._sign:
                sent.update(self._sign(self.url))
        request = httpx.Request(
            "GET", _PLACEHOLDER, headers=sent, extensions={"raw_url": _wire_url(self.url)}
        )
        del request.headers["host"]  # the placeholder's
        return request

    def redirect(self, status: int, location: str | None) -> FetchFailed | None:
        """Go where a redirect points, or say why not."""
        if not location:
            return FetchFailed(Reason.PROTOCOL, f"HTTP {status} without a Location", status)
        target = urljoin(self.url, location)
        if _origin(target) is None:
            return FetchFailed(Reason.REDIRECT_REFUSED, "redirected to no http address", status)
        if target in self._seen:
            return FetchFailed(Reason.TOO_MANY_REDIRECTS, "redirected in a circle", status)
        if self._would_leak(target):
            return FetchFailed(Reason.REDIRECT_REFUSED, "would have carried a secret elsewhere", status)
        self._seen.add(target)
        self.hops += 1
        self.permanent = self.permanent and status in _PERMANENT
        self.url = target
        return None

    def _would_leak(self, target: str) -> bool:
        """Whether a redirect takes our token to another host, or out of encryption."""
        secrets = secrets_of_url(self._first)
        if _origin(target) == self._origin or not (secrets or self._sign):
            return False
        spoken = unquote(target)
        downgrade = self.url.lower().startswith("https:") and target.lower().startswith("http:")
        return downgrade or any(secret in spoken for secret in secrets)


_PLACEHOLDER: Final = httpx.URL("http://raw.invalid/")
"""httpx would write a URL anew; the real one travels beside it, byte for byte."""


class _RawTransport(AiohttpTransport):
    """The aiohttp transport, asked with the exact bytes of a URL.

    httpx's own transport costs more than all the rest of a poll (docs/decisions/0002-http.md).
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        response = await self.client.request(
            request.method,
            URL(request.extensions["raw_url"], encoded=True),
            headers=request.headers,
            allow_redirects=False,
            timeout=_NO_TIMEOUT,
        )
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Stream(response), request=request
        )


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        # An unread rest would keep the connection busy: it is closed instead of drained.
        if self._response.content.is_eof():
            self._response.release()
        else:
            self._response.close()


_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)  # the deadline is ours, for the whole exchange


def _make_session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, ssl=httpx.create_ssl_context())
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=_NO_TIMEOUT,
    )


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


def _origin(url: str) -> str | None:
    """Scheme, host and port of a web address in one form; None for any other."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{scheme}://{parts.hostname}:{port or (443 if scheme == 'https' else 80)}"


def _wire_url(url: str) -> str:
    """A URL as it goes out: as it came but for user, fragment, and what no URL may hold."""
    rest = url.strip().partition("#")[0]
    scheme, _, after = rest.partition("://")
    authority, slash, path = after.partition("/")
    if not slash and "?" in authority:
        authority, _, query = authority.partition("?")
        slash, path = "/", f"?{query}"
    host = authority.rpartition("@")[2]
    if not host.isascii():
        host = host.encode("idna").decode()
    # Only what may not stand in a URL at all is encoded: `%` and every reserved character stay.
    safe = quote(path, safe="%/:?#[]@!$&'()*+,;=-._~|^`{}\\\"<>", encoding="utf-8")
    return f"{scheme.lower()}://{host}{slash or '/'}{safe}"


def _basic_auth(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


# ── headers ───────────────────────────────────────────────────────────────────────────────────────


def _validators(response: httpx.Response) -> Validators:
    return Validators(_exact(response, b"etag"), _exact(response, b"last-modified"))


def _exact(response: httpx.Response, name: bytes) -> str | None:
    """A header that can be sent back byte for byte; None for one that cannot."""
    for key, value in response.headers.raw:
        if key.lower() == name:
            try:
                return value.decode("utf-8") or None
            except UnicodeDecodeError:
                return None
    return None


def _max_age(headers: httpx.Headers) -> timedelta | None:
    """How long the server itself calls its reply fresh (RFC 9111, section 5.2.2.1)."""
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name == "max-age" and value.strip('"').isdigit():
            return timedelta(seconds=min(int(value.strip('"')), 10**8))
    return None


def _retry_after(headers: httpx.Headers, now: datetime) -> timedelta | None:
    """Seconds, or a date (RFC 9110, section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return timedelta(seconds=min(int(text), 10**8))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0))


# ── bodies ────────────────────────────────────────────────────────────────────────────────────────


async def _read_body(response: httpx.Response, limit: int, *, cut: bool = False) -> bytes | FetchFailed:
    """Read a body, decompressed, up to a limit: beyond it, cut it off or fail."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        return FetchFailed(Reason.BAD_ENCODING, f"content-encoding {encoding[:40]!r}", response.status_code)
    inflate = _Inflater(encoding, limit) if encoding not in ("", "identity") else None
    parts: list[bytes] = []
    size = 0
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        try:
            part = inflate.feed(chunk) if inflate else chunk
        except zlib.error as error:
            return FetchFailed(Reason.BAD_ENCODING, f"not what it says: {error}", response.status_code)
        parts.append(part)
        size += len(part)
        if size > limit:
            if cut:
                return b"".join(parts)[:limit]
            return FetchFailed(Reason.TOO_LARGE, f"more than {limit} bytes", response.status_code)
    if inflate and not inflate.finished and size:
        return FetchFailed(Reason.CUT_SHORT, "the compressed body ends too early", response.status_code)
    return b"".join(parts)


class _Inflater:
    """Decompresses as it comes, never more than one byte beyond the limit."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._left = limit + 1
        self._raw_deflate_possible = encoding == "deflate"
        self._stream = zlib.decompressobj(47)  # gzip or zlib, by its header
        self.finished = False

    def feed(self, chunk: bytes) -> bytes:
        out: list[bytes] = []
        while chunk and self._left > 0:
            part = self._inflate(chunk)
            out.append(part)
            self._left -= len(part)
            if not self._stream.eof:
                break
            self.finished = True
            chunk = self._stream.unused_data
            if not chunk.startswith(b"\x1f\x8b"):
                break  # bytes after the end belong to nobody
            self._stream = zlib.decompressobj(47)
            self.finished = False
        return b"".join(out)

    def _inflate(self, chunk: bytes) -> bytes:
        try:
            part = self._stream.decompress(chunk, self._left)
        except zlib.error:
            if not self._raw_deflate_possible:
                raise
            # "deflate" without its zlib header is what some servers have always sent.
            self._stream = zlib.decompressobj(-15)
            part = self._stream.decompress(chunk, self._left)
        self._raw_deflate_possible = False
        return part


# ── what went wrong ───────────────────────────────────────────────────────────────────────────────


def _failure_of(error: Exception) -> FetchFailed:  # noqa: PLR0911 — one return for each reason
    """Tell apart what a person would look for in different places."""
    number = getattr(error, "errno", None) or getattr(getattr(error, "os_error", None), "errno", None)
    if number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return FetchFailed(Reason.INTERNAL, "out of file descriptors or memory")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchFailed(Reason.DNS, "the host's name is not known")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return FetchFailed(Reason.TLS, _certificate_problem(error))
    if isinstance(error, aiohttp.ClientPayloadError):
        return FetchFailed(Reason.CUT_SHORT, "the reply ended too early")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        text = errno.errorcode.get(number, "") if number else ""
        return FetchFailed(Reason.CONNECT, text or "the connection was closed without an answer")
    if isinstance(error, aiohttp.InvalidURL):
        return FetchFailed(Reason.BAD_ADDRESS, "no address that can be asked")
    return FetchFailed(Reason.PROTOCOL, f"no proper HTTP reply ({type(error).__name__})")


def _certificate_problem(error: Exception) -> str:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return str(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or type(cause).__name__)
