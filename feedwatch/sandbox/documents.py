"""The lists as documents: the API's plain XML, its Atom, its index in both forms, its errors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from feedwatch.sandbox.calls import make_status
from feedwatch.sandbox.particulars import average_rating, certificate, genres_of
from feedwatch.sandbox.titles import Title
from feedwatch.sandbox.trees import Node, make_node, make_text, write_element, write_xml
from feedwatch.sandbox.world import SAVED, Queued, Recommendation, Viewing, World

PATHS = {
    "queues/instant": "queue",
    "rental_history/watched": "history",
    "ratings/title/actual": "ratings",
    "recommendations": "recommendations",
}
"""The path of each list below its user, and what it is called here."""

FACTS = "http://schemas.feedwatch.example/netflix"
"""The namespace that our Atom form puts the API's own elements in (docs/sandbox.md)."""
_OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"

BOX_ART_SIZES = ("small", "medium", "large")
PREDICTED = "3.9"
"""What somebody would give a title that nothing else is known of."""
_SYNOPSIS = (
    "A stranger comes to town, and what everybody took for granted is not so any more. Told with patience "
    "and a sense for faces, it follows three families through one summer, to an end that nobody saw coming. "
    "The camera stays close, the music stays away, and the city is the best of its actors."
)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list, ready to be written in either form."""

    title: Title
    id_path: str
    facts: tuple[tuple[str, str], ...]
    position: int | None = None
    availability: str | None = None
    updated: int | None = None
    rating: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list."""

    name: str
    items: Sequence[Item]
    total: int
    start: int
    version: int


def list_items(world: World, name: str, *, by_date: bool = False, stale: bool = False) -> list[Item]:
    """The entries of a list as they stand; `stale`, as they were before its last change."""
    listed = world.recall(name)[0] if stale else getattr(world, name)
    if name == "queue":
        placed = list(_queue_items(listed))
        return sorted(placed, key=lambda item: -(item.updated or 0)) if by_date else placed
    if name == "history":
        return [_viewing(each) for each in listed]
    if name == "ratings":
        return [describe_rating(each.title, each.value, each.rated_at) for each in listed]
    return [describe_recommendation(each) for each in listed]


def _queue_items(queue: Iterable[Queued]) -> Iterable[Item]:
    position = 0
    for each in queue:
        saved = each.availability == SAVED
        position += not saved
        place = f"saved/{each.title.id}" if saved else f"available/{position}/{each.title.id}"
        yield Item(
            each.title,
            f"queues/instant/{place}",
            (),
            position=None if saved else position,
            availability=each.availability,
            updated=each.added_at,
        )


def _viewing(each: Viewing) -> Item:
    facts = (("watched_date", str(each.watched_at)), ("viewed_time", "01:31:07"))
    id_path = f"rental_history/watched/{each.title.id}"
    return Item(each.title, id_path, facts, updated=each.watched_at, state="Watched")


def describe_rating(
    title: Title, value: str | None, rated_at: int | None = None, predicted: str = PREDICTED
) -> Item:
    """A title with what was given it, if anything was, and what it would be given."""
    facts = (("predicted_rating", predicted),)
    return Item(title, f"ratings/titles/{title.id}", facts, updated=rated_at, rating=value)


def describe_recommendation(each: Recommendation) -> Item:
    """A title that is suggested."""
    facts = (("predicted_rating", each.predicted), ("average_rating", average_rating(each.title)))
    return Item(each.title, f"recommendations/{each.title.id}", facts)


# ── plain XML ─────────────────────────────────────────────────────────────────────────────────────

PLAIN_NAMES = {
    "queue": ("queue", "queue_item"),
    "history": ("rental_history", "rental_history_item"),
    "ratings": ("ratings", "ratings_item"),
    "recommendations": ("recommendations", "recommendation"),
}
"""What each list is called in plain XML, and what an entry of it is."""


