"""The sandbox's titles over HTTP: one of each kind, everything that they link to, and how they are found."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from catalog_client import (
    CatalogClient,
    begin_anew,
    ids_of,
    links_of,
    message_of,
    names_of,
    serving_catalog,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from feedwatch.sandbox.dialects import DIALECTS

SERIES = "/catalog/titles/series/70003000"
TITLES = {
    "film": "/catalog/titles/movies/60000000",
    "film with everything": "/catalog/titles/movies/60000555",
    "series": SERIES,
    "first season": f"{SERIES}/seasons/70003000",
    "second season": f"{SERIES}/seasons/70003200",
    "episode": "/catalog/titles/programs/70003101",
    "disc of a season": "/catalog/titles/discs/80003011",
    "disc of a film": "/catalog/titles/discs/90000555",
}


@pytest.fixture(scope="module")
def served() -> Iterator[CatalogClient]:
    with serving_catalog() as client:
        yield client


@pytest.fixture
def client(served: CatalogClient) -> CatalogClient:
    return begin_anew(served)


# ── one title ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", TITLES.values(), ids=TITLES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_title_says_what_it_is(client: CatalogClient, dialect: str, path: str) -> None:
    """A title has its own address as its id, names, a year, a certificate, a length and three pictures."""
    client.speak(dialect)
    title = client.xml(path)
    assert title.tag == "catalog_title"
    assert title.findtext("id") == f"http://{client.switches.id_host}{path}"
    name = title.find("title")
    assert name is not None
    assert name.get("regular")
    assert name.get("short")
    assert 1900 < int(title.findtext("release_year") or "") < 2100
    assert 600 < int(title.findtext("runtime") or "") < 200_000
    assert 1 <= float(title.findtext("average_rating") or "") <= 5
    rated = [each for each in title.iterfind("category") if "_ratings" in str(each.get("scheme"))]
    assert len(rated) == 1
    art = title.find("box_art")
    assert art is not None
    assert set(art.attrib) == {"small", "medium", "large"}
    assert str(art.get("large")).startswith(f"{client.base}/boxshots/large/")


@pytest.mark.parametrize("output", ["", "?output=json"], ids=["xml", "json"])
@pytest.mark.parametrize("path", TITLES.values(), ids=TITLES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_everything_a_title_links_to_answers(
    client: CatalogClient, dialect: str, path: str, output: str
) -> None:
    """No link within the catalog leads nowhere, in either form."""
    client.speak(dialect)
    links = links_of(client.xml(path))
    assert len(links) >= 7
    assert {part: client.ask(part + output).status for part in links.values()} == dict.fromkeys(
        links.values(), 200
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_kinds_of_title_link_to_what_is_theirs(client: CatalogClient, dialect: str) -> None:
    """A series has seasons, a season has episodes and its series, an episode has its season."""
    client.speak(dialect)

    def relations(kind: str) -> set[str]:
        return {rel.removeprefix("http://schemas.netflix.com/") for rel in links_of(client.xml(TITLES[kind]))}

    episodes = "catalog/titles.programs" if dialect == "wild" else "catalog/programs"
    assert "catalog/titles.seasons" in relations("series")
    assert {episodes, "catalog/titles.discs", "catalog/titles.series"} <= relations("second season")
    assert {"catalog/titles.series", "catalog/titles.season"} <= relations("episode")
    assert "catalog/titles/bonus_materials" in relations("film with everything")
    assert not {"catalog/titles.seasons", episodes} & relations("film")


def test_dialects_differ_as_real_replies_did(client: CatalogClient) -> None:
    """Schemes and words are those of their years: in the earlier, a scheme below the catalog and no terms."""
    said = {}
    for dialect in DIALECTS:
        client.speak(dialect)
        title = client.xml(TITLES["film"])
        category = title.find("category")
        assert category is not None
        pages = [link.get("title") for link in title.iterfind("link") if link.get("rel") == "alternate"]
        said[dialect] = (category.get("scheme"), category.get("term") is not None, pages)
    assert said == {
        "reference": ("http://api.netflix.com/catalog/titles/mpaa_ratings", False, ["webpage"]),
        "wild": ("http://api-public.netflix.com/categories/mpaa_ratings", True, ["web page"]),
    }


def test_first_season_has_the_id_of_its_series(client: CatalogClient) -> None:
    """As the API had it: only what stands before the number tells a series from its first season."""
    series, season = client.xml(TITLES["series"]), client.xml(TITLES["first season"])
    assert str(series.findtext("id")).rpartition("/")[2] == str(season.findtext("id")).rpartition("/")[2]
    assert series.findtext("id") != season.findtext("id")


def test_json_says_the_same_as_xml(client: CatalogClient) -> None:
    """Attributes are members, several of a name are a list, and numbers are texts."""
    title, xml = client.json(TITLES["film"])["catalog_title"], client.xml(TITLES["film"])
    assert title["id"] == xml.findtext("id")
    assert title["release_year"] == "1951"
    assert title["title"]["regular"] == "An American in Paris"
    assert [link["href"] for link in title["link"]] == [link.get("href") for link in xml.iterfind("link")]


def test_lists_say_of_a_title_what_the_catalog_says(client: CatalogClient) -> None:
    """Certificate, genres and average rating of an entry are those of its title."""
    account = client.sandbox.world.account
    asked = f"feed_token={account.feed_token}&oauth_consumer_key={account.consumer_key}"
    client.sandbox.world.recommend(title="Ninth Tide: Season 2")
    answer = client.ask(f"/users/{account.user_id}/recommendations?{asked}", {"Authorization": ""})
    entries = etree.fromstring(answer.body).findall("recommendation")
    assert len(entries) > 10
    for entry in entries:
        title = client.xml(next(path for path in links_of(entry).values()))
        assert entry.findtext("average_rating") == title.findtext("average_rating")
        shown = [[str(c.get("label")) for c in each.iterfind("category")] for each in (entry, title)]
        assert shown[0][-len(shown[1]) :] == shown[1]


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", DIALECTS)
def test_synopsis_is_text(client: CatalogClient, dialect: str) -> None:
    """What a title is about, whole and in brief; what is markup to XML comes through."""
    client.speak(dialect)
    whole, brief = (client.xml(f"{TITLES['film']}/{part}") for part in ("synopsis", "short_synopsis"))
    assert (whole.tag, brief.tag) == ("synopsis", "short_synopsis")
    assert len(whole.text or "") > len(brief.text or "") > 20
    said = [
        client.xml(f"/catalog/titles/movies/{60_000_000 + 37 * n}/synopsis").text or "" for n in range(40)
    ]
    assert any("&" in each for each in said)
    assert any("<" in each for each in said)


@pytest.mark.parametrize("part", ["cast", "directors"])
def test_people_of_a_title_are_described_or_linked(client: CatalogClient, part: str) -> None:
    """In the earlier dialect they come as persons, in the later as links; the people are the same."""
    client.speak("reference")
    root = client.xml(f"{TITLES['film with everything']}/{part}")
    assert root.tag == part
    named = [person.findtext("name") for person in root.iterfind("person")]
    client.speak("wild")
    root = client.xml(f"{TITLES['film with everything']}/{part}")
    assert root.tag == "people"
    assert named == [link.get("title") for link in root.iterfind("link")]
    assert named
    for link in root.iterfind("link"):
        assert client.ask(str(link.get("href")).partition("netflix.com")[2]).status == 200


@pytest.mark.parametrize("dialect", DIALECTS)
def test_availability_is_windows(client: CatalogClient, dialect: str) -> None:
    """Each format has a beginning in seconds, and an end if there is one."""
    client.speak(dialect)
    root = client.xml(f"{TITLES['film with everything']}/format_availability")
    assert root.tag == "delivery_formats"
    windows = root.findall("availability")
    assert [each.find("category").get("label") for each in windows] == ["instant", "DVD"]  # type: ignore[union-attr]
    for window in windows:
        ends = window.get("available_until")
        assert int(str(window.get("available_from"))) < (int(ends) if ends else 10**10)


def test_some_titles_can_be_had_no_more(client: CatalogClient) -> None:
    """Windows that are over, that end one day and that do not end at all: there are all three."""
    now = client.sandbox.clock()
    ends = []
    for film in client.sandbox.world.catalog[:60]:
        window = client.xml(f"{film.path}/format_availability").find("availability")
        assert window is not None
        until = window.get("available_until")
        ends.append("open" if until is None else "over" if int(until) < now else "coming")
    assert set(ends) == {"open", "over", "coming"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_awards_are_won_or_nominated_for(client: CatalogClient, dialect: str) -> None:
    """Each with a year and a category; of an actress or an actor with a link to them."""
    client.speak(dialect)
    tags, people = set(), 0
    for film in client.sandbox.world.catalog[:60]:
        if "http://schemas.netflix.com/catalog/titles/awards" not in links_of(client.xml(film.path)):
            assert client.ask(f"{film.path}/awards").status == 404
            continue
        for award in client.xml(f"{film.path}/awards"):
            tags.add(award.tag)
            people += award.find("link") is not None
            assert award.get("year") == str(film.year + 1)
            assert "/categories/awards_" in str(award.find("category").get("scheme"))  # type: ignore[union-attr]
    assert tags == {"award_winner", "award_nominee"}
    assert people


def test_languages_stand_beside_or_within(client: CatalogClient) -> None:
    """Each format has its languages with their sounds: as elements, or as categories within categories."""
    path = f"{TITLES['film with everything']}/languages_and_audio"
    client.speak("reference")
    rows = client.xml(path)
    beside = [
        [category.get("label") for category in language.iter("category")]
        for language in rows.iterfind("languages_audio_format/language")
    ]
    client.speak("wild")
    nested = client.xml(path)
    within = [
        [category.get("label") for category in language.iter("category")]
        for language in nested.iterfind("language_audio_format/category/category")
    ]
    assert beside == within
    assert all(len(each) >= 2 for each in beside)
    assert beside


@pytest.mark.parametrize("dialect", DIALECTS)
def test_screen_formats_name_a_format_and_a_shape(client: CatalogClient, dialect: str) -> None:
    """One for each format that the title can be had in."""
    client.speak(dialect)
    root = client.xml(f"{TITLES['first season']}/screen_formats")
    schemes = [
        [str(c.get("scheme")).rpartition("/")[2] for c in each] for each in root.iterfind("screen_format")
    ]
    assert schemes == [["title_formats", "screen_formats"]] * 2


def test_seasons_and_episodes_are_titles(client: CatalogClient) -> None:
    """A series lists its seasons, a season its episodes and discs, each in full."""
    seasons = client.xml(f"{SERIES}/seasons")
    assert len(ids_of(seasons)) >= 2
    assert all(path.startswith(f"{SERIES}/seasons/") for path in ids_of(seasons))
    episodes = client.xml(f"{TITLES['second season']}/episodes")
    assert len(ids_of(episodes)) >= 4
    assert all(path.startswith("/catalog/titles/programs/") for path in ids_of(episodes))
    runtimes = [int(each.findtext("runtime") or 0) for each in episodes.iterfind("catalog_title")]
    assert client.xml(TITLES["second season"]).findtext("runtime") == str(sum(runtimes))
    discs = client.xml(f"{TITLES['second season']}/discs")
    assert all(path.startswith("/catalog/titles/discs/") for path in ids_of(discs))


@pytest.mark.parametrize(
    "path",
    [
        "/catalog/titles/movies/1",
        "/catalog/titles/movies/60000000x",
        f"/catalog/titles/movies/{'9' * 5000}",
        "/catalog/titles/movies/%D9%A6",
        "/catalog/titles/movies%2F60000000/cast%20",
        "/catalog/titles/series/70003000/seasons/70004000",
        "/catalog/titles/programs/60000000",
        "/catalog/titles/movies/60000000/seasons",
        "/catalog/titles/movies/60000000/nowhere",
        "/catalog/titles/movies/60000000/cast/cast",
        "/catalog/titles/books/60000000",
        "/catalog/nowhere",
    ],
)
def test_what_is_not_there_is_said(client: CatalogClient, path: str) -> None:
    """404 with the API's status document."""
    answer = client.ask(path)
    assert message_of(answer) == ("404", None, "Resource not found")


