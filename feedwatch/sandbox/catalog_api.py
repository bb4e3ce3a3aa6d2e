"""The addresses of the catalog: searches, titles and their parts, people, and the catalog as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from feedwatch.sandbox.calls import CallRefused, read_flag, read_range, takes_gzip
from feedwatch.sandbox.catalog import Catalog, search_people
from feedwatch.sandbox.catalog_documents import (
    Dialect,
    Expansion,
    write_completions,
    write_page,
    write_person,
    write_title,
)
from feedwatch.sandbox.catalog_index import Whole, open_full, open_index, pack, skip_bytes
from feedwatch.sandbox.catalog_parts import (
    expand_parts,
    has_part,
    link_filmography,
    list_related,
    write_filmography,
    write_part,
)
from feedwatch.sandbox.people import Person, find_person
from feedwatch.sandbox.resources import Handler, make_route
from feedwatch.sandbox.served import MOST_RESULTS, XML, Call, Sandbox
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.trees import Node

_NUMBER = re.compile(r"[0-9]{1,10}")
_MOST_FOUND = 100
_DEFAULT_RESULTS = 25
_LIST_FORMS = ("atom", "opml")


def list_catalog_routes(sandbox: Sandbox) -> list[Route]:
    """The routes of the catalog."""

    def of(path: str, handler: Handler, counted: str = "catalog") -> Route:
        return make_route(sandbox, f"/catalog/{path}", {"GET": (counted, handler)})

    return [
        of("titles", _search),
        of("titles/", _search),
        of("titles/autocomplete", _complete),
        of("titles/index", _give_index, "titles_index"),
        of("titles/full", _find_full, "titles_index"),
        of("titles/full/{name}", _give_full, "titles_index"),
        of("titles/{path:path}", _show_title),
        of("people", _search_people),
        of("people/{number}", _show_person),
        of("people/{number}/filmography", _list_filmography),
    ]


# ── searches ──────────────────────────────────────────────────────────────────────────────────────


def _search(call: Call) -> Response:
    """`catalog/titles`: titles whose name or synopsis has a term."""
    _verify(call)
    found = _catalog_of(call).search(call.say("term") or "")
    return _give(call, _write_titles(call, found, _MOST_FOUND))


def _complete(call: Call) -> Response:
    """`catalog/titles/autocomplete`: names that begin like this; the application's key is enough."""
    call.check_application()
    return _give(call, write_completions(_catalog_of(call).complete(call.say("term") or "")))


def _search_people(call: Call) -> Response:
    """`catalog/people`: people whose name has a term."""
    _verify(call)
    found = search_people(call.say("term") or "")
    start, most = _read_page(call, MOST_RESULTS)
    page = [write_person(person, _dialect_of(call)) for person in found[start : start + most]]
    return _give(call, write_page("people", page, len(found), start))


# ── one title, one person ─────────────────────────────────────────────────────────────────────────


def _show_title(call: Call) -> Response:
    """A title, or one of the documents that it links to."""
    _verify(call)
    catalog = _catalog_of(call)
    path = f"/catalog/titles/{call.part('path').rstrip('/')}"
    title = catalog.find(path)
    if title is not None:
        expand = _read_expand(call, catalog, title)
        return _give(call, write_title(title, _dialect_of(call), expand=expand))
    above, _, part = path.rpartition("/")
    title = catalog.find(above)
    if title is None or not has_part(title, part, _dialect_of(call)):
        raise CallRefused(404, "Resource not found")
    return _show_part(call, catalog, title, part)


def _show_part(call: Call, catalog: Catalog, title: Title, part: str) -> Response:
    related = list_related(catalog, title, part)
    if related is not None:
        return _give(call, _write_titles(call, related, MOST_RESULTS, etag=part == "similars"))
    document = write_part(title, part, _dialect_of(call))
    assert document is not None  # every part that is linked is a list or can be written
    return _give(call, document)


def _show_person(call: Call) -> Response:
    """`catalog/people/<id>`: a biography, and what they were in."""
    _verify(call)
    person, dialect = _read_person(call), _dialect_of(call)
    within = link_filmography(_catalog_of(call).filmography(person), dialect)
    return _give(call, write_person(person, dialect, within))


def _list_filmography(call: Call) -> Response:
    """`catalog/people/<id>/filmography`: the titles themselves."""
    _verify(call)
    titles = _catalog_of(call).filmography(_read_person(call))
    return _give(call, write_filmography(titles, _dialect_of(call)))


# ── all of it ─────────────────────────────────────────────────────────────────────────────────────


