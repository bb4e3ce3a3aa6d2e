"""What a document shows of an entry beside what is compared: picture, start of the text, categories.

Each is taken from wherever it stands. What is looked at is bounded, so that a long text costs what a short
one does.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from urllib.parse import urlsplit

from feedwatch.core.model import Details
from feedwatch.core.text import ELLIPSIS, page_of, shorten
from feedwatch.parse.facts import clean_title
from feedwatch.parse.guard import Element
from feedwatch.parse.links import resolve_link
from feedwatch.redact import secrets_of_url

LONGEST_TEXT = 500
"""Of an entry's text so many characters are kept."""
_LONGEST_PICTURE = 2048
_LONGEST_SCHEME = 2048
"""A longer one is none of the API's."""
_MOST_CATEGORIES = 10
_LONGEST_CATEGORIES = 200
_MOST_LOOKED_AT = 50
"""Categories of one entry, and pictures of one entry: an album has hundreds, and one is wanted."""
_MOST_WITHIN = 5
_HEAD = 1200
"""Of a text so much is looked at for its start, …"""
_LOOKED_THROUGH = 16_384
"""… and for its first picture."""


_BREAKS = ("</p", "<br", "</div", "</li", "</h", "</t")
"""Tags between which words stand apart."""
_TAGS = re.compile(r"</?[A-Za-z][^<>]*>|<![^<>]*>")
_UNREAD = re.compile(r"<(script|style)\b[^<>]*>[^<]*</\1\s*>", re.IGNORECASE)
_IMAGE = re.compile(r"<img\s[^<>]*>", re.IGNORECASE)
_SOURCE = re.compile(r"\ssrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_UNSEEN_IMAGE = re.compile(r"\s(?:width|height)\s*=\s*[\"']?[01](?:px)?[\"'\s/>]", re.IGNORECASE)
_UNSEEN_SIZES = {"0", "1", "0px", "1px"}
_IMAGE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp)(?:[?#]|$)", re.IGNORECASE)
_NO_GENRE = re.compile(
    r"/(?:categories|catalog/titles)/(?:format|\w+_(?:availability|states?|formats?|ratings?))/?$"
)
"""What the API's categories say beside genres: availability, formats, whom a title is fit for."""


Seen = tuple[Details, str]
"""What was seen of an entry: its details, and its categories in one text."""


class Place(IntEnum):
    """Where a picture stands, the best first: made for the title, the post's own, somewhere in its text."""

    BOX_ART = 0
    MEDIA = 1
    ENCLOSURE = 2
    THUMBNAIL = 3
    SIGN = 4
    WITHIN = 5


Picture = tuple[Place, str]
"""A picture, by where it stands and how its address is written there."""


class Sight:
    """What is seen of one entry. `base` is what its links start from."""

    __slots__ = ("_base", "_categories", "_content", "_pictures", "_summary")

    def __init__(self, base: str) -> None:
        self._base = base
        self._pictures: list[Picture] = []
        self._categories: list[str] = []
        self._summary = ""
        self._content = ""

    def see(self, name: str, element: Element) -> None:
        """Look at an element of the entry, by its local name."""
        look = _LOOKS.get(name)
        if look is not None:
            look(self, element)

    def see_link(self, place: Place, element: Element) -> None:
        """Look at a link to what may be a picture."""
        self.add_picture(place, element.get("href"), element.get("type"))

    def see_genre(self, element: Element) -> None:
        """Look at a category that `is_genre` by its scheme."""
        self.add_category(element.get("label") or element.get("term") or element.text)

    def see_text(self, name: str, text: str) -> None:
        """Look at a summary, or at the content; HTML, or plain text that may hold a `<`."""
        if name != "summary":
            self._content = self._content or text[:_LOOKED_THROUGH]
        else:
            self._summary = self._summary or text[:_LOOKED_THROUGH]

    def add_category(self, name: str | None) -> None:
        """Take a category for what it is called."""
        if name and len(self._categories) < _MOST_LOOKED_AT:
            self._categories.append(name)

    def add_picture(self, place: Place, href: str | None, kind: str | None = "image/") -> None:
        """Take a picture; what is not said to be one (`kind`) has to be called like one."""
        if not href or len(href) > _LONGEST_PICTURE or len(self._pictures) >= _MOST_LOOKED_AT:
            return
        is_image = kind.lower().startswith("image/") if kind else _IMAGE_NAME.search(href)
        if is_image:
            self._pictures.append((place, href))

    @property
    def categories(self) -> str:
        """The names of its categories with a comma and a space between; empty without any."""
        return join_names(self._categories) if self._categories else ""

    def finish(self, origin: str) -> Details:
        """Say what was seen; `origin` is where the document came from (`origin_of_document`)."""
        text = self._summary or self._content
        pictures: Sequence[Picture] | None = self._pictures or None
        if pictures is None and not text:
            return _NOTHING
        is_all = len(text) <= _HEAD and not (self._summary and self._content)
        if pictures is None and not is_all:  # what is kept of the text would not show them
            pictures = _find_images(self._content, self._summary)
        return _Seen(self._base, origin, pictures, text[: _HEAD + 1])


_NOTHING = Details()


class _Seen(Details):
    """Details that are made when they are first asked for: of nearly all entries nobody ever asks.

    Making them would take as long as reading all the rest of an entry.
    """

    __slots__ = ("_made",)
    _made: Details | tuple[str, str, Sequence[Picture] | None, str]
    """What was seen, until it is asked for."""
    title_ref = None
    more = None

    def __init__(self, base: str, origin: str, pictures: Sequence[Picture] | None, start: str) -> None:
        # What is frozen is kept as its kind keeps it.
        object.__setattr__(self, "_made", (base, origin, pictures, start))

    @property
    def picture(self) -> str | None:
        return self._make().picture

    @property
    def text(self) -> str:
        return self._make().text

    @property
    def own(self) -> bool:
        return self._make().own

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Seen):
            other = other._make()
        return self._make() == other

    def __hash__(self) -> int:
        return hash(self._make())

    def _make(self) -> Details:
        made = self._made
        if isinstance(made, tuple):
            base, origin, pictures, start = made
            picture = _find_picture(base, _find_images(start) if pictures is None else pictures)
            made = Details(picture, start_of_text(start), picture is not None and picture.startswith(origin))
            object.__setattr__(self, "_made", made)
        return made


def _find_picture(base: str, pictures: Sequence[Picture]) -> str | None:
    addresses = (picture_address(base, href) for _, href in sorted(pictures, key=_rank))
    return next((address for address in addresses if address is not None), None)


def _rank(picture: Picture) -> int:
    return picture[0]


def _find_images(*texts: str) -> list[Picture]:
    """Find the pictures within texts of HTML."""
    found: list[Picture] = []
    for text in texts:
        name = "<img" if "<img" in text else "<IMG"
        at = text.find(name)
        while at >= 0 and len(found) < _MOST_WITHIN:
            if href := _address_in_image(text, at):
                found.append((Place.WITHIN, href))
            at = text.find(name, at + 4)
    return found


def _address_in_image(text: str, at: int) -> str | None:
    tag = _IMAGE.match(text, at)
    source = _SOURCE.search(tag.group()) if tag else None
    if tag is None or source is None or _UNSEEN_IMAGE.search(tag.group()):
        return None
    href = html.unescape(source[1] or source[2] or source[3] or "")
    return href if len(href) <= _LONGEST_PICTURE else None


def picture_address(base: str, href: str) -> str | None:
    """Give a picture's address as one that everybody may see; None for one with a secret, or for none."""
    href = href.strip()
    # Asked for every entry: what is plain to see is not read by the rules for all addresses.
    if href.startswith("//"):
        href = f"{base.partition(':')[0]}:{href}"
    elif href.startswith("/") and "/." not in href:
        href = origin_of_document(base).strip() + href[1:]
    found = page_of(href if href.startswith("http") else resolve_link(base, href))
    if found is None or len(found) > _LONGEST_PICTURE or ("=" in found and secrets_of_url(found)):
        return None
    return found.partition("#")[0] if "#" in found else found


@lru_cache(maxsize=1024)
def origin_of_document(url: str) -> str:
    """Give what the addresses on a document's own host and port begin with."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return " "  # nothing begins so
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/" if parts.scheme and host else " "


def start_of_text(text: str) -> str:
    """The start of a text, HTML or not, as one line of plain text."""
    head = text[:_HEAD]
    if "<" in head:
        head = _without_tags(head, cut=len(text) > _HEAD)
    if "&" in head:
        head = html.unescape(head)
    line = " ".join(head.split())
    line = line if line.isprintable() else clean_title(line)
    if len(line) <= LONGEST_TEXT:
        return line
    start, _, word = line[:LONGEST_TEXT].rpartition(" ")
    return f"{start}{ELLIPSIS}" if len(word) < LONGEST_TEXT // 4 else shorten(line, LONGEST_TEXT)


def _without_tags(head: str, *, cut: bool) -> str:
    if cut and (last := head.rfind("<")) > head.rfind(">"):
        head = head[:last]
    if "<s" in head or "<S" in head:
        head = _UNREAD.sub(" ", head)
    for tag in _BREAKS:
        head = head.replace(tag, " " + tag)
    return _TAGS.sub("", head)


@lru_cache(maxsize=1024)  # the same few stand at every entry of a list
def _clean_name(name: str) -> str:
    cleaned = clean_title(name.replace(",", " "))
    return "" if "://" in cleaned else cleaned


def is_genre(scheme: str) -> bool:
    """Whether a category of a scheme says what a title is about, and not in which form it is to be had."""
    return len(scheme) > _LONGEST_SCHEME or _is_genre(scheme)


@lru_cache(maxsize=256)
def _is_genre(scheme: str) -> bool:
    return _NO_GENRE.search(scheme) is None


def join_names(names: Iterable[str]) -> str:
    """Write the names of categories into one text: each once, as many as it may hold."""
    found: dict[str, str] = {}
    room = _LONGEST_CATEGORIES
    for name in names:
        if len(found) == _MOST_CATEGORIES:
            break
        cleaned = _clean_name(name[:_LONGEST_CATEGORIES])
        if not cleaned or cleaned.casefold() in found:
            continue
        if len(cleaned) + 2 * bool(found) > room:
            continue
        room -= len(cleaned) + 2 * bool(found)
        found[cleaned.casefold()] = cleaned
    return ", ".join(found.values())


# ── elements ──────────────────────────────────────────────────────────────────────────────────────


def _see_category(sight: Sight, element: Element) -> None:
    if is_genre(element.get("scheme") or ""):
        sight.see_genre(element)


def _see_box_art(sight: Sight, element: Element) -> None:
    href = element.get("large") or element.get("medium") or element.get("small")
    sight.add_picture(Place.BOX_ART, href)
    for link in element.iterchildren("{*}link", "link"):
        sight.add_picture(Place.BOX_ART, link.get("href"), link.get("type"))


def _see_media(sight: Sight, element: Element) -> None:
    kind = element.get("type") or ("image/" if element.get("medium") == "image" else None)
    sight.add_picture(Place.MEDIA, element.get("url") or element.get("src"), kind)


def _see_enclosure(sight: Sight, element: Element) -> None:
    sight.add_picture(Place.ENCLOSURE, element.get("url"), element.get("type"))


def _see_thumbnail(sight: Sight, element: Element) -> None:
    sight.add_picture(Place.THUMBNAIL, element.get("url") or element.text)


def _see_image(sight: Sight, element: Element) -> None:
    sight.add_picture(Place.SIGN, element.get("href") or element.get("url") or element.text)


def _see_img(sight: Sight, element: Element) -> None:
    if not {element.get("width"), element.get("height")} & _UNSEEN_SIZES:
        sight.add_picture(Place.WITHIN, element.get("src"))


_LOOKS: dict[str, Callable[[Sight, Element], None]] = {
    "category": _see_category,
    "subject": _see_category,
    "box_art": _see_box_art,
    "content": _see_media,
    "enclosure": _see_enclosure,
    "thumbnail": _see_thumbnail,
    "image": _see_image,
    "img": _see_img,
}

SHOWING = frozenset(_LOOKS)
"""Elements that a `Sight` sees something in, by their local names."""
