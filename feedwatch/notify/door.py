"""The door of Apprise: nothing else imports it. It is opened late, for it takes 70 ms and 15 MB.

Most runs have nothing to send: this module, too, is loaded with the first address that it opens.

A `Service` is one address of a service, checked, quiet and ready: no retries, no sleeping, no redirects,
no rewriting of what we wrote.
"""

from __future__ import annotations

import functools
import inspect
import logging
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from feedwatch.core.messages import (
    Delivered,
    Markup,
    NotifyFailed,
    NotifyOutcome,
    NotifyTimedOut,
    Outgoing,
    Picture,
    Style,
)
from feedwatch.core.model import Reason
from feedwatch.core.pictures import EXTENSIONS, find_pictures, keep_pictures
from feedwatch.core.text import escape_html, measure
from feedwatch.notify.failures import BadAddress, judge_failure
from feedwatch.notify.plugins import ignore_deprecations, load_plugin, without_guessing_charsets
from feedwatch.notify.rates import Meter, list_meters
from feedwatch.notify.services import Capacity, style_service
from feedwatch.notify.wire import (
    close_wire,
    lend_twin,
    listen_to_mail,
    listen_to_requests,
    listen_to_twins,
    watch_wire,
)

_SCHEMA = re.compile(r"(?P<schema>[a-z][a-z0-9]{1,30})://", re.IGNORECASE)
_MOST_RECALLED = 1000
"""Messages that some of their recipients took: those that were set apart are tried in turns."""
_CONNECT_WITHIN = 10.0
_READ_WITHIN = 40.0
_FORMAT_OPTION = re.compile(r"[?&]format=", re.IGNORECASE)
_READ_OPTION = re.compile(r"[?&]rto=", re.IGNORECASE)
_CONNECT_OPTION = re.compile(r"[?&]cto=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """One address of a service, ready to be sent to."""

    style: Style
    meters: tuple[Meter, ...]
    _sender: Any = field(repr=False)
    _plugin: Any = field(repr=False)
    _taken: dict[str, set[Any]] = field(default_factory=dict, repr=False)

    def deliver(self, message: Outgoing) -> NotifyOutcome:
        """Send one message now, in this thread.

        Where an address names several recipients, those that took it do not get it again, for as long as this
        process remembers.
        """
        # Not by its words: a message that may have arrived says so when it goes again.
        known_by = message.key or f"{message.title}\n{message.body}"
        with self._recall(known_by):
            outcome = self._deliver(message)
        if isinstance(outcome, Delivered):
            self._taken.pop(known_by, None)
        if isinstance(outcome, NotifyFailed) and known_by in self._taken:
            return replace(outcome, partly=True)
        return outcome

    def _deliver(self, message: Outgoing) -> NotifyOutcome:
        """Send a message with its pictures, or else without: no picture is worth a message."""
        pictures = self._choose_pictures(message)
        outcome, asked = self._try(message, pictures)
        if isinstance(outcome, Delivered) or not pictures:
            return outcome
        if isinstance(outcome, NotifyFailed) and (outcome.reason is Reason.REFUSED or not asked):
            return self._try(message, ())[0]
        if _is_mail(self._plugin):  # text and pictures of a mail arrive together
            return outcome
        # Some services take the text first. If everybody has it, nothing is left to be sent.
        with close_wire():
            rest, _ = self._try(message, ())
        return rest if isinstance(rest, Delivered) else outcome

    def _choose_pictures(self, message: Outgoing) -> tuple[Picture, ...]:
        pictures = message.pictures[: self.style.pictures]
        if not self.style.inline:
            return pictures if self._fits_below_picture(message) else ()
        shown = find_pictures(message.body)
        return tuple(picture for picture in pictures if picture.name in shown)

    def _fits_below_picture(self, message: Outgoing) -> bool:
        """Whether one request takes both: Telegram takes two for a long text, and the second is too soon."""
        most = getattr(self._plugin, "telegram_caption_maxlen", None)
        written = escape_html(f"{message.title}\r\n{message.body}").replace("\n", "\r\n")
        return most is None or measure(written) < most

    def _try(self, message: Outgoing, pictures: Sequence[Picture]) -> tuple[NotifyOutcome, bool]:
        """Send a message once; gives also whether anything was asked of the service at all."""
        body = message.body
        if message.markup is Markup.HTML:
            body = keep_pictures(body, {each.name: _file_of(each) for each in pictures})
        is_mail = _is_mail(self._plugin)
        with watch_wire() as seen, _hear_log(details=is_mail), lend_twin(message.twin):
            result = self._sender.notify(
                body=body or message.title,
                title=message.title if body else "",
                body_format=self._format_of(message.markup),
                attach=_attach(pictures) if pictures else None,
                interpret_escapes=False,
                log_level=logging.DEBUG,
            )
        asked = bool(seen) or is_mail
        if result.status.name == "SUCCESS":
            return Delivered(), asked
        if result.status.name == "TIMEOUT":
            return NotifyTimedOut(), asked
        return judge_failure(seen, (entry.message for entry in result.logs())), asked

    def _format_of(self, markup: Markup) -> str:
        """What Apprise is told that a body is; where text is read as markdown, it goes out as it is."""
        if markup is Markup.MARKDOWN and not self.style.escape:
            return "markdown"
        return "html" if markup is Markup.HTML else "text"

    @contextmanager
    def _recall(self, message: str) -> Iterator[None]:
        """Have the plugin know which of its recipients took the message known by this the last time."""
        # Apprise keeps such a record itself, but only for retries of its own.
        record: Any = getattr(_load_apprise().plugins.base, "_delivery_tracker", ContextVar("unused"))
        taken = self._taken.pop(message, set())
        token = record.set(taken)
        try:
            yield
        finally:
            record.reset(token)
            if taken:
                self._taken[message] = taken
            while len(self._taken) > _MOST_RECALLED:
                del self._taken[next(iter(self._taken))]


def open_service(url: str) -> Service | BadAddress:
    """Make a service of an address, or say why it is none."""
    found = _SCHEMA.match(url.strip())
    if found is None:
        return BadAddress("no address of a service: it has to begin like ntfy:// or mailto://")
    apprise = _load_apprise()
    asset = apprise.AppriseAsset(
        app_id="feedwatch",
        app_desc="feedwatch",
        async_mode=False,  # in our own thread, not in a pool that keeps the process alive
        service_timeout=0,  # the deadline is ours too
        http_redirects=False,  # what is answered with a redirect has not been taken
        interpret_escapes=False,
        image_url_mask="",  # no icon that services or phones would fetch from Apprise's own pages
        image_url_logo="",
        default_service_retry=0,
        storage_mode="memory",
    )
    plugin = _make_plugin(apprise, url.strip(), found["schema"].lower(), asset)
    if plugin is None:
        return BadAddress(_explain(apprise, found["schema"].lower()))
    if problem := _find_forbidden(plugin):
        return BadAddress(problem)
    _tame(plugin, url)
    if "smtplib" in sys.modules:  # of the plugins only those that send mails load it
        listen_to_mail()
    sender = apprise.Apprise(asset=asset)
    sender.add(plugin)
    return Service(_choose_form(plugin, url), _meters_of(plugin), sender, plugin)


def _make_plugin(apprise: Any, url: str, schema: str, asset: Any) -> Any | None:
    """The plugin for an address; None if it is none, or its plugin cannot be used here."""
    kind = load_plugin(schema)
    if kind is None:
        with ignore_deprecations():
            return apprise.Apprise.instantiate(url, asset=asset)
    # From here on as Apprise does it, which would load all plugins to find this one.
    meant = kind.parse_url(url.replace("/#", "/%23")) if kind.enabled else None
    if not meant:
        return None
    try:
        plugin = kind(**meant | {"tag": set(), "asset": asset})
    except Exception:  # noqa: BLE001 — whatever a plugin does not like about its address
        return None
    return plugin if plugin.enabled else None


def _choose_form(plugin: Any, url: str) -> Style:
    """The style of an address; its plugin is told where we write markdown, unless the address has a say."""
    style = _style_of(plugin)
    if style.markup is Markup.MARKDOWN and not style.escape:
        if _FORMAT_OPTION.search(url):
            return replace(style, markup=Markup.TEXT)
        plugin.notify_format = "markdown"
    return style


_DETAILS = threading.Lock()
_wanting_details = 0


@contextmanager
def _hear_log(*, details: bool) -> Iterator[None]:
    """Have Apprise log its details for as long as somebody wants them: what SMTP answered is only there.

    They cost a millisecond a message, so the others go without.
    """
    if details:
        _want_details(1)
    try:
        yield
    finally:
        if details:
            _want_details(-1)


def _want_details(more: int) -> None:
    global _wanting_details  # noqa: PLW0603 — the level of a logger is one for the whole process
    with _DETAILS:
        _wanting_details += more
        level = logging.DEBUG if _wanting_details else logging.WARNING
        logging.getLogger("apprise").setLevel(level)


def _file_of(picture: Picture) -> str:
    return picture.name + EXTENSIONS.get(picture.media_type, "")


def _attach(pictures: Sequence[Picture]) -> Any:
    from apprise.attachment import memory  # noqa: PLC0415 — with the first picture

    make: Any = memory.AttachMemory
    attached = _load_apprise().AppriseAttachment()
    for each in pictures:
        attached.add(make(content=each.content, name=_file_of(each), mimetype=each.media_type))
    return attached


def _takes_files(plugin: Any) -> bool:
    # Slack takes them of a bot, but not of a webhook.
    return bool(plugin.attachment_support) and (plugin.schema != "slack" or plugin.mode == "bot")


def _is_mail(plugin: Any) -> bool:
    return plugin.schema in ("mailto", "mailtos")


@functools.cache
def _load_apprise() -> Any:
    with ignore_deprecations(), without_guessing_charsets():
        import apprise  # noqa: PLC0415 — late, see above

        listen_to_requests()
    # Their log lines hold addresses: they are read here, from the result, and go nowhere else.
    for name in ("apprise", "urllib3"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    logging.getLogger("apprise").setLevel(logging.WARNING)
    return apprise


def _explain(apprise: Any, schema: str) -> str:
    if schema in ("http", "https"):
        return "no address that Apprise recognises: name the service, as in json://host/path or discord://…"
    from difflib import get_close_matches  # noqa: PLC0415 — for mistakes alone

    known = apprise.plugins.N_MGR
    if schema not in known:
        meant = get_close_matches(schema, map(str, known.schemas()), n=1)
        return f"Apprise knows no service {schema}://" + (f"; did you mean {meant[0]}://?" if meant else "")
    plugin = known[schema]
    if not plugin.enabled:
        wanted = plugin.requirements.get("packages_required") or []
        packages = wanted if isinstance(wanted, str) else ", ".join(wanted)
        return f"{schema}:// cannot be used here" + (f": it needs {packages}" if packages else "")
    return f"{schema}:// lacks something that {plugin.service_name} needs, or has it in the wrong form"


def _find_forbidden(plugin: Any) -> str | None:
    if plugin.optional:
        return "optional=yes would call lost messages delivered: leave it out"
    if plugin.retry:
        return "retry= would repeat messages out of order: leave it out, feedwatch tries again by itself"
    if plugin.redirects:
        return "redirect=yes would call messages delivered that were only sent elsewhere: leave it out"
    if plugin.interpret_emojis:
        return "emojis=yes would change titles: leave it out"
    return None


def _tame(plugin: Any, url: str) -> None:
    plugin.throttle = _go_on  # it would sleep between messages, and off a limit: waiting is the outbox's
    if "rate_limit" in inspect.signature(getattr(plugin, "_send", _go_on)).parameters:
        plugin._send = functools.partial(plugin._send, rate_limit=0)  # noqa: SLF001 — and so is trying again
    plugin.overflow_mode = "upstream"  # messages come cut to size, at entries
    plugin.body_max_line_count = 0  # and whole
    if _is_mail(plugin):
        listen_to_twins()
        plugin.inline = True  # pictures stand where the text has them
    if not _READ_OPTION.search(url):
        plugin.socket_read_timeout = _READ_WITHIN
    if not _CONNECT_OPTION.search(url):
        # A mail plugin takes this for all that it waits for.
        plugin.socket_connect_timeout = _READ_WITHIN if _is_mail(plugin) else _CONNECT_WITHIN


def _go_on(*_: Any, **__: Any) -> None:
    """Wait for nothing."""


def _meters_of(plugin: Any) -> tuple[Meter, ...]:
    # A recipient is a name, or a name and the part of it that is meant (a topic of a chat).
    found = getattr(plugin, "channels", None) or getattr(plugin, "targets", None) or ()
    recipients = (str(each[0] if isinstance(each, tuple) else each) for each in found)
    return list_meters(plugin.schema, plugin.url_id() or "", recipients)


def _style_of(plugin: Any) -> Style:
    kind = type(plugin)
    schemas: list[str] = [plugin.schema]
    for protocol in (kind.protocol, kind.secure_protocol):
        schemas += [protocol] if isinstance(protocol, str) else list(protocol or ())
    capacity = Capacity(
        int(plugin.body_maxlen or 0),
        int(plugin.title_maxlen or 0),
        plugin.resolve_format("text").value,
        plugin.resolve_format(None).value == "html",
        _takes_files(plugin),
    )
    return style_service(schemas, capacity)
