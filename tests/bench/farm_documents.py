"""What the farm's feeds say: posts of a plain stream, or titles of a queue as the API gives them.

All feeds of a kind say the same but for their number, which stands in ids, titles and links. So one document
serves for all of them, however many there are: `number_document` writes the number in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

KINDS = ("stream", "queue")

_NUMBER = b"%FEED%%"
"""Where a feed's number goes. It is as long as what takes its place, as is the next: lengths never change."""
_MOMENT = b"%%%%%%%MOMENT%%%%%%%"
_EPOCH = 1_600_000_000
_HOUR = 3600
_SENTENCES = (
    "The ferry came in late, and nobody on the quay had anything to say about the weather any more.",
    "Upstairs the band was still looking for the key in which the last song had been meant to end.",
    "It takes a long winter to learn how a house breathes, and a short spring to forget it again.",
    "What the archive calls a map is a drawing of a coast that has moved twice since it was made.",
    "She counted the lamps along the harbour wall & found one more than there had been on Sunday.",
    "Nobody had told the baker that the bridge was closed, so he went on baking for both sides of it.",
    "A radio in the kitchen said that it would be fine, which is what it had said on every other day.",
    "They painted the door green in the end, because green was what was left after the boats were done.",
    "On the third page somebody had written “no” in pencil, and somebody else had rubbed it out.",
    "The film is quieter than its poster, and better for it; one leaves it slowly, and by the side door.",
    "Between two stations the train waits in a field, as if there were something there that it must hear.",
    "He kept the receipts of forty years in a tin, and could tell you the price of rain in any of them.",
    "For the second half of the evening the power was out, and the play went on in the light of phones.",
    "If you walk up from the river in the morning, you meet the whole town on its way to be somewhere else.",
    "The letters had been sorted by the colour of their stamps, which turned out to be the order of events.",
    "In the museum there is a room with one chair, and a rope before it, and a guard who sits on another.",
)
_WORDS = ("Harbour", "Winter", "Lamp", "Letter", "Bridge", "River", "Station", "Archive", "Orchard", "Signal")
_CATEGORIES = ("Drama", "Documentary", "Comedy", "Mystery", "Western", "Music", "Family", "History")


def write_document(kind: str, entries: int, *, moving: bool) -> bytes:
    """A feed of so many entries, the newest first, with places left for its number.

    In one that moves, each `updated` says when it was asked for, and a place is left for that, too.
    """
    assert kind in KINDS
    updated = _MOMENT.decode() if moving else _write_instant(entries)
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>http://feeds.example.net/%FEED%%/{kind}</id><title>The {kind} of %FEED%%</title>",
        f"<updated>{updated}</updated><author><name>farm</name></author>",
        f'<link rel="self" href="http://feeds.example.net/%FEED%%/{kind}"/>\n',
        *_write_entries(kind, entries, moving=moving),
        "</feed>\n",
    ]
    return "".join(parts).encode()


def number_document(document: bytes, feed: int) -> bytes:
    """The document of one feed."""
    return document.replace(_NUMBER, b"%07d" % feed)


def date_document(document: bytes, moment: float) -> bytes:
    """A document that moves, as it is at a moment."""
    return document.replace(_MOMENT, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)).encode())


def last_modified(entries: int) -> str:
    """When a feed of so many entries got its newest, as HTTP writes it."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(_EPOCH + entries * _HOUR))


def _write_entries(kind: str, entries: int, *, moving: bool) -> Iterator[str]:
    write = _write_post if kind == "stream" else _write_queued
    for position, number in enumerate(range(entries, 0, -1), 1):
        updated = _MOMENT.decode() if moving else _write_instant(number)
        yield f"<entry>{write(number, position)}<updated>{updated}</updated></entry>\n"


def _write_post(number: int, _position: int) -> str:
    page = f"http://blog.example.net/%FEED%%/{number}"
    categories = "".join(
        f'<category scheme="http://blog.example.net/topics" term="{term.lower()}" label="{term}"/>'
        for term in _choose(_CATEGORIES, number, 3)
    )
    return (
        f"<id>tag:blog.example.net,2020:%FEED%%/{number}</id><title>{_write_title(number)}</title>"
        f"<published>{_write_instant(number)}</published><author><name>Ada Field</name></author>"
        f'<link rel="alternate" type="text/html" href="{page}"/>'
        f'<link rel="replies" type="application/atom+xml" href="{page}/replies.atom"/>'
        f'<link rel="edit" href="http://blog.example.net/api/%FEED%%/posts/{number}"/>'
        f'{categories}<summary type="html">{_write_summary(number, page, sentences=9)}</summary>'
    )


def _write_queued(number: int, position: int) -> str:
    api = "http://api.example.net"
    title_id = f"%FEED%%{number:04d}"  # another in each feed: one title on two lists would be told once
    user, title = f"{api}/users/%FEED%%", f"{api}/catalog/titles/movies/{title_id}"
    name, page = _write_title(number), f"http://films.example.net/{title_id}"
    links = (
        f'<link rel="alternate" type="text/html" href="{page}" title="{name}"/>'
        f'<link rel="http://schemas.example.net/catalog/title" href="{title}" title="{name}"/>'
        f'<link rel="http://schemas.example.net/catalog/titles/synopsis" href="{title}/synopsis"/>'
        f'<link rel="http://schemas.example.net/catalog/people.cast" href="{title}/cast"/>'
        f'<link rel="http://schemas.example.net/queues.available" href="{user}/queues/disc/available"/>'
    )
    categories = (
        f'<category scheme="{api}/categories/queue_availability" term="available now" label="available now"/>'
        f'<category scheme="{api}/categories/title_formats" term="DVD" label="DVD"/>'
    ) + "".join(
        f'<category scheme="{api}/categories/genres" term="{term}" label="{term}"/>'
        for term in _choose(_CATEGORIES, number, 1)
    )
    place = f"{user}/queues/disc/available/{position}/{title_id}"
    summary = _write_summary(number, page, sentences=5)
    return f'<id>{place}</id><title>{name}</title>{links}{categories}<summary type="html">{summary}</summary>'


def _write_title(number: int) -> str:
    first, second = _choose(_WORDS, number, 2)
    return f"The {first} and the {second} ({number} of %FEED%%)"


def _write_summary(number: int, page: str, *, sentences: int) -> str:
    """Two paragraphs of HTML, escaped as feeds have it; their length brings an entry to 1.9 kB."""
    texts = [each.replace("&", "&amp;") for each in _choose(_SENTENCES, number, sentences)]
    middle = sentences // 2
    picture = f'<a href="{page}"><img src="http://images.example.net/{number}.jpg" alt=""/></a>'
    text = (
        f"<p>{picture}{' '.join(texts[:middle])}</p>"
        f"<p>{' '.join(texts[middle:])} <a href='{page}'>more</a></p>"
    )
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _choose(texts: tuple[str, ...], number: int, count: int) -> list[str]:
    """Some of the texts: for a number always the same ones, for the next others."""
    step = 1 + 2 * (number % 3)
    return [texts[(number + step * index) % len(texts)] for index in range(count)]


def _write_instant(number: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_EPOCH + number * _HOUR))
