"""The catalog's calls over HTTP against the sandbox, in both dialects, in XML and in JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial

import pytest
from apis import DIALECTS, all_of, failed, got, opening_api, settings_of, speak

from feedwatch.core.model import Reason
from feedwatch.netflix import catalog, people
from feedwatch.netflix.api import Api
from feedwatch.netflix.documents import read_listing, read_title
from feedwatch.sandbox import Sandbox, serving

FILM = "/catalog/titles/movies/60000555"
SERIES = "/catalog/titles/series/70003000"
SEASON = f"{SERIES}/seasons/70003000"
KINDS = {
    "film": FILM,
    "series": SERIES,
    "season": SEASON,
    "program": "/catalog/titles/programs/70003101",
    "disc": "/catalog/titles/discs/80003011",
}


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture(scope="module")
def base(sandbox: Sandbox) -> Iterator[str]:
    with serving(sandbox) as url:
        yield url


@pytest.fixture(params=DIALECTS)
async def api(sandbox: Sandbox, base: str, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    speak(sandbox, request.param)
    async with opening_api(base, settings_of(sandbox, base, signed_in=False)) as api:
        yield api


async def test_search_gives_a_page_and_how_many_there_are(api: Api) -> None:
    """A search gives the page that was asked for, out of as many titles as it says."""
    first = got(await catalog.search_titles(api, "the", max_results=3))
    second = got(await catalog.search_titles(api, "the", start_index=3, max_results=3))
    assert len(first.items) == len(second.items) == 3
    assert first.total is not None
    assert first.total > 6
    assert first.total == second.total
    assert second.start_index == 3
    assert not {title.ref for title in first.items} & {title.ref for title in second.items}


async def test_searching_page_by_page_gives_every_title_once(api: Api) -> None:
    """All pages together hold as many titles as the server says, none of them twice."""
    found, why_ended = await all_of(catalog.each_found_title(api, "the", page_size=40))
    total = got(await catalog.search_titles(api, "the", max_results=1)).total
    assert why_ended is None
    assert len({title.ref for title in found}) == len(found) == total


async def test_a_term_is_sent_as_it_was_typed(api: Api) -> None:
    """What has to be escaped in an address is found: the signature is of the same characters."""
    found = got(await catalog.search_titles(api, "the 400 blows"))
    assert [title.name for title in found.items] == ["The 400 Blows"]
    assert got(await catalog.search_titles(api, "100% of what + ünter/schön & so?")).items == ()


async def test_completing_a_name_needs_no_signature(api: Api) -> None:
    """Beginnings of names are completed by whoever has a consumer key, whatever its secret."""
    api.caller = None  # type: ignore[assignment] # whoever signs would fail
    assert "The Birds" in got(await catalog.complete_title(api, "the b"))


@pytest.mark.parametrize("ref", KINDS.values(), ids=KINDS)
async def test_title_of_each_kind_is_read_whole(api: Api, ref: str) -> None:
    """A film, a series, a season, a program and a disc give what the reference says of them."""
    title = got(await catalog.find_title(api, ref))
    assert title.ref.endswith(ref)
    assert title.name
    assert title.short_name
    assert title.certificate
    assert title.genres
    assert title.page
    assert title.year is not None
    assert 1900 < title.year < 2100
    assert title.runtime is not None
    assert title.runtime > timedelta(minutes=10)
    assert 1 <= float(title.average_rating or 0) <= 5
    assert set(title.box_art) == {"small", "medium", "large"}
    assert {"synopsis", "cast", "directors", "similars"} <= catalog.find_parts(title)


async def test_every_part_that_a_film_links_to_is_read(api: Api) -> None:
    """Each link of a film leads to something that is read: nothing of the catalog is unknown."""
    film = got(await catalog.find_title(api, FILM))
    assert catalog.find_parts(film) >= {"bonus_materials", "previews"}
    assert "." in got(await catalog.find_synopsis(api, film)).text
    assert got(await catalog.find_short_synopsis(api, film)).text
    assert all(person.name and person.ref for person in got(await catalog.find_cast(api, film)))
    assert got(await catalog.find_directors(api, film))
    assert {"instant", "DVD"} == {
        each.form for each in got(await catalog.find_format_availability(api, film))
    }
    assert all(each.shape and each.form for each in got(await catalog.find_screen_formats(api, film)))
    assert all(each.name and each.sounds for each in got(await catalog.find_languages(api, film)))
    assert [each.title for each in got(await catalog.find_previews(api, film))] == [film.name]
    assert got(await catalog.find_bonus_materials(api, film)).items
    assert got(await catalog.find_similars(api, film)).items


async def test_series_leads_to_its_episodes(api: Api) -> None:
    """From a series to its seasons, from a season to its episodes and discs: each says what it is called."""
    seasons = got(await catalog.find_seasons(api, SERIES)).items
    assert seasons[0].ref.endswith(SEASON)
    episodes = got(await catalog.find_episodes(api, seasons[0])).items
    assert all(episode.name and "/programs/" in episode.ref for episode in episodes)
    assert got(await catalog.find_discs(api, seasons[0])).items


async def test_awards_say_who_won_what(api: Api) -> None:
    """An award has its giver, what it was for, its year, and for whom."""
    awards = got(await catalog.find_awards(api, SERIES))
    assert all(award.name and award.category and award.year for award in awards)
    assert any(award.person for award in awards)
    assert not any("_" in award.name for award in awards)


async def test_similars_are_paged(api: Api) -> None:
    """All that is like a title is given, page by page, as many as the server says."""
    found, why_ended = await all_of(catalog.each_similar(api, FILM, page_size=4))
    assert why_ended is None
    assert len(found) == got(await catalog.find_similars(api, FILM, max_results=1)).total


async def test_people_are_found_by_a_part_of_their_name(api: Api) -> None:
    """A search for people gives them page by page, with their lives as plain text."""
    found, why_ended = await all_of(people.each_found_person(api, "fernbrook", page_size=2))
    assert why_ended is None
    assert len(found) > 2
    assert all("Fernbrook" in person.name for person in found)
    assert not any("<" in person.biography for person in found)


async def test_person_leads_to_what_they_were_in(api: Api) -> None:
    """A person and their filmography, by number, by address, and by the link that they came with."""
    person = got(await people.find_person(api, "20000104"))
    assert person.name == "Lucjan Fernbrook"
    assert person.biography
    by_link = got(await people.find_filmography(api, person)).items
    assert by_link
    assert by_link == got(await people.find_filmography(api, person.ref)).items


@pytest.mark.parametrize("ref", ["movies/1", "series/70003000/seasons/1", "discs/5"])
async def test_title_that_is_not_there_is_a_failure(api: Api, ref: str) -> None:
    """A title that there is none of is not found: a failure, and no title without a name."""
    why = failed(await catalog.find_title(api, catalog.title_ref_of(ref)))
    assert (why.status, why.reason) == (404, Reason.NOT_FOUND)


@pytest.mark.parametrize("ref", KINDS.values(), ids=KINDS)
async def test_json_says_what_xml_says(api: Api, ref: str) -> None:
    """A title, and the titles that are like it, are the same whichever form they come in."""
    as_json = [("output", "json")]
    assert await api.get(ref, read_title, as_json) == await catalog.find_title(api, ref)
    read = partial(read_listing, names=["catalog_titles"], items=["catalog_title"], read=read_title)
    similars = await catalog.find_similars(api, ref, max_results=1)
    assert await api.get(f"{ref}/similars", read, [("max_results", "1"), *as_json]) == similars
