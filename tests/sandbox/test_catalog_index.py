"""The sandbox's whole catalog at once: the index and the full form, streamed, packed, interrupted."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from http.client import IncompleteRead

import pytest
from asking import Answer, ask, give_order
from catalog_client import CatalogClient, begin_anew, message_of, serving_catalog
from lxml import etree

from feedwatch.sandbox import World
from feedwatch.sandbox.catalog import Catalog
from feedwatch.sandbox.catalog_documents import Dialect
from feedwatch.sandbox.catalog_index import open_full, open_index
from feedwatch.sandbox.dialects import DIALECTS

INDEX = "/catalog/titles/index"
FULL = "/catalog/titles/full?v=2.0"


@pytest.fixture(scope="module")
def served() -> Iterator[CatalogClient]:
    with serving_catalog() as client:
        yield client


@pytest.fixture
def client(served: CatalogClient) -> CatalogClient:
    return begin_anew(served)


def follow(client: CatalogClient, path: str) -> tuple[list[int], Answer]:
    """Go where redirects lead, signing each call anew."""
    statuses = []
    while (answer := client.ask(path)).status == 302:
        statuses.append(302)
        assert answer.headers["location"].startswith(client.base)
        path = answer.headers["location"].removeprefix(client.base)
    return [*statuses, answer.status], answer


@pytest.mark.parametrize("dialect", DIALECTS)
def test_index_has_every_title(client: CatalogClient, dialect: str) -> None:
    """Films, series, seasons and episodes, each once, with year, people, window and page."""
    client.speak(dialect)
    root = client.xml(INDEX)
    assert root.tag == "catalog_title_index"
    ids = [str(item.findtext("id")) for item in root.iterfind("title_index_item")]
    assert len(ids) == len(set(ids)) == Catalog.of(client.sandbox.world).count_index()
    for kind in ("movies/", "series/", "/seasons/", "programs/"):
        assert any(kind in each for each in ids)
    for item in root.iterfind("title_index_item"):
        assert item.findtext("updated")
        assert item.findtext("release_year")
        assert item.find("delivery_formats/availability") is not None
        name = item.find("title")
        assert name is not None
        assert (name.text if dialect == "wild" else name.get("regular")) is not None


def test_numbers_of_others_are_given_when_asked_for(client: CatalogClient) -> None:
    """Every title has its UPC; the two that need a licence come if they are asked for."""

    def kinds(query: str) -> set[str]:
        found = client.xml(INDEX + query).iterfind("title_index_item/external_ids/id")
        return {str(each.get("rel")).rpartition(".")[2] for each in found}

    assert kinds("") == {"upc"}
    assert kinds("?include_amg=true") == {"upc", "amg"}
    assert kinds("?include_amg=true&include_tms=true") == {"upc", "amg", "tms"}
    refused = client.ask(f"{INDEX}?include_amg=yes")
    assert message_of(refused) == ("400", None, "parameter include_amg is invalid")


def test_index_is_packed_for_who_asks(client: CatalogClient) -> None:
    """The same document in gzip, smaller; caches are told; who does not want it does not get it."""
    plain, packed = client.ask(INDEX), client.ask(INDEX, {"Accept-Encoding": "br, gzip;q=0.8"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5
    assert "content-encoding" not in client.ask(INDEX, {"Accept-Encoding": "gzip;q=0"}).headers


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_unchanged_index_is_one_request(client: CatalogClient, coding: str) -> None:
    """Its etag holds until the catalog changes, or the form that is asked for."""
    etag = client.ask(INDEX, {"Accept-Encoding": coding}).headers["etag"]

    def again(path: str = INDEX) -> int:
        answer = client.ask(path, {"Accept-Encoding": coding, "If-None-Match": etag})
        return answer.status

    assert again() == 304
    assert again(f"{INDEX}?include_amg=true") == 200
    client.sandbox.world.add(title="A Title of My Own")
    assert again() == 200


def test_etags_of_the_two_codings_differ(client: CatalogClient) -> None:
    """What is strong must be byte for byte the same (RFC 9110, section 8.8.1)."""
    plain, packed = client.ask(INDEX), client.ask(INDEX, {"Accept-Encoding": "gzip"})
    assert plain.headers["etag"] != packed.headers["etag"]


def test_index_is_as_large_as_it_is_told_to_be(client: CatalogClient) -> None:
    """The switch adds titles that are made up on the way, and that can be asked for like any other."""
    client.switches.index_titles = 3000
    root = client.xml(INDEX)
    ids = [str(item.findtext("id")) for item in root.iterfind("title_index_item")]
    assert len(ids) == len(set(ids)) == 3000
    assert client.xml(ids[-1].partition("netflix.com")[2]).findtext("id") == ids[-1]


def test_switch_takes_a_large_index(client: CatalogClient) -> None:
    """It is ordered as every switch is, up to a million titles."""
    assert give_order(client.base, "switch", {"index_titles": 1_000_000}).status == 200
    assert client.switches.index_titles == 1_000_000
    assert give_order(client.base, "switch", {"index_titles": 1_000_001}).status == 400


@pytest.mark.parametrize("whole", ["index", "full"])
def test_large_catalog_is_not_held(whole: str) -> None:
    """What is made at once is a block, whatever the size of the whole."""
    world = World()
    world.switches.index_titles = 4000 if whole == "index" else 1000
    catalog, dialect = Catalog.of(world), Dialect.of(world, "http://127.0.0.1")
    document = (
        open_full(catalog, dialect) if whole == "full" else open_index(catalog, dialect, amg=True, tms=True)
    )
    next(iter(document.write_blocks()))  # what is kept for good is there now
    tracemalloc.start()
    size = sum(len(block) for block in document.write_blocks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 4_000_000
    assert peak < 3_000_000


def test_same_catalog_is_the_same_document() -> None:
    """Another world at another time gives the same bytes, and so the same etag."""

    def make(now: float) -> tuple[str, bytes]:
        world = World(clock=lambda: now)
        index = open_index(Catalog.of(world), Dialect.of(world, "http://x"), amg=True, tms=True)
        return index.version, b"".join(index.write_blocks())

    assert make(1_790_000_000) == make(1_800_000_000)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_full_catalog_is_behind_two_redirects(client: CatalogClient, dialect: str) -> None:
    """At the end there is every title, with what its links lead to within them."""
    client.speak(dialect)
    statuses, answer = follow(client, FULL)
    assert statuses == [302, 302, 200]
    root = etree.fromstring(answer.body)
    assert root.tag == "catalog_titles"
    titles = root.findall("catalog_title")
    assert len(titles) == Catalog.of(client.sandbox.world).count_index()
    for title in titles:
        assert title.findtext("link/synopsis")
        assert title.find("link/delivery_formats/availability") is not None
        assert title.find("link/people/link") is not None


def test_every_hop_is_to_be_signed(client: CatalogClient) -> None:
    """A signature is good for one call: none, or that of the first, opens none of the redirects' targets."""
    path = FULL
    for _ in range(3):
        assert ask(f"{client.base}{path}").status == 401
        path = client.ask(path).headers.get("location", "").removeprefix(client.base)
    refused = client.ask("/catalog/titles/full")
    assert message_of(refused) == ("400", None, "parameter v is invalid")
    assert client.ask("/catalog/titles/full/yesterday.xml").status == 404


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_rest_of_an_index_can_be_asked_for(client: CatalogClient, coding: str) -> None:
    """What was cut is gone on with, as long as it is the same document; else all of it is sent."""
    whole = client.ask(INDEX, {"Accept-Encoding": coding})
    headers = {"Accept-Encoding": coding, "Range": "bytes=30000-", "If-Range": whole.headers["etag"]}
    rest = client.ask(INDEX, headers)
    size = len(whole.body)
    assert (rest.status, rest.headers["content-range"]) == (206, f"bytes 30000-{size - 1}/{size}")
    assert rest.body == whole.body[30000:]
    beyond = client.ask(INDEX, {**headers, "Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    client.sandbox.world.add(title="A Title of My Own")
    assert client.ask(INDEX, headers).status == 200
    client.switches.index_ranges = False
    assert client.ask(INDEX, {**headers, "If-Range": client.ask(INDEX).headers["etag"]}).status == 200


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_index_can_be_cut_in_the_middle(client: CatalogClient, coding: str) -> None:
    """The next answer ends without an end, but is the beginning; the one after that is whole again."""
    client.switches.index_titles = 3000
    order = {"feed": "titles_index", "fault": "cut"}
    assert give_order(client.base, "fail", order).status == 200
    with pytest.raises(IncompleteRead) as cut:
        client.ask(INDEX, {"Accept-Encoding": coding})
    whole = client.ask(INDEX, {"Accept-Encoding": coding})
    assert 0 < len(cut.value.partial) < len(whole.body)
    assert whole.body.startswith(cut.value.partial)


def test_catalog_can_be_told_to_fail(client: CatalogClient) -> None:
    """Faults of the lists are there for the catalog too, and its requests are counted."""
    assert give_order(client.base, "fail", {"feed": "catalog", "fault": "403-per-second"}).status == 200
    assert message_of(client.ask("/catalog/titles?term=the")) == (
        "403",
        None,
        "Over queries per second limit",
    )
    assert client.ask("/catalog/titles?term=the").status == 200
    assert client.sandbox.world.requests["catalog"] == {"all": 2, "403": 1, "200": 1}
