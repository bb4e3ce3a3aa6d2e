"""The lists of one person, and how they move. The server shows them; orders and tests move them."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from feedwatch.errors import FeedwatchError
from feedwatch.sandbox.dialects import DIALECTS
from feedwatch.sandbox.films import list_films
from feedwatch.sandbox.grants import Grants
from feedwatch.sandbox.lists import (
    AVAILABLE,
    RATINGS,
    SAVED,
    Queued,
    Rating,
    Recommendation,
    Viewing,
)
from feedwatch.sandbox.settings import Account, Switches
from feedwatch.sandbox.shows import list_queueable
from feedwatch.sandbox.titles import Title

__all__ = [
    "ASKED_FOR",
    "AVAILABLE",
    "LISTS",
    "RATINGS",
    "SAVED",
    "Account",
    "OrderRefused",
    "Queued",
    "Rating",
    "Recommendation",
    "Switches",
    "Viewing",
    "World",
]
LISTS = ("queue", "history", "ratings", "recommendations")
ASKED_FOR = (
    *LISTS,
    *("index", "user", "title_states", "queue_changes", "rating_changes"),
    *("catalog", "titles_index", "oauth", "tmdb"),
)
"""What requests are counted for, and what can be told to fail."""
_PREDICTED = re.compile(r"[0-4](\.[0-9])?|5(\.0)?")
_FURTHER = 55
"""Suggestions that only a signed call is given: a feed shows the best."""


class OrderRefused(FeedwatchError):
    """An order that cannot be carried out on the lists as they are."""


class World:
    """One person's lists. Every order is whole: it moves a list and its version, or is refused."""

    def __init__(self, *, queue: int = 220, clock: Callable[[], float] = time.time) -> None:
        self.lock = threading.RLock()
        self.account = Account()
        self.switches = Switches()
        self.requests: dict[str, dict[str, int]] = {}
        self._clock = clock
        films = list_films(max(queue + 60, 260))
        self.catalog = [Title(60_000_000 + 37 * n, name, year) for n, (name, year) in enumerate(films)]
        # From midnight: begun again on the same day, the lists are what they were.
        start = (int(clock()) // 86_400 - 30) * 86_400
        self.queue = [Queued(title, AVAILABLE, start + n) for n, title in enumerate(self.catalog[:queue])]
        rest = self.catalog[queue:]
        self.history = [Viewing(title, start - 3600 * n) for n, title in enumerate(rest[:12])]
        self.ratings = [Rating(title, str(2 + n % 4), start + n) for n, title in enumerate(rest[:9])]
        self.recommendations = [
            Recommendation(title, f"{4.8 - n / 10:.1f}") for n, title in enumerate(rest[20:35])
        ]
        pool = [*rest[35:], *(each for each in list_queueable() if each.kind == "seasons")]
        self.further = [
            Recommendation(title, f"{3.3 - n / 50:.1f}") for n, title in enumerate(pool[:_FURTHER])
        ]
        self.grants = Grants()
        self.withheld: set[int] = set()
        self.at_home: set[int] = set()
        self._earlier: dict[str, tuple[Sequence[Any], int]] = {}
        self.versions = {"queue": 819_873_800_001, "history": 1, "ratings": 1, "recommendations": 1}

    # ── orders ────────────────────────────────────────────────────────────────────────────────────

    def add(self, *, title: str | int | None = None, position: int = 1) -> Title:
        """Put a title into the queue: one by name or id, else the next of the catalog."""
        with self.moving("queue"):
            placed = self._placed()
            self._check_position(position, len(placed) + 1)
            queued = [each.title for each in self.queue]
            found = self._choose(title, but=queued)
            _refuse_twice(found, queued, "in the queue")
            placed.insert(position - 1, Queued(found, AVAILABLE, int(self._clock())))
            self.queue = placed + self._saved()
            return found

    def move(self, *, start: int, to: int) -> Title:
        """Move the title at one position to another."""
        with self.moving("queue"):
            placed = self._placed()
            self._check_position(start, len(placed))
            self._check_position(to, len(placed))
            item = placed.pop(start - 1)
            placed.insert(to - 1, item)
            self.queue = placed + self._saved()
            return item.title

    def remove(self, *, position: int | None = None, title: str | int | None = None) -> Title:
        """Take a title out of the queue, by position, name or id; the first, if nothing is said."""
        if position is not None and title is not None:
            raise OrderRefused("remove takes a position or a title, not both")
        with self.moving("queue"):
            item = self._queued(position, title)
            self.queue = [each for each in self.queue if each is not item]
            return item.title

    def save(self, *, title: str | int | None = None) -> Title:
        """Put a title that is not yet to be had into the saved part of the queue."""
        with self.moving("queue"):
            queued = [each.title for each in self.queue]
            found = self._choose(title, but=queued)
            _refuse_twice(found, queued, "in the queue")
            self.queue = [*self.queue, Queued(found, SAVED, int(self._clock()))]
            return found

    def make_available(self, *, title: str | int | None = None, position: int | None = None) -> Title:
        """Let a saved title (the first, if none is named) become available."""
        with self.moving("queue"):
            saved = self._saved()
            item = next((each for each in saved if title is None or _is(each.title, title)), None)
            if item is None:
                raise OrderRefused("no such saved title")
            placed = self._placed()
            position = len(placed) + 1 if position is None else position
            self._check_position(position, len(placed) + 1)
            placed.insert(position - 1, replace(item, availability=AVAILABLE))
            self.withheld.discard(item.title.id)
            self.queue = placed + [each for each in saved if each is not item]
            return item.title

    def watch(self, *, title: str | int | None = None) -> Title:
        """Watch a title; one that was watched before is watched again."""
        with self.moving("history"):
            found = self._choose(title, but=[each.title for each in self.history])
            others = [each for each in self.history if each.title != found]
            self.history = [Viewing(found, self._later(v.watched_at for v in self.history)), *others]
            return found

    def rate(self, *, title: str | int | None = None, value: str = "4") -> Title:
        """Rate a title, or rate it anew."""
        if value not in RATINGS:
            raise OrderRefused(f"value is one of {', '.join(RATINGS)}")
        with self.moving("ratings"):
            found = self._choose(title, but=[each.title for each in self.ratings])
            rating = Rating(found, value, int(self._clock()))
            if any(each.title == found for each in self.ratings):
                self.ratings = [rating if each.title == found else each for each in self.ratings]
            else:
                self.ratings = [rating, *self.ratings]
            return found

    def recommend(self, *, title: str | int | None = None, predicted: str = "4.9") -> Title:
        """Suggest a title, as the best."""
        if not _PREDICTED.fullmatch(predicted):
            raise OrderRefused("predicted is a number from 0 to 5, for example 4.9")
        with self.moving("recommendations"):
            suggested = [each.title for each in self.recommendations]
            found = self._choose(title, but=suggested)
            _refuse_twice(found, suggested, "recommended")
            self.recommendations = [Recommendation(found, predicted), *self.recommendations]
            return found

    def rotate_token(self) -> None:
        """Give all feeds a new token; the old one is not accepted any more."""
        with self.lock:
            self.account.feed_token = f"T1sandbox.{secrets.token_urlsafe(24)}--"

    def revoke(self) -> None:
        """Take all access tokens back: signed calls answer 401 until somebody signs in anew."""
        with self.lock:
            self.account.allowed = False
            self.grants.revoke()

    def withhold(self, *, title: str | int | None = None) -> Title:
        """Let a title not be to be had: whoever queues it has it saved."""
        with self.lock:
            found = self._choose(title, but=[each.title for each in self.queue])
            self.withheld.add(found.id)
            return found

    def send_home(self, *, title: str | int | None = None) -> Title:
        """Let a title be at the user's home: it cannot be queued."""
        with self.lock:
            found = self._choose(title, but=[each.title for each in self.queue])
            self.at_home.add(found.id)
            return found

    def speak(self, *, dialect: str) -> None:
        """Set all switches that a dialect is made of."""
        with self.lock:
            for name, value in DIALECTS[dialect].items():
                setattr(self.switches, name, value)

    def token_secrets(self) -> dict[tuple[str, str], tuple[str, str]]:
        """The secrets of the access tokens that are alive, by consumer key and token."""
        account = self.account
        alive = dict(self.grants.access)
        if account.allowed:
            alive[account.access_token] = account.access_token_secret
        return {
            (account.consumer_key, token): (account.consumer_secret, secret)
            for token, secret in alive.items()
        }

    def list_choices(self) -> list[Title]:
        """Every title that can be on a list."""
        return [*self.catalog, *list_queueable()]

    def now(self) -> int:
        """What time it is, in whole seconds."""
        return int(self._clock())

    def recall(self, name: str) -> tuple[Sequence[Any], int]:
        """A list and its version as they were before its last change."""
        return self._earlier.get(name, (getattr(self, name), self.versions[name]))

    def fail(self, *, feed: str, fault: str, times: int = 1) -> None:
        """Let the next answers of a list's address, or of the index, be something else."""
        if feed not in ASKED_FOR:
            raise OrderRefused(f"no feed {feed!r}: there are {', '.join(ASKED_FOR)}")
        with self.lock:
            self.switches.faults.setdefault(feed, []).extend([fault] * times)

    def take_fault(self, feed: str) -> str | None:
        """The fault that the next answer of a feed is to be, if any."""
        with self.lock:
            waiting = self.switches.faults.get(feed)
            return waiting.pop(0) if waiting else None

    def move_between_pages(self) -> None:
        """Move the last title of the queue to its top, if that has been ordered for between two pages."""
        with self.lock:
            last = len(self._placed())
            if self.switches.moves_between_pages and last:
                self.switches.moves_between_pages -= 1
                self.move(start=last, to=1)

    def count(self, feed: str, status: int) -> None:
        """Count an answer."""
        with self.lock:
            counts = self.requests.setdefault(feed, {})
            counts["all"] = counts.get("all", 0) + 1
            counts[str(status)] = counts.get(str(status), 0) + 1

    # ── within ────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def moving(self, name: str) -> Iterator[None]:
        """Hold everybody off while a list moves. An order is refused before it has touched anything."""
        with self.lock:
            before = getattr(self, name), self.versions[name]
            yield
            self._earlier[name] = before
            self.versions[name] += 1

    def _placed(self) -> list[Queued]:
        return [each for each in self.queue if each.availability != SAVED]

    def _saved(self) -> list[Queued]:
        return [each for each in self.queue if each.availability == SAVED]

    def _queued(self, position: int | None, title: str | int | None) -> Queued:
        if title is not None:
            item = next((each for each in self.queue if _is(each.title, title)), None)
            if item is None:
                raise OrderRefused(f"{title} is not in the queue")
            return item
        placed = self._placed()
        self._check_position(1 if position is None else position, len(placed))
        return placed[0 if position is None else position - 1]

    @staticmethod
    def _check_position(position: int, last: int) -> None:
        if not 1 <= position <= last:
            raise OrderRefused(f"no position {position}: there are {last}, counted from 1")

    def _choose(self, title: str | int | None, but: list[Title]) -> Title:
        if title is None:
            taken = {each.id for each in but}
            fresh = next((each for each in reversed(self.catalog) if each.id not in taken), None)
            if fresh is None:
                raise OrderRefused("the whole catalog is on that list: name a title of your own")
            return fresh
        found = next((each for each in self.list_choices() if _is(each, title)), None)
        if found is not None:
            return found
        if isinstance(title, int):
            raise OrderRefused(f"no title {title} in the catalog")
        made = Title(60_500_000 + len(self.catalog), title, 2000)
        self.catalog = [*self.catalog, made]
        return made

    def _later(self, instants: Iterable[int]) -> int:
        return max(int(self._clock()), max(instants, default=0) + 1)


def _refuse_twice(title: Title, others: Iterable[Title], where: str) -> None:
    if any(each == title for each in others):
        raise OrderRefused(f"{title.name} is {where} already")


def _is(title: Title, wanted: str | int) -> bool:
    return str(wanted) in (title.name, str(title.id), title.path)
