"""A queue that keeps the API's rules about etags, and that a test can have changed behind a client's back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from apiserver import NO_WORD, Answer, Asked, status

_USER = "http://api.netflix.com/users/T1user-"


def film(number: int) -> str:
    """The address of a film."""
    return f"http://api.netflix.com/catalog/titles/movies/{number}"


@dataclass
class QueueServer:
    """Titles in order. `before` holds what happens before the next changes; `lost` how many get no answer."""

    titles: list[int]
    etag: int = 100
    before: list[Callable[[QueueServer], object]] = field(default_factory=list)
    lost: int = 0
    lost_before: int = 0
    refusal: Answer | None = None
    stale: list[str] = field(default_factory=list)
    """What is given to readers in place of the queue as it is: readings of some time ago."""
    bare: bool = False
    """Refusals have no sub code: real ones often had none."""
    saved: list[int] = field(default_factory=list)

    def add(self, number: int, place: int | None = None) -> None:
        """Add or move a title, as somebody else or a call does."""
        if number in self.titles:
            self.titles.remove(number)
        self.titles.insert(len(self.titles) if place is None else place - 1, number)
        self.etag += 1

    def remove(self, number: int) -> None:
        """Remove a title."""
        self.titles.remove(number)
        self.etag += 1

    def __call__(self, asked: Asked) -> Answer:
        """Answer a call."""
        if asked.method == "GET":
            return Answer(200, self.stale.pop(0) if self.stale else self.write())
        if self.before:
            self.before.pop(0)(self)
        if self.lost_before:  # no answer, and nothing done
            self.lost_before -= 1
            return NO_WORD
        answer = self._post(asked) if asked.method == "POST" else self._delete(asked)
        if self.lost:  # done, and no answer
            self.lost -= 1
            return NO_WORD
        return answer

    def _post(self, asked: Asked) -> Answer:
        number = int(asked.parameters["title_ref"].rpartition("/")[2])
        place = asked.parameters.get("position")
        if self.refusal is not None:
            return self.refusal
        if asked.parameters.get("etag") != str(self.etag):
            return status(412, "Precondition failed. Resource has been modified.")
        if place is None and number in self.titles:
            return status(412, "Title already in queue", None if self.bare else 710)
        self.add(number, int(place) if place else None)
        made = f"<resources_created>{self._item(number)}</resources_created><etag>{self.etag}</etag>"
        return status(201, "Move successful", more=made)

    def _delete(self, asked: Asked) -> Answer:
        place, _, number = asked.path.partition("/available/")[2].partition("/")
        if self.titles[int(place) - 1 : int(place)] != [int(number)]:
            return status(404, "Resource not found", 610)
        self.remove(int(number))
        return status(200, "Removed")

    def write(self) -> str:
        """The queue as a document."""
        items = "".join(map(self._item, [*self.titles, *self.saved]))
        count = len(self.titles) + len(self.saved)
        head = f"<etag>{self.etag}</etag><number_of_results>{count}</number_of_results>"
        return f"<queue>{head}{items}</queue>"

    def _item(self, number: int) -> str:
        place = f"available/{self.titles.index(number) + 1}" if number in self.titles else "saved"
        return (
            f"<queue_item><id>{_USER}/queues/instant/{place}/{number}</id>"
            f'<link href="{film(number)}" rel="http://schemas.netflix.com/id" title="title"/>'
            f'<title regular="Film {number}"/></queue_item>'
        )
