"""Signed calls of one application at one server: one at a time, in the order of their timestamps.

A server refuses a timestamp earlier than the last it has seen; two calls under way at once could arrive in
the other order. So each takes its turn, across all processes of a state (`turns`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from feedwatch.core.model import Answered, AskOutcome
from feedwatch.netflix.signing import Consumer, Method, Pairs, Token, encode_form, sign_request
from feedwatch.netflix.turns import Turns


class SendCall(Protocol):
    """What makes a request (feedwatch.fetch.Fetcher.call)."""

    async def __call__(
        self,
        method: str,
        url: str,
        /,
        *,
        form: bytes | None = None,
        sign: Callable[[str], Mapping[str, str]] | None = None,
        max_body: int | None = None,
    ) -> AskOutcome:
        """Make one call under limits; each hop to the same server is signed anew by `sign`."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call to be signed. `url` is whole, its query written already; `form` is the body of a change.

    Without a `token` the application alone signs. `verifier` and `callback` belong to signing in.
    """

    url: str
    token: Token | None = None
    method: Method = "GET"
    form: Pairs | None = None
    verifier: str | None = None
    callback: str | None = None
    max_body: int | None = None


class Caller:
    """Makes the signed calls of one application. Of one event loop."""

    def __init__(
        self, consumer: Consumer, send: SendCall, turns: Turns, clock: Callable[[], datetime]
    ) -> None:
        self._consumer = consumer
        self._send = send
        self._turns = turns
        self._clock = clock

    async def call(self, call: Call) -> AskOutcome:
        """Sign a call and make it; any 2xx is an answer."""
        form = encode_form(call.form) if call.form is not None else None
        async with self._turns.take() as turn:

            def sign(url: str) -> Mapping[str, str]:
                return sign_request(
                    self._consumer,
                    call.token,
                    method=call.method,
                    url=url,
                    timestamp=turn.stamp(self._clock()),
                    form=form,
                    verifier=call.verifier,
                    callback=call.callback,
                )

            outcome = await self._send(call.method, call.url, form=form, sign=sign, max_body=call.max_body)
            if isinstance(outcome, Answered):
                turn.accept()
        return outcome
