"""The sandbox's people over HTTP: found by name, described, with what they were in."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
from catalog_client import CatalogClient, begin_anew, message_of, serving_catalog
from lxml import etree

from feedwatch.sandbox.dialects import DIALECTS
from feedwatch.sandbox.people import list_people


@pytest.fixture(scope="module")
def served() -> Iterator[CatalogClient]:
    with serving_catalog() as client:
        yield client


@pytest.fixture
def client(served: CatalogClient) -> CatalogClient:
    return begin_anew(served)


def names_of(root: etree._Element) -> list[str]:
    return [str(person.findtext("name")) for person in root.iterfind("person")]


def test_people_are_found_by_any_part_of_their_name(client: CatalogClient) -> None:
    """Twenty share a family name; case and accents are no matter."""
    page = client.xml("/catalog/people?term=fernbrook")
    assert page.tag == "people"
    assert page.findtext("number_of_results") == "20"
    assert all(name.endswith("Fernbrook") for name in names_of(page))
    assert names_of(client.xml("/catalog/people?term=zoe+brinzescu")) == []
    assert names_of(client.xml("/catalog/people?term=zoe+branzescu")) == ["Zoë Brânzescu"]


def test_people_are_paged_to_five_hundred(client: CatalogClient) -> None:
    """25 unless more are asked for, 500 at most."""
    assert len(names_of(client.xml("/catalog/people?term=a"))) == 25
    everybody = client.xml("/catalog/people?max_results=500")
    assert names_of(everybody) == [person.name for person in list_people()]
    second = client.xml("/catalog/people?start_index=298&max_results=10")
    assert names_of(second) == [person.name for person in list_people()[298:]]
    refused = client.ask("/catalog/people?max_results=501")
    assert message_of(refused)[:2] == ("400", "120")


def test_not_everybody_has_a_biography(client: CatalogClient) -> None:
    """One that is there may have markup in it; one that is not is no element."""
    page = client.xml("/catalog/people?max_results=100")
    biographies = [person.findtext("bio") for person in page.iterfind("person")]
    assert any(each is None for each in biographies)
    assert any(each is not None and "<p>" in each and "&" in each for each in biographies)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_person_is_shown_with_what_they_were_in(client: CatalogClient, dialect: str) -> None:
    """The address of a person has biography and titles, these as links; the filmography has them in full."""
    client.speak(dialect)
    person = client.xml("/catalog/people/20000000")
    assert person.findtext("id") == f"http://{client.switches.id_host}/catalog/people/20000000"
    link = next(link for link in person.iterfind("link") if str(link.get("rel")).endswith("filmography"))
    linked = [str(each.get("href")) for each in link.iterfind("filmography/link")]
    assert linked
    filmography = client.xml(urlsplit(str(link.get("href"))).path)
    tag, item = (
        ("filmography", "filmography_item") if dialect == "wild" else ("catalog_titles", "catalog_title")
    )
    assert filmography.tag == tag
    assert [title.findtext("id") for title in filmography.iterfind(item)] == linked


def test_who_is_in_a_title_has_it_in_their_filmography(client: CatalogClient) -> None:
    """Cast and directors of a title, and the titles of a person, are one fact seen from both sides."""
    for film in client.sandbox.world.catalog[:12]:
        for part in ("cast", "directors"):
            for person in client.xml(f"{film.path}/{part}").iterfind("person"):
                shown = client.xml(urlsplit(str(person.findtext("id"))).path)
                links = [str(link.get("href")) for link in shown.iterfind("link/filmography/link")]
                assert f"http://api.netflix.com{film.path}" in links


def test_person_comes_in_json(client: CatalogClient) -> None:
    """The same document, in the other form."""
    person = client.json("/catalog/people/20000000")["person"]
    assert person["name"] == "Odalys Fernbrook"
    assert client.json(f"/catalog/people?term={quote('Odalys Fernbrook')}")["people"]["person"]["name"]


@pytest.mark.parametrize("number", ["1", "20000001", "20009999", "x", "99999999999"])
@pytest.mark.parametrize("part", ["", "/filmography"])
def test_nobody_is_said(client: CatalogClient, number: str, part: str) -> None:
    """404 for a number that is nobody's."""
    answer = client.ask(f"/catalog/people/{number}{part}")
    assert message_of(answer) == ("404", None, "Resource not found")
