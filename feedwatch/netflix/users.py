"""The subscriber: who it is, their feeds, and how they stand to titles. Signed for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from feedwatch.core.model import FoundFeed, ParseFailed
from feedwatch.core.statuses import Action
from feedwatch.netflix.api import Api
from feedwatch.netflix.index import read_index
from feedwatch.netflix.limits import check_title_refs
from feedwatch.netflix.own_documents import read_title_states, read_user
from feedwatch.netflix.replies import ApiFailed, TitleState, User


async def find_current_user(api: Api) -> str | ApiFailed:
    """Whose access token it is, by their id; the server is asked where nobody has said so yet."""
    return await api.find_user()


async def find_user(api: Api) -> User | ApiFailed:
    """The subscriber's name and what they may do."""
    return await api.get_own("", read_user)


async def find_feeds(
    api: Api, *, output: Literal["xml", "opml"] = "xml"
) -> tuple[FoundFeed, ...] | ApiFailed:
    """The subscriber's feeds, each list once. Their addresses are secrets."""
    outcome = await api.ask_own("feeds", [("output", "opml")] if output == "opml" else [])
    if isinstance(outcome, ApiFailed):
        return outcome
    feeds = read_index(outcome.body, outcome.url)
    if isinstance(feeds, ParseFailed):
        return ApiFailed(Action.WAIT, feeds.reason, feeds.detail, outcome.status)
    return feeds


async def find_title_states(api: Api, refs: Collection[str]) -> tuple[TitleState, ...] | ApiFailed:
    """How the subscriber stands to titles: queued, to be played, to be added; at most 500 at once.

    Raises:
        RequestRefused: a limit of the API is passed.
    """
    named = ",".join(api.ref_of(ref) for ref in check_title_refs(refs))
    return await api.get_own("title_states", read_title_states, [("title_refs", named)])
