"""Who is asked about titles, and what that brings: an answer for each, or trouble."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from feedwatch.core.model import Reason, TitleDetails
from feedwatch.core.statuses import Action
from feedwatch.core.subjects import WantedTitle

if TYPE_CHECKING:
    from feedwatch.netflix.api import Api


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a title; None: nothing is."""

    title: WantedTitle
    details: TitleDetails | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing is known of a title now, or, with `ends`, of any title of its account.

    `rest` is how long a host wants to be left alone: `host`, where that is not whom we asked.
    """

    action: Action
    reason: Reason
    says: str = ""
    rest: timedelta | None = None
    title: WantedTitle | None = None
    ends: bool = False
    host: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedApi:
    """An account's API; `sign_out` is to be told that its token is dead, `asked_as` says whose that is."""

    api: Api
    asked_as: str = field(repr=False)
    sign_out: Callable[[], Awaitable[object]] = field(repr=False)


async def _sign_out_nobody() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """Who is asked about an account's titles. What is found is of `asked_as`, if that is said."""

    host: str
    ask: Callable[[Sequence[WantedTitle]], AsyncGenerator[Answer | Trouble, None]]
    asked_as: str | None = field(default=None, repr=False)
    sign_out: Callable[[], Awaitable[object]] = field(default=_sign_out_nobody, repr=False)
