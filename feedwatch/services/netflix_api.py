"""The API's client for an account: what its configuration and its sign-in say, put together."""

from __future__ import annotations

from feedwatch.netflix.api import Api
from feedwatch.services.base import Means, Memory
from feedwatch.services.settings import NetflixSettings, find_token, find_user_id


def open_api(settings: NetflixSettings, means: Means, memory: Memory) -> Api:
    """Give the client of an account; without a sign-in it can ask the catalog alone."""
    token = find_token(settings, memory.sign_in)
    return Api(
        settings.url,
        settings.consumer,
        means.caller_for(settings.url, settings.consumer),
        means.send,
        means.clock,
        token=token,
        user_id=find_user_id(settings, memory.sign_in, memory.facts) if token is not None else None,
    )
