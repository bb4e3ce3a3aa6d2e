"""The Telegram Bot API as far as bots post: entities, lengths, photos, one message a second to a chat."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from strict_looks import BARE_LINK, size_of_picture
from strict_server import Answer, Call, Rate, Refused, Seen, StrictServer, count_units, to_json

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
CHAT = "4711"
URL = f"tgram://{TOKEN}/{CHAT}/"

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_PHOTO = 10_000_000
_TAGS = frozenset({
    "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "tg-emoji", "code",
    "pre", "blockquote",
})  # fmt: skip
_TAG = re.compile(r"<(?P<close>/)?(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?P<rest>[^<>]*)>")
_ATTRIBUTE = re.compile(r"""\s+(?P<name>[a-zA-Z-]+)(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'))?""")
_ENTITY = re.compile(r"&(?:(?:lt|gt|amp|quot)|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_CALL = re.compile(r"(?<![\w@/])(?:@\w{3,32}|/[a-zA-Z]\w{0,31}(?:@\w+)?)(?!\w)")


class StrictTelegram(StrictServer):
    """A bot's endpoint with one chat."""

    rates = (Rate(1, 1.0),)

    def limit(self, wait: float) -> Refused:
        seconds = max(1, round(wait + 0.499))
        body = {
            "ok": False,
            "error_code": 429,
            "description": f"Too Many Requests: retry after {seconds}",
            "parameters": {"retry_after": seconds},
        }
        return Refused(429, "too soon", to_json(body), Retry_After=str(seconds))

    def judge(self, call: Call) -> Answer:
        token, _, method = call.path.removeprefix("/bot").partition("/")
        if token != TOKEN:
            raise _refuse(401, "Unauthorized")
        if method.lower() == "sendmessage":
            fields: Mapping[str, object] = call.json
            return self._take(fields, str(fields.get("text") or ""), LONGEST_TEXT, ())
        if method.lower() == "sendphoto":
            form, files = call.form
            photo = files["photo"].content if "photo" in files else b""
            _check_photo(photo)
            self.admit([photo], _refuse(400, "Bad Request: IMAGE_PROCESS_FAILED"))
            return self._take(form, form.get("caption", ""), LONGEST_CAPTION, (photo,))
        raise _refuse(404, "Not Found")

    def _take(
        self, fields: Mapping[str, object], raw: str, longest: int, pictures: tuple[bytes, ...]
    ) -> Answer:
        if str(fields.get("chat_id")) != CHAT:
            raise _refuse(400, "Bad Request: chat not found")
        mode = str(fields.get("parse_mode") or "")
        if mode.lower() not in ("", "html"):
            raise _refuse(400, f"Bad Request: unsupported parse_mode {mode}")
        text, links = read_entities(raw) if mode else (raw, [])
        text = text.replace("\r", "").strip()  # the server drops them before it counts
        if not text and not pictures:
            raise _refuse(400, "Bad Request: message text is empty")
        if count_units(text) > longest:
            what = "message caption is too long" if pictures else "message is too long"
            raise _refuse(400, f"Bad Request: {what}")
        self.spend()
        links += BARE_LINK.findall(text)
        fetches = tuple(links[:1]) if _wants_preview(fields) else ()
        calls = tuple(_CALL.findall(BARE_LINK.sub("", text)))
        seen = Seen("", text, calls, tuple(links), pictures, fetches=fetches, size=count_units(text))
        return Answer(200, to_json({"ok": True, "result": {"message_id": len(self.seen) + 1}}), seen=seen)


def read_entities(raw: str) -> tuple[str, list[str]]:
    """The text and the links of what `parse_mode=HTML` is given, which is refused unless it is sound."""
    out: list[str] = []
    links: list[str] = []
    opened: list[str] = []
    at = 0
    while at < len(raw):
        if raw[at] == "<":
            tag = _TAG.match(raw, at)
            if tag is None or tag["name"].lower() not in _TAGS:
                raise _cannot_parse(f"unsupported start tag at offset {at}")
            _open_or_close(tag, opened, links)
            at = tag.end()
        elif raw[at] == "&":
            entity = _ENTITY.match(raw, at)
            if entity is None:
                raise _cannot_parse(f"an & that is not escaped at offset {at}")
            out.append(html.unescape(entity.group()))
            at = entity.end()
        elif raw[at] == ">":
            raise _cannot_parse(f"a > that is not escaped at offset {at}")
        else:
            out.append(raw[at])
            at += 1
    if opened:
        raise _cannot_parse(f"can't find the end of <{opened[-1]}>")
    return "".join(out), links


def _open_or_close(tag: re.Match[str], opened: list[str], links: list[str]) -> None:
    name = tag["name"].lower()
    if tag["close"]:
        if not opened or opened.pop() != name:
            raise _cannot_parse(f"unmatched </{name}>")
        return
    given = {
        one["name"].lower(): one["double"] or one["single"] or "" for one in _ATTRIBUTE.finditer(tag["rest"])
    }
    if "".join(one.group() for one in _ATTRIBUTE.finditer(tag["rest"])) != tag["rest"].rstrip():
        raise _cannot_parse(f"attributes of <{name}>")
    if name == "span" and given.get("class") != "tg-spoiler":
        raise _cannot_parse('<span> without class="tg-spoiler"')
    if {"pre", "code"} & set(opened) and name != "code":
        raise _cannot_parse(f"<{name}> within code")
    if name in opened and name == "blockquote":
        raise _cannot_parse("a quote within a quote")
    if name == "a" and given.get("href"):
        links.append(html.unescape(given["href"]))
    opened.append(name)


def _check_photo(photo: bytes) -> None:
    if not photo:
        raise _refuse(400, "Bad Request: there is no photo in the request")
    if len(photo) > LARGEST_PHOTO:
        raise _refuse(413, "Request Entity Too Large")
    size = size_of_picture(photo)
    if size is None:
        raise _refuse(400, "Bad Request: IMAGE_PROCESS_FAILED")
    if sum(size) > 10_000 or max(size) > 20 * min(size):
        raise _refuse(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")


def _wants_preview(fields: Mapping[str, object]) -> bool:
    return str(fields.get("disable_web_page_preview", "")).lower() != "true"


def _cannot_parse(what: str) -> Refused:
    return _refuse(400, f"Bad Request: can't parse entities: {what}")


def _refuse(status: int, description: str) -> Refused:
    body = {"ok": False, "error_code": status, "description": description}
    return Refused(status, description, to_json(body))
