"""Lists page by page: to the end, and never for ever, whatever the server makes of start_index."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apis import all_of, opening_api
from apiserver import Answer, Asked, serving_answers

from feedwatch.core.model import Reason
from feedwatch.netflix import paging
from feedwatch.netflix.recommendations import each_recommendation
from feedwatch.netflix.replies import ApiFailed, CatalogTitle, Listing


def write_page(first: int, count: int, total: int | None) -> str:
    """A page of recommendations, numbered from `first`."""
    head = f"<number_of_results>{total}</number_of_results>" if total is not None else ""
    items = "".join(
        f'<recommendation><link href="http://api.netflix.com/catalog/titles/movies/{n}" '
        f'rel="http://schemas.netflix.com/id" title="title"/><title regular="Film {n}"/></recommendation>'
        for n in range(first, first + count)
    )
    return f"<recommendations>{head}<start_index>{first}</start_index>{items}</recommendations>"


def give(length: int, *, most: int = 500, total: int | None = None) -> Callable[[Asked], Answer]:
    """A list of that length, at most so many at once, whatever is asked for."""

    def answer(asked: Asked) -> Answer:
        start = int(asked.parameters.get("start_index", 0))
        count = min(int(asked.parameters["max_results"]), most, max(length - start, 0))
        return Answer(200, write_page(start, count, total))

    return answer


async def read_all(answers: Callable[[Asked], Answer]) -> tuple[list[CatalogTitle], ApiFailed | None, int]:
    with serving_answers(answers) as server:
        async with opening_api(server.base) as api:
            items, why = await all_of(each_recommendation(api, page_size=10))
        return items, why, len(server.asked)


@pytest.mark.parametrize(("length", "calls"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (30, 3), (31, 4)])
async def test_list_that_counts_itself_takes_no_call_too_many(length: int, calls: int) -> None:
    """With a count, the last page is known for the last."""
    items, why, made = await read_all(give(length, total=length))
    assert [item.name for item in items] == [f"Film {n}" for n in range(length)]
    assert (why, made) == (None, calls)


@pytest.mark.parametrize("length", [0, 1, 10, 25])
async def test_list_without_a_count_is_read_until_nothing_comes(length: int) -> None:
    """Without a count, only an empty page is the end."""
    items, why, _ = await read_all(give(length))
    assert (len(items), why) == (length, None)


@pytest.mark.parametrize("total", [None, 25])
async def test_server_that_gives_fewer_than_asked_for_is_asked_for_the_rest(total: int | None) -> None:
    """A page that is shorter than was asked for is not the last for that."""
    items, why, _ = await read_all(give(25, most=4, total=total))
    assert (len({item.ref for item in items}), why) == (25, None)


@pytest.mark.parametrize("total", [None, 1641])
async def test_server_that_knows_no_paging_ends_in_a_failure(total: int | None) -> None:
    """Who gives the first page again is not asked for ever; that the rest is missing is a failure."""
    items, why, made = await read_all(lambda _: Answer(200, write_page(0, 10, total)))
    assert len(items) == 10
    assert made == 2
    assert why is not None
    assert why.reason is Reason.TORN


async def test_list_without_end_is_not_taken_for_whole_where_reading_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that always has one page more is left at last; that the rest is missing is a failure."""
    monkeypatch.setattr(paging, "_MOST_PAGES", 5)
    items, why, made = await read_all(give(10_000))
    assert (len(items), made) == (50, 5)
    assert why is not None
    assert "without end" in why.says


async def test_list_that_ends_before_its_count_is_not_taken_for_whole() -> None:
    """A list that says it has 1,641 titles and gives 20 is a failure after the 20."""
    items, why, _ = await read_all(give(20, total=1641))
    assert len(items) == 20
    assert why is not None
    assert "1641" in why.says


async def test_failure_ends_the_pages_and_keeps_what_came_before() -> None:
    """A page that fails is given as a failure; the pages before it were given, and no page comes after it."""

    def answer(asked: Asked) -> Answer:
        return Answer(500) if "start_index" in asked.parameters else give(25, total=25)(asked)

    items, why, made = await read_all(answer)
    assert len(items) == 10
    assert made == 2
    assert why is not None
    assert why.status == 500


async def test_entry_that_nobody_can_read_costs_no_other() -> None:
    """An entry without a title is counted and left out: the pages after it begin where they must."""

    def answer(asked: Asked) -> Answer:
        page = give(25, total=25)(asked)
        return page._replace(body=page.body.replace('titles/movies/3"', 'nowhere"'))

    with serving_answers(answer) as server:
        async with opening_api(server.base) as api:
            pages = [page async for page in each_recommendation(api, page_size=10)]
    assert [(len(page.items), page.unread) for page in pages if isinstance(page, Listing)] == [
        (9, 1),
        (10, 0),
        (5, 0),
    ]


async def test_large_page_is_read_like_a_small_one() -> None:
    """A page of half a megabyte is read away from the loop, and whole."""

    def answer(asked: Asked) -> Answer:
        page = give(25, total=25)(asked)
        return page._replace(body=page.body.replace("<start_index>", f"<!--{'x' * 500_000}--><start_index>"))

    items, why, _ = await read_all(answer)
    assert (len(items), why) == (25, None)
