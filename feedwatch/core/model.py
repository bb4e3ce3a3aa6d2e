"""The words of feedwatch as data: frozen values and enums that every other module speaks.

Instants are aware UTC datetimes and end in `_at`; durations are timedeltas. Positions count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

# ── feeds and what they list ──────────────────────────────────────────────────────────────────────


class Kind(StrEnum):
    """What a feed lists."""

    QUEUE = "queue"
    HISTORY = "history"
    RATINGS = "ratings"
    RECOMMENDATIONS = "recommendations"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """One feed as an account's index names it. `address` is a secret when it carries a token.

    With `plain` it is asked for in the API's plain XML, though its address names Atom.
    """

    name: str
    kind: Kind
    address: str = field(repr=False)
    title: str | None = None
    group: str | None = None
    every: timedelta | None = None
    announce_baseline: bool = False
    compare_content: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What a document shows of a title beside what is kept of it for good: never compared.

    `picture` is the address of its first picture, `text` the start of its text on one line. Both are
    forgotten after a day (design, section 8.5). `own` says that the picture is at the very server that the
    document came from: it may be asked for there, wherever that is. `title_ref` is the path of the title in
    its service's catalog (`/catalog/titles/movies/60001`): by it more can be asked for. `more` is what came
    of that, or of TMDB; None while nothing has.
    """

    picture: str | None = None
    text: str = ""
    own: bool = False
    title_ref: str | None = None
    more: TitleDetails | None = None


@dataclass(frozen=True, slots=True)
class TitleDetails:
    """What a service knows of a title, to be told with a change and kept for a day: never compared.

    Ratings are numbers of stars, as texts (`3.7`); `picture` is the address of its box art, `picture_own` as
    `own` in `Details`. `queued` and `playable` say whether it is in the person's queue, and whether it can be
    watched; None: not known.
    """

    year: str | None = None
    certificate: str | None = None
    average_rating: str | None = None
    predicted_rating: str | None = None
    synopsis: str = ""
    picture: str | None = None
    queued: bool | None = None
    playable: bool | None = None
    picture_own: bool = False


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One element of a feed document as it was read, before it has a key.

    `title_ref` is the link to the catalog title (the identity), `link` the page for a person.
    `facts` holds what the document says under our own names: availability, rating,
    predicted_rating, average_rating, year, category (names with a comma and a space between), content (a
    digest).
    """

    id: str | None
    title: str
    link: str | None = None
    title_ref: str | None = None
    position: int | None = None
    saved: bool = False
    watched_at: datetime | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    details: Details = Details()


@dataclass(frozen=True, slots=True)
class Page:
    """One reply read: its entries in document order and what it says about the list as a whole.

    `total` and `start_index` are the list's own account of itself (number_of_results, OpenSearch);
    `etag` is the etag in the body, not the header; `complete` is set when the document says that it
    is the whole list (RFC 5005 fh:complete, cf:treatAs list).
    """

    form: Form
    entries: tuple[RawEntry, ...]
    total: int | None = None
    start_index: int | None = None
    etag: str | None = None
    complete: bool = False
    ttl: timedelta | None = None


class Form(StrEnum):
    """The form a feed's document came in."""

    ATOM = "atom"
    PLAIN = "plain"
    RSS = "rss"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One normalised item of a feed, identified by `key` within it.

    `position` is the rank in a list whose order counts, None for what has none (a saved title).
    `facts` are compared or recorded as the kind's rules say; `dated_at` places a post or viewing
    in time. `alias` is a second identity (link and title) that outlives a changed id; None where a
    title seen again is another entry (history). `details` are those of the reply that was just read, and so
    is `title_ref`, the path of the title in its catalog: an entry that is remembered has neither.
    """

    key: str
    title: str
    link: str | None = None
    position: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    dated_at: datetime | None = None
    alias: str | None = None
    details: Details = field(default=Details(), compare=False)
    title_ref: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The entries one poll saw, in order, and whether they are the whole list or a window on it.

    `ordered` is False where the order is not known (another sort was asked for and no entry
    carries a position): then no entry has a position.
    """

    entries: tuple[Entry, ...]
    whole: bool
    ordered: bool = False


# ── changes ───────────────────────────────────────────────────────────────────────────────────────


