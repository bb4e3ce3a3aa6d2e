"""Identity: which entry of a feed is which, whatever its host, token or place in the list.

What moves by itself never takes part: host and scheme, tokens, the position that a queue writes into
its ids (design, section 4, "Keys"). A key is chosen for each entry by itself, so that one odd entry
cannot change the keys of all others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from feedwatch.core.content import content_of
from feedwatch.core.model import Kind, RawEntry

_SITE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_HOST = re.compile(r"https?://(?:[^/?#]*@)?([^/?#:]*)", re.IGNORECASE)
_NO_IDENTITY = re.compile(
    r"feed_token|oauth_\w+|access_token|output|start_index|max_results|utm_\w+", re.IGNORECASE
)
"""Parameters that say who asks, in which form, or whence: never which entry it is."""
_PLACE = re.compile(r"(?<![^/])(queues?/(?:[^/?#]+/)?)(?:available/\d+|available|saved)/(?=[^/?#]+/?$)")
"""A place in a queue, as ids carry it: a move changes it, and so does becoming available."""
_USERS = re.compile(r"(?<![^/])users/[^/?#]+/[^?#]*[^/?#]")
"""A resource of a user: the API's ids end in the id of the title."""
_TOO_COMMON = re.compile(r"\d{0,3}")
"""A last path segment that says too little by itself (`…/episodes/3`): the whole address is taken then."""
_DIGIT = re.compile(r"\d")
_LONGEST_KEY = 200
_DIGEST = re.compile(r"[0-9a-f]{24}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")

Dated = tuple[RawEntry, datetime | None]
"""An entry, and when it was as far as that is known (core/snapshot.py)."""
Candidate = Callable[[Dated], str | None]


def digest_text(*parts: str | None) -> str:
    """A short stable digest of some texts, for keys and aliases."""
    return _digest("\x1f".join([part or "" for part in parts]))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def strip_reference(reference: str | None) -> str | None:
    """An address or id without what moves by itself: scheme, host, tokens, a place in a queue.

    None when nothing is left that could tell two entries apart.
    """
    stripped = _strip(reference)
    return _shorten(stripped) if stripped else None


def title_of(reference: str | None) -> str | None:
    """The title's id, where a reference is a title link or a user's resource: its last path segment."""
    return _shorten(_last_segment(_strip(reference))) or None


def alias_of(entry: RawEntry) -> str | None:
    """A second identity that outlives a changed id: the link and the title, where both exist."""
    link = strip_reference(entry.link)
    return _digest(f"{link}\x1f{entry.title}") if link and entry.title else None


def choose_title_keys(entries: Sequence[RawEntry]) -> list[str]:
    """A key for each entry of a list of titles: the title's id, where two titles do not share it.

    No date takes part: a queue's `updated` moves by itself.
    """
    dated = [(entry, entry.published_at) for entry in entries]
    return _choose(dated, (_title_id, _title_path, _own_id, _digest_of))


def choose_post_keys(entries: Sequence[RawEntry], dated_at: Sequence[datetime | None]) -> list[str]:
    """A key for each post: its id, else its link, else title and date: the first that is its own."""
    return _choose(list(zip(entries, dated_at, strict=True)), (_own_id, _link, _digest_of))


def take_first_choices(entries: Sequence[RawEntry], kind: Kind) -> list[str] | None:
    """The keys of titles or posts that are each entry's own at first sight, as in nearly every list.

    None where an entry has none, or two wish for the same: then keys have to be chosen.
    """
    candidate = _own_id if kind is Kind.STREAM else _title_id
    keys = [key for entry in entries if (key := candidate((entry, None))) is not None]
    return keys if len(set(keys)) == len(entries) else None


def choose_viewing_keys(entries: Sequence[RawEntry], seen_at: Sequence[datetime | None]) -> list[str]:
    """A key for each viewing: title and instant; without an instant, the entry's own id."""
    return [_viewing_key(entry, at) for entry, at in zip(entries, seen_at, strict=True)]


def title_in_key(kind: Kind, key: str) -> str | None:
    """The title's id that a key of a list of titles holds: the same in every such list of an account.

    None where there is none: a digest stands for what has no id, and a post is no title.
    """
    if kind is Kind.STREAM:
        return None
    title = _title_of_viewing(key) if kind is Kind.HISTORY else key
    return title if title and not _DIGEST.fullmatch(title) else None


def _title_of_viewing(key: str) -> str | None:
    """What stands before the instant; None where the key has none and is the entry's own id."""
    title, _, instant = key.rpartition("@")
    return title if _INSTANT.fullmatch(instant) else None


def _viewing_key(entry: RawEntry, at: datetime | None) -> str:
    title = (entry, None)
    if at is None:
        return _own_id(title) or _digest_of(title)
    return f"{_title_id(title) or _digest_of(title)}@{at.astimezone(UTC).isoformat()}"


