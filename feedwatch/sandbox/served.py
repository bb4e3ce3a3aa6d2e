"""What the server's addresses have in common: the state that is served, a call as it came in, and replies."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from feedwatch.sandbox.calls import CallRefused, address_of, base_of, takes_gzip
from feedwatch.sandbox.oauth import (
    Nonces,
    Pairs,
    SignatureRefused,
    read_authorization,
    read_form,
    verify_request,
)
from feedwatch.sandbox.trees import Node, write_json, write_xml
from feedwatch.sandbox.world import World

XML = "text/xml; charset=utf-8"
JSON = "application/json; charset=utf-8"
MOST_RESULTS = 500
_FORM = "application/x-www-form-urlencoded"
_NUMBER = re.compile(r"[0-9]{1,10}")
_WORTH_PACKING = 1000
_CODES = ("status_code", "sub_code")


@dataclass(slots=True)
class Sandbox:
    """A server's state: the world it shows, and what it has seen of signatures. All may be replaced."""

    world: World = field(default_factory=World)
    nonces: Nonces = field(default_factory=Nonces)
    clock: Callable[[], float] = time.time


@dataclass(slots=True)
class Call:
    """One call as it came in: its parameters, be they in the query or in a form, the query's first."""

    sandbox: Sandbox
    request: Request
    form: Pairs = ()
    stale: bool = False
    """Whether it is to be told of its list as that was before the last change."""
    cut: bool = False
    """Whether a reply that is made as it is sent is to end in the middle."""

    @classmethod
    async def read(cls, sandbox: Sandbox, request: Request) -> Call:
        """Take a call in."""
        is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
        body = (await request.body()).decode("utf-8", "replace") if is_form else ""
        return cls(sandbox, request, read_form(body))

    @property
    def world(self) -> World:
        """The world it asks about."""
        return self.sandbox.world

    @property
    def base(self) -> str:
        """Where the server is, as the caller calls it."""
        return base_of(self.request)

    @property
    def method(self) -> str:
        """What is to be done. Who can do no PUT or DELETE says so in a parameter, as clients then did."""
        wanted = (self.say("method") or "").upper()
        said = "GET" if self.request.method == "HEAD" else self.request.method
        return wanted if said in ("GET", "POST") and wanted in ("PUT", "DELETE") else said

    @property
    def wants_json(self) -> bool:
        """Whether the reply is to be JSON."""
        return self.say("output") == "json"

    def say(self, name: str) -> str | None:
        """A parameter's value; None without one."""
        found = self.request.query_params.get(name)
        return found if found is not None else next((v for n, v in self.form if n == name), None)

    def say_oauth(self, name: str) -> str | None:
        """A parameter of the signing, wherever it stands."""
        header = dict(read_authorization(self.request.headers.get("authorization", "")))
        return header.get(name) or self.say(name)

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def read_number(self, name: str, default: int, *, least: int, most: int) -> int:
        """A number among the parameters.

        Raises:
            CallRefused: it is none, or out of bounds.
        """
        text = self.say(name)
        if text is None:
            return default
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise CallRefused(400, f"Query parameter {name} must be a positive integer.", 120)
        return int(text)

    # ── signatures ────────────────────────────────────────────────────────────────────────────────

    @property
    def is_signed(self) -> bool:
        """Whether it claims to be signed."""
        return self.say_oauth("oauth_signature") is not None

    def verify(self) -> None:
        """Check that it is signed for the user whose it is about.

        Raises:
            CallRefused: it is not.
        """
        self.verify_with(self.world.token_secrets())
        user = self.request.path_params.get("user")
        if user is not None and user != self.world.account.user_id:
            raise CallRefused(401, "User ID access token mismatch")

    def check_application(self) -> None:
        """Check that it names the application, whoever signs.

        Raises:
            CallRefused: it names none, or another.
        """
        key = self.say_oauth("oauth_consumer_key")
        if not key:
            raise CallRefused(401, "Missing Required Consumer Key")
        if key != self.world.account.consumer_key:
            raise CallRefused(401, "Consumer key mismatch")

    def verify_with(self, secrets: dict[tuple[str, str], tuple[str, str]], unknown: str = "") -> str:
        """Check its signature against these secrets; returns its token. `unknown` is said of another token.

        Raises:
            CallRefused: it is not signed, or not well.
        """
        try:
            return verify_request(
                self.request.method,
                address_of(self.request),
                self.request.headers.get("authorization", ""),
                secrets,
                self.sandbox.nonces,
                self.sandbox.clock(),
                form=self.form,
                unknown=unknown,
            )
        except SignatureRefused as refused:
            raise CallRefused(401, str(refused)) from refused
        except ValueError as error:  # a Host header that is none
            raise CallRefused(400, "Bad request") from error

    # ── replies ───────────────────────────────────────────────────────────────────────────────────

    def give(self, document: Node, status: int = 200) -> Response:
        """Reply with a document, in XML or in JSON.

        Raises:
            CallRefused: the form that is asked for is none.
        """
        if self.say("output") not in (None, "", "xml", "json", "atom", "opml"):
            raise CallRefused(400, "parameter output is invalid")
        return self.write(document, status)

    def refuse(self, refused: CallRefused) -> Response:
        """Reply that it is refused."""
        response = self.write(refused.document, refused.status)
        if refused.status == 401:
            response.headers["WWW-Authenticate"] = f'OAuth realm="{self.base}/"'
        return response

    def write(self, document: Node, status: int) -> Response:
        """A document as a reply, whatever form is asked for."""
        if not self.wants_json:
            return Response(write_xml(document), status, media_type=XML)
        text = write_json(document)
        if document.name == "status" and self.world.switches.json_numbers:
            said = json.loads(text)
            said["status"] |= {name: int(said["status"][name]) for name in _CODES if name in said["status"]}
            text = json.dumps(said, ensure_ascii=False)
        return Response(text, status, media_type=JSON)

    def finish(self, response: Response, *, etag: bool) -> Response:
        """Pack a reply if that is asked for, tag it, or say that it is what the caller has already."""
        packed = len(response.body) >= _WORTH_PACKING and takes_gzip(self.request)
        if len(response.body) >= _WORTH_PACKING:
            response.headers["Vary"] = "Accept-Encoding"
        if etag and response.status_code == 200:
            tag = hashlib.sha256(bytes(response.body)).hexdigest()[:20]
            response.headers["ETag"] = f'"{tag}-gzip"' if packed else f'"{tag}"'
            if response.headers["ETag"] in self.request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers={"ETag": response.headers["ETag"]})
        if packed:
            response.body = gzip.compress(bytes(response.body), 6, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Length"] = str(len(response.body))
        return response
