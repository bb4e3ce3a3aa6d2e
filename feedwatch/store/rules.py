"""What the model of the tables forbids, each as a query for what breaks it.

A rule of `IS_READABLE` says that the state can be read at all: where one is broken, the daemon would stumble
over it sooner or later. The others (`ADDS_UP`) say that its parts agree with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from feedwatch.core.messages import Markup, MessageState, WaitsFor
from feedwatch.core.model import ChangeKind, FeedState, Kind, NoticeKind, Reason


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be: its name, a sentence's end, and a query for what it is broken by, as texts.

    The query may ask for the instant `:now`.
    """

    name: str
    forbids: str
    sql: str


_DELIVERY_STATES = ("pending", "bound", "delivered", "dead")
_WORDS: Mapping[tuple[str, str], type[StrEnum] | tuple[str, ...]] = {
    ("accounts", "reason"): Reason,
    ("feeds", "kind"): Kind,
    ("feeds", "state"): FeedState,
    ("feeds", "reason"): Reason,
    ("feeds", "held_reason"): Reason,
    ("changes", "feed_kind"): Kind,
    ("changes", "kind"): ChangeKind,
    ("notices", "kind"): NoticeKind,
    ("messages", "state"): MessageState,
    ("messages", "reason"): Reason,
    ("messages", "markup"): Markup,
    ("messages", "waits_for"): (WaitsFor.QUIET.value,),
    ("deliveries", "state"): _DELIVERY_STATES,
    ("deliveries", "reason"): Reason,
    ("deliveries", "waits_for"): WaitsFor,
    ("hosts", "reason"): Reason,
}
INSTANTS = {
    "accounts": ("failing_since_at", "next_index_at"),
    "addresses": ("last_delivered_at", "paused_at", "failing_since_at"),
    "changes": ("at",),
    "digests": ("period_at",),
    "deliveries": ("not_before", "set_apart_at", "first_attempt_at", "settled_at"),
    "departed": ("left_at",),
    "entries": ("dated_at", "first_seen_at"),
    "feeds": ("last_polled_at", "next_poll_at", "failing_since_at", "believed_at", "paused_at"),
    "hosts": ("rest_until_at",),
    "list_orders": (),
    "messages": (
        "set_apart_at",
        "next_attempt_at",
        "lease_until_at",
        "created_at",
        "first_attempt_at",
        "settled_at",
    ),
    "notices": ("at", "since_at"),
    "queue_readings": ("at",),
    "sign_ins": ("at",),
    "silences": ("created_at", "ends_at"),
    "title_details": ("at",),
}
"""Every table, and what in it is an instant."""
_JSON = {
    "object": {
        "accounts": ("facts",),
        "entries": ("facts",),
        "changes": ("facts", "entry_facts"),
        "title_details": ("details",),
    },
    "array": {
        "feeds": ("validators", "left_etags"),
        "list_orders": ("entry_order",),
        "notices": ("feeds",),
        "messages": ("pictures",),
        "queue_readings": ("left_etags", "titles"),
    },
}
_TUPLES = (
    ("feeds", "validators", 2),
    ("notices", "feeds", 2),
    ("changes", "facts", 2),
    ("messages", "pictures", 3),
    ("queue_readings", "titles", 3),
)
"""What holds lists of so many, and nothing else."""
_DIGIT = "[0-9]"
_INSTANT = "-".join((_DIGIT * 4, _DIGIT * 2, _DIGIT * 2)) + "T" + ":".join([_DIGIT * 2] * 3)
_INSTANT += "." + _DIGIT * 6 + "Z"


def _find_words() -> str:
    """What holds a word that is none of those it may hold."""
    parts = []
    for (table, column), words in _WORDS.items():
        known = ", ".join(f"'{word}'" for word in words)
        parts.append(f"SELECT '{table}.{column}' FROM {table} WHERE {column} NOT IN ({known})")  # noqa: S608
    return " UNION ALL ".join(parts)


