"""Rating titles: given once, changed afterwards, and looked for where nobody answered."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from apis import failed, got, opening_api
from apiserver import NO_WORD, Answer, Asked, serving_answers, status

from feedwatch.errors import RequestRefused
from feedwatch.netflix.ratings import find_rating, find_ratings, rate

FILM = "http://api.netflix.com/catalog/titles/movies/60001"


@dataclass
class Ratings:
    """Ratings by title, written as either dialect has them. `lost` changes get no answer, and are made."""

    given: dict[str, str] = field(default_factory=dict)
    wild: bool = False
    lost: int = 0

    def __call__(self, asked: Asked) -> Answer:
        """Answer a call."""
        if asked.method == "GET":
            return Answer(200, f"<ratings>{self._write()}</ratings>")
        answer = self._give(asked) if asked.method == "POST" else self._change(asked)
        if self.lost:
            self.lost -= 1
            return NO_WORD
        return answer

    def _give(self, asked: Asked) -> Answer:
        title = asked.parameters["title_ref"].rpartition("/")[2]
        if title in self.given:
            return status(422, "Title has already been rated")
        self.given[title] = asked.parameters["rating"]
        made = f"<resources_created><ratings_item>{_id_of(title)}</ratings_item></resources_created>"
        return status(201, "Title rated", more=made)

    def _change(self, asked: Asked) -> Answer:
        title = asked.path.partition("/ratings/title/actual/")[2]
        if title not in self.given:
            return status(404, "Resource not found")
        self.given[title] = asked.parameters["rating"]
        return status(200, "Rating updated")

    def _write(self) -> str:
        return "".join(
            f"<ratings_item>{self._value(rating)}{_id_of(title)}"
            f'<link href="http://api-public.netflix.com/catalog/titles/movies/{title}" '
            f'rel="http://schemas.netflix.com/{"catalog/title" if self.wild else "id"}" title="title"/>'
            f'<title regular="Film {title}"/></ratings_item>'
            for title, rating in self.given.items()
        )

    def _value(self, rating: str) -> str:
        if self.wild and not rating.isdigit():
            return f'<user_rating value="{rating}"/>'
        return f"<user_rating>{rating}{'.0' if rating.isdigit() else ''}</user_rating>"


def _id_of(title: str) -> str:
    return f"<id>http://api.netflix.com/users/T1user-/ratings/titles/{title}</id>"


async def test_first_rating_is_one_call() -> None:
    """What has not been rated takes one POST, and the reply names the rating."""
    ratings = Ratings()
    with serving_answers(ratings) as server:
        async with opening_api(server.base) as api:
            made = got(await rate(api, FILM, 4))
        assert server.methods() == ["POST"]
    assert ratings.given == {"60001": "4"}
    assert made.id is not None
    assert made.id.endswith("/ratings/titles/60001")


@pytest.mark.parametrize("wild", [False, True])
async def test_second_rating_turns_into_a_change(*, wild: bool) -> None:
    """422 is no end: the rating is looked up and changed, once."""
    ratings = Ratings({"60001": "2", "60002": "5"}, wild)
    with serving_answers(ratings) as server:
        async with opening_api(server.base) as api:
            got(await rate(api, FILM, "not interested"))
        assert server.methods() == ["POST", "GET", "PUT"]
        assert server.asked[2].path == "/users/T1user-/ratings/title/actual/60001"
    assert ratings.given == {"60001": "not_interested", "60002": "5"}


@pytest.mark.parametrize("wild", [False, True])
async def test_rating_that_is_there_already_is_left_alone(*, wild: bool) -> None:
    """The same rating again changes nothing, and nothing is asked to change."""
    with serving_answers(Ratings({"60001": "not_interested"}, wild)) as server:
        async with opening_api(server.base) as api:
            got(await rate(api, FILM, "not_interested"))
        assert server.methods() == ["POST", "GET"]


async def test_rating_that_nobody_answered_is_looked_for() -> None:
    """A POST whose answer was lost is found, and not repeated."""
    ratings = Ratings(lost=1)
    with serving_answers(ratings) as server:
        async with opening_api(server.base) as api:
            got(await rate(api, FILM, 4))
        assert server.methods() == ["POST", "GET"]
    assert ratings.given == {"60001": "4"}


async def test_rating_that_was_lost_on_the_way_is_given_again() -> None:
    """A POST that never arrived is not found: it is made again, once."""
    ratings = Ratings()
    answers = [NO_WORD, None, None]

    def answer(asked: Asked) -> Answer:
        return answers.pop(0) or ratings(asked)

    with serving_answers(answer) as server:
        async with opening_api(server.base) as api:
            got(await rate(api, FILM, 4))
        assert server.methods() == ["POST", "GET", "POST"]
    assert ratings.given == {"60001": "4"}


async def test_server_that_asks_for_rest_is_not_asked_what_it_has() -> None:
    """A 503 may have come after the deed; what became of the rating is not looked for at once."""
    with serving_answers(lambda _: Answer(503, headers={"Retry-After": "600"})) as server:
        async with opening_api(server.base) as api:
            assert failed(await rate(api, FILM, 4)).may_have_happened
        assert server.methods() == ["POST"]


async def test_no_opinion_takes_no_rating_back() -> None:
    """no_opinion is for what has not been rated: a rating that was given stays."""
    ratings = Ratings({"60001": "2"})
    with serving_answers(ratings) as server:
        async with opening_api(server.base) as api:
            with pytest.raises(RequestRefused, match="cannot replace"):
                await rate(api, FILM, "no_opinion")
            got(await rate(api, FILM.replace("60001", "60009"), "no_opinion"))
    assert ratings.given == {"60001": "2", "60009": "no_opinion"}


async def test_refusal_is_passed_on() -> None:
    """What the server refuses is a failure, and is not tried in another way."""
    with serving_answers(lambda _: status(400, "rating is invalid")) as server:
        async with opening_api(server.base) as api:
            assert failed(await rate(api, FILM, 4)).status == 400
        assert server.methods() == ["POST"]


async def test_ratings_are_read_in_either_dialect() -> None:
    """A word as an attribute or as text, a number as text: the same ratings."""
    for wild in (False, True):
        with serving_answers(Ratings({"60001": "not_interested", "60002": "3"}, wild)) as server:
            async with opening_api(server.base) as api:
                found = got(await find_ratings(api, [FILM]))
                assert [each.rating for each in found] == ["not_interested", "3"]
                mine = await find_rating(api, found[0].id)
                assert mine is not None
                assert got(mine).title.name == "Film 60001"