# ── choosing ──────────────────────────────────────────────────────────────────────────────────────


def _choose(entries: Sequence[Dated], candidates: Sequence[Candidate]) -> list[str]:
    """The first candidate of each entry that is its own."""
    keys: list[str | None] = [None] * len(entries)
    for candidate in candidates:
        wished = [candidate(entry) if key is None else None for entry, key in zip(entries, keys, strict=True)]
        taken = set(keys)
        for key, sharing in _group(wished).items():
            if key not in taken and _is_one_entry([entries[index] for index in sharing]):
                for index in sharing:
                    keys[index] = key
    return [key or _last_resort(entry) for key, entry in zip(keys, entries, strict=True)]


def _group(wished: Sequence[str | None]) -> dict[str, list[int]]:
    """The indexes of entries, by the key that they would have."""
    found: dict[str, list[int]] = {}
    for index, key in enumerate(wished):
        if key is not None:
            found.setdefault(key, []).append(index)
    return found


def _is_one_entry(entries: Sequence[Dated]) -> bool:
    """Whether a key is one entry's alone: one that is listed twice shares it with itself only."""
    return len(entries) == 1 or len({_owner(entry) for entry in entries}) == 1


def _owner(dated: Dated) -> str:
    entry, _ = dated
    return strip_reference(entry.title_ref) or alias_of(entry) or _last_resort(dated)


def _title_id(dated: Dated) -> str | None:
    entry, _ = dated
    return title_of(entry.title_ref) or _title_in_id(entry.id) or _named(entry.link) or _named(entry.id)


def _title_in_id(reference: str | None) -> str | None:
    return title_of(reference) if reference and _USERS.search(reference) else None


def _named(reference: str | None) -> str | None:
    """What a page is called in its address: the last path segment, or all of it if that says too little."""
    stripped = _strip(reference)
    last = _last_segment(stripped)
    asks = "?" in stripped or "#" in stripped
    if _TOO_COMMON.fullmatch(last) or (asks and not _DIGIT.search(last)):  # `watch?v=…`
        return _shorten(stripped.rstrip("/")) or None
    return _shorten(last)


def _title_path(dated: Dated) -> str | None:
    entry, _ = dated
    return strip_reference(entry.title_ref) or strip_reference(entry.link)


def _own_id(dated: Dated) -> str | None:
    """The entry's id; with its host where nothing else tells two sites' ids apart (`?p=12`)."""
    entry, _ = dated
    stripped = strip_reference(entry.id)
    if entry.id is None or stripped is None or not stripped.startswith(("?", "#")):
        return stripped
    host = _HOST.match(entry.id.strip())
    return f"{host[1].lower()}/{stripped}" if host else stripped


def _link(dated: Dated) -> str | None:
    return strip_reference(dated[0].link)


def _digest_of(dated: Dated) -> str:
    entry, at = dated
    return digest_text(entry.title, at.astimezone(UTC).isoformat() if at else None)


def _last_resort(dated: Dated) -> str:
    """All there is: who shares this too is the same entry."""
    entry, _ = dated
    link = strip_reference(entry.link)
    return digest_text(_digest_of(dated), strip_reference(entry.id), link, content_of(entry))


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


def _strip(reference: str | None) -> str:
    """Done for every entry that is read: so what is not there is not looked for by a pattern."""
    text = (reference or "").strip()
    if site := _SITE.match(text):
        text = _strip_address(text[site.end() :])
    return _PLACE.sub(r"\1", text) if "/available/" in text or "/saved/" in text else text


def _strip_address(rest: str) -> str:
    """What follows the host, as far as it is identity."""
    if "?" not in rest and "#" not in rest:
        return rest.strip("/")
    rest, mark, fragment = rest.partition("#")
    path, _, query = rest.partition("?")
    query = _drop_strangers(query)
    return path.strip("/") + (f"?{query}" if query else "") + (mark + fragment if fragment else "")


def _drop_strangers(query: str) -> str:
    if "_" not in query and "output" not in query.lower():
        return query
    # Textually: another spelling of the same parameters would be another key.
    return "&".join(each for each in query.split("&") if not _NO_IDENTITY.fullmatch(each.partition("=")[0]))


def _last_segment(stripped: str) -> str:
    path = stripped.partition("?")[0].partition("#")[0]
    # Without NUL: what reads the text of a key elsewhere (SQLite's JSON) may take it for the end.
    return unquote(path.rstrip("/").rpartition("/")[2]).replace("\0", "")


def _shorten(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else digest_text(key)


def full_name(account: str, feed: str) -> str:
    """Give a feed's name for ever: `account/name`."""
    return feed if feed.startswith(f"{account}/") else f"{account}/{feed}"
