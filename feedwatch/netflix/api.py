"""One application at one server, for one subscriber or for none: asks, and reads what comes.

Addresses are built whole, by us: a library that writes a query anew breaks its signature. Links in replies
name other hosts (api.netflix.com); what is asked for is their path, at this server: nothing that is signed
goes anywhere else.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from feedwatch.core.model import Answered, AskOutcome, FetchFailed, ParseFailed, Reason
from feedwatch.core.statuses import Action, actions_of_reasons
from feedwatch.netflix.calling import Call, Caller, SendCall
from feedwatch.netflix.index import read_user_id
from feedwatch.netflix.judging import judge_answer, judge_failure
from feedwatch.netflix.refs import path_of
from feedwatch.netflix.replies import ApiFailed
from feedwatch.netflix.signing import Consumer, Method, Pairs, Token, encode_form
from feedwatch.netflix.status import read_status
from feedwatch.netflix.tree import Node, read_tree

T = TypeVar("T")
Read = Callable[[Node], T | None]
"""Reads a document; None where it is one of another kind."""

_NOTHING_SAID = Node("status")
"""204, or a 201 that names what it made in its Location: done, and there is no more to say."""
_LARGE = 256 * 1024
"""A longer document is read in a thread: the loop has other work."""
_NO_CONNECTION = errno.errorcode[errno.ECONNREFUSED]
"""What the detail of a failure says where nobody took the connection: of others nobody knows."""
_DONE_SEE_THERE = 303
"""To a change: it was made, and what came of it is to be had elsewhere (RFC 9110, section 15.4.4)."""
_NEVER_SENT = {
    Reason.NO_TURN,
    Reason.DNS,
    Reason.TLS,
    Reason.PRIVATE_ADDRESS,
    Reason.BAD_ADDRESS,
    Reason.NO_CREDENTIALS,
}


@dataclass(slots=True)
class Api:
    """An application at a server. With a `token` it speaks for a subscriber; `user_id` may come later.

    `send` makes the one request that is not signed.
    """

    server: str = field(repr=False)
    consumer: Consumer
    caller: Caller
    send: SendCall
    clock: Callable[[], datetime]
    token: Token | None = None
    user_id: str | None = field(default=None, repr=False)

    # ── addresses ─────────────────────────────────────────────────────────────────────────────────

    def address_of(self, ref: str, parameters: Pairs = ()) -> str:
        """The address at this server of what a reference names, whatever host it names.

        Raises:
            RequestRefused: it is nothing of the API's.
        """
        path = path_of(ref)
        query = encode_form(parameters).decode()
        return self.server.rstrip("/") + path + (f"?{query}" if query else "")

    def ref_of(self, ref: str) -> str:
        """The reference of a title as the server is told it: whole, as the server wrote it if it did."""
        return ref if "://" in ref else self.server.rstrip("/") + path_of(ref)

    # ── who is signed in ──────────────────────────────────────────────────────────────────────────

    async def find_user(self) -> str | ApiFailed:
        """Whose access token this is; the server is asked once where nobody has said so."""
        if self.token is None:
            says = "nobody is signed in to this account: `feedwatch login` does that"
            return ApiFailed(Action.SIGN_IN_AGAIN, Reason.NO_CREDENTIALS, says=says)
        if self.user_id is None:
            outcome = await self._call(Call(self.address_of("/users/current"), self.token))
            if failed := self._find_failure(outcome, "/users/current"):
                return failed
            assert isinstance(outcome, Answered)
            self.user_id = read_user_id(outcome.body)
        return self.user_id or _unread(Reason.NOT_A_FEED, "users/current names no user")

    async def user_path(self, path: str) -> str | ApiFailed:
        """The path of something of the subscriber's own (`queues/instant`)."""
        user_id = await self.find_user()
        if isinstance(user_id, ApiFailed):
            return user_id
        return f"/users/{quote(user_id, safe='')}/{path}".rstrip("/")

    # ── calls ─────────────────────────────────────────────────────────────────────────────────────

    async def get(
        self, ref: str, read: Read[T], parameters: Pairs = (), *, as_user: bool = False
    ) -> T | ApiFailed:
        """Ask for a document and read it; `as_user` signs for the subscriber."""
        token = self.token if as_user else None
        outcome = await self._call(Call(self.address_of(ref, parameters), token))
        return await self._read(outcome, path_of(ref), read)

    async def get_own(self, path: str, read: Read[T], parameters: Pairs = ()) -> T | ApiFailed:
        """Ask for a document of the subscriber's own, by its path below `users/<id>`."""
        whole = await self.user_path(path)
        if isinstance(whole, ApiFailed):
            return whole
        return await self.get(whole, read, parameters, as_user=True)

    async def ask_own(self, path: str, parameters: Pairs = ()) -> Answered | ApiFailed:
        """Ask for a document of the subscriber's own that is no reply of the common kind."""
        whole = await self.user_path(path)
        if isinstance(whole, ApiFailed):
            return whole
        outcome = await self._call(Call(self.address_of(whole, parameters), self.token))
        if failed := self._find_failure(outcome, whole):
            return failed
        assert isinstance(outcome, Answered)
        return outcome

    async def get_unsigned(self, ref: str, read: Read[T], parameters: Pairs = ()) -> T | ApiFailed:
        """Ask for a document for which the consumer key is enough."""
        named = [*parameters, ("oauth_consumer_key", self.consumer.key)]
        outcome = await self.send("GET", self.address_of(ref, named))
        return await self._read(outcome, path_of(ref), read)

    async def change_own(
        self, method: Method, path: str, read: Read[T], form: Sequence[tuple[str, str]] | None = None
    ) -> T | ApiFailed:
        """Change something of the subscriber's own; a failure says if it may have been made nevertheless."""
        whole = await self.user_path(path)
        if isinstance(whole, ApiFailed):
            return whole
        outcome = await self._call(Call(self.address_of(whole), self.token, method, form))
        if isinstance(outcome, FetchFailed):
            failed = self._judge(outcome, whole)
            return replace(failed, may_have_happened=_may_have_happened(outcome))
        return self._read_change(outcome, whole, read)

    async def _call(self, call: Call) -> AskOutcome:
        return await self.caller.call(call)

    # ── answers ───────────────────────────────────────────────────────────────────────────────────

    async def _read(self, outcome: AskOutcome, path: str, read: Read[T]) -> T | ApiFailed:
        """Read the answer to a question."""
        if failed := self._find_failure(outcome, path):
            return failed
        assert isinstance(outcome, Answered)
        if len(outcome.body) > _LARGE:
            return await asyncio.to_thread(_read_body, outcome, read)
        return _read_body(outcome, read)

    def _read_change(self, outcome: Answered, path: str, read: Read[T]) -> T | ApiFailed:
        """Read the answer to a change: a status is what is expected; one of a failure is a failure."""
        if failed := judge_answer(outcome, resource=path, now=self.clock()):
            return failed
        value = read(_NOTHING_SAID) if not outcome.body.strip() else _read_body(outcome, read)
        if value is None or isinstance(value, ApiFailed):
            return replace(value or _unread(Reason.EMPTY_BODY), may_have_happened=True)
        return value

    def _find_failure(self, outcome: AskOutcome, path: str) -> ApiFailed | None:
        """Why a question has no answer: a status in place of what was asked for is a failure too."""
        if isinstance(outcome, FetchFailed):
            return self._judge(outcome, path)
        said = read_status(outcome.body)
        if said is None:
            return None
        failed = FetchFailed(Reason.ERROR_DOCUMENT, status=said.status_code or outcome.status)
        return self._judge(replace(failed, body=outcome.body, server_at=outcome.server_at), path)

    def _judge(self, failed: FetchFailed, path: str) -> ApiFailed:
        return judge_failure(failed, resource=path, now=self.clock())


def _read_body(outcome: Answered, read: Read[T]) -> T | ApiFailed:
    root = read_tree(outcome.body)
    if isinstance(root, ParseFailed):
        return _unread(root.reason, root.detail, outcome)
    value = read(root)
    if value is None:
        return _unread(Reason.NOT_A_FEED, f"a document of another kind: <{root.name[:40]}>", outcome)
    return value


def _unread(reason: Reason, detail: str = "", outcome: Answered | None = None) -> ApiFailed:
    """An answer that cannot be believed: perhaps the next one can."""
    status, at = (outcome.status, outcome.server_at) if outcome else (None, None)
    says = "the server gave an answer that cannot be read: try again later"
    return ApiFailed(actions_of_reasons[reason], reason, detail, status, server_at=at, says=says)


def _may_have_happened(failed: FetchFailed) -> bool:
    """Whether a change that failed may have been made: nobody answered, or not with a plain no."""
    if failed.status is None:
        return failed.reason not in _NEVER_SENT and failed.detail != _NO_CONNECTION
    return failed.status >= 500 or failed.status < 300 or failed.status == _DONE_SEE_THERE