# ── similars ──────────────────────────────────────────────────────────────────────────────────────


def test_similars_are_paged(client: CatalogClient) -> None:
    """25 unless more are asked for; the pages make up the whole, and say how many there are."""
    path = f"{TITLES['film']}/similars"
    whole = ids_of(client.xml(f"{path}?max_results=500"))
    assert len(whole) > 25
    assert ids_of(client.xml(path)) == whole[:25]
    paged = []
    for start in range(0, len(whole), 7):
        page = client.xml(f"{path}?start_index={start}&max_results=7")
        assert page.findtext("number_of_results") == str(len(whole))
        assert page.findtext("start_index") == str(start)
        assert page.findtext("results_per_page") == str(len(ids_of(page)))
        paged += ids_of(page)
    assert paged == whole
    assert TITLES["film"] not in whole
    assert len(set(whole)) == len(whole)


def test_similars_have_etags(client: CatalogClient) -> None:
    """Each title in that list bears an etag, as the reference shows it."""
    page = client.xml(f"{TITLES['film']}/similars")
    assert all(title.findtext("etag") for title in page.iterfind("catalog_title"))


# ── searching ─────────────────────────────────────────────────────────────────────────────────────


def test_search_finds_by_name_first(client: CatalogClient) -> None:
    """The name itself comes before names that begin with it, and those before all others."""
    names = names_of(client.xml("/catalog/titles?term=ninth+tide"))
    assert names[0] == "Ninth Tide"
    assert names[1].startswith("Ninth Tide: Season")
    assert names_of(client.xml("/catalog/titles?term=casablanca"))[0] == "Casablanca"


