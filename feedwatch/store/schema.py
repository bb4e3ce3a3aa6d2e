"""The tables, as an append-only list of migrations. What has been released is never edited.

Instants are text of one width in UTC (they sort as they read); lists and mappings are JSON.
"""

from __future__ import annotations

APPLICATION_ID = 0x66656564
"""Says in the file's header that it is a feedwatch state ("feed")."""

_FIRST = """
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    configured INTEGER NOT NULL,
    stamp TEXT NOT NULL,                  -- digest of the credentials: a new one ends signed_out
    signed_out INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    detail TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since_at TEXT,
    broken_announced INTEGER NOT NULL DEFAULT 0,
    next_index_at TEXT,                   -- NULL: not to be asked (signed out)
    facts TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE feeds (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,                -- where it is asked for: may have moved (301) from the next
    named_address TEXT NOT NULL,          -- where the index says it is
    title TEXT,
    feed_group TEXT,
    every_seconds REAL,
    announce_baseline INTEGER NOT NULL DEFAULT 0,
    compare_content INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'new',
    reason TEXT,
    detail TEXT NOT NULL DEFAULT '',
    missing_indexes INTEGER NOT NULL DEFAULT 0,
    last_polled_at TEXT,
    next_poll_at TEXT NOT NULL,
    poll_number INTEGER NOT NULL DEFAULT 0,     -- the last number given out (law 11)
    landed_number INTEGER NOT NULL DEFAULT 0,   -- the last number whose result was written
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since_at TEXT,
    broken_announced INTEGER NOT NULL DEFAULT 0,
    validators TEXT NOT NULL DEFAULT '[]',      -- [[etag, last_modified], …], a pair a page
    believed_at TEXT,
    body_digest BLOB,
    content_digest BLOB,
    body_etag TEXT,
    left_etags TEXT NOT NULL DEFAULT '[]',
    paging_refused INTEGER NOT NULL DEFAULT 0,
    moved_to TEXT,
    moved_polls INTEGER NOT NULL DEFAULT 0,
    held_reason TEXT,
    held_digest BLOB,
    compared_as TEXT,                     -- NULL: there is no snapshot
    whole INTEGER NOT NULL DEFAULT 0,
    ordered INTEGER NOT NULL DEFAULT 0,
    entry_order TEXT NOT NULL DEFAULT '[[],[]]',  -- [keys with a position in order, the other keys]
    entry_count INTEGER NOT NULL DEFAULT 0,
    grows_at_end INTEGER NOT NULL DEFAULT 0,
    baseline_pending INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, name)
) STRICT;
CREATE INDEX feeds_due ON feeds (next_poll_at) WHERE state <> 'retired';

CREATE TABLE entries (
    feed_id INTEGER NOT NULL REFERENCES feeds (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    link TEXT,
    facts TEXT NOT NULL,
    dated_at TEXT,
    alias TEXT,
    first_seen_at TEXT NOT NULL,
    PRIMARY KEY (feed_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE departed (                   -- what windows have shown, for as long as is kept
    feed_id INTEGER NOT NULL REFERENCES feeds (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    alias TEXT,
    left_at TEXT NOT NULL,
    PRIMARY KEY (feed_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX departed_alias ON departed (feed_id, alias) WHERE alias IS NOT NULL;
CREATE INDEX departed_left ON departed (left_at);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    feed_id INTEGER NOT NULL REFERENCES feeds (id) ON DELETE CASCADE,
    feed_kind TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    link TEXT,
    position INTEGER,
    previous_position INTEGER,
    facts TEXT NOT NULL,                  -- {name: [before, after]}
    entry_facts TEXT NOT NULL
) STRICT;
CREATE INDEX changes_of_feed ON changes (feed_id, at);
CREATE INDEX changes_at ON changes (at);

CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    account TEXT,
    feeds TEXT NOT NULL,                  -- [[feed, entries or null], …]
    reason TEXT,
    since_at TEXT
) STRICT;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    is_html INTEGER NOT NULL,
    alone INTEGER NOT NULL DEFAULT 0,
    set_apart_at TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    refusals INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT NOT NULL,
    lease_until_at TEXT,
    owner TEXT,
    token TEXT,
    reason TEXT,
    detail TEXT NOT NULL DEFAULT '',
    deliveries INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    first_attempt_at TEXT NOT NULL,
    settled_at TEXT
) STRICT;
CREATE INDEX messages_open ON messages (address, next_attempt_at) WHERE state IN ('pending', 'claimed');
CREATE INDEX messages_settled ON messages (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    change_id INTEGER REFERENCES changes (id),
    notice_id INTEGER REFERENCES notices (id),
    not_before TEXT NOT NULL,
    state TEXT NOT NULL,                  -- pending, bound, delivered, dead
    set_apart_at TEXT,
    first_attempt_at TEXT,
    message_id INTEGER REFERENCES messages (id),
    reason TEXT,
    settled_at TEXT,
    CHECK ((change_id IS NULL) <> (notice_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX deliveries_change ON deliveries (address, change_id) WHERE change_id IS NOT NULL;
CREATE UNIQUE INDEX deliveries_notice ON deliveries (address, notice_id) WHERE notice_id IS NOT NULL;
CREATE INDEX deliveries_of_change ON deliveries (change_id) WHERE change_id IS NOT NULL;
CREATE INDEX deliveries_of_notice ON deliveries (notice_id) WHERE notice_id IS NOT NULL;
CREATE INDEX deliveries_pending ON deliveries (address, id) WHERE state = 'pending';
CREATE INDEX deliveries_of_message ON deliveries (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX deliveries_settled ON deliveries (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE addresses (
    address TEXT PRIMARY KEY,
    last_delivered_at TEXT
) STRICT;

CREATE TABLE hosts (
    host TEXT PRIMARY KEY,
    rest_until_at TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
"""

