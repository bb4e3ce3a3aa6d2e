"""A Discord webhook: lengths, embeds, mentions, five messages in two seconds, thirty in a minute."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from strict_looks import BARE_LINK, size_of_picture
from strict_server import Answer, Call, File, Rate, Refused, Seen, StrictServer, count_units, to_json

WEBHOOK = "417429632418316298"
TOKEN = "JHMHI8qBe7bk2ZwO5U711o3dV_js"
URL = f"discord://{WEBHOOK}/{TOKEN}/"

LONGEST_CONTENT = 2000
LARGEST_FILES = 10 * 1024 * 1024
_EMBED = {"title": 256, "description": 4096}
_LONGEST_EMBEDS = 6000
_CALL = re.compile(r"@(?:everyone|here)|<@[!&]?\d+>|<id:\w+>|</[\w -]+:\d+>")
_SPECIAL = re.compile(r"<(?:#\d+|a?:\w+:\d+|t:-?\d+(?::\w)?)>")
_ESCAPED = re.compile(r"\\([^a-zA-Z0-9\s])")
_NAMED_LINK = re.compile(r"\[([^\[\]]+)\]\(<?(https?://[^\s()<>]+)>?(?:\s+\"[^\"]*\")?\)")
_PAIRS = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"```(?:\w*\n)?(.+?)```",
        r"`(.+?)`",
        r"\*\*\*(.+?)\*\*\*",
        r"\*\*(.+?)\*\*",
        r"\*(\S.*?)\*",
        r"__(.+?)__",
        r"_(.+?)_",
        r"~~(.+?)~~",
        r"\|\|(.+?)\|\|",
    )
]
_LINE_STARTS = re.compile(r"^(?:#{1,3} |-# |>>> |> |\s*[*-] |\s*\d+\. )", re.MULTILINE)
_PLACES = 0xE000
"""Escaped characters wait in the private area until all markup is gone."""


class StrictDiscord(StrictServer):
    """One webhook of one channel."""

    rates = (Rate(5, 2.0), Rate(30, 60.0))

    def limit(self, wait: float) -> Refused:
        body = {"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": False}
        return Refused(
            429,
            "too soon",
            to_json(body),
            Retry_After=str(max(1, round(wait + 0.499))),
            X_RateLimit_Limit="5",
            X_RateLimit_Remaining="0",
            X_RateLimit_Reset=str(int(time.time() + wait + 1)),
            X_RateLimit_Reset_After=f"{wait:.3f}",
            X_RateLimit_Scope="user",
        )

    def judge(self, call: Call) -> Answer:
        if call.path != f"/api/webhooks/{WEBHOOK}/{TOKEN}":
            raise _refuse(404, 10015, "Unknown Webhook")
        payload, files = _read(call)
        content = str(payload.get("content") or "")
        embeds = payload.get("embeds") or []
        if not content.strip() and not embeds and not files:
            raise _refuse(400, 50006, "Cannot send an empty message")
        if count_units(content) > LONGEST_CONTENT:
            raise _refuse(400, 50035, "content: Must be 2000 or fewer in length.")
        _check_embeds(embeds)
        if sum(len(file.content) for file in files) > LARGEST_FILES:
            raise _refuse(413, 40005, "Request entity too large")
        self.admit([file.content for file in files], _refuse(413, 40005, "Request entity too large"))
        calls = _find_calls(payload, content)
        self.spend()
        text, links = read_markdown(content)
        shown = tuple(file.content for file in files if size_of_picture(file.content))
        others = tuple(file.name for file in files if not size_of_picture(file.content))
        avatar = tuple(filter(None, [payload.get("avatar_url")]))
        seen = Seen("", text, calls, tuple(links), shown, others, avatar, count_units(content))
        wants_body = "true" in call.query.get("wait", "")
        return Answer(200, b"{}", seen=seen) if wants_body else Answer(204, seen=seen)


def read_markdown(content: str) -> tuple[str, list[str]]:
    """What is left to be read once all markup is gone, and the links; an escape shows its character."""
    links: list[str] = []

    def follow(match: re.Match[str]) -> str:
        links.append(match[2])
        return match[1]

    text = _ESCAPED.sub(
        lambda match: chr(_PLACES + ord(match[1])) if ord(match[1]) < 128 else match[0], content
    )
    text = _NAMED_LINK.sub(follow, text)
    kept = BARE_LINK.findall(text)
    links += (_restore(link) for link in kept)
    text = BARE_LINK.sub("\x00", text)  # within an address nothing is markup
    text = re.sub("<\x00>", "\x00", text)
    text = _SPECIAL.sub("", text)
    text = _LINE_STARTS.sub("", text)
    for pair in _PAIRS:
        text = pair.sub(r"\1", text)
    for link in kept:
        text = text.replace("\x00", link, 1)
    return _restore(text), links


def _restore(text: str) -> str:
    return "".join(
        chr(ord(character) - _PLACES) if _PLACES <= ord(character) < _PLACES + 128 else character
        for character in text
    )


def _read(call: Call) -> tuple[dict[str, Any], list[File]]:
    if call.media_type == "application/json":
        return call.json, []
    fields, files = call.form
    try:
        payload = json.loads(fields.get("payload_json", "{}"))
    except ValueError as error:
        raise _refuse(400, 50109, "The request body contains invalid JSON.") from error
    if len(files) > 10:
        raise _refuse(400, 50035, "files: at most 10")
    return payload, list(files.values())


def _check_embeds(embeds: list[dict[str, Any]]) -> None:
    total = 0
    if len(embeds) > 10:
        raise _refuse(400, 50035, "embeds: Must be 10 or fewer in length.")
    for embed in embeds:
        for name, most in _EMBED.items():
            length = count_units(str(embed.get(name) or ""))
            total += length
            if length > most:
                raise _refuse(400, 50035, f"embeds.{name}: Must be {most} or fewer in length.")
        if len(embed.get("fields") or []) > 25:
            raise _refuse(400, 50035, "embeds.fields: Must be 25 or fewer in length.")
    if total > _LONGEST_EMBEDS:
        raise _refuse(400, 50035, "embeds: at most 6000 characters in all")


def _find_calls(payload: dict[str, Any], content: str) -> tuple[str, ...]:
    """Who rings: all that looks like it, unless the message says that nobody shall."""
    allowed = payload.get("allowed_mentions")
    if allowed is None:
        return tuple(_CALL.findall(content))
    if "users" in allowed.get("parse", []) and allowed.get("users"):
        raise _refuse(400, 50035, "allowed_mentions: parse and users exclude each other")
    return tuple(_CALL.findall(content)) if allowed.get("parse") else ()


def _refuse(status: int, code: int, message: str) -> Refused:
    return Refused(status, message, to_json({"code": code, "message": message}))
