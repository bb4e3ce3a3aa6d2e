"""Accounts at a server that speaks the Netflix API 1.5: a signed request for the user's feeds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from urllib.parse import quote

from feedwatch.core.model import Answered, FoundFeed, ParseFailed, Reason
from feedwatch.netflix.calling import Call
from feedwatch.netflix.index import read_index, read_user_id
from feedwatch.netflix.judging import judge_failure
from feedwatch.netflix.signing import Token
from feedwatch.services.base import Found, IndexFailed, Means, Memory, heed_wishes
from feedwatch.services.settings import USER_ID, NetflixSettings, find_token, find_user_id

_OTHER_USER = (Reason.UNAUTHORIZED, Reason.NOT_FOUND)


class NetflixService:
    """One account at such a server."""

    def __init__(self, settings: NetflixSettings, means: Means, memory: Memory) -> None:
        self._settings = settings
        self._means = means
        self._memory = memory
        self._answered: int | None = None

    async def find_feeds(self) -> Found | IndexFailed:
        """Ask for the user's feeds, first for the user where nobody has said who that is."""
        token = find_token(self._settings, self._memory.sign_in)
        if token is None:
            return IndexFailed(Reason.NO_CREDENTIALS, signed_out=True)
        user_id = find_user_id(self._settings, self._memory.sign_in, self._memory.facts)
        if user_id is None:
            return await self._find_for_current_user(token)
        found = await self._ask_index(token, user_id)
        if isinstance(found, Found) or self._settings.user_id or found.reason not in _OTHER_USER:
            return found
        # A remembered user may be of an earlier access token: ask once who this one belongs to.
        return await self._find_for_current_user(token, but=(user_id, found))

    async def _find_for_current_user(
        self, token: Token, *, but: tuple[str, IndexFailed] | None = None
    ) -> Found | IndexFailed:
        reply = await self._ask(token, "/users/current")
        if isinstance(reply, IndexFailed):
            return reply
        user_id = read_user_id(reply.body)
        if user_id is None:
            return IndexFailed(Reason.NOT_A_FEED, "users/current names no user")
        return but[1] if but and but[0] == user_id else await self._ask_index(token, user_id)

    async def _ask_index(self, token: Token, user_id: str) -> Found | IndexFailed:
        form = "?output=opml" if self._settings.discovery == "opml" else ""
        reply = await self._ask(token, f"/users/{quote(user_id, safe='')}/feeds{form}")
        if isinstance(reply, IndexFailed):
            return reply
        feeds = read_index(reply.body, reply.url)
        if isinstance(feeds, ParseFailed):
            return IndexFailed(feeds.reason, feeds.detail)
        return Found(tuple(self._choose(feeds)), facts={USER_ID: user_id})

    def _choose(self, feeds: Collection[FoundFeed]) -> list[FoundFeed]:
        wanted = self._settings.feeds
        chosen = [feed for feed in feeds if wanted is None or feed.name in wanted]
        plain = (replace(feed, plain=self._settings.plain) for feed in chosen)
        return [heed_wishes(feed, self._settings.wishes.get(feed.name)) for feed in plain]

    async def _ask(self, token: Token, path: str) -> Answered | IndexFailed:
        url = self._settings.url.rstrip("/") + path
        caller = self._means.caller_for(self._settings.url, self._settings.consumer)
        outcome = await caller.call(Call(url, token))
        if isinstance(outcome, Answered):
            self._answered = outcome.status
            return outcome
        failed = judge_failure(outcome, resource=path, now=self._means.clock())
        self._answered = failed.status or self._answered
        signed_out = failed.reason is Reason.UNAUTHORIZED
        return IndexFailed(failed.reason, failed.message, signed_out, failed.retry_after, self._answered)