_SECOND = """
-- of the list as it was written, to see that it is read as such; NULL: written before there was one
ALTER TABLE feeds ADD COLUMN list_digest BLOB;
-- an attempt ended without an answer: whoever gets the message again is told so
ALTER TABLE messages ADD COLUMN may_have_arrived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE addresses ADD COLUMN paused_at TEXT;
ALTER TABLE addresses ADD COLUMN failing_since_at TEXT;
ALTER TABLE addresses ADD COLUMN failing_announced INTEGER NOT NULL DEFAULT 0;
"""

_THIRD = """
-- what a document showed of a title beside the facts: forgotten after a day
ALTER TABLE changes ADD COLUMN picture TEXT;
ALTER TABLE changes ADD COLUMN picture_own INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN excerpt TEXT NOT NULL DEFAULT '';
CREATE INDEX changes_detailed ON changes (at) WHERE picture IS NOT NULL OR excerpt <> '';
-- how it is told (core/manner.py): what has the same is told together; '': nothing is special about it
ALTER TABLE deliveries ADD COLUMN manner TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN waits_for TEXT;       -- gathering, digest, quiet; NULL: for nothing
ALTER TABLE deliveries ADD COLUMN silence_id INTEGER;   -- the silence that keeps it from being told
-- what is due is asked every second, and much may wait for a digest
CREATE INDEX deliveries_due ON deliveries (address, not_before) WHERE state = 'pending';
CREATE INDEX deliveries_waiting ON deliveries (waits_for) WHERE state = 'pending' AND waits_for IS NOT NULL;
ALTER TABLE messages ADD COLUMN manner TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN markup TEXT;            -- NULL: as is_html says
ALTER TABLE messages ADD COLUMN twin TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN pictures TEXT NOT NULL DEFAULT '[]';  -- [[url, name, own], …]
ALTER TABLE messages ADD COLUMN key TEXT;
ALTER TABLE messages ADD COLUMN waits_for TEXT;         -- quiet: held back, and nothing waits for it
ALTER TABLE feeds ADD COLUMN paused_at TEXT;

CREATE TABLE digests (                    -- which of them have been made: one for each period
    address TEXT NOT NULL,
    manner TEXT NOT NULL,
    period_at TEXT NOT NULL,
    through_id INTEGER NOT NULL,          -- the last delivery that was due when it was begun
    parts INTEGER NOT NULL,
    PRIMARY KEY (address, manner, period_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE silences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    matcher TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at TEXT NOT NULL,
    ends_at TEXT NOT NULL
) STRICT;

CREATE TABLE facts (                      -- about the state as a whole
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_FOURTH = """
CREATE TABLE sign_ins (                   -- what `feedwatch login` has got: one for each account
    account TEXT PRIMARY KEY,
    application TEXT NOT NULL,            -- digest of server and consumer key: it is for that one alone
    user_id TEXT,
    token TEXT NOT NULL,
    secret TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_readings (             -- a queue as last shown, to say what moved since
    account TEXT PRIMARY KEY,
    etag TEXT NOT NULL,
    left_etags TEXT NOT NULL,             -- etags it had before: who shows one shows what was
    titles TEXT NOT NULL,                 -- [[title_ref, name, position or null], …]
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE title_details (              -- what was asked about titles: forgotten after a day
    account TEXT NOT NULL,
    subject TEXT NOT NULL,                -- the path of a title in its catalog, or its name and year
    details TEXT,                         -- NULL: asked for, and there is nothing
    at TEXT NOT NULL,
    PRIMARY KEY (account, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX title_details_at ON title_details (at);

ALTER TABLE feeds ADD COLUMN plain INTEGER NOT NULL DEFAULT 0;   -- asked for in the API's plain XML
ALTER TABLE feeds ADD COLUMN body_total INTEGER;                 -- how many titles the list says it has
ALTER TABLE changes ADD COLUMN title_ref TEXT;                   -- by it more is asked about the title
"""

_FIFTH = """
ALTER TABLE feeds ADD COLUMN parts BLOB;   -- digests of its document's entries: by these they are known again

CREATE TABLE list_orders (                -- as long as the list: apart from `feeds`, which each poll writes
    feed_id INTEGER PRIMARY KEY REFERENCES feeds (id) ON DELETE CASCADE,
    entry_order TEXT NOT NULL             -- [keys with a position in order, the other keys]
) STRICT;
INSERT INTO list_orders SELECT id, entry_order FROM feeds WHERE compared_as IS NOT NULL;
ALTER TABLE feeds DROP COLUMN entry_order;
"""

_SIXTH = """
-- they were of what is said, and are now of how it is spelt: the next list that lands brings one
UPDATE feeds SET list_digest = NULL;
"""

_SEVENTH = """
-- asked when each round ends, of all feeds there are
CREATE INDEX feeds_baseline ON feeds (account, id) WHERE baseline_pending;
-- by which credentials it was read: those of another show another person's queue
ALTER TABLE queue_readings ADD COLUMN read_as TEXT;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH, _SEVENTH)
"""Each takes the schema from its index to the next version."""

VERSION = len(MIGRATIONS)
