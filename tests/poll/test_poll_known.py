"""Reading only what is new of a list: it tells what reading all of it would, or all of it is read."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from feedserver import FeedServer, reply
from watching import EVERYTHING, TARGETS, Watch, watching

from feedwatch.core.model import RecordedChange
from feedwatch.poll import PollOutcome, reading
from feedwatch.poll.known import find_known

KINDS = ("stream", "queue", "ratings", "recommendations")
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><updated>{at}</updated><title>F</title>{head}{entries}</feed>'
RSS = '<rss version="2.0"><channel><title>F</title><pubDate>{at}</pubDate>{head}{entries}</channel></rss>'


@dataclass(frozen=True)
class Item:
    """An entry of a document that is written anew for each poll."""

    number: int
    title: str = "Alien"
    stars: int = 3
    published: str = "2026-10-{:02}T10:00:00Z"
    more: str = ""

    def write(self, form: str, at: str) -> str:
        """The entry in a form, when it was `at`."""
        published = self.published.format(self.number % 28 + 1)
        if form == RSS:
            return (
                f"<item><guid>tag:{self.number}</guid><title>{self.title}</title>"
                f"<link>http://h/films/{self.number}</link><pubDate>{published}</pubDate>{self.more}</item>"
            )
        return (
            f"<entry><id>http://h/titles/{self.number}</id><title>{self.title}</title><updated>{at}</updated>"
            f'<published>{published}</published><link href="http://h/films/{self.number}"/>'
            f"<summary type='html'>&lt;img src='http://h/{self.number}.jpg'/&gt;About {self.title}</summary>"
            f"<user_rating>{self.stars}</user_rating>{self.more}</entry>\n"
        )


@dataclass
class Page:
    """A document that changes as a list does, and sometimes as no list should."""

    form: str = ATOM
    items: list[Item] = field(default_factory=lambda: [Item(number) for number in range(12, 0, -1)])
    head: str = ""
    at: int = 0
    last: int = 12

    def write(self) -> bytes:
        """The document as it is now; its dates move each time."""
        self.at += 1
        at = f"2026-11-01T{self.at // 60:02}:{self.at % 60:02}:00Z"
        entries = "".join(item.write(self.form, at) for item in self.items)
        return reply(self.form.format(at=at, head=self.head, entries=entries).encode())

    def add(self, dice: random.Random) -> None:
        """Something new, nearly always at the top."""
        self.last += 1
        place = dice.choice([0, 0, 0, dice.randrange(len(self.items) + 1)])
        self.items.insert(place, Item(self.last, dice.choice(["Alien", "Brazil", "AT&amp;T"])))

    def slide(self, dice: random.Random) -> None:
        """One in at the top, one out at the end."""
        self.add(dice)
        self.items.pop()

    def remove(self, dice: random.Random) -> None:
        """One less, anywhere."""
        if len(self.items) > 8:
            self.items.pop(dice.randrange(len(self.items)))

    def edit(self, dice: random.Random) -> None:
        """Another title, or another rating."""
        place = dice.randrange(len(self.items))
        self.items[place] = replace(
            self.items[place], title=dice.choice(["Alien", "Ran"]), stars=dice.randrange(1, 6)
        )

    def move(self, dice: random.Random) -> None:
        """One goes somewhere else."""
        self.items.insert(dice.randrange(len(self.items)), self.items.pop(dice.randrange(len(self.items))))

    def come_back(self, dice: random.Random) -> None:
        """One that was here before is here again."""
        gone = set(range(1, self.last)) - {item.number for item in self.items}
        if gone:
            self.items.insert(0, Item(dice.choice(sorted(gone))))

    def repeat(self, dice: random.Random) -> None:
        """An id that stands there already, as a feed should not have it."""
        self.items.insert(0, replace(dice.choice(self.items), title="Twice"))

    def be_odd(self, dice: random.Random) -> None:
        """What a document may hold besides: places, comments, no date, an entry within an entry."""
        odd = (
            "<position>3</position>",
            "<!-- <entry> -->",
            "<extra><entry>x</entry></extra>",
            "<x:updated xmlns:x='urn:x'>1</x:updated>",
            "<note xml:id='note'>of one</note>",  # as others have it, too
            "<about><published>2026-10-03T10:00:00Z</published><updated>2026-11-01T00:00:00Z</updated></about>",
        )
        self.last += 1
        published = dice.choice(["", "yesterday", "2026-10-03T10:00:00Z"])
        self.items.insert(0, Item(self.last, published=published, more=dice.choice(odd)))

    def say_more(self, dice: random.Random) -> None:
        """What the list says of itself."""
        whole = "<fh:complete xmlns:fh='http://purl.org/syndication/history/1.0'/>"
        count = f"<os:totalResults xmlns:os='urn:os'>{len(self.items)}</os:totalResults>"
        self.head = dice.choice(["", whole, count, "<rights>mine</rights>"])


MOVES: list[tuple[int, Callable[[Page, random.Random], None]]] = [
    (8, Page.add),
    (8, Page.slide),
    (3, Page.remove),
    (3, Page.edit),
    (2, Page.move),
    (2, Page.come_back),
    (1, Page.repeat),
    (1, Page.be_odd),
    (1, Page.say_more),
]


def tell(change: RecordedChange) -> tuple[object, ...]:
    """All that is said of a change, whichever feed it is of."""
    return (
        change.kind,
        change.key,
        change.title,
        change.link,
        change.position,
        change.previous_position,
        dict(change.facts),
        dict(change.entry_facts),
        change.details,
    )


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a feed's entries were known again; those of feeds that are called `whole…` never are."""
    found: Counter[str] = Counter()

    def find(task: object, *rest: object) -> tuple[int | None, ...] | None:
        name = str(getattr(task, "name", ""))
        stood = None if name.startswith("whole") else find_known(task, *rest)  # type: ignore[arg-type]
        found[name] += stood is not None
        return stood

    monkeypatch.setattr(reading, "find_known", find)
    return found


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
async def watch(server: FeedServer, tmp_path: Path) -> AsyncIterator[Watch]:
    """Two feeds of each kind over one document: one is always read whole."""
    feeds = "".join(
        f"      {how}-{kind}: {{url: '{server.url('/f')}', kind: {kind}}}\n"
        for how in ("known", "whole")
        for kind in KINDS
    )
    config = f"accounts:\n  a:\n    service: feeds\n    feeds:\n{feeds}targets:\n{TARGETS}{EVERYTHING}"
    async with watching(tmp_path, config) as watch:
        await watch.discover()
        yield watch


