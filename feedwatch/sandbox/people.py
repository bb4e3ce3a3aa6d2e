"""The people of the catalog: nobody real, and the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_GIVEN = (
    *("Odalys", "Bramwell", "Inés", "Jørn", "Thessaly", "Okwudi", "Zoë", "Marguerida", "Lucjan", "Petronel"),
    *(
        "Anneliese",
        "Corvin",
        "Sunniva",
        "Iolanthe",
        "Teodric",
        "Nkechi",
        "Rohanna",
        "Dariel",
        "Ysolde",
        "Fintan",
    ),
)
_FAMILY = (
    *("Fernbrook", "Valdorán", "Åkervik", "Hollowmere", "Quillfeather", "Brânzescu", "O'Tannely", "Marrowby"),
    *("Tessendorp", "Kestrelwood", "Ludovar", "Pellinghast", "Szarnecky", "Umbermoor", "Wexholme"),
)
_BIRTHPLACES = ("Lower Marrow", "Port Ellery", "Sankt Osk", "Vila Bruma", "Tarn Hollow", "Greywater")
_BEGINNINGS = (
    "selling tickets",
    "painting scenery",
    "reading the weather on the radio",
    "dubbing cartoons",
)
_FIRST_ID = 20_000_000
_DIRECTORS = 60


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts or directs; not everybody has a biography."""

    id: int
    name: str
    biography: str

    @property
    def path(self) -> str:
        """Their place in the catalog."""
        return f"/catalog/people/{self.id}"


@lru_cache(maxsize=1)
def list_people() -> tuple[Person, ...]:
    """Everybody: 300 people, the first 60 of whom direct, and some of those act as well."""
    names = [f"{given} {family}" for family in _FAMILY for given in _GIVEN]
    return tuple(
        Person(_FIRST_ID + 13 * n, name, "" if n % 4 == 3 else _write_biography(n, name))
        for n, name in enumerate(names)
    )


def list_directors() -> tuple[Person, ...]:
    """Those who direct."""
    return list_people()[:_DIRECTORS]


def list_actors() -> tuple[Person, ...]:
    """Those who act."""
    return list_people()[_DIRECTORS // 2 :]


def find_person(number: int) -> Person | None:
    """The person of an id."""
    place, rest = divmod(number - _FIRST_ID, 13)
    people = list_people()
    return people[place] if rest == 0 and 0 <= place < len(people) else None


def _write_biography(number: int, name: str) -> str:
    given = name.partition(" ")[0]
    born = f"{1921 + number * 11 % 70} in {_BIRTHPLACES[number % len(_BIRTHPLACES)]}"
    return (
        f"Born in {born}, {name} began by {_BEGINNINGS[number % len(_BEGINNINGS)]} & never quite stopped."
        f"<p>{given} is known for long silences, short films and a dislike of umbrellas."
    )
