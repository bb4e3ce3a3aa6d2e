"""Three that push to a phone: ntfy, Gotify and Pushover, each with the limits of its own documentation."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from strict_discord import read_markdown
from strict_looks import BARE_LINK, read_page, size_of_picture
from strict_server import LOOPBACK, Answer, Call, File, Rate, Refused, Seen, StrictServer, to_json

# ── ntfy ──────────────────────────────────────────────────────────────────────────────────────────

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")


class StrictNtfy(StrictServer):
    """An ntfy server as it is set up by default, behind the proxy that its documentation shows.

    A message of `MESSAGE_LIMIT` bytes or more becomes a file that has to be opened; a request in JSON may
    be twice as long, escapes and all. An address takes 8 KiB, as in nginx.
    """

    MESSAGE_LIMIT = 4096
    LONGEST_ADDRESS = 8 * 1024
    LARGEST_FILE = 15 * 1024 * 1024
    rates = (Rate(60, 300.0),)

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        return f"ntfy://{LOOPBACK}:{self.port}/films"

    def limit(self, wait: float) -> Refused:
        return _refuse_ntfy(429, 42901, "limit reached: too many requests")

    def judge(self, call: Call) -> Answer:
        if len(call.method) + len(call.target) + 12 > self.LONGEST_ADDRESS:
            raise Refused(414, "the address is too long for the proxy")
        if any(not value.isascii() for value in call.headers.values()):
            raise _refuse_ntfy(400, 40000, "a header that is not ASCII")
        self.spend()
        seen = self._read_json(call) if call.path == "/" else self._read_upload(call)
        return Answer(200, to_json({"id": f"{len(self.seen):012}", "event": "message"}), seen=seen)

    def _read_json(self, call: Call) -> Seen:
        if len(call.body) > 2 * self.MESSAGE_LIMIT:
            raise _refuse_ntfy(413, 41303, "JSON body too large")
        topic, message = call.json.get("topic"), call.json.get("message") or "triggered"
        if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
            raise _refuse_ntfy(400, 40009, "invalid request: topic invalid")
        length = len(message.encode("utf-8"))
        files = () if length < self.MESSAGE_LIMIT else ("attachment.txt",)
        text = "" if files else message
        return _show_push(call, str(call.json.get("title") or ""), text, files=files, size=length)

    def _read_upload(self, call: Call) -> Seen:
        if not _TOPIC.fullmatch(call.path.strip("/")):
            raise _refuse_ntfy(404, 40401, "page not found")
        self.admit([call.body], _refuse_ntfy(400, 40014, "invalid request: attachments not allowed"))
        if len(call.body) > self.LARGEST_FILE:
            raise _refuse_ntfy(413, 41301, "attachment too large, or bandwidth limit reached")
        named = {**_small(call.headers), **call.query}
        title, message, filename = (
            named.get(key, "").replace("\\n", "\n") for key in ("title", "message", "filename")
        )
        length = len(message.encode("utf-8"))
        shown = (call.body,) if size_of_picture(call.body) else ()
        files = () if shown else (filename or "attachment.bin",)
        return _show_push(call, title, message, pictures=shown, files=files, size=length)


def _show_push(call: Call, title: str, text: str, **more: Any) -> Seen:
    icon = call.headers.get("x-icon") or call.query.get("icon")
    return Seen(title, text, links=tuple(BARE_LINK.findall(text)), fetches=(icon,) if icon else (), **more)


def _small(headers: Any) -> dict[str, str]:
    return {name.removeprefix("x-"): value for name, value in headers.items()}


def _refuse_ntfy(status: int, code: int, error: str) -> Refused:
    return Refused(status, error, to_json({"code": code, "http": status, "error": error}))


# ── Gotify ────────────────────────────────────────────────────────────────────────────────────────


class StrictGotify(StrictServer):
    """A Gotify server with one application."""

    TOKEN = "Axw1abcdefghijk"

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        return f"gotify://{LOOPBACK}:{self.port}/{self.TOKEN}"

    def judge(self, call: Call) -> Answer:
        if call.path != "/message":
            raise _refuse_gotify(404, "Not Found", "page not found")
        if self.TOKEN not in (call.headers.get("x-gotify-key"), call.query.get("token")):
            raise _refuse_gotify(401, "Unauthorized", "you need to provide a valid access token")
        message = call.json.get("message")
        if not isinstance(message, str) or not message:
            raise _refuse_gotify(400, "Bad Request", "Field 'message' is required")
        priority = call.json.get("priority", 0)
        if not isinstance(priority, int):
            raise _refuse_gotify(400, "Bad Request", "priority is no number")
        display = (call.json.get("extras") or {}).get("client::display") or {}
        read, links = message, BARE_LINK.findall(message)
        if display.get("contentType") == "text/markdown":
            read, links = read_markdown(message)
        title, size = str(call.json.get("title") or ""), len(message.encode("utf-8"))
        seen = Seen(title, read, links=tuple(links), size=size)
        return Answer(200, to_json({"id": len(self.seen) + 1}), seen=seen)


def _refuse_gotify(status: int, error: str, why: str) -> Refused:
    return Refused(status, why, to_json({"error": error, "errorCode": status, "errorDescription": why}))


# ── Pushover ──────────────────────────────────────────────────────────────────────────────────────

_UNDECLARED_OR_IMAGE = re.compile(r"image/|$")
_PUSHOVER_TAGS = frozenset({"b", "i", "u", "font", "a", "br"})


class StrictPushover(StrictServer):
    """Pushover's message API with one application and one user."""

    USER = "u" * 30
    TOKEN = "t" * 30
    URL = f"pover://{USER}@{TOKEN}/"
    LONGEST = MappingProxyType({"message": 1024, "title": 250, "url": 512, "url_title": 100})
    LARGEST_FILE = 5_242_880

    def judge(self, call: Call) -> Answer:
        if call.path != "/1/messages.json":
            raise _refuse_pushover("not found", 404)
        fields, files = call.form
        if fields.get("token") != self.TOKEN:
            raise _refuse_pushover("application token is invalid")
        if fields.get("user") != self.USER:
            raise _refuse_pushover("user identifier is not a valid user, group, or subscribed user key")
        if not fields.get("message", "").strip():
            raise _refuse_pushover("message cannot be blank")
        for name, most in self.LONGEST.items():
            if len(fields.get(name, "")) > most:
                raise _refuse_pushover(f"{name} is too long: {most} characters at most")
        pictures = self._look_at(files)
        text, links = _read_pushover(fields["message"], is_html=fields.get("html") == "1")
        size = len(fields["message"])
        seen = Seen(fields.get("title", ""), text, links=links, pictures=pictures, size=size)
        return Answer(200, to_json({"status": 1, "request": f"{len(self.seen):08}"}), seen=seen)

    def _look_at(self, files: dict[str, File]) -> tuple[bytes, ...]:
        if not files:
            return ()
        if set(files) != {"attachment"}:
            raise _refuse_pushover("only one attachment")
        self.admit([b"an attachment"], _refuse_pushover("attachment could not be read"))
        content, declared = files["attachment"].content, files["attachment"].media_type
        if len(content) > self.LARGEST_FILE:
            raise _refuse_pushover("attachment is too large: 5242880 bytes at most", 413)
        if size_of_picture(content) is None or not _UNDECLARED_OR_IMAGE.match(declared):
            raise _refuse_pushover("attachment is no image")
        return (content,)


def _read_pushover(message: str, *, is_html: bool) -> tuple[str, tuple[str, ...]]:
    if not is_html:
        return message, tuple(BARE_LINK.findall(message))
    page = read_page(message.replace("\n", "<br>"))
    if set(page.tags) - _PUSHOVER_TAGS or page.faults:
        raise _refuse_pushover(f"tags that are not shown: {page.tags} {page.faults}")
    return page.text, tuple(page.links)


def _refuse_pushover(error: str, status: int = 400) -> Refused:
    return Refused(status, error, to_json({"status": 0, "errors": [error], "request": "0"}))
