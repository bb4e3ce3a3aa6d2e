"""Signed calls of one application at one server: one at a time, in the order of their timestamps.

A server refuses a timestamp earlier than the last it has seen; two calls under way at once could arrive in
the other order. So each takes its turn, across all processes of a state (`turns`), and no server is called
more than four times a second, but one on this machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

from feedwatch.core.model import Answered, AskOutcome, FetchFailed, Reason
from feedwatch.core.networks import is_this_machine
from feedwatch.netflix.signing import Consumer, Method, Pairs, Token, encode_form, sign_request
from feedwatch.netflix.turns import NoTurn, Turns

SPACING: Final = timedelta(seconds=1) / 4
"""How far apart calls are: the API's own clients kept to four a second."""
_SIGNED_WELL: Final = (412, 422)
"""Who answers so has taken the signature and looked at what was wanted. Of other refusals nobody knows."""


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
    verifier: str | None = field(default=None, repr=False)
    callback: str | None = field(default=None, repr=False)
    max_body: int | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """A call's turn: `sign` signs its hops while the turn lasts; `form` is the body that it signs.

    `accept` is to be told once the server has answered: it has accepted the timestamp.
    """

    sign: Callable[[str], Mapping[str, str]]
    accept: Callable[[], None]
    form: bytes | None = None


class Caller:
    """Makes the signed calls of one application at one server. Of one event loop."""

    def __init__(
        self, consumer: Consumer, send: SendCall, turns: Turns, clock: Callable[[], datetime]
    ) -> None:
        self._consumer = consumer
        self._send = send
        self._turns = turns
        self._clock = clock

    async def call(self, call: Call) -> AskOutcome:
        """Sign a call and make it; any 2xx is an answer."""
        async with self.take_turn(call) as signing:
            if isinstance(signing, FetchFailed):
                return signing
            outcome = await self._send(
                call.method, call.url, form=signing.form, sign=signing.sign, max_body=call.max_body
            )
            if isinstance(outcome, Answered) or outcome.status in _SIGNED_WELL:
                signing.accept()
        return outcome

    @asynccontextmanager
    async def take_turn(self, call: Call) -> AsyncIterator[Signing | FetchFailed]:
        """Wait until a call may be made, and sign it while the block lasts.

        For what makes the request itself: whoever reads a long reply leaves the block once its head is there.
        """
        form = encode_form(call.form) if call.form is not None else None
        spacing = timedelta(0) if is_this_machine(urlsplit(call.url).hostname or "") else SPACING
        async with self._turns.take(self._clock, spacing) as turn:
            if isinstance(turn, NoTurn):
                yield FetchFailed(Reason.NO_TURN, turn.why)
                return

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

            yield Signing(sign, turn.accept, form)
