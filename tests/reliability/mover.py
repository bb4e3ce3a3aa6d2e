"""Moves the lists of a sandbox at random, and knows every change that a correct observer must report.

Lists are states: an observer who misses one of them reports the difference to the next. So that what
must be reported never hangs on which states were seen, a title that has moved is left alone until its
list has been served and has landed (`settle`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from ledger import Ledger

from feedwatch.sandbox import World
from feedwatch.sandbox.world import AVAILABLE, RATINGS, SAVED, Queued

_FAR = 12
"""A move over so many titles can be told in one way only, whatever else comes and goes meanwhile."""
_MOST_OPEN = 5


@dataclass(slots=True)
class News:
    """A plain feed that shows its latest posts."""

    posts: list[tuple[str, float]] = field(default_factory=list)
    window: int = 20

    def shown(self) -> list[tuple[str, float]]:
        """What the feed shows now, newest first."""
        return self.posts[: self.window]


class Mover:
    """One seeded person who adds, moves, removes, watches and rates, and a server that recommends."""

    def __init__(
        self, world: World, news: News, ledger: Ledger, rng: random.Random, now: Callable[[], float]
    ) -> None:
        self.world, self.news, self.ledger = world, news, ledger
        self._rng = rng
        self._now = now
        self._made = 0
        self._open: dict[str, list[str]] = {name: [] for name in (*LISTS, "news")}
        self._moving = False
        self._orders: dict[str, tuple[Callable[[], None], ...]] = {
            "queue": (self._add, self._add, self.remove, self._move, self._move, self._save, self._release),
            "history": (self._watch,),
            "ratings": (self._rate, self._rerate),
            "recommendations": (self._recommend,),
            "news": (self._post,),
        }

    @property
    def is_settled(self) -> bool:
        """Whether all that has moved has been served and has landed."""
        return not any(self._open.values())

    def open_titles(self, name: str) -> int:
        """How many titles of a list have moved and have not settled."""
        return len(self._open[name])

    def move(self, *lists: str) -> None:
        """Do one thing to one of these lists; to any, where none is named."""
        name = self._rng.choice(lists or tuple(self._orders))
        self._rng.choice(self._orders[name])()

    def settle(self, name: str) -> None:
        """Take note that a list has been served as it stands, and that its poll has landed."""
        self._open[name].clear()
        if name == "queue":
            self._moving = False

    # ── one thing ─────────────────────────────────────────────────────────────────────────────────

    def _make_title(self, name: str) -> str:
        self._made += 1
        title = f"Film {self._made} of {name}"
        self._open[name].append(title)
        return title

    def _pick(self, name: str, titles: list[str]) -> str | None:
        """A title of a list that nothing has happened to since the list was served."""
        free = [title for title in titles if title not in self._open[name]]
        if not free or len(self._open[name]) >= 8 * _MOST_OPEN:
            return None
        title = self._rng.choice(free)
        self._open[name].append(title)
        return title

    def _placed(self) -> list[Queued]:
        return [each for each in self.world.queue if each.availability == AVAILABLE]

    def _add(self) -> None:
        title = self._make_title("queue")
        self.world.add(title=title, position=self._rng.randint(1, len(self._placed()) + 1))
        self.ledger.owe("added", title)

    def remove(self) -> None:
        """Take a title out of the queue."""
        placed = [each.title.name for each in self._placed()]
        if self._moving and len(self._open["queue"]) >= _MOST_OPEN:
            return
        if len(placed) > _FAR and (title := self._pick("queue", placed)):
            self.world.remove(title=title)
            self.ledger.owe("removed", title)

    def _move(self) -> None:
        placed = [each.title.name for each in self._placed()]
        if self._moving or len(self._open["queue"]) >= _MOST_OPEN or len(placed) <= 2 * _FAR:
            return
        if title := self._pick("queue", placed):
            start = placed.index(title) + 1
            far = [to for to in range(1, len(placed) + 1) if abs(to - start) >= _FAR]
            self.world.move(start=start, to=self._rng.choice(far))
            self._moving = True
            self.ledger.owe("moved", title)

    def _save(self) -> None:
        title = self._make_title("queue")
        self.world.save(title=title)
        self.ledger.owe("saved", title)

    def _release(self) -> None:
        saved = [each.title.name for each in self.world.queue if each.availability == SAVED]
        if title := self._pick("queue", saved):
            self.world.make_available(title=title)
            self.ledger.owe("available", title)

    def _watch(self) -> None:
        title = self._make_title("history")
        self.world.watch(title=title)
        self.ledger.owe("watched", title)

    def _rate(self) -> None:
        title = self._make_title("ratings")
        self.world.rate(title=title, value=self._rng.choice(RATINGS[:5]))
        self.ledger.owe("rated", title)

    def _rerate(self) -> None:
        rated = {each.title.name: each.value for each in self.world.ratings}
        if title := self._pick("ratings", list(rated)):
            others = [value for value in RATINGS[:5] if value != rated[title]]
            self.world.rate(title=title, value=self._rng.choice(others))
            self.ledger.owe("re-rated", title)

    def _recommend(self) -> None:
        title = self._make_title("recommendations")
        self.world.recommend(title=title)
        self.ledger.owe("recommended", title)

    def _post(self) -> None:
        if len(self._open["news"]) < self.news.window - 1:
            title = self._make_title("news")
            self.news.posts.insert(0, (title, self._now()))
            self.ledger.owe("posted", title)

    def clear_queue(self) -> None:
        """Empty the queue for good, title by title at once; nothing of it may be open."""
        assert not self._open["queue"]
        for each in list(self.world.queue):
            self.world.remove(title=each.title.id)
            self.ledger.owe("removed", each.title.name)
            self._open["queue"].append(each.title.name)


LISTS = ("queue", "history", "ratings", "recommendations")