async def assert_same(watch: Watch) -> None:
    """What is kept and what was told is the same for both feeds of each kind."""
    for kind in KINDS:
        assert await watch.titles(f"a/known-{kind}") == await watch.titles(f"a/whole-{kind}")
        one, other = [await watch.recorded(f"a/{how}-{kind}") for how in ("known", "whole")]
        assert list(map(tell, one)) == list(map(tell, other)), kind


@pytest.mark.parametrize("form", [ATOM, RSS], ids=["atom", "rss"])
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 10))]
)
async def test_whatever_happens_is_told_as_if_all_were_read(
    server: FeedServer, watch: Watch, known: Counter[str], form: str, seed: int
) -> None:
    """Two feeds over one document that lives for long: one is read whole, one as far as it is new."""
    dice, page = random.Random(seed), Page(form)
    for _ in range(30):
        server.on("/f", page.write())
        reports = await watch.poll()
        assert not any(report.outcome is PollOutcome.LATE for report in reports.values())
        watch.moment.pass_by(minutes=15)
        await assert_same(watch)
        moves = [move for weight, move in MOVES for _ in range(weight)]
        for move in dice.sample(moves, dice.choice([1, 1, 1, 2, 3])):
            move(page, dice)
    assert known["known-stream"] > 2


async def test_new_entry_is_told_with_all_that_it_shows(
    server: FeedServer, watch: Watch, known: Counter[str]
) -> None:
    """Its picture and its text are there, though nothing else of the document was read."""
    page = Page()
    server.on("/f", page.write())
    await watch.poll()
    page.items.insert(0, Item(99, "Brazil"))
    server.on("/f", page.write())
    await watch.poll()
    (change,) = await watch.recorded("a/known-stream")
    assert (change.title, change.details.picture) == ("Brazil", "http://h/99.jpg")
    assert change.details.text == "About Brazil"
    assert known["known-stream"] == known["known-queue"] == 1


