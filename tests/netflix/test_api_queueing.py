"""Changing a queue whose etag is kept: what others change meanwhile, what gets no answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from apis import Kept, got, opening_api
from apiserver import NO_WORD, Answer, ApiServer, Asked, serving_answers, status
from hypothesis import given, settings
from hypothesis import strategies as st
from queueserver import QueueServer, film

from feedwatch.core.model import Change, ChangeKind
from feedwatch.core.statuses import Action
from feedwatch.netflix.queueing import (
    KeptQueue,
    QueueDone,
    QueueOutcome,
    QueueRefused,
    add_to_queue,
    move_in_queue,
    remove_from_queue,
    show_queue,
)


@pytest.fixture
def titles() -> QueueServer:
    return QueueServer([1, 2, 3, 4])


@pytest.fixture
def server(titles: QueueServer) -> Iterator[ApiServer]:
    with serving_answers(titles) as server:
        yield server


@pytest.fixture
async def queue(server: ApiServer) -> AsyncIterator[KeptQueue]:
    async with opening_queue(server.base) as queue:
        yield queue


@asynccontextmanager
async def opening_queue(base: str) -> AsyncIterator[KeptQueue]:
    async def go_on(_: float) -> None:
        """Wait for nothing: no test needs to."""

    async with opening_api(base) as api:
        yield KeptQueue(api, Kept(), pause=go_on, jitter=lambda: 0.5)


def kept(queue: KeptQueue) -> Kept:
    assert isinstance(queue.readings, Kept)
    return queue.readings


def done(outcome: QueueOutcome) -> QueueDone:
    assert isinstance(outcome, QueueDone), outcome
    return outcome


def refused(outcome: QueueOutcome) -> QueueRefused:
    assert isinstance(outcome, QueueRefused), outcome
    return outcome


def tell(changes: tuple[Change, ...]) -> list[tuple[ChangeKind, str]]:
    entries = [(each.kind, each.after or each.before) for each in changes]
    return [(kind, entry.title) for kind, entry in entries if entry is not None]


async def test_etag_is_kept_from_one_change_to_the_next(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """The queue is read once; each change names the etag that the last one brought."""
    for number in (7, 8, 9):
        done(await add_to_queue(queue, film(number)))
    assert server.methods() == ["GET", "POST", "POST", "POST"]
    assert titles.titles == [1, 2, 3, 4, 7, 8, 9]
    assert [each.parameters["etag"] for each in server.asked[1:]] == ["100", "101", "102"]


async def test_what_is_kept_is_what_the_queue_is(queue: KeptQueue, titles: QueueServer) -> None:
    """After changes of all kinds, what was kept is what reading the queue again gives."""
    titles.saved = [50]
    done(await add_to_queue(queue, film(7), 2))
    done(await move_in_queue(queue, film(1), 4))
    done(await move_in_queue(queue, film(4), 1))
    assert got(await show_queue(queue)).changes == ()
    done(await remove_from_queue(queue, film(2)))
    assert got(await show_queue(queue)).changes == ()


async def test_change_that_came_too_late_is_made_after_reading_again(
    queue: KeptQueue, titles: QueueServer
) -> None:
    """A 412 reads the queue again, says what others changed, and makes the change upon that."""
    got(await show_queue(queue))
    titles.before = [lambda it: it.add(9, 1), lambda it: it.remove(3)]
    outcome = done(await add_to_queue(queue, film(7)))
    assert titles.titles == [9, 1, 2, 4, 7]
    assert set(tell(outcome.changes)) == {(ChangeKind.ADDED, "Film 9"), (ChangeKind.REMOVED, "Film 3")}


async def test_title_that_others_moved_is_told_as_moved(queue: KeptQueue, titles: QueueServer) -> None:
    """What only changed its place is told so, and what it passed is not."""
    got(await show_queue(queue))
    titles.before = [lambda it: it.add(4, 1)]
    outcome = done(await add_to_queue(queue, film(7)))
    assert tell(outcome.changes) == [(ChangeKind.MOVED, "Film 4")]


async def test_queue_that_never_rests_is_given_up_on(queue: KeptQueue, titles: QueueServer) -> None:
    """When the queue changes each time between reading and changing it, that ends, and says so."""
    titles.before = [lambda it, n=n: it.add(100 + n) for n in range(50)]  # type: ignore[misc]
    outcome = refused(await add_to_queue(queue, film(7)))
    assert 7 not in titles.titles
    assert "again and again" in outcome.sentence
    assert len(titles.before) >= 40


async def test_reading_again_that_fails_is_what_is_said(queue: KeptQueue, server: ApiServer) -> None:
    """After a 412 the queue cannot be read, for the sign-in is dead: that is the reason, not the queue."""
    answers = {"GET": [QueueServer([1]).write()], "POST": []}

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return status(412, "Precondition failed. Resource has been modified.")
        kept = answers["GET"]
        return Answer(200, kept.pop()) if kept else status(401, "Access token is invalid")

    server.answers = answer
    outcome = refused(await add_to_queue(queue, film(7)))
    assert outcome.failed.action is Action.SIGN_IN_AGAIN
    assert "sign in again" in outcome.sentence


async def test_server_that_asks_for_rest_is_left_alone(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """A 503 to a change may have come after the deed; the server has its rest before that is looked for."""
    titles.refusal = Answer(503, headers={"Retry-After": "600"})
    outcome = refused(await add_to_queue(queue, film(7)))
    assert server.methods() == ["GET", "POST"]
    assert outcome.failed.retry_after == timedelta(minutes=10)
    assert outcome.failed.may_have_happened


async def test_pauses_grow_so_that_others_come_to_an_end(server: ApiServer, titles: QueueServer) -> None:
    """Each try waits longer than the one before, up to a bound."""
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    titles.before = [lambda it, n=n: it.add(100 + n) for n in range(50)]  # type: ignore[misc]
    async with opening_api(server.base) as api:
        refused(await add_to_queue(KeptQueue(api, Kept(), note, lambda: 0.5), film(7)))
    assert pauses == sorted(pauses)
    assert 3 < sum(pauses) < 20


async def test_addition_that_nobody_answered_is_looked_for_and_not_repeated(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """A POST whose answer was lost is found in the queue: it is done, and not done again."""
    titles.lost = 1
    outcome = done(await add_to_queue(queue, film(7)))
    assert titles.titles == [1, 2, 3, 4, 7]
    assert server.methods() == ["GET", "POST", "GET"]
    assert [item.title.name for item in outcome.items] == ["Film 7"]


async def test_addition_whose_answer_says_that_the_server_broke_is_looked_for(titles: QueueServer) -> None:
    """A fault that is told in the body of a 200, after the deed, is a lost answer like any other."""
    faults = ["once"]

    def answer(asked: Asked) -> Answer:
        said = titles(asked)
        return Answer(200, status(500).body) if asked.method == "POST" and faults and faults.pop() else said

    with serving_answers(answer) as server:
        async with opening_queue(server.base) as queue:
            done(await add_to_queue(queue, film(7)))
    assert titles.titles == [1, 2, 3, 4, 7]
    assert server.methods() == ["GET", "POST", "GET"]


async def test_addition_that_was_lost_on_the_way_is_repeated(queue: KeptQueue, titles: QueueServer) -> None:
    """A POST that never arrived is not found in the queue: it is made again, once."""
    titles.lost_before = 1
    done(await add_to_queue(queue, film(7), 2))
    assert titles.titles == [1, 7, 2, 3, 4]


async def test_move_that_nobody_answered_is_looked_for_at_its_place(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """A move whose answer was lost is done when the title is where it was to go."""
    titles.lost = 1
    done(await move_in_queue(queue, film(4), 1))
    assert titles.titles == [4, 1, 2, 3]
    assert server.methods() == ["GET", "POST", "GET"]


async def test_title_that_is_queued_is_not_added_twice(queue: KeptQueue, titles: QueueServer) -> None:
    """710 is a sentence, and nothing is tried again."""
    outcome = refused(await add_to_queue(queue, film(2)))
    assert outcome.failed.sub_code == 710
    assert "in the queue already" in outcome.sentence
    assert titles.titles == [1, 2, 3, 4]


async def test_refusal_without_a_sub_code_is_told_by_its_message(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """Servers leave sub codes out: a 412 of a title that is queued already is not taken for an old etag."""
    titles.bare = True
    assert "in the queue already" in refused(await add_to_queue(queue, film(2))).sentence
    assert server.methods() == ["GET", "POST"]


@pytest.mark.parametrize("place", [None, 2])
@pytest.mark.parametrize("bare", [False, True])
async def test_addition_that_nobody_answered_is_found_even_by_who_reads_an_old_queue(
    queue: KeptQueue, titles: QueueServer, place: int | None, *, bare: bool
) -> None:
    """A reading right after a change may be old: what it lacks is not added twice, nor is it refused."""
    titles.bare = bare
    titles.lost = 1
    titles.stale = [titles.write()] * 3
    outcome = done(await add_to_queue(queue, film(7), place))
    assert titles.titles == ([1, 2, 3, 4, 7] if place is None else [1, 7, 2, 3, 4])
    assert [item.title.name for item in outcome.items] == ["Film 7"]


async def test_removal_that_nobody_answered_is_seen_even_by_who_reads_an_old_queue(
    queue: KeptQueue, titles: QueueServer
) -> None:
    """A title that an old reading still shows is looked for again, and then it is gone."""
    titles.lost = 1
    titles.stale = [titles.write()] * 3
    done(await remove_from_queue(queue, film(2)))
    assert titles.titles == [1, 3, 4]


async def test_change_of_which_nobody_knows_says_so(queue: KeptQueue, server: ApiServer) -> None:
    """When neither the change nor any reading after it is answered, it is not said that it failed."""
    got(await show_queue(queue))
    server.answers = lambda _: NO_WORD
    outcome = refused(await add_to_queue(queue, film(7)))
    assert outcome.failed.may_have_happened
    assert "feedwatch queue list" in outcome.sentence


async def test_first_title_of_an_empty_queue_is_added(queue: KeptQueue, titles: QueueServer) -> None:
    """An empty queue has the etag 0, which is one like any other."""
    titles.titles, titles.etag = [], 0
    done(await add_to_queue(queue, film(7)))
    assert titles.titles == [7]


async def test_title_that_is_not_queued_is_never_added_by_moving_it(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """To move what is not there would add it: the queue is read, and nothing is asked for."""
    for _ in range(2):
        outcome = refused(await move_in_queue(queue, film(7), 1))
        assert outcome.failed.sub_code == 610
        assert "not in the queue" in outcome.sentence
    assert titles.titles == [1, 2, 3, 4]
    assert set(server.methods()) == {"GET"}


async def test_title_that_others_removed_meanwhile_is_not_put_back_by_a_move(
    queue: KeptQueue, titles: QueueServer
) -> None:
    """A move that came too late for a title that is gone ends there."""
    got(await show_queue(queue))
    titles.before = [lambda it: it.remove(3)]
    assert refused(await move_in_queue(queue, film(3), 1)).failed.sub_code == 610
    assert titles.titles == [1, 2, 4]


async def test_title_that_others_added_can_be_moved(queue: KeptQueue, titles: QueueServer) -> None:
    """What was kept does not know the title: the queue is read again before it is said to lack it."""
    got(await show_queue(queue))
    titles.add(9)
    done(await move_in_queue(queue, film(9), 1))
    assert titles.titles == [9, 1, 2, 3, 4]


async def test_queue_is_read_before_the_change_after_a_removal(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """DELETE brings no etag: the next change reads the queue first."""
    done(await remove_from_queue(queue, film(2)))
    done(await add_to_queue(queue, film(7)))
    assert server.methods() == ["GET", "DELETE", "GET", "POST"]
    assert titles.titles == [1, 3, 4, 7]


async def test_removal_finds_a_title_that_was_moved_meanwhile(queue: KeptQueue, titles: QueueServer) -> None:
    """An entry's id holds its place: when that has changed, the entry is looked for again."""
    titles.before = [lambda it: it.add(9, 1)]
    outcome = done(await remove_from_queue(queue, film(3)))
    assert titles.titles == [9, 1, 2, 4]
    assert [item.title.name for item in outcome.items] == ["Film 3"]


