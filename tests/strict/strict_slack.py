"""Slack as far as one posts there: an incoming webhook, and a bot that can bring files along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from strict_looks import BARE_LINK, size_of_picture
from strict_server import Answer, Call, Rate, Refused, Seen, StrictServer, to_json

HOOK = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
BOT = "xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d"
CHANNEL = "C0123456789"
HOOK_URL = f"slack://{HOOK}/"
BOT_URL = f"slack://{BOT}/#films"

LONGEST_TEXT = 40_000
_LONGEST_HEADER = 150
_LONGEST_SECTION = 3_000
_SEQUENCE = re.compile(r"<([^<>]*)>")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ENTITY = re.compile("|".join(_ENTITIES))
_NAMES = re.compile(r"(?<!\w)@(?:channel|here|everyone|\w+)")
_PAIRS = tuple(
    re.compile(rf"(?<![\w{mark}]){mark}([^\s{mark}][^{mark}\n]*){mark}(?!\w)")
    for mark in ("\\*", "_", "~", "`")
)


class StrictSlack(StrictServer):
    """A workspace with one webhook, one bot and one channel.

    A webhook answers in words, the Web API in JSON that says 200 even when it refuses.
    """

    rates = (Rate(1, 1.0),)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._uploads: dict[str, bytes] = {}

    def judge(self, call: Call) -> Answer:
        if call.path == f"/services/{HOOK}":
            return self._post_hook(call)
        if call.path.startswith("/api/"):
            if call.headers.get("authorization") != f"Bearer {BOT}":
                raise _refuse_call("invalid_auth")
            return self._call_method(call, call.path.removeprefix("/api/"))
        if call.path.startswith("/upload/"):
            return self._upload(call)
        raise Refused(404, "no_team", b"no_team")

    def _post_hook(self, call: Call) -> Answer:
        if call.media_type != "application/json":
            raise Refused(400, "invalid_payload", b"invalid_payload")
        seen = read_message(call.json)
        if not (seen.text or seen.title):
            raise Refused(400, "no_text", b"no_text")
        if seen.size > LONGEST_TEXT:
            raise Refused(400, "msg_too_long", b"msg_too_long")
        self.spend()
        return Answer(200, b"ok", seen=seen)

    def _call_method(self, call: Call, method: str) -> Answer:
        if method == "chat.postMessage":
            seen = read_message(call.json)
            if call.json.get("channel") not in ("#films", CHANNEL):
                raise _refuse_call("channel_not_found")
            if not (seen.text or seen.title):
                raise _refuse_call("no_text")
            if seen.size > LONGEST_TEXT:
                raise _refuse_call("msg_too_long")
            self.spend()
            said = {"ok": True, "channel": CHANNEL, "ts": f"1503435956.{len(self.seen):06}"}
            return Answer(200, to_json(said), seen=seen)
        if method == "files.getUploadURLExternal":
            return self._promise_upload(call.query)
        if method == "files.completeUploadExternal":
            return self._show_files(call.json)
        raise _refuse_call("unknown_method")

    def _promise_upload(self, query: Mapping[str, str]) -> Answer:
        self.admit([b"a file"], _refuse_call("missing_scope"))
        if not query.get("filename") or not query.get("length", "").isdigit():
            raise _refuse_call("invalid_arguments")
        file = f"F{len(self._uploads):010}"
        self._uploads[file] = b""
        said = {"ok": True, "upload_url": f"{self.base}/upload/{file}", "file_id": file}
        return Answer(200, to_json(said))

    def _upload(self, call: Call) -> Answer:
        file = call.path.removeprefix("/upload/")
        if file not in self._uploads:
            raise Refused(404, "an upload that nobody asked for")
        _, files = call.form
        (content,) = (one.content for one in files.values())
        self._uploads[file] = content
        return Answer(200, f"OK - {len(content)}".encode())

    def _show_files(self, asked: Mapping[str, Any]) -> Answer:
        files = [str(one["id"]) for one in asked.get("files", [])]
        if asked.get("channel_id") != CHANNEL:
            raise _refuse_call("channel_not_found")
        if not files or not all(self._uploads.get(file) for file in files):
            raise _refuse_call("file_not_found")
        contents = [self._uploads[file] for file in files]
        shown = tuple(content for content in contents if size_of_picture(content))
        others = tuple(file for file in files if not size_of_picture(self._uploads[file]))
        said = {"ok": True, "files": [{"id": file} for file in files]}
        return Answer(200, to_json(said), seen=Seen(pictures=shown, files=others))


def read_message(payload: Mapping[str, Any]) -> Seen:
    """What a message shows: its text, its attachments' titles and texts."""
    texts = [str(payload.get("text") or "")]
    titles: list[str] = []
    fetches = [str(payload["icon_url"])] if payload.get("icon_url") else []
    size = len(texts[0])
    for attachment in payload.get("attachments") or []:
        titles.append(str(attachment.get("title") or ""))
        texts.append(str(attachment.get("text") or ""))
        for block in attachment.get("blocks") or []:
            text = str(block.get("text", {}).get("text", ""))
            if len(text) > (_LONGEST_HEADER if block.get("type") == "header" else _LONGEST_SECTION):
                raise Refused(400, "invalid_blocks", b"invalid_blocks")
            (titles if block.get("type") == "header" else texts).append(text)
        size += sum(len(str(attachment.get(name) or "")) for name in ("title", "text", "footer"))
        fetches += [
            str(attachment[name])
            for name in ("footer_icon", "image_url", "thumb_url")
            if attachment.get(name)
        ]
    formatted = bool(payload.get("mrkdwn", True))
    by_name = bool(payload.get("link_names"))
    read = [read_text(text, formatted=formatted) for text in texts if text]
    named = [read_text(title, formatted=False) for title in titles if title]
    everything = [*named, *read]
    calls = [call for _, found, _ in everything for call in found]
    if by_name:
        calls += [name for text, _, _ in everything for name in _NAMES.findall(text)]
    return Seen(
        "\n".join(text for text, _, _ in named),
        "\n".join(text for text, _, _ in read),
        tuple(calls),
        tuple(link for _, _, links in everything for link in links),
        fetches=tuple(fetches),
        size=size,
    )


def read_text(raw: str, *, formatted: bool) -> tuple[str, list[str], list[str]]:
    """What a text shows, whom it calls, and its links.

    What stands in angle brackets is taken for an instruction wherever it stands, formatted or not; what is
    none is not shown at all.
    """
    calls: list[str] = []
    links: list[str] = []

    def obey(match: re.Match[str]) -> str:
        inner, _, label = match[1].partition("|")
        if inner[:1] in ("!", "@"):
            calls.append(inner)
            return f"@{label or inner[1:]}"
        if inner.startswith("#"):
            return f"#{label or inner[1:]}"
        if re.match(r"(?:https?|mailto|tel):", inner):
            links.append(_unescape(inner))
            return label or inner
        return ""

    text = _SEQUENCE.sub(obey, raw)
    links += (_unescape(link) for link in BARE_LINK.findall(text))
    if formatted:
        for pair in _PAIRS:
            text = pair.sub(r"\1", text)
    return _unescape(text), calls, links


def _unescape(text: str) -> str:
    return _ENTITY.sub(lambda entity: _ENTITIES[entity[0]], text)


def _refuse_call(error: str) -> Refused:
    return Refused(200, error, to_json({"ok": False, "error": error}))
