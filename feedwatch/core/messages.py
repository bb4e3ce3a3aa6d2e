"""What is owed and told: deliveries, stories, messages, and what became of sending them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from feedwatch.core.model import Notice, Reason, RecordedChange


class WaitsFor(StrEnum):
    """Why a delivery is not due yet."""

    GATHERING = "gathering"
    DIGEST = "digest"
    QUIET = "quiet"


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class OwedDelivery:
    """One change, or one notice, owed to one address.

    `recommended` says that the title of a queue's change is, or was within `keep`, on the account's list
    of recommendations.
    """

    id: int
    address: str
    subject: RecordedChange | Notice
    recommended: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """Deliveries that are told as one: what happened to one title, or one notice.

    `changes` are in the order in which they were recorded, and none for a notice; `deliveries` are the ids
    of all that it tells, in the same order.
    """

    deliveries: tuple[int, ...]
    changes: tuple[RecordedChange, ...] = ()
    notice: Notice | None = None
    recommended: bool = False


@dataclass(frozen=True, slots=True)
class PictureLink:
    """A picture that belongs to a message: where it is, and the name under which the body refers to it.

    `own` as in `Details`.
    """

    url: str = field(repr=False)
    name: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was fetched."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to send, and the ids of the deliveries that it tells, of those offered.

    `twin` is the same in plain text, where a service takes both.
    """

    deliveries: tuple[int, ...]
    title: str
    body: str
    markup: Markup
    twin: str = ""
    pictures: tuple[PictureLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it is handed to a service.

    `key` is the same each time this message is sent, and no other message's: a receiver can tell a repeat
    by it. `repeated` says that it may have arrived before: where the body cannot say so, a header does.
    """

    title: str
    body: str
    markup: Markup
    twin: str = ""
    key: str = ""
    pictures: tuple[Picture, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted has been answered, with whatever status."""

    status: int
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class PostFailed:
    """What was posted has not been answered. `detail` holds nothing of the address."""

    detail: str
    may_have_arrived: bool


PostOutcome = Posted | PostFailed


@dataclass(frozen=True, slots=True)
class Delivered:
    """The service took the message."""


@dataclass(frozen=True, slots=True)
class NotifyFailed:
    """The service did not take the message.

    `REFUSED`: it answered, and would not have this message; `RATE_LIMITED`: it asked for rest;
    `UNREACHABLE`: no answer, or a fault of its own (5xx). `partly` says that some of the recipients behind
    the address took it.
    """

    reason: Reason
    detail: str = ""
    retry_after: timedelta | None = None
    partly: bool = False


@dataclass(frozen=True, slots=True)
class NotifyTimedOut:
    """No answer came in time, or before the connection broke; the message may have arrived (ambiguous)."""


NotifyOutcome = Delivered | NotifyFailed | NotifyTimedOut


class Markup(StrEnum):
    """The form of a body: what an address's service makes of it."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Style:
    """How a message must look for one address.

    `limit` is how much title and body may take together, `title_limit` the title alone, in UTF-16 code
    units. `mentions` are, between spaces, what a service turns into a call to people or groups and
    must be defused; `escape` the characters that it would take for markup in a body, `title_escape`
    those in a title. Where a service is not `titled`, the title stands above the body, in one text.
    `pictures` is how many pictures it shows with one message, `inline` whether they may stand within the
    body; `twin` whether it takes a plain text beside HTML. With `in_bytes` the limit is in bytes of UTF-8.
    """

    markup: Markup = Markup.TEXT
    titled: bool = True
    limit: int = 4000
    title_limit: int = 250
    mentions: str = ""
    escape: str = ""
    title_escape: str = ""
    pictures: int = 0
    inline: bool = False
    twin: bool = False
    in_bytes: bool = False


class MessageState(StrEnum):
    """Where a message is on its way."""

    PENDING = "pending"
    CLAIMED = "claimed"
    PAUSED = "paused"
    DELIVERED = "delivered"
    DEAD = "dead"
