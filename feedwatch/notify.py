"""One message to one address: the door of Apprise.

Apprise knows how to speak to a hundred services, and nothing about trying again: that is the outbox's.
What it found out about a failure stands only in its log, so that is read here.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from feedwatch.core.model import Delivered, Markup, NotifyFailed, NotifyOutcome, NotifyTimedOut, Reason, Style

SEND_WITHIN = timedelta(seconds=60)
_READ_TIMEOUT = 30.0
_CONNECT_TIMEOUT = 10.0
_AT_ONCE = 8

_ERROR = re.compile(r"\berror=(\d{3})\b")
_RETRY_AFTER = re.compile(r"retry[- ]after[^\d]{0,12}(\d+(?:\.\d+)?)", re.IGNORECASE)
_READ_TIMED_OUT = re.compile(r"ReadTimeout|Read timed out", re.IGNORECASE)
_MAIL_REFUSED = re.compile(r"SMTPRecipientsRefused|SMTPSenderRefused|SMTPDataError|\b55\d\b")
_NOT_REFUSALS = {408, 425, 429}
_FORBIDDEN = {
    "optional": "optional=yes would report success when nothing was sent",
    "retry": "retry= would repeat messages out of order; feedwatch tries again by itself",
}


@dataclass(frozen=True, slots=True)
class _Service:
    """What is particular about a service: what calls people there, and what it takes for markup."""

    mentions: str = ""
    escape: str = ""
    limit: int | None = None
    html: bool = False


_MARKDOWN = "\\*_~`|[]"
_SERVICES: dict[str, _Service] = {
    "discord": _Service(mentions="@ <# <:", escape=_MARKDOWN + ">#", limit=2000),
    "slack": _Service(mentions="@ <! <@ <#", escape="", limit=35000),
    "mmost": _Service(mentions="@ ~", escape=_MARKDOWN + "#>"),
    "mmosts": _Service(mentions="@ ~", escape=_MARKDOWN + "#>"),
    "rocket": _Service(mentions="@ #", escape=_MARKDOWN),
    "rockets": _Service(mentions="@ #", escape=_MARKDOWN),
    "msteams": _Service(mentions="@ <at"),
    "workflows": _Service(mentions="@ <at"),
    "gchat": _Service(mentions="@ <users/", escape="*_~`"),
    "matrix": _Service(mentions="@"),
    "matrixs": _Service(mentions="@"),
    "zulip": _Service(mentions="@ #", escape=_MARKDOWN),
    "tgram": _Service(mentions="@ /", html=True, limit=4096),
    "mailto": _Service(html=True),
    "mailtos": _Service(html=True),
}
_OTHER = _Service(mentions="@ <! <@")


class Notifier:
    """Sends messages, at most one at a time to an address (its caller sees to that)."""

    def __init__(self, *, send_within: timedelta = SEND_WITHIN, read_timeout: float = _READ_TIMEOUT) -> None:
        self._send_within = send_within.total_seconds()
        self._read_timeout = read_timeout
        self._plugins: dict[str, Any] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    def check_address(self, url: str) -> str | None:
        """What is wrong with a service's address, without its secrets; None if nothing is."""
        schema = url.partition("://")[0].lower()
        for name, why in _FORBIDDEN.items():
            if re.search(rf"[?&]{name}=", url, re.IGNORECASE):
                return f"{schema}://…: {why}"
        plugin = self._plugin(url)
        if plugin is None:
            return f"{schema}://… is no address that Apprise knows how to reach"
        return None

    def style_of(self, url: str) -> Style:
        """How a message must look for the service behind an address."""
        schema = url.partition("://")[0].lower()
        service = _SERVICES.get(schema, _OTHER)
        sender = self._plugin(url)
        plugin = sender[0] if sender is not None else None
        body = int(getattr(plugin, "body_maxlen", 0) or 0) or 4000
        title = int(getattr(plugin, "title_maxlen", 0) or 0)
        return Style(
            markup=Markup.HTML if service.html else Markup.TEXT,
            limit=service.limit or body,
            # Where there is no title of its own, Apprise puts it on top of the body.
            title_limit=title or 250,
            mentions=service.mentions,
            escape=service.escape,
        )

    async def send(
        self, address: str, url: str, message_title: str, body: str, *, is_html: bool
    ) -> NotifyOutcome:
        """Send one message within a minute; longer, and it may or may not have arrived."""
        plugin = self._plugin(url)
        if plugin is None:
            return NotifyFailed(Reason.REFUSED, "not an address that Apprise can reach")
        async with self._places:
            try:
                async with asyncio.timeout(self._send_within):
                    return await _in_thread(
                        f"send {address}", lambda: _send(plugin, message_title, body, is_html=is_html)
                    )
            except TimeoutError:
                return NotifyTimedOut()

    async def aclose(self) -> None:
        """Forget the services. A send that hangs ends with the process."""
        self._plugins.clear()

    def _plugin(self, url: str) -> Any:
        """Apprise's object for one address, made once; None if it knows no such service."""
        if url not in self._plugins:
            self._plugins[url] = _make_plugin(url, self._read_timeout)
        return self._plugins[url]