@pytest.mark.parametrize("term", ["Am%C3%A9lie", "amelie", "AMELIE", "am%C3%A9lie"])
def test_search_minds_neither_case_nor_accents(client: CatalogClient, term: str) -> None:
    """A term is found as anybody would type it."""
    assert names_of(client.xml(f"/catalog/titles?term={term}"))[0] == "Amélie"


def test_search_looks_into_synopses(client: CatalogClient) -> None:
    """What stands in no name is found where it is told; nobody's name is `lighthouse`."""
    found = ids_of(client.xml("/catalog/titles?term=lighthouse"))
    assert len(found) > 3
    assert "lighthouse" in (client.xml(f"{found[0]}/synopsis").text or "")


def test_search_is_paged_to_a_hundred(client: CatalogClient) -> None:
    """A page of search results has a hundred at most; one more is refused."""
    page = client.xml("/catalog/titles?term=the&max_results=100")
    total = int(page.findtext("number_of_results") or 0)
    assert len(ids_of(page)) == min(total, 100)
    assert ids_of(client.xml("/catalog/titles?term=the"))[:25] == ids_of(page)[:25]
    refused = client.ask("/catalog/titles?term=the&max_results=101")
    assert message_of(refused)[:2] == ("400", "120")


def test_search_that_finds_nothing_is_an_empty_list(client: CatalogClient) -> None:
    """No result is no error."""
    for term in ("zzzzqqq", "%21%21%21"):
        page = client.xml(f"/catalog/titles?term={term}")
        assert page.findtext("number_of_results") == "0"
        assert not ids_of(page)


