"""Whoever receives our own webhook: verifies signature, schema and key before it believes a word."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from strict_server import LOOPBACK, Answer, Call, Rate, Refused, Seen, StrictServer

SCHEMA = Path(__file__).parents[2] / "docs" / "webhook.schema.json"
SECRET = "a secret between two"
_OLDEST = 300.0
"""A signature made longer ago, in seconds, may be a replay."""


class StrictReceiver(StrictServer):
    """A consumer of `webhook+http://…`; what comes twice under one key is taken once."""

    rates = (Rate(100, 1.0),)

    def __init__(self, *args: Any, **options: Any) -> None:
        self._validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
        super().__init__(*args, **options)
        self.documents: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        """Its address."""
        return f"webhook+http://{LOOPBACK}:{self.port}/films"

    def judge(self, call: Call) -> Answer:
        if call.method != "POST" or call.path != "/films":
            raise Refused(404, "nothing here")
        if call.media_type != "application/json":
            raise Refused(415, f"no JSON but {call.media_type}")
        key = call.headers.get("idempotency-key", "")
        if not key or call.headers.get("webhook-id") != key:
            raise Refused(400, "no key to know a repeat by")
        self._verify(call, key)
        document = call.json
        if problem := next(self._validator.iter_errors(document), None):
            raise Refused(422, f"not as the schema says: {problem.json_path}: {problem.message[:200]}")
        if key in self.documents:
            same = self.documents[key] == document
            if not same:
                raise Refused(409, "another message under the same key")
            return Answer(200)
        self.spend()
        self.documents[key] = document
        return Answer(204, seen=_show(document, len(call.body)))

    def _verify(self, call: Call, key: str) -> None:
        stamp = call.headers.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(self.clock() - int(stamp)) > _OLDEST:
            raise Refused(401, "a signature of another time")
        signed = f"{key}.{stamp}.".encode() + call.body
        ours = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        given = call.headers.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(f"v1,{ours}", each) for each in given):
            raise Refused(401, "the signature is not ours")


def _show(document: dict[str, Any], size: int) -> Seen:
    stories = document.get("stories") or []
    links = tuple(change["link"] for story in stories for change in story["changes"] if change.get("link"))
    text = "\n".join(str(story["text"]) for story in stories)
    return Seen(str(document.get("title", "")), text, links=links, size=size)
