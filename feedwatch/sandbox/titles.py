"""A title of the catalog: what every list and every document of the sandbox speaks of."""

from __future__ import annotations

from dataclasses import dataclass

GENRES = ("Classics", "Comedy", "Documentary", "Drama", "Foreign", "Horror", "Sci-Fi & Fantasy", "Thrillers")


@dataclass(frozen=True, slots=True)
class Title:
    """A title of the catalog. `place` says what it is, and is where it stands below `catalog/titles`.

    It is `movies`, `series`, `series/<id>/seasons`, `programs` or `discs`.
    """

    id: int
    name: str
    year: int
    place: str = "movies"

    @property
    def path(self) -> str:
        """Its place in the catalog."""
        return f"/catalog/titles/{self.place}/{self.id}"

    @property
    def kind(self) -> str:
        """What it is: `movies`, `series`, `seasons`, `programs` or `discs`."""
        return self.place.rpartition("/")[2]

    @property
    def genres(self) -> tuple[str, ...]:
        """What it is, as far as anybody can tell from a number: one genre, or two."""
        first, second = self.id % len(GENRES), self.id // 7 % len(GENRES)
        return (GENRES[first],) if self.id % 3 == 0 or first == second else (GENRES[first], GENRES[second])