async def test_removal_that_nobody_answered_is_done_if_the_title_is_gone(
    queue: KeptQueue, titles: QueueServer, server: ApiServer
) -> None:
    """A DELETE whose answer was lost is not repeated upon another title."""
    titles.lost = 1
    done(await remove_from_queue(queue, film(2)))
    assert titles.titles == [1, 3, 4]
    assert server.methods() == ["GET", "DELETE", "GET"]


async def test_what_is_not_there_cannot_be_removed(queue: KeptQueue, server: ApiServer) -> None:
    """610 as a sentence, and nothing is deleted."""
    assert refused(await remove_from_queue(queue, film(9))).failed.sub_code == 610
    assert server.methods() == ["GET"]


@pytest.mark.parametrize(
    ("code", "sub_code", "words"),
    [
        (400, 130, "no such title"),
        (404, 610, "not in the queue"),
        (400, 620, "saved"),
        (400, 650, "full"),
        (400, 660, "title"),
        (400, 690, "at your home"),
    ],
)
async def test_each_refusal_is_a_sentence_and_is_not_tried_again(
    queue: KeptQueue, titles: QueueServer, server: ApiServer, code: int, sub_code: int, words: str
) -> None:
    """What the server refuses for good is told in words, once."""
    titles.refusal = status(code, "No", sub_code)
    outcome = refused(await add_to_queue(queue, film(7)))
    assert outcome.failed.sub_code == sub_code
    assert words in outcome.sentence
    assert server.methods() == ["GET", "POST"]


