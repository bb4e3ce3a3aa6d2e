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


class FeedState(StrEnum):
    """How a feed fares."""

    NEW = "new"
    OK = "ok"
    FAILING = "failing"
    HELD = "held"
    SIGNED_OUT = "signed_out"
    PAUSED = "paused"
    RETIRED = "retired"


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


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class RawEntry:
    """One element of a feed document as it was read, before it has a key.

    `title_ref` is the link to the catalog title (the identity), `link` the page for a person.
    `facts` holds what the document says under our own names: availability, rating,
    predicted_rating, average_rating, year, category (names with a comma and a space between). `texts` is what
    a post says, to be digested where that is compared (`core/content.py`); of one that another process has
    read, the digest is among its facts (`content`).
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
    texts: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One reply read: its entries in document order and what it says about the list as a whole.

    `total` and `start_index` are the list's own account of itself (number_of_results, OpenSearch);
    `etag` is the etag in the body, not the header; `complete` is set when the document says that it
    is the whole list (RFC 5005 fh:complete, cf:treatAs list). `entangled` says that what is read of one
    entry may depend on others: so it is with feedparser, which takes the base of one for all behind it.
    """

    form: Form
    entries: tuple[RawEntry, ...]
    total: int | None = None
    start_index: int | None = None
    etag: str | None = None
    complete: bool = False
    ttl: timedelta | None = None
    entangled: bool = False


class Form(StrEnum):
    """The form a feed's document came in."""

    ATOM = "atom"
    PLAIN = "plain"
    RSS = "rss"
    JSON = "json"


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
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

    `alone` says that each entry was read as it would be whatever else its list held: no other had a say in
    its key, its place or its date. Then it need not be read again for as long as it is as it was. A viewing
    never is: what a window leaves out is looked for by all that it shows.
    """

    entries: tuple[Entry, ...]
    whole: bool
    ordered: bool = False
    alone: bool = field(default=False, compare=False)


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


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class Validators:
    """ETag and Last-Modified, byte for byte as the server sent them (latin-1 as HTTP has it).

    They are of one document: `place` says which address gave it, where redirects led there (a digest).
    """

    etag: str | None = None
    last_modified: str | None = None
    place: str | None = None

    def __bool__(self) -> bool:
        return self.etag is not None or self.last_modified is not None


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
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


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
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
    that it takes (405); `host` who refused, as `host_of` gives it. `led` says that a redirect led there which
    is not for good: the next may lead elsewhere.
    """

    reason: Reason
    detail: str = ""
    status: int | None = None
    retry_after: timedelta | None = None
    body: bytes = field(default=b"", repr=False)
    server_at: datetime | None = None
    allow: str = ""
    host: str | None = None
    led: bool = False

    @property
    def silence(self) -> Reason | None:
        """Why nobody answered, if it is so; None where somebody did, whatever went wrong then."""
        return self.reason if self.status is None else None


FetchOutcome = Fetched | NotModified | FetchFailed


@dataclass(frozen=True, slots=True)
class Answered:
    """Any 2xx to a call of an API, and its whole body.

    `url` is where it came from.
    """

    status: int
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    content_type: str | None = None
    server_at: datetime | None = None


AskOutcome = Answered | FetchFailed


@dataclass(frozen=True, slots=True)
class ParseFailed:
    """The document is no feed that can be believed."""

    reason: Reason
    detail: str = ""