@pytest.mark.parametrize("query", ["max_results=0", "max_results=-1", "max_results=x", "start_index=-1"])
def test_number_that_is_none_is_refused(client: CatalogClient, query: str) -> None:
    """400 with sub code 120, for every list of the catalog."""
    name = query.partition("=")[0]
    for path in ("/catalog/titles", f"{TITLES['film']}/similars", "/catalog/people"):
        answer = client.ask(f"{path}?{query}")
        assert message_of(answer) == ("400", "120", f"Query parameter {name} must be a positive integer.")


def test_page_beyond_the_end_is_empty(client: CatalogClient) -> None:
    """It says how many there are, and has none."""
    page = client.xml("/catalog/titles?term=the&start_index=99999")
    assert int(page.findtext("number_of_results") or 0) > 0
    assert page.findtext("results_per_page") == "0"


def test_one_result_is_an_object_in_json(client: CatalogClient) -> None:
    """One child is an object, several are a list, none is no member at all."""
    one = client.json("/catalog/titles?term=casablanca&max_results=1")["catalog_titles"]
    assert one["catalog_title"]["title"]["regular"] == "Casablanca"
    several = client.json("/catalog/titles?term=the&max_results=2")["catalog_titles"]
    assert isinstance(several["catalog_title"], list)
    assert several["results_per_page"] == "2"
    assert "catalog_title" not in client.json("/catalog/titles?term=zzzqqq")["catalog_titles"]


def test_links_carry_what_is_asked_for(client: CatalogClient) -> None:
    """`expand` puts documents within the links that lead to them, and no others."""
    title = client.xml(f"{TITLES['film with everything']}?expand=@synopsis,cast,formats")
    within = {str(link.get("title")): [each.tag for each in link] for link in title.iterfind("link")}
    assert {name: tags for name, tags in within.items() if tags} == {
        "synopsis": ["synopsis"],
        "cast": ["people"],
        "formats": ["delivery_formats"],
    }
    link = client.json(f"{TITLES['film']}?expand=synopsis")["catalog_title"]["link"][0]
    assert set(link) == {"href", "rel", "title", "synopsis"}


