"""Identity: which entry of a feed is which, whatever its host, token or place in the list.

Host and scheme never take part, nor do tokens (design, section 4, "Keys"). A key is chosen for each
entry by itself, so that one odd entry cannot change the keys of all others.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from feedwatch.core.model import RawEntry

_WEB = re.compile(r"https?://", re.IGNORECASE)
_TOKENS = re.compile(r"feed_token|oauth_\w+|access_token|output|start_index|max_results", re.IGNORECASE)
_TOO_COMMON = re.compile(r"\d{0,3}")
"""A last path segment that says too little by itself (`…/episodes/3`): the whole path is taken then."""
_LONGEST_KEY = 200

Candidate = Callable[[RawEntry], str | None]


def digest_text(*parts: str | None) -> str:
    """A short stable digest of some texts, for keys and aliases."""
    joined = "\x1f".join(part or "" for part in parts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def strip_host(reference: str | None) -> str | None:
    """An address without scheme, host and tokens; anything that is no web address as it is.

    None when nothing is left that could tell two entries apart.
    """
    if not reference or not (text := reference.strip()):
        return None
    if not _WEB.match(text):
        return _shorten(text)
    try:
        parts = urlsplit(text)
    except ValueError:
        return _shorten(text)
    query = parts.query
    if _TOKENS.search(query):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(name, value) for name, value in pairs if not _TOKENS.fullmatch(name)])
    path = parts.path.strip("/")
    rest = path + (f"?{query}" if query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return _shorten(rest) if rest else None


def title_of(reference: str | None) -> str | None:
    """The title's id in a reference: its last path segment, or the whole path if that says too little."""
    stripped = strip_host(reference)
    if stripped is None:
        return None
    path = re.split(r"[?#]", stripped, maxsplit=1)[0].rstrip("/")
    last = unquote(path.rpartition("/")[2])
    return (path or None) if _TOO_COMMON.fullmatch(last) else _shorten(last)


def alias_of(entry: RawEntry) -> str | None:
    """A second identity that outlives a changed id: the link and the title, where both exist."""
    link = strip_host(entry.link)
    return digest_text(link, entry.title) if link and entry.title else None


def choose_title_keys(entries: Sequence[RawEntry]) -> list[str]:
    """A key for each entry of a list of titles: the title's id, where two titles do not share it."""
    return _choose(entries, (_title_id, _title_path, _entry_id, _digest_of))


def choose_post_keys(entries: Sequence[RawEntry]) -> list[str]:
    """A key for each post: its id, else its link, else title and date: the first that is its own."""
    return _choose(entries, (_entry_id, _link, _digest_of))


def choose_viewing_keys(entries: Sequence[RawEntry], seen_at: Sequence[datetime | None]) -> list[str]:
    """A key for each viewing: title and instant; without an instant, the entry's own id."""
    return [
        f"{_title_id(entry) or _digest_of(entry)}@{at.isoformat()}"
        if at
        else _entry_id(entry) or _digest_of(entry)
        for entry, at in zip(entries, seen_at, strict=True)
    ]


def _choose(entries: Sequence[RawEntry], candidates: Iterable[Candidate]) -> list[str]:
    keys: list[str | None] = [None] * len(entries)
    for candidate in candidates:
        open_ones = [index for index, key in enumerate(keys) if key is None]
        found = {index: candidate(entries[index]) for index in open_ones}
        owners = Counter(_owner(entries[index], key) for index, key in found.items())
        shared = Counter(key for key, _ in owners)
        for index, key in found.items():
            if key is not None and shared[key] == 1:
                keys[index] = key
    return [key or _digest_of(entry) for key, entry in zip(keys, entries, strict=True)]


def _owner(entry: RawEntry, key: str | None) -> tuple[str | None, str]:
    # The same entry listed twice shares its key with itself only: that is no clash.
    if entry.title_ref is not None:
        return key, strip_host(entry.title_ref) or ""
    return key, alias_of(entry) or _digest_of(entry)


def _title_id(entry: RawEntry) -> str | None:
    return title_of(entry.title_ref) or title_of(entry.link) or title_of(entry.id)


def _title_path(entry: RawEntry) -> str | None:
    return strip_host(entry.title_ref) or strip_host(entry.link)


def _entry_id(entry: RawEntry) -> str | None:
    return strip_host(entry.id)


def _link(entry: RawEntry) -> str | None:
    return strip_host(entry.link)


def _digest_of(entry: RawEntry) -> str:
    at = entry.published_at or entry.updated_at
    return digest_text(entry.title, at.isoformat() if at else None)


def _shorten(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else digest_text(key)