def _listen_to_apprise() -> None:
    """Let Apprise tell everything to its result objects, and nothing to our log: it tells secrets too."""
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def _make_plugin(url: str, read_timeout: float) -> Any:
    # Apprise takes 0.1 s and 44 MiB to import: only who sends pays.
    import apprise  # noqa: PLC0415
    from apprise.common import PersistentStoreMode  # noqa: PLC0415

    _listen_to_apprise()
    asset = apprise.AppriseAsset(
        app_id="feedwatch",
        app_desc="feedwatch",
        app_url="",
        async_mode=False,
        http_redirects=False,  # a redirected POST would count as delivered
        interpret_escapes=False,
        interpret_emojis=False,
        secure_logging=True,
        storage_mode=PersistentStoreMode.MEMORY,
        service_timeout=0,  # the deadline is ours
    )
    sender = apprise.Apprise(asset=asset)
    if not sender.add(url) or len(sender) != 1:
        return None
    plugin = sender[0]
    plugin.request_rate_per_sec = 0  # it would sleep in the thread; waiting is the outbox's
    plugin.socket_read_timeout = read_timeout
    plugin.socket_connect_timeout = _CONNECT_TIMEOUT
    return sender


def _send(sender: Any, title: str, body: str, *, is_html: bool) -> NotifyOutcome:
    from apprise.common import NotifyFormat  # noqa: PLC0415
    from apprise.exception import AppriseException  # noqa: PLC0415

    form = NotifyFormat.HTML if is_html else NotifyFormat.TEXT
    try:
        result = sender.notify(body=body, title=title, body_format=form, log_level=logging.DEBUG)
    except (AppriseException, TypeError, ValueError) as error:
        return NotifyFailed(Reason.REFUSED, type(error).__name__)
    if result:
        return Delivered()
    if "TIMEOUT" in str(getattr(result, "status", "")).upper():
        return NotifyTimedOut()
    return read_failure(str(getattr(entry, "message", entry)) for entry in result.logs())


def read_failure(lines: Iterable[str]) -> NotifyOutcome:
    """Make out of Apprise's log why a message was not taken. Nothing of its text is kept."""
    text = "\n".join(lines)
    error = _ERROR.search(text)
    if error is None:
        if _READ_TIMED_OUT.search(text):
            return NotifyTimedOut()
        if _MAIL_REFUSED.search(text):
            return NotifyFailed(Reason.REFUSED, "the mail server refused it")
        return NotifyFailed(Reason.UNREACHABLE, "no answer")
    status = int(error[1])
    wait = _RETRY_AFTER.search(text)
    retry_after = timedelta(seconds=min(float(wait[1]), 86400.0)) if wait else None
    if status == 429:
        return NotifyFailed(Reason.RATE_LIMITED, "HTTP 429", retry_after)
    refused = 300 <= status < 500 and status not in _NOT_REFUSALS
    return NotifyFailed(Reason.REFUSED if refused else Reason.UNREACHABLE, f"HTTP {status}", retry_after)


async def _in_thread(name: str, call: Callable[[], NotifyOutcome]) -> NotifyOutcome:
    """Run a call in a thread that does not keep the process alive if it hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[NotifyOutcome] = loop.create_future()

    def settle(outcome: NotifyOutcome | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        elif outcome is not None:
            done.set_result(outcome)

    def work() -> None:
        outcome, error = None, None
        try:
            outcome = call()
        except BaseException as raised:  # noqa: BLE001 — it belongs to who awaits
            error = raised
        with suppress(RuntimeError):  # the loop is gone: nobody waits
            loop.call_soon_threadsafe(settle, outcome, error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await done