def write_plain(world: World, page: Slice, base: str) -> str:
    """A page in the API's plain XML; the box art is at the server's own address, `base`."""
    return write_xml(make_page(world, page, base))


def make_page(world: World, page: Slice, base: str) -> Node:
    """A page of a list as the API's plain XML and its JSON have it."""
    version = page.version + page.start if world.switches.etag_per_page else page.version
    etag = 0 if page.name == "queue" and not world.queue else version
    return make_node(
        PLAIN_NAMES[page.name][0],
        make_text("etag", etag),
        make_text("number_of_results", page.total),
        make_text("start_index", page.start),
        make_text("results_per_page", len(page.items)),
        *(make_item(world, page.name, each, base) for each in page.items),
    )


def make_item(world: World, name: str, item: Item, base: str) -> Node:
    """An entry of a list."""
    return make_node(PLAIN_NAMES[name][1], *_item_members(world, item, base))


def entry_address(world: World, path: str) -> str:
    """What an entry calls itself."""
    return f"http://{world.switches.id_host}/users/{world.account.user_id}/{path}"


def _item_members(world: World, item: Item, base: str) -> Iterable[Node]:
    yield make_text("id", entry_address(world, item.id_path))
    if item.position is not None:
        yield make_text("position", item.position)
    yield from _rating_nodes(world, item)
    for name, value in item.facts:
        yield make_text(name, value)
    if item.updated is not None:
        yield make_text("updated", item.updated)
    yield make_node("title", short=item.title.name, regular=item.title.name)
    yield make_node("box_art", **{size: box_art(base, item.title, size) for size in BOX_ART_SIZES})
    yield from _categories(world, item)
    yield from _links(world, item)
    yield make_text("release_year", item.title.year)


def box_art(base: str, title: Title, size: str) -> str:
    """The address of a title's picture. All sizes are the same picture: it is none of a real film."""
    return f"{base}/boxshots/{size}/{title.id}.png"


def _rating_nodes(world: World, item: Item, prefix: str = "") -> Iterable[Node]:
    """What was given: a number; a word stands in an attribute in the API's later replies."""
    if item.rating is None:
        return
    if not item.rating.isdecimal():
        later = world.switches.later_dialect
        word = make_node(f"{prefix}user_rating", value=item.rating)
        yield word if later else make_text(f"{prefix}user_rating", item.rating)
        return
    yield make_text(f"{prefix}user_rating", f"{item.rating}.0")


def _categories(world: World, item: Item) -> Iterable[Node]:
    later = world.switches.later_dialect
    written = []
    if item.availability:
        label = item.availability if later else item.availability.replace(" ", "_")
        written.append(("categories/queue_availability", label))
    if item.state:
        written.append(("categories/rental_states", item.state))
    written.append(("categories/title_formats" if later else "catalog/titles/format", "Instant"))
    whose, allowed = certificate(item.title)
    earlier = whose == "mpaa_ratings" and not later
    written.append((f"{'catalog/titles' if earlier else 'categories'}/{whose}", allowed))
    written += [("categories/genres", genre) for genre in genres_of(item.title)]
    host = f"http://{world.switches.id_host}"
    return [
        make_node("category", scheme=f"{host}/{scheme}", label=label, term=label) for scheme, label in written
    ]


def _links(world: World, item: Item) -> Iterable[Node]:
    host = f"http://{world.switches.id_host}"
    later = world.switches.later_dialect
    if item.availability:
        yield _link_part_of_queue(world, item)
    yield link_to_title(world, item.title)
    for part, relation in (
        ("synopsis", "titles/synopsis"),
        ("cast", "people.cast"),
        ("directors", "people.directors"),
        ("similars", "titles.similars"),
    ):
        rel = f"http://schemas.netflix.com/catalog/{relation}"
        yield make_node("link", href=f"{host}{item.title.path}/{part}", rel=rel, title=part)
    slug = "".join(c if c.isalnum() else "_" for c in item.title.name)
    page = f"http://www.netflix.com/Movie/{slug}/{item.title.id}"
    yield make_node("link", href=page, rel="alternate", title="web page" if later else "webpage")


