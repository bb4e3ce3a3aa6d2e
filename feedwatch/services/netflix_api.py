"""The API's client for an account: what its configuration and its sign-in say, put together."""

from __future__ import annotations

from feedwatch.netflix.api import Api
from feedwatch.services.base import Means, Memory
from feedwatch.services.netflix import USER_ID, NetflixSettings, find_token


def open_api(settings: NetflixSettings, means: Means, memory: Memory) -> Api:
    """Give the client of an account; without a sign-in it can ask the catalog alone."""
    signed_in = memory.sign_in if settings.token is None else None
    token = find_token(settings, memory.sign_in)
    user_id = settings.user_id or (signed_in.user_id if signed_in else None) or memory.facts.get(USER_ID)
    return Api(
        settings.url,
        settings.consumer,
        means.caller_for(settings.url, settings.consumer),
        means.send,
        means.clock,
        token=token,
        user_id=user_id if token is not None else None,
    )
