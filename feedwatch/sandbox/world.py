"""The lists of one person, and how they move. The server shows them; orders and tests move them."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from feedwatch.errors import FeedwatchError
from feedwatch.sandbox.films import list_films

AVAILABLE, SAVED = "available now", "saved"
LISTS = ("queue", "history", "ratings", "recommendations")
ASKED_FOR = (*LISTS, "index")
"""What requests are counted for, and what can be told to fail."""
_PREDICTED = re.compile(r"[0-4](\.[0-9])?|5(\.0)?")
GENRES = ("Classics", "Comedy", "Documentary", "Drama", "Foreign", "Horror", "Sci-Fi & Fantasy", "Thrillers")
RATINGS = ("1", "2", "3", "4", "5", "not_interested")


class OrderRefused(FeedwatchError):
    """An order that cannot be carried out on the lists as they are."""


@dataclass(frozen=True, slots=True)
class Title:
    """A title of the catalog."""

    id: int
    name: str
    year: int

    @property
    def path(self) -> str:
        """Its place in the catalog."""
        return f"/catalog/titles/movies/{self.id}"

    @property
    def genres(self) -> tuple[str, ...]:
        """What it is, as far as anybody can tell from a number: one genre, or two."""
        first, second = self.id % len(GENRES), self.id // 7 % len(GENRES)
        return (GENRES[first],) if self.id % 3 == 0 or first == second else (GENRES[first], GENRES[second])


@dataclass(frozen=True, slots=True)
class Queued:
    """A title in the queue: its availability (`saved` has no position), and since when it is there."""

    title: Title
    availability: str
    added_at: int


@dataclass(frozen=True, slots=True)
class Viewing:
    """A title watched, and when."""

    title: Title
    watched_at: int


@dataclass(frozen=True, slots=True)
class Rating:
    """A title rated: `1` to `5`, or `not_interested`."""

    title: Title
    value: str
    rated_at: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A title suggested."""

    title: Title
    predicted: str


@dataclass(slots=True)
class Switches:
    """What the server can be told to do otherwise: dialects of the API's years, and its moods.

    `id_host` is the host in ids and links; `later_dialect` uses the labels, rels and schemes of later
    replies. `atom_pages` off gives 25 titles whatever is asked for; `ignore_start_index` hears only how
    many are wanted; `refuse_paging` answers 400 to both. `moves_between_pages` is how many times the
    queue moves on just before a further page of it is given. `plain_only` answers in plain XML even who
    asks for Atom. `faults` holds, for a list's name, what its next answers are to be instead of the list.
    """

    id_host: str = "api.netflix.com"
    later_dialect: bool = False
    opml_as_documented: bool = True
    atom_pages: bool = True
    atom_totals: bool = True
    plain_only: bool = False
    ignore_start_index: bool = False
    refuse_paging: bool = False
    moves_between_pages: int = 0
    etag_per_page: bool = False
    http_etags: bool = True
    faults: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """Who is served: keys, tokens and names, all made up and none of them worth anything."""

    consumer_key: str = "sandbox-consumer-key-4qk2m8"
    consumer_secret: str = "sandbox-consumer-secret-1f2e3d"  # noqa: S105 — it protects nothing
    access_token: str = "sandbox-access-token-7c6b5a"  # noqa: S105
    access_token_secret: str = "sandbox-token-secret-9z8y7x"  # noqa: S105
    user_id: str = "T1sandboxUser.a1b2-"
    first_name: str = "Jane"
    last_name: str = "Sandbox"
    allowed: bool = True
    feed_token: str = "T1sandbox.feed~token-0.x1y2--"  # noqa: S105


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
        start = int(clock()) - 86_400 * 30
        self.queue = [Queued(title, AVAILABLE, start + n) for n, title in enumerate(self.catalog[:queue])]
        rest = self.catalog[queue:]
        self.history = [Viewing(title, start - 3600 * n) for n, title in enumerate(rest[:12])]
        self.ratings = [Rating(title, str(2 + n % 4), start + n) for n, title in enumerate(rest[:9])]
        self.recommendations = [
            Recommendation(title, f"{4.8 - n / 10:.1f}") for n, title in enumerate(rest[20:35])
        ]
        self.versions = {"queue": 819_873_800_001, "history": 1, "ratings": 1, "recommendations": 1}

    # ── orders ────────────────────────────────────────────────────────────────────────────────────

    def add(self, *, title: str | int | None = None, position: int = 1) -> Title:
        """Put a title into the queue: one by name or id, else the next of the catalog."""
        with self._moving("queue"):
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
        with self._moving("queue"):
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
        with self._moving("queue"):
            item = self._queued(position, title)
            self.queue = [each for each in self.queue if each is not item]
            return item.title

    def save(self, *, title: str | int | None = None) -> Title:
        """Put a title that is not yet to be had into the saved part of the queue."""
        with self._moving("queue"):
            queued = [each.title for each in self.queue]
            found = self._choose(title, but=queued)
            _refuse_twice(found, queued, "in the queue")
            self.queue = [*self.queue, Queued(found, SAVED, int(self._clock()))]
            return found

    def make_available(self, *, title: str | int | None = None, position: int | None = None) -> Title:
        """Let a saved title (the first, if none is named) become available."""
        with self._moving("queue"):
            saved = self._saved()
            item = next((each for each in saved if title is None or _is(each.title, title)), None)
            if item is None:
                raise OrderRefused("no such saved title")
            placed = self._placed()
            position = len(placed) + 1 if position is None else position
            self._check_position(position, len(placed) + 1)
            placed.insert(position - 1, replace(item, availability=AVAILABLE))
            self.queue = placed + [each for each in saved if each is not item]
            return item.title

    def watch(self, *, title: str | int | None = None) -> Title:
        """Watch a title; one that was watched before is watched again."""
        with self._moving("history"):
            found = self._choose(title, but=[each.title for each in self.history])
            others = [each for each in self.history if each.title != found]
            self.history = [Viewing(found, self._later(v.watched_at for v in self.history)), *others]
            return found

    def rate(self, *, title: str | int | None = None, value: str = "4") -> Title:
        """Rate a title, or rate it anew."""
        if value not in RATINGS:
            raise OrderRefused(f"value is one of {', '.join(RATINGS)}")
        with self._moving("ratings"):
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
        with self._moving("recommendations"):
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
        """Take the access token back: signed calls answer 401 from now on."""
        with self.lock:
            self.account.allowed = False

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
    def _moving(self, name: str) -> Iterator[None]:
        """Hold everybody off while a list moves. An order is refused before it has touched anything."""
        with self.lock:
            yield
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
        found = next((each for each in self.catalog if _is(each, title)), None)
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
    return str(wanted) in (title.name, str(title.id))