def _find_instants() -> str:
    """What holds no instant, or one that no calendar has."""
    parts = []
    for table, columns in INSTANTS.items():
        for column in columns:
            # Nothing is added, but made to be reckoned with: a 30th of February is another day then. Only
            # to the second: SQLite rounds what is beyond a millisecond, up into the next second.
            to_the_second = f"substr({column}, 1, 19)"
            wrong = (
                f"{column} NOT GLOB '{_INSTANT}' "
                f"OR strftime('%Y-%m-%dT%H:%M:%S', {to_the_second}, '+0 days') IS NOT {to_the_second}"
            )
            parts.append(f"SELECT '{table}.{column}' FROM {table} WHERE {column} IS NOT NULL AND ({wrong})")  # noqa: S608
    return " UNION ALL ".join(parts)


def _find_json() -> str:
    """What holds no JSON, or JSON of another form."""
    parts = []
    for form, tables in _JSON.items():
        for table, columns in tables.items():
            parts += [
                f"SELECT '{table}.{column}' FROM {table} "  # noqa: S608
                f"WHERE NOT json_valid({column}) OR json_type({column}) <> '{form}'"
                for column in columns
            ]
    for table, column, length in _TUPLES:
        values = f"json_each(CASE WHEN json_valid({column}) THEN {column} END) AS part"
        is_none = f"CASE part.type WHEN 'array' THEN json_array_length(part.value) END IS NOT {length}"
        parts.append(
            f"SELECT '{table}.{column}' FROM {table} WHERE EXISTS (SELECT 1 FROM {values} WHERE {is_none})"  # noqa: S608
        )
    return " UNION ALL ".join(parts)


_FEED = "feeds.account || '/' || feeds.name"
_FEEDS_IN_ORDER = """
(SELECT feeds.*, coalesce(list_orders.entry_order, '[[],[]]') AS entry_order
    FROM feeds LEFT JOIN list_orders ON list_orders.feed_id = feeds.id) AS feeds
"""
_PLACES = """
json_each(CASE WHEN json_valid(entry_order) THEN entry_order END) AS part, json_each(part.value) AS place
"""
# A key may hold a NUL, written before feedwatch took it out; SQLite reads none of what follows it in JSON.
_IS_READ_WHOLE = r"instr(entry_order, '\u0000') = 0"
_OWED = "deliveries.state IN ('pending', 'bound')"
_OPEN = "messages.state IN ('pending', 'claimed', 'paused')"
_DONE = "messages.state IN ('delivered', 'dead')"

IS_READABLE = (
    Rule("words", "a word that feedwatch does not know stands in", _find_words()),
    Rule("instants", "what is no instant stands in", _find_instants()),
    Rule("values", "what is no JSON, or of another form, stands in", _find_json()),
    Rule(
        "order",
        "the order of a list and its entries differ:",
        f"""
        SELECT {_FEED} FROM {_FEEDS_IN_ORDER} WHERE {_IS_READ_WHOLE} AND (
            (SELECT count(*) || ' ' || count(DISTINCT place.value) FROM {_PLACES})
            <> (SELECT count(*) || ' ' || count(*) FROM entries WHERE feed_id = feeds.id)
            OR EXISTS (
                SELECT 1 FROM {_PLACES}
                LEFT JOIN entries ON entries.feed_id = feeds.id AND entries.key = place.value
                WHERE entries.key IS NULL))
        """,  # noqa: S608 — only our own text
    ),
)

