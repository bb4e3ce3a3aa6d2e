"""What went wrong on the wire, told apart as a person would look for it in different places."""

from __future__ import annotations

import errno
import os
import ssl
from datetime import datetime
from typing import Final

import aiohttp
import httpx

from feedwatch.core.messages import PostFailed
from feedwatch.core.model import FetchFailed, Reason
from feedwatch.core.networks import host_of
from feedwatch.fetch.bodies import read_body
from feedwatch.fetch.gate import PrivateAddress
from feedwatch.fetch.headers import read_date, read_head, read_retry_after, text_of
from feedwatch.fetch.transport import NobodyToTrust

OF_STATUS: Final = {
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
_LONGEST_BODY: Final = 64 * 1024
_NOBODY_TO_TRUST: Final = "no certificates can be read where SSL_CERT_FILE or SSL_CERT_DIR says"
_OURS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)

ERRORS: Final = (httpx.HTTPError, aiohttp.ClientError, OSError, ssl.SSLError, PrivateAddress, NobodyToTrust)
"""What the client raises when an exchange comes to nothing."""


def reason_of_status(status: int) -> Reason:
    """Give the reason that a status other than 200 and 304 stands for, before anybody has read the body.

    `core.statuses` has the last word on what comes of an API, and agrees where there is no more to read.
    """
    if status in OF_STATUS:
        return OF_STATUS[status]
    if status < 400:
        return Reason.PROTOCOL
    return Reason.SERVER_ERROR if status >= 500 else Reason.CLIENT_ERROR


async def read_refusal(response: httpx.Response, url: str, now: datetime) -> FetchFailed:
    """Read an answer that is no document, from `url`: its status, and as much of its body as says more."""
    status = response.status_code
    head = read_head(response)
    try:
        body = await read_body(response, head, _LONGEST_BODY, cut=True)
    except httpx.ReadError:  # the status says enough
        body = b""
    return FetchFailed(
        reason_of_status(status),
        f"HTTP {status}",
        status,
        read_retry_after(head, now),
        body if isinstance(body, bytes) else b"",
        server_at=read_date(head),
        allow=text_of(head, b"allow") or "",
        host=host_of(url),
    )


def failure_of(error: Exception) -> FetchFailed:  # noqa: PLR0911 — one return for each reason
    """Give the reason of an error, and a detail that holds nothing of the address or the reply."""
    if isinstance(error, PrivateAddress):
        return FetchFailed(Reason.PRIVATE_ADDRESS, str(error))
    if isinstance(error, NobodyToTrust):
        return FetchFailed(Reason.INTERNAL, _NOBODY_TO_TRUST)
    number = getattr(error, "errno", None) or getattr(getattr(error, "os_error", None), "errno", None)
    if number in _OURS:
        return FetchFailed(Reason.INTERNAL, "out of file descriptors, threads or memory")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchFailed(Reason.DNS, "the host's name is not known")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return FetchFailed(Reason.TLS, _certificate_problem(error))
    if isinstance(error, aiohttp.ClientPayloadError | httpx.ReadError):
        return FetchFailed(Reason.CUT_SHORT, "the reply ended too early")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        text = errno.errorcode.get(number, "") if number else ""
        return FetchFailed(Reason.CONNECT, text or "the connection was closed without an answer")
    if isinstance(error, aiohttp.InvalidURL):
        return FetchFailed(Reason.BAD_ADDRESS, "no address that can be asked")
    return FetchFailed(Reason.PROTOCOL, f"no proper HTTP reply ({type(error).__name__})")


def post_failure_of(error: Exception) -> PostFailed:  # noqa: PLR0911 — one return for each way to break
    """Say what an error means for what was posted; the words hold nothing of the address.

    Without a connection nothing was sent. Whatever broke later: it may have been taken.
    """
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return PostFailed("no connection in time", may_have_arrived=False)
    if isinstance(error, TimeoutError):
        return PostFailed("no answer in time", may_have_arrived=True)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return PostFailed("the host's name is not known", may_have_arrived=False)
    if isinstance(error, aiohttp.ClientSSLError):
        why = _certificate_problem(error).partition(",")[0]  # what follows names the host
        return PostFailed(f"no secure connection ({why})", may_have_arrived=False)
    if isinstance(error, aiohttp.ClientConnectorError):
        why = os.strerror(error.errno).lower() if error.errno else "no connection"
        return PostFailed(why, may_have_arrived=False)
    if isinstance(error, ValueError):
        return PostFailed("no address that can be asked", may_have_arrived=False)
    if isinstance(error, NobodyToTrust):
        return PostFailed(_NOBODY_TO_TRUST, may_have_arrived=False)
    return PostFailed(failure_of(error).detail, may_have_arrived=True)


def _certificate_problem(error: Exception) -> str:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return str(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or type(cause).__name__)
