"""How many messages each service takes, as it says itself, and whom it counts them for.

A service that says nothing has no limit here: what it answers is heeded in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from feedwatch.core.bucket import Rate

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Meter:
    """What a service counts as one, and how much it takes of that. Addresses with the same `key` share it."""

    key: str
    rates: tuple[Rate, ...]


_OF_ACCOUNT: Mapping[str, tuple[Rate, ...]] = {
    # Bots FAQ: some 30 messages a second to all chats together.
    "tgram": (Rate(30, _SECOND),),
    # The X-RateLimit headers of its replies say 5 in 2 seconds to one webhook; beyond that it takes 30 a
    # minute. Requests that fail count too.
    "discord": (Rate(5, 2 * _SECOND), Rate(30, _MINUTE)),
    # The server's documentation: 60 requests of one visitor at once, then one every 5 seconds. How many a
    # day it takes depends on the plan: it says so itself.
    "ntfy": (Rate(60, 5 * _MINUTE),),
    # The API says to be gentle, without a number but for 10,000 a month.
    "pover": (Rate(1, _SECOND), Rate(30, _MINUTE)),
    # No provider says it for a minute; many that look at mailings begin to doubt at more.
    "mailto": (Rate(30, _MINUTE),),
    # Synapse's default for messages of one user: 10 at once, then one every 5 seconds.
    "matrix": (Rate(10, 50 * _SECOND),),
    # Usage limits of the API: one message a second to one space, all webhooks together.
    "gchat": (Rate(1, _SECOND),),
    # Teams: more than four requests a second are throttled.
    "workflow": (Rate(4, _SECOND),),
}
_OF_RECIPIENT: Mapping[str, tuple[Rate, ...]] = {
    # Bots FAQ: no more than one message a second to one chat.
    "tgram": (Rate(1, _SECOND),),
    # Rate limits of the Web API and of webhooks: one message a second to one channel.
    "slack": (Rate(1, _SECOND),),
}
_TELEGRAM_GROUP = Rate(20, _MINUTE)
"""Bots FAQ: no more than 20 messages a minute to one group; channels are no different."""


def list_meters(schema: str, account: str, recipients: Iterable[str]) -> tuple[Meter, ...]:
    """Give what a message to these recipients of an account counts for, by the service's schema.

    Without recipients it goes to the one that the account stands for.
    """
    service = schema.lower().removesuffix("s")
    meters = [Meter(f"{service}/{account}", _OF_ACCOUNT[service])] if service in _OF_ACCOUNT else []
    if service in _OF_RECIPIENT:
        meters += [
            Meter(f"{service}/{account}/{each}", _rates_of(service, each))
            for each in dict.fromkeys(recipients) or ("",)
        ]
    return tuple(meters)


def _rates_of(service: str, recipient: str) -> tuple[Rate, ...]:
    # Groups have negative numbers; channels and open groups have names.
    in_company = service == "tgram" and recipient.startswith(("-", "@"))
    return (*_OF_RECIPIENT[service], *((_TELEGRAM_GROUP,) if in_company else ()))