ADDS_UP = (
    Rule(
        "entry count",
        "the count of a list is not how many entries it has:",
        f"""
        SELECT {_FEED} FROM feeds
        WHERE entry_count <> (SELECT count(*) FROM entries WHERE feed_id = feeds.id)
        """,  # noqa: S608 — only our own text
    ),
    Rule(
        "poll numbers",
        "a poll has landed that was never taken:",
        f"SELECT {_FEED} FROM feeds WHERE landed_number > poll_number",  # noqa: S608 — only our own text
    ),
    Rule(
        "changes",
        "a change is of a feed that there is not:",
        "SELECT 'change ' || id FROM changes WHERE feed_id NOT IN (SELECT id FROM feeds)",
    ),
    Rule(
        "owed",
        "what is owed has been forgotten:",
        f"""
        SELECT 'delivery ' || deliveries.id FROM deliveries
        LEFT JOIN changes ON changes.id = change_id LEFT JOIN notices ON notices.id = notice_id
        WHERE {_OWED} AND changes.id IS NULL AND notices.id IS NULL
        """,  # noqa: S608 — only our own text
    ),
    Rule(
        "bound deliveries",
        "a delivery is bound, but into no message that waits:",
        f"""
        SELECT 'delivery ' || deliveries.id FROM deliveries
        LEFT JOIN messages ON messages.id = message_id AND {_OPEN}
        WHERE deliveries.state = 'bound' AND messages.id IS NULL
        """,  # noqa: S608 — only our own text
    ),
    Rule(
        "pending deliveries",
        "a delivery is pending, but in a message:",
        "SELECT 'delivery ' || id FROM deliveries WHERE state = 'pending' AND message_id IS NOT NULL",
    ),
    Rule(
        "settled deliveries",
        "a delivery is settled without an instant, or not settled with one:",
        f"SELECT 'delivery ' || id FROM deliveries WHERE ({_OWED}) <> (settled_at IS NULL)",  # noqa: S608 — only our own text
    ),
    Rule(
        "silences",
        "a delivery is kept back by a silence that there is not, or is owed all the same:",
        """
        SELECT 'delivery ' || id FROM deliveries WHERE silence_id IS NOT NULL
        AND (state <> 'dead' OR message_id IS NOT NULL OR silence_id NOT IN (SELECT id FROM silences))
        """,
    ),
    Rule(
        "digests",
        "a digest has parts, or is of deliveries, that there never were:",
        """
        SELECT address || ' ' || period_at FROM digests WHERE parts < 0
        OR through_id > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'), 0)
        """,
    ),
    Rule(
        "addresses",
        "a delivery is in a message to another address:",
        """
        SELECT 'delivery ' || deliveries.id FROM deliveries JOIN messages ON messages.id = message_id
        WHERE deliveries.address <> messages.address
        """,
    ),
    Rule(
        "open messages",
        "a message waits that tells nothing, or another number of deliveries than it counts:",
        f"""
        SELECT 'message ' || messages.id FROM messages WHERE {_OPEN} AND (deliveries < 1 OR deliveries <>
            (SELECT count(*) FROM deliveries WHERE message_id = messages.id AND deliveries.state = 'bound'))
        """,  # noqa: S608 — only our own text
    ),
    Rule(
        "settled messages",
        "a message is settled without an instant, or not settled with one:",
        f"SELECT 'message ' || id FROM messages WHERE ({_DONE}) <> (settled_at IS NOT NULL)",  # noqa: S608 — only our own text
    ),
    Rule(
        "outcomes",
        "a message and what it told ended differently:",
        f"""
        SELECT DISTINCT 'message ' || messages.id FROM messages
        JOIN deliveries ON deliveries.message_id = messages.id
        WHERE {_DONE} AND deliveries.state <> messages.state
        """,  # noqa: S608 — only our own text
    ),
    Rule(
        "claims",
        "a message is claimed, but by nobody or for no time:",
        """
        SELECT 'message ' || id FROM messages
        WHERE state = 'claimed' AND (token IS NULL OR owner IS NULL OR lease_until_at IS NULL)
        """,
    ),
    Rule(
        "one at a time",
        "two messages are under way at once for",
        """
        SELECT address FROM messages WHERE state = 'claimed' AND lease_until_at > :now
        GROUP BY address HAVING count(*) > 1
        """,
    ),
)