@pytest.mark.parametrize("sub_code", [640, None])
async def test_set_of_which_only_some_were_added_is_said_to_be_so(
    queue: KeptQueue, titles: QueueServer, sub_code: int | None
) -> None:
    """201 with 640 is a change, of a part; the message says so too where the code is left out."""
    titles.refusal = status(201, "Only some titles in the set were added.", sub_code)
    assert done(await add_to_queue(queue, film(7))).partial


async def test_showing_the_queue_says_what_changed_since_the_last_time(
    queue: KeptQueue, titles: QueueServer
) -> None:
    """Two readings are compared as a feed's are."""
    assert got(await show_queue(queue)).changes == ()
    titles.add(9, 1)
    titles.remove(2)
    shown = got(await show_queue(queue))
    assert [item.title.name for item in shown.items] == ["Film 9", "Film 1", "Film 3", "Film 4"]
    assert set(tell(shown.changes)) == {(ChangeKind.ADDED, "Film 9"), (ChangeKind.REMOVED, "Film 2")}


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["add", "move", "remove"]),
        st.integers(1, 9),
        st.integers(1, 4),
        st.sampled_from(["", "", "other adds", "other removes", "lost", "lost before"]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(ORDERS)
async def test_whatever_others_do_each_change_is_made_once_or_refused(
    orders: list[tuple[str, int, int, str]],
) -> None:
    """Law: a change that is said to be done is in the queue, a refused one is not, and nothing is lost."""
    titles = QueueServer([1, 2, 3, 4])
    with serving_answers(titles) as server:
        async with opening_queue(server.base) as queue:
            for what, number, place, trouble in orders:
                before = set(titles.titles)
                others = _trouble(titles, trouble)
                outcome = await _order(queue, what, number, place)
                expected = (before | others[0]) - others[1]
                if isinstance(outcome, QueueDone):
                    expected = expected - {number} if what == "remove" else expected | {number}
                assert set(titles.titles) - others[1] == expected - others[1]
                assert len(set(titles.titles)) == len(titles.titles)


def _trouble(titles: QueueServer, trouble: str) -> tuple[set[int], set[int]]:
    """Make trouble for the next change; gives what others add and remove, if there is a next change."""
    titles.before.clear()
    titles.lost = titles.lost_before = 0
    if trouble == "other adds" and 77 not in titles.titles:
        titles.add(77, 1)
        return {77}, set()
    if trouble == "other removes" and titles.titles:
        gone = titles.titles[0]
        titles.remove(gone)
        return set(), {gone}
    titles.lost = int(trouble == "lost")
    titles.lost_before = int(trouble == "lost before")
    return set(), set()


async def _order(queue: KeptQueue, what: str, number: int, place: int) -> QueueOutcome:
    match what:
        case "add":
            return await add_to_queue(queue, film(number))
        case "move":
            return await move_in_queue(queue, film(number), place)
        case _:
            return await remove_from_queue(queue, film(number))


async def test_an_old_reading_after_a_change_is_no_news(queue: KeptQueue, titles: QueueServer) -> None:
    """A server that still shows the queue as it was before our own addition is asked once more."""
    got(await show_queue(queue))
    before = titles.write()
    assert isinstance(await add_to_queue(queue, film(9)), QueueDone)
    titles.stale = [before, before]
    shown = got(await show_queue(queue))
    assert (len(shown.items), shown.changes) == (5, ())


async def test_a_queue_that_is_again_as_it_was_is_believed(queue: KeptQueue, titles: QueueServer) -> None:
    """Where an etag is that of the titles, one that was left behind comes back: in the end it is taken."""
    got(await show_queue(queue))
    titles.add(9)
    got(await show_queue(queue))
    titles.titles.remove(9)
    titles.etag = 100
    shown = got(await show_queue(queue))
    assert [change.kind for change in shown.changes] == [ChangeKind.REMOVED]