# ── completing ────────────────────────────────────────────────────────────────────────────────────


def test_completion_needs_only_the_key(client: CatalogClient) -> None:
    """Names of which a word begins so, those that begin so first, and nothing is signed."""
    key = client.sandbox.world.account.consumer_key
    bare = CatalogClient(client.base, client.sandbox)
    answer = bare.ask(f"/catalog/titles/autocomplete?term=th&oauth_consumer_key={key}", {"Authorization": ""})
    names = [str(t.get("short")) for t in etree.fromstring(answer.body).iterfind("autocomplete_item/title")]
    assert 1 < len(names) <= 10
    assert all(f" {name.lower()}".find(" th") >= 0 for name in names)
    refused = bare.ask("/catalog/titles/autocomplete?term=th", {"Authorization": ""})
    assert message_of(refused) == ("401", None, "Missing Required Consumer Key")
    refused = bare.ask("/catalog/titles/autocomplete?oauth_consumer_key=x", {"Authorization": ""})
    assert message_of(refused) == ("401", None, "Consumer key mismatch")


def test_completions_are_found_when_searched_for(client: CatalogClient) -> None:
    """What is completed is a name that the search knows, and it comes first there."""
    items = client.json("/catalog/titles/autocomplete?term=ni")["autocomplete"]["autocomplete_item"]
    names = [item["title"]["short"] for item in items]
    assert "Ninth Tide" in names
    for name in names:
        found = client.xml(f"/catalog/titles?term={name.replace(' ', '+').replace('&', '%26')}")
        assert names_of(found)[0] == name


def test_nothing_is_completed_to_everything(client: CatalogClient) -> None:
    """Without a term there are no completions."""
    assert client.json("/catalog/titles/autocomplete")["autocomplete"] == ""


# ── how it is asked ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/catalog/titles", TITLES["film"], "/catalog/people"])
def test_catalog_is_for_reading(client: CatalogClient, method: str, path: str) -> None:
    """405, with the methods that there are."""
    answer = client.ask(path, method=method)
    assert message_of(answer) == ("405", None, "Method not allowed")
    assert "GET" in answer.headers["allow"].split(", ")


def test_other_form_is_refused(client: CatalogClient) -> None:
    """The catalog comes in XML or JSON; an error comes in the form that was asked for."""
    refused = client.ask(f"{TITLES['film']}?output=atom")
    assert message_of(refused) == ("400", None, "parameter output is invalid")
    missing = client.ask("/catalog/titles/movies/1?output=json")
    assert missing.json == {"status": {"status_code": "404", "message": "Resource not found"}}


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["the", "-1", "0", "7", "json", "xml", "cast,@synopsis", "9" * 40]
)
ASKED = st.sampled_from(
    ["/catalog/titles", "/catalog/titles/autocomplete", "/catalog/people", *TITLES.values()]
)
NAMED = st.sampled_from(["term", "start_index", "max_results", "output", "expand", "v", "method", "nowhere"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ASKED, st.dictionaries(NAMED, TEXTS, max_size=4))
def test_no_parameter_breaks_anything(client: CatalogClient, path: str, said: dict[str, str]) -> None:
    """Whatever is asked for is answered or refused, and a refusal says why."""
    key = client.sandbox.world.account.consumer_key if path.endswith("complete") else ""
    pairs = [*said.items(), *([("oauth_consumer_key", key)] if key else [])]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    answer = client.ask(f"{path}?{query}", {"Authorization": ""} if key else {})
    assert answer.status in (200, 400, 405), answer.text
    assert answer.status == 200 or "message" in answer.text


@pytest.mark.parametrize("path", [TITLES["film"], f"{TITLES['film']}/cast", "/catalog/titles?term=the"])
def test_unchanged_document_is_not_sent_again(client: CatalogClient, path: str) -> None:
    """An etag that still holds answers 304, and one of another document does not."""
    etag = client.ask(path).headers["etag"]
    again = client.ask(path, {"If-None-Match": etag})
    assert (again.status, again.body) == (304, b"")
    assert client.ask(path, {"If-None-Match": '"another"'}).status == 200
    client.switches.http_etags = False
    assert "etag" not in client.ask(path).headers
