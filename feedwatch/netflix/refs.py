"""References: the addresses by which the API calls titles, people and what is a subscriber's own.

Whatever host a reference names, it is its path that counts: as an identity, and as what is asked for.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from feedwatch.errors import RequestRefused

_SITE = r"(?:https?://[^/?#\s]+)?"
_TITLE = re.compile(_SITE + r"/catalog/titles/(?:[^?#,\s]+/)?\d+/?", re.IGNORECASE)
_PERSON = re.compile(_SITE + r"/catalog/people/[0-9A-Za-z_.-]+/?", re.IGNORECASE)
_LONGEST = 1000
_SAFE = "/~:@!$&'()*+,;=%"
_OURS = ("/catalog/", "/users/")
_CATALOG = "/catalog/titles/"
_FILMS = "movies/"


def is_title_ref(ref: str) -> bool:
    """Whether an address is of a title itself, and not of one of its parts."""
    return len(ref) < _LONGEST and _TITLE.fullmatch(ref) is not None and find_path(ref) is not None


def is_person_ref(ref: str) -> bool:
    """Whether an address is of a person."""
    return len(ref) < _LONGEST and _PERSON.fullmatch(ref) is not None and find_path(ref) is not None


def id_of(ref: str) -> str:
    """What to type for a title: the number of a film, else `series/70001`."""
    return urlsplit(ref).path.rpartition(_CATALOG)[2].strip("/").removeprefix(_FILMS) or ref


def key_of_title(ref: str) -> str:
    """What a reference says of which title it is: its path, whatever its host."""
    return (find_path(ref) or ref).strip("/")


def find_path(ref: str) -> str | None:
    """The path of a reference, fit to be asked for; None if it is nothing of the API's."""
    try:
        path = urlsplit(ref).path
    except ValueError:
        return None
    if not path.startswith(_OURS) or not {".", ".."}.isdisjoint(path.split("/")):
        return None
    try:
        return quote(path, safe=_SAFE)
    except UnicodeEncodeError:
        return None


def path_of(ref: str) -> str:
    """The path of a reference, fit to be asked for: without host, query or fragment.

    Raises:
        RequestRefused: it is nothing of the API's.
    """
    path = find_path(ref)
    if path is None:
        raise RequestRefused("this is no address of the API: it has no path below /catalog/ or /users/")
    return path
