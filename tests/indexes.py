"""Indexes of a catalog, generated as they are sent: as in the reference, as they were seen, or whole.

Nothing of it is kept, so one may be of any size; the same numbers give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final, Literal

Dialect = Literal["reference", "wild", "full"]

HOST: Final = "http://api.example.net"
_FIRST = ("Ada", "Bruno", "Chloé", "Dana", "Émile", "Fatou", "Greta", "Hugo", "Ines", "Jorge", "Kei", "Li")
_LAST = ("Achterberg", "Brandão", "Castellanos", "Dubois", "Eriksson", "Fontaine", "García", "Hölzl", "Ito")
_ADJECTIVES = ("Silent", "Crimson", "Borrowed", "Hidden", "Last", "Electric", "Paper", "Northern", "Broken")
_NOUNS = ("Harbour", "Orchard", "Signal", "Café", "Winter", "Machine", "Letters", "River", "Parade", "Moon")
_ROOTS: Final = {
    "reference": "catalog_title_index",
    "wild": "catalog_title_index",
    "full": "catalog_titles",
}
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def name_of(number: int) -> str:
    """What a title is called."""
    return f"The {_ADJECTIVES[number % 9]} {_NOUNS[number // 9 % 10]} {number}"


def person_of(number: int) -> str:
    """What a person is called."""
    return f"{_FIRST[number % 12]} {_LAST[number // 12 % 9]}"


def make_index(titles: int, dialect: Dialect = "reference") -> bytes:
    """A small index, whole."""
    parts = (write_item(number, dialect) for number in range(titles))
    return f"{_DECLARATION}<{_ROOTS[dialect]}>\n{''.join(parts)}</{_ROOTS[dialect]}>\n".encode()


def stream_index(size: int, dialect: Dialect = "reference") -> Iterator[bytes]:
    """An index of at least so many bytes, title by title."""
    begin = f"{_DECLARATION}<{_ROOTS[dialect]}>\n".encode()
    yield begin
    sent = len(begin)
    for number in count():
        if sent >= size:
            break
        item = write_item(number, dialect).encode()
        sent += len(item)
        yield item
    yield f"</{_ROOTS[dialect]}>\n".encode()


def write_item(number: int, dialect: Dialect = "reference") -> str:
    """One title of an index."""
    return {"reference": _write_reference, "wild": _write_wild, "full": _write_full}[dialect](number)


def _id_of(number: int) -> str:
    return f"{HOST}/catalog/titles/movies/{60_000_000 + number}"


def _people(number: int, indent: str = "    ") -> str:
    return "".join(
        f'{indent}<link href="{HOST}/catalog/people/{20_000_000 + each}" '
        f'rel="http://schemas.netflix.com/catalog/person.actor" title="{person_of(each)}"></link>\n'
        for each in range(number % 97, number % 97 + 5)
    )


def _page(number: int) -> str:
    return f"http://www.example.net/Movie/{name_of(number).replace(' ', '_')}/{60_000_000 + number}"


def _externals(number: int) -> str:
    return (
        "    <external_ids>\n"
        f'      <id rel="http://schemas.netflix.com/catalog/id.upc">{43_396_000_000 + number:013}</id>\n'
        f'      <id rel="http://schemas.netflix.com/catalog/id.amg">V   {number:06}</id>\n'
        "    </external_ids>\n"
    )


def _write_reference(number: int) -> str:
    return (
        "  <title_index_item>\n"
        f"    <id>{_id_of(number)}</id>\n"
        f"    <updated>{1_217_404_229 + number}</updated>\n"
        f"{_people(number)}"
        f"    <release_year>{1920 + number % 107}</release_year>\n"
        f'    <link href="{_page(number)}" rel="alternate" title="web page"></link>\n'
        f"{_externals(number)}"
        "  </title_index_item>\n"
    )


def _availability(number: int) -> str:
    return (
        f'<availability available_from="{1_230_000_000 + number}" available_until="{1_900_000_000 + number}">'
        '<category scheme="http://api.netflix.com/categories/title_formats" label="instant" term="instant"/>'
        "</availability>"
    )


def _write_wild(number: int) -> str:
    name = name_of(number)
    return (
        "  <title_index_item>\n"
        f"    <id>{_id_of(number).replace('api.', 'api-public.')}</id>\n"
        f'    <title short="{name[4:]}" regular="{name}"/>\n'
        f"    <updated>{1_217_404_229 + number}</updated>\n"
        f"    <release_year>{1920 + number % 107}</release_year>\n"
        '    <category scheme="http://api.netflix.com/categories/mpaa_ratings" label="PG" term="PG"/>\n'
        '    <category scheme="http://api.netflix.com/categories/genres" label="Drama" term="Drama"/>\n'
        f"    <delivery_formats>{_availability(number)}</delivery_formats>\n"
        f"{_people(number)}{_externals(number)}"
        "  </title_index_item>\n"
    )


def _write_full(number: int) -> str:
    name, ref = name_of(number), _id_of(number)
    return (
        "  <catalog_title>\n"
        f"    <id>{ref}</id>\n"
        f'    <title short="{name[4:]}" regular="{name}"/>\n'
        f'    <box_art small="http://art.example.net/small/{number}.jpg"/>\n'
        f'    <link href="{ref}/synopsis" rel="http://schemas.netflix.com/catalog/titles/synopsis" '
        f'title="synopsis"><synopsis>What becomes of {name} &amp; of all who read it.</synopsis></link>\n'
        f"    <release_year>{1920 + number % 107}</release_year>\n"
        '    <category scheme="http://api.netflix.com/categories/genres" label="Drama" term="Drama"/>\n'
        f'    <link href="{ref}/cast" rel="http://schemas.netflix.com/catalog/people.cast" '
        'title="cast">\n<cast>'
        f"{_people(number, '      ')}    </cast></link>\n"
        f'    <link href="{ref}/format_availability" '
        'rel="http://schemas.netflix.com/catalog/titles/format_availability" title="formats">'
        f"<delivery_formats>{_availability(number)}</delivery_formats></link>\n"
        f'    <link href="{_page(number)}" rel="alternate" title="web page"/>\n'
        "  </catalog_title>\n"
    )