def link_to_title(world: World, title: Title) -> Node:
    """The link that says which title an entry is about."""
    later = world.switches.later_dialect
    rel = "http://schemas.netflix.com/catalog/title" if later else "http://schemas.netflix.com/id"
    href = f"http://{world.switches.id_host}{title.path}"
    return make_node("link", href=href, rel=rel, title=title.name if later else "title")


def _link_part_of_queue(world: World, item: Item) -> Node:
    part = "available" if item.position is not None else "saved"
    earlier = "queue_ref" if part == "available" else "http://schemas.netflix.com/queues"
    rel = f"http://schemas.netflix.com/queues.{part}" if world.switches.later_dialect else earlier
    href = entry_address(world, f"queues/instant/{part}")
    return make_node("link", href=href, rel=rel, title=f"{part.capitalize()} Queue")


# ── Atom ──────────────────────────────────────────────────────────────────────────────────────────


def write_atom(world: World, page: Slice, now: float, base: str) -> str:
    """A page in Atom. A queue's `updated` is always the time of the request, in feed and entries."""
    moment = write_instant(now)
    host = f"http://{world.switches.id_host}"
    about = f"{host}/users/{world.account.user_id}/{page.name}"
    totals = ""
    if world.switches.atom_totals:
        totals = (
            f"<os:totalResults>{page.total}</os:totalResults><os:startIndex>{page.start}</os:startIndex>"
            f"<os:itemsPerPage>{len(page.items)}</os:itemsPerPage>"
        )
    fresh = max((item.updated or 0 for item in page.items), default=0)
    updated = moment if page.name == "queue" or not fresh else write_instant(fresh)
    entries = "\n".join(_atom_entry(world, page, item, moment, base) for item in page.items)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        f'xmlns:n="{FACTS}" xmlns:os="{_OPENSEARCH}"><id>{about}</id><title>{page.name}</title>'
        f"<updated>{updated}</updated><author><name>sandbox</name></author>{totals}\n{entries}\n</feed>\n"
    )


def _atom_entry(world: World, page: Slice, item: Item, moment: str, base: str) -> str:
    host = f"http://{world.switches.id_host}"
    updated = moment if page.name == "queue" else write_instant(item.updated or 1_204_284_910)
    facts = [write_element(node) for node in _rating_nodes(world, item, "n:")]
    if item.position is not None:
        facts.append(f"<n:position>{item.position}</n:position>")
    facts += [f"<n:{name}>{value}</n:{name}>" for name, value in item.facts]
    facts.append(f"<n:release_year>{item.title.year}</n:release_year>")
    about = "".join(map(write_element, (*_links(world, item), *_categories(world, item))))
    name = escape(item.title.name)
    art = f'<img src={quoteattr(box_art(base, item.title, "large"))} alt=""/>'
    summary = escape(f"<p>{art}<b>{name}</b> ({item.title.year})</p><p>{_SYNOPSIS}</p>")
    return (
        f"<entry><id>{host}/users/{world.account.user_id}/{item.id_path}</id><title>{name}</title>"
        f"<updated>{updated}</updated>{about}{''.join(facts)}"
        f'<summary type="html">{summary}</summary></entry>'
    )


def write_instant(seconds: float) -> str:
    """An instant in RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# ── addresses, errors ─────────────────────────────────────────────────────────────────────────────


def feed_address(world: World, base: str, path: str, more: str = "") -> str:
    """The tokenized address of a list."""
    account = world.account
    return (
        f"{base}/users/{account.user_id}/{path}?feed_token={account.feed_token}"
        f"&oauth_consumer_key={quote(account.consumer_key, safe='')}{more}"
    )


def write_status(code: int, message: str) -> str:
    """An error as the API words it."""
    return write_element(make_status(code, message))
