"""What the API answers, as values: read from either dialect, in XML or JSON (documents).

A `ref` is the address by which the API calls a title or a person, as the server wrote it. Its host is no part
of an identity, and nobody is asked there: what is asked for is its path, at the account's own server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from feedwatch.core.model import Reason
from feedwatch.core.statuses import Action

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T_co]):
    """A page of a list, and what the list says of itself. `etag` is that in the body.

    `unread` is how many entries it has beside, of which nobody can tell what they are about.
    """

    items: tuple[T_co, ...]
    total: int | None = None
    start_index: int = 0
    etag: str | None = None
    unread: int = 0

    @property
    def count(self) -> int:
        """How many entries the page has, read or not."""
        return len(self.items) + self.unread


@dataclass(frozen=True, slots=True)
class Link:
    """A link to what belongs to a title or a person; `relation` is the last part of its rel (`synopsis`)."""

    relation: str
    href: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class CatalogTitle:
    """A title of the catalog, as far as a reply tells of it.

    `box_art` holds addresses by size (`small`, `medium`, `large`). `links` lead to more (`find_link`); `page`
    is the title's page for a person. Ratings are numbers of stars, as texts.
    """

    ref: str
    name: str
    short_name: str = ""
    sort_name: str = ""
    episode_name: str = ""
    year: int | None = None
    certificate: str | None = None
    average_rating: str | None = None
    predicted_rating: str | None = None
    runtime: timedelta | None = None
    genres: tuple[str, ...] = ()
    box_art: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None
    official_page: str | None = None
    links: tuple[Link, ...] = ()
    etag: str | None = None

    def find_link(self, relation: str) -> Link | None:
        """The first link of a relation (`cast`, `similars`, `seasons`); None without one."""
        return next((link for link in self.links if link.relation == relation), None)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who took part in titles."""

    ref: str
    name: str
    biography: str = ""
    page: str | None = None
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A subscriber."""

    user_id: str = field(repr=False)
    first_name: str = ""
    last_name: str = ""
    can_instant_watch: bool | None = None
    links: tuple[Link, ...] = ()

    @property
    def name(self) -> str:
        """First and last name, as far as they are told."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


@dataclass(frozen=True, slots=True)
class QueueItem:
    """An entry of a queue. One that is saved, not yet to be had, has no position."""

    id: str = field(repr=False)
    title: CatalogTitle
    position: int | None = None
    availability: str | None = None
    saved: bool = False
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueChange:
    """What a change of a queue brought: its new etag (None after a DELETE), and what was made or moved.

    `partial` says that only some titles of a set were added (201, sub code 640).
    """

    items: tuple[QueueItem, ...] = ()
    etag: str | None = None
    message: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Viewing:
    """A title watched, and when."""

    id: str = field(repr=False)
    title: CatalogTitle
    watched_at: datetime | None = None
    viewed_time: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TitleRating:
    """What a subscriber gave a title: `1` to `5`, `not_interested`, or None where there is only a prediction.

    `id` is the address of the rating, by which it is changed.
    """

    id: str = field(repr=False)
    title: CatalogTitle
    rating: str | None = None
    predicted_rating: str | None = None


@dataclass(frozen=True, slots=True)
class RatingChange:
    """What giving a rating brought: its address, where the reply names it."""

    id: str | None = field(default=None, repr=False)
    message: str = ""


@dataclass(frozen=True, slots=True)
class TitleState:
    """How a subscriber stands to a title: in the queue already, to be played at once, to be added."""

    ref: str
    queued: bool = False
    playable: bool = False
    addable: bool = False


@dataclass(frozen=True, slots=True)
class Synopsis:
    """What a title is about, as text; `short` where the reply has a shorter one too."""

    text: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class ScreenFormat:
    """The shape of the picture (`Widescreen 2.35:1`), and in which form of the title it is so."""

    shape: str
    form: str = ""


@dataclass(frozen=True, slots=True)
class FormatAvailability:
    """In which form a title can be had, from when and until when, where that is said."""

    form: str
    available_from: datetime | None = None
    available_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Award:
    """An award that a title got, or was nominated for."""

    name: str
    category: str = ""
    year: int | None = None
    won: bool = False
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """A language that a title can be heard in, with the sounds it has, or read in (`subtitles`)."""

    name: str
    sounds: tuple[str, ...] = ()
    subtitles: bool = False
    form: str = ""


@dataclass(frozen=True, slots=True)
class ApiFailed:
    """A call that came to nothing, and what is to be done about it.

    `message` is the server's own, with nothing in it that could be a token; `status` is None where nobody
    answered. `sub_code` is taken from the message where the server has left it out. `says` tells a person
    what it means, and what to do. `may_have_happened` says of a change that nobody knows whether the server
    made it; `host` is who refused, as in `FetchFailed`.
    """

    action: Action
    reason: Reason
    message: str = ""
    status: int | None = None
    sub_code: int | None = None
    retry_after: timedelta | None = None
    server_at: datetime | None = None
    may_have_happened: bool = False
    says: str = ""
    host: str | None = None

    @property
    def sentence(self) -> str:
        """What to tell a person: what it means, else what the server said, else the reason's name."""
        return self.says or self.message or self.reason.replace("_", " ")