def _give_index(call: Call) -> Response:
    """`catalog/titles/index`: every title, in brief."""
    _verify(call)
    amg, tms = (read_flag(call.request, name) for name in ("include_amg", "include_tms"))
    return _stream(call, open_index(_catalog_of(call), _dialect_of(call), amg=amg, tms=tms))


def _find_full(call: Call) -> Response:
    """`catalog/titles/full?v=2.0`: a redirect to a redirect, each to be asked for signed."""
    _verify(call)
    if call.say("v") != "2.0":
        raise CallRefused(400, "parameter v is invalid")
    return _redirect(f"{call.base}/catalog/titles/full/latest?v=2.0")


def _give_full(call: Call) -> Response:
    """The second redirect, and the document at the end."""
    _verify(call)
    whole = open_full(_catalog_of(call), _dialect_of(call))
    name = f"{whole.version}.xml"
    if call.part("name") == "latest":
        return _redirect(f"{call.base}/catalog/titles/full/{name}")
    if call.part("name") != name:
        raise CallRefused(404, "Resource not found")
    return _stream(call, whole)


def _stream(call: Call, whole: Whole) -> Response:
    """The whole catalog as a reply; or its rest, or that it is what the caller has."""
    packed, etags = takes_gzip(call.request), call.world.switches.http_etags
    etag = f'"{whole.version}{"-gzip" if packed else ""}"'
    headers = {"Vary": "Accept-Encoding", **({"ETag": etag} if etags else {})}
    if etags and etag in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    if not call.world.switches.index_ranges:
        return StreamingResponse(_write_blocks(whole, packed=packed, cut=call.cut), 200, headers, XML)
    headers["Accept-Ranges"] = "bytes"
    start = read_range(call.request, etag if etags else None)
    if start is None:
        return StreamingResponse(_write_blocks(whole, packed=packed, cut=call.cut), 200, headers, XML)
    size = sum(len(block) for block in _write_blocks(whole, packed=packed))
    if start >= size:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    rest = skip_bytes(_write_blocks(whole, packed=packed, cut=call.cut), start)
    return StreamingResponse(rest, 206, headers, XML)


def _write_blocks(whole: Whole, *, packed: bool, cut: bool = False) -> Iterator[bytes]:
    blocks = whole.write_blocks(cut=cut)
    return pack(blocks) if packed else blocks


def _redirect(address: str) -> Response:
    return Response(status_code=302, headers={"Location": address})


# ── within ────────────────────────────────────────────────────────────────────────────────────────


def _verify(call: Call) -> None:
    """A call of the catalog is signed by the application; a person's token may sign as well."""
    account = call.world.account
    alone = {(account.consumer_key, ""): (account.consumer_secret, "")}
    call.verify_with(alone | call.world.token_secrets())


def _catalog_of(call: Call) -> Catalog:
    with call.world.lock:
        return Catalog.of(call.world)


def _dialect_of(call: Call) -> Dialect:
    return Dialect.of(call.world, call.base)


def _give(call: Call, document: Node) -> Response:
    if call.say("output") in _LIST_FORMS:
        raise CallRefused(400, "parameter output is invalid")
    return call.finish(call.give(document), etag=call.world.switches.http_etags)


def _write_titles(call: Call, titles: Sequence[Title], limit: int, *, etag: bool = False) -> Node:
    start, most = _read_page(call, limit)
    catalog, dialect = _catalog_of(call), _dialect_of(call)
    page = [
        write_title(each, dialect, etag=etag, expand=_read_expand(call, catalog, each))
        for each in titles[start : start + most]
    ]
    return write_page("catalog_titles", page, len(titles), start)


def _read_page(call: Call, limit: int) -> tuple[int, int]:
    start = call.read_number("start_index", 0, least=0, most=10**9)
    return start, call.read_number("max_results", _DEFAULT_RESULTS, least=1, most=limit)


def _read_expand(call: Call, catalog: Catalog, title: Title) -> Expansion | None:
    """What links are to carry within: `expand=synopsis,cast`, or as some wrote it, `expand=@synopsis`."""
    names = call.say("expand")
    if not names:
        return None
    wanted = {name.strip().removeprefix("@") for name in names.split(",")}
    if "formats" in wanted:
        wanted.add("format_availability")
    return expand_parts(catalog, title, _dialect_of(call), wanted)


def _read_person(call: Call) -> Person:
    number = call.part("number")
    person = find_person(int(number)) if _NUMBER.fullmatch(number) else None
    if person is None:
        raise CallRefused(404, "Resource not found")
    return person