class ChangeKind(StrEnum):
    """How an entry differs between two snapshots."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact that differs; None where it was or is absent."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, with the entry before and after (None where it did not or does not exist).

    `moved` says that the place changed by more than others coming and going; an `updated` can carry it.
    """

    kind: ChangeKind
    before: Entry | None
    after: Entry | None
    facts: Mapping[str, FactChange] = field(default_factory=dict)
    moved: bool = False

    @property
    def position(self) -> int | None:
        """Where the entry is now; None when it is gone or has no place."""
        return self.after.position if self.after else None

    @property
    def previous_position(self) -> int | None:
        """Where a moved or removed entry was; None for all others."""
        gone_or_moved = self.moved or self.after is None
        return self.before.position if self.before and gone_or_moved else None

    @property
    def entry(self) -> Entry:
        """The entry the change is about: as it is now, or as it was."""
        entry = self.after or self.before
        assert entry is not None
        return entry


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change as the store keeps it, with the feed it happened on."""

    id: int
    at: datetime
    account: str
    feed: str
    feed_kind: Kind
    kind: ChangeKind
    key: str
    title: str
    link: str | None
    position: int | None
    previous_position: int | None
    facts: Mapping[str, FactChange]
    entry_facts: Mapping[str, str] = field(default_factory=dict)
    details: Details = Details()


# ── what feedwatch says about itself ──────────────────────────────────────────────────────────────


class NoticeKind(StrEnum):
    """What feedwatch says about itself."""

    WATCHING = "watching"
    FEED_BROKEN = "feed_broken"
    FEED_RECOVERED = "feed_recovered"
    FEEDS_FOUND = "feeds_found"
    FEED_RETIRED = "feed_retired"
    SIGNED_OUT = "signed_out"
    ACCOUNT_BROKEN = "account_broken"
    ACCOUNT_RECOVERED = "account_recovered"
    TARGET_FAILING = "target_failing"
    TARGET_RECOVERED = "target_recovered"
    STATE_DAMAGED = "state_damaged"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One feed a notice speaks of, as `account/name`, with how many entries it has."""

    feed: str
    entries: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice: its kind, the account or feeds it is about, why, and since when.

    One that is about a target has the address, `target/1`, in place of an account.
    """

    kind: NoticeKind
    at: datetime
    account: str | None = None
    feeds: tuple[NoticeLine, ...] = ()
    reason: str | None = None
    since_at: datetime | None = None


# ── outcomes of a fetch ───────────────────────────────────────────────────────────────────────────


class Reason(StrEnum):
    """Why a poll failed: what is stored, logged and shown. Never a sentence."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    CUT_SHORT = "cut_short"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    PROTOCOL = "protocol"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    REDIRECT_REFUSED = "redirect_refused"
    BAD_ADDRESS = "bad_address"
    PRIVATE_ADDRESS = "private_address"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    WRONG_CLOCK = "wrong_clock"
    NO_TURN = "no_turn"
    BAD_TOKEN = "bad_token"  # noqa: S105 — a reason, not a secret
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    GONE = "gone"
    RATE_LIMITED = "rate_limited"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    EMPTY_BODY = "empty_body"
    NOT_A_FEED = "not_a_feed"
    ERROR_DOCUMENT = "error_document"
    MALFORMED = "malformed"
    HOSTILE = "hostile"
    PARSER_KILLED = "parser_killed"
    TORN = "torn"
    INTERNAL = "internal"
    # not of a poll that failed, but of a feed's or account's state
    TURNED_EMPTY = "turned_empty"
    LOST_MOST = "lost_most"
    STALE_READ = "stale_read"
    LEFT_INDEX = "left_index"
    NOT_CONFIGURED = "not_configured"
    NO_CREDENTIALS = "no_credentials"
    # of a delivery
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    AMBIGUOUS = "ambiguous"
    GAVE_UP = "gave_up"
    TARGET_GONE = "target_gone"
    DROPPED = "dropped"
    SILENCED = "silenced"


NETWORK_REASONS = frozenset({Reason.DNS, Reason.CONNECT, Reason.TIMEOUT})
"""No host answered: it may be our own network (design, section 7, last row)."""


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified, byte for byte as the server sent them (latin-1 as HTTP has it)."""

    etag: str | None = None
    last_modified: str | None = None

    def __bool__(self) -> bool:
        return self.etag is not None or self.last_modified is not None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 200 and its whole body. `moved_to` is set when every hop on the way was permanent.

    `requested_at` is by our clock, `server_at` by the server's own, where it says so.
    """

    body: bytes = field(repr=False)
    validators: Validators
    url: str = field(repr=False)
    requested_at: datetime
    content_type: str | None = None
    max_age: timedelta | None = None
    moved_to: str | None = field(default=None, repr=False)
    server_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """A 304. A server may send fresher validators with it; `moved_to` as for a whole reply."""

    validators: Validators
    max_age: timedelta | None = None
    moved_to: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """No usable reply. `detail` is redacted; `body` is the start of an error reply's body.

    `status` is what the last reply said whose headers came, on the way or of a page before; None where
    nobody answered at all. `server_at` is the server's own clock, where it says so; `allow` the methods
    that it takes (405).
    """

    reason: Reason
    detail: str = ""
    status: int | None = None
    retry_after: timedelta | None = None
    body: bytes = field(default=b"", repr=False)
    server_at: datetime | None = None
    allow: str = ""

    @property
    def silence(self) -> Reason | None:
        """Why nobody answered, if it is so; None where somebody did, whatever went wrong then."""
        return self.reason if self.status is None else None


FetchOutcome = Fetched | NotModified | FetchFailed


@dataclass(frozen=True, slots=True)
class Answered:
    """Any 2xx to a call of an API, and its whole body.

    `url` is where it came from; `location` names what was made (201), where the server says so.
    """

    status: int
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    content_type: str | None = None
    location: str | None = field(default=None, repr=False)
    server_at: datetime | None = None


AskOutcome = Answered | FetchFailed


@dataclass(frozen=True, slots=True)
class ParseFailed:
    """The document is no feed that can be believed."""

    reason: Reason
    detail: str = ""


# ── telling ───────────────────────────────────────────────────────────────────────────────────────


class WaitsFor(StrEnum):
    """Why a delivery is not due yet."""

    GATHERING = "gathering"
    DIGEST = "digest"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
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
    `UNREACHABLE`: no answer, or a fault of its own (5xx).
    """

    reason: Reason
    detail: str = ""
    retry_after: timedelta | None = None


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


class FeedState(StrEnum):
    """How a feed fares."""

    NEW = "new"
    OK = "ok"
    FAILING = "failing"
    HELD = "held"
    SIGNED_OUT = "signed_out"
    PAUSED = "paused"
    RETIRED = "retired"


class MessageState(StrEnum):
    """Where a message is on its way."""

    PENDING = "pending"
    CLAIMED = "claimed"
    PAUSED = "paused"
    DELIVERED = "delivered"
    DEAD = "dead"