async def test_list_that_moves_by_itself_is_still_known(
    server: FeedServer, watch: Watch, known: Counter[str]
) -> None:
    """Every date of the document is another each time, and yet only what is new is read."""
    page = Page()
    for number, title in enumerate(("Zero", "One", "Two", "Three"), start=100):
        page.items.insert(0, Item(number, title))
        server.on("/f", page.write())
        await watch.poll()
    assert known["known-stream"] == known["known-queue"] == 3
    assert [title for _, title in await watch.changes("a/known-queue")] == ["One", "Two", "Three"]


async def test_id_that_stands_there_twice_is_read_with_the_one_that_it_shares(
    server: FeedServer, watch: Watch, known: Counter[str]
) -> None:
    """What is new wishes for the key of what is known: the list is read whole at once, nothing is lost."""
    page = Page()
    server.on("/f", page.write())
    await watch.poll()
    page.items.insert(0, replace(page.items[5], title="Twice"))
    page.items.insert(0, Item(99, "Brazil"))
    server.on("/f", page.write())
    assert (await watch.outcome("a/known-stream")) is PollOutcome.COMPARED
    await watch.poll("a/whole-stream")
    assert ("added", "Brazil") in await watch.changes("a/known-stream")
    await assert_same(watch)


async def test_entries_that_say_something_of_each_other_are_read_together(
    server: FeedServer, watch: Watch, known: Counter[str]
) -> None:
    """One has a base, which is taken for all behind it: however little is new is read with the rest."""
    item = "<item{}><guid isPermaLink='false'>g{}</guid><title>T{}</title><link>f/{}</link></item>"
    bases = ("", " xml:base='http://b/'", "", "")
    items = [item.format(base, *[number] * 3) for number, base in enumerate(bases)]
    for number in range(4, 7):
        server.on("/f", reply(RSS.format(at="", head="", entries="".join(items)).encode()))
        await watch.poll()
        await assert_same(watch)
        items.append(item.format("", *[number] * 3))
    assert await watch.changes("a/known-recommendations") == [("added", "T4"), ("added", "T5")]
    assert not any(known.values())


async def test_title_that_makes_room_is_told_with_all_that_it_shows(
    server: FeedServer, watch: Watch, known: Counter[str]
) -> None:
    """One is edited and goes down: the one that goes up for it is told, and what it shows has to be read."""
    page = Page()
    server.on("/f", page.write())
    await watch.poll()
    page.items[:2] = [page.items[1], replace(page.items[0], title="Ran")]
    server.on("/f", page.write())
    await watch.poll()
    assert [kind for kind, _ in await watch.changes("a/whole-queue")] == ["moved"]
    await assert_same(watch)


async def test_list_that_landed_meanwhile_is_read_whole_at_once(
    server: FeedServer, watch: Watch, known: Counter[str]
) -> None:
    """What is known is known of the list that had landed: if another has since, it says nothing (law 11)."""
    page = Page()
    server.on("/f", page.write())
    await watch.poll()
    early, late = await watch.take("a/known-stream"), await watch.take("a/known-stream")
    page.items.insert(0, Item(99, "Brazil"))
    server.on("/f", page.write())
    await watch.assembly.poller.run_round(early)
    page.items.insert(0, Item(100, "Ran"))
    server.on("/f", page.write())
    (report,) = await watch.assembly.poller.run_round(late)
    assert report.outcome is PollOutcome.COMPARED
    assert await watch.changes("a/known-stream") == [("added", "Brazil"), ("added", "Ran")]
