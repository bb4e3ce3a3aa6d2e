"""The lists as documents: the API's plain XML, its Atom, its index in both forms, its errors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from feedwatch.sandbox.world import SAVED, Queued, Rating, Recommendation, Title, Viewing, World

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

_INDEX = (
    ("queues.instant", "queues/instant", "", "Instant Queue"),
    ("queues.instant.recent", "queues/instant", "&sort=date_added", "Recent Additions to Instant Queue"),
    ("rental_history.watched", "rental_history/watched", "", "Titles Watched Recently"),
    ("recommendations", "recommendations", "", "Recommendations"),
    ("ratings", "ratings/title/actual", "", "Ratings"),
)
BOX_ART_SIZES = ("small", "medium", "large")
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


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list."""

    name: str
    items: Sequence[Item]
    total: int
    start: int
    version: int


def list_items(world: World, name: str, *, by_date: bool = False) -> list[Item]:
    """The entries of a list as they stand."""
    if name == "queue":
        placed = list(_queue_items(world.queue))
        return sorted(placed, key=lambda item: -(item.updated or 0)) if by_date else placed
    if name == "history":
        return [_viewing(each) for each in world.history]
    if name == "ratings":
        return [_rating(each) for each in world.ratings]
    return [_recommendation(each) for each in world.recommendations]


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
    return Item(each.title, f"rental_history/watched/{each.title.id}", facts, updated=each.watched_at)


def _rating(each: Rating) -> Item:
    predicted = (("predicted_rating", "3.9"),)
    return Item(
        each.title, f"ratings/titles/{each.title.id}", predicted, updated=each.rated_at, rating=each.value
    )


def _recommendation(each: Recommendation) -> Item:
    facts = (("predicted_rating", each.predicted), ("average_rating", "3.8"))
    return Item(each.title, f"recommendations/{each.title.id}", facts)


# ── plain XML ─────────────────────────────────────────────────────────────────────────────────────

_PLAIN_NAMES = {
    "queue": ("queue", "queue_item"),
    "history": ("rental_history", "rental_history_item"),
    "ratings": ("ratings", "ratings_item"),
    "recommendations": ("recommendations", "recommendation"),
}


def write_plain(world: World, page: Slice, base: str) -> str:
    """A page in the API's plain XML; the box art is at the server's own address, `base`."""
    root, item = _PLAIN_NAMES[page.name]
    version = page.version + page.start if world.switches.etag_per_page else page.version
    etag = 0 if page.name == "queue" and not page.total else version
    head = (
        f"<etag>{etag}</etag><number_of_results>{page.total}</number_of_results>"
        f"<start_index>{page.start}</start_index><results_per_page>{len(page.items)}</results_per_page>"
    )
    items = "\n".join(f"<{item}>{_plain_item(world, each, base)}</{item}>" for each in page.items)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>{head}\n{items}\n</{root}>\n'


def _plain_item(world: World, item: Item, base: str) -> str:
    host = f"http://{world.switches.id_host}"
    parts = [f"<id>{host}/users/{world.account.user_id}/{item.id_path}</id>"]
    if item.position is not None:
        parts.append(f"<position>{item.position}</position>")
    parts.append(_rating_element(item))
    parts += [f"<{name}>{value}</{name}>" for name, value in item.facts]
    if item.updated is not None:
        parts.append(f"<updated>{item.updated}</updated>")
    name = quoteattr(item.title.name)
    parts.append(f"<title short={name} regular={name}/>")
    art = [f"{size}={quoteattr(box_art(base, item.title, size))}" for size in BOX_ART_SIZES]
    parts.append(f"<box_art {' '.join(art)}/>")
    parts.append(_categories(world, item))
    parts.append(_links(world, item))
    parts.append(f"<release_year>{item.title.year}</release_year>")
    return "".join(parts)


def box_art(base: str, title: Title, size: str) -> str:
    """The address of a title's picture. All sizes are the same picture: it is none of a real film."""
    return f"{base}/boxshots/{size}/{title.id}.png"


def _rating_element(item: Item, prefix: str = "") -> str:
    if item.rating is None:
        return ""
    if item.rating == "not_interested":
        return f'<{prefix}user_rating value="not_interested"/>'
    return f"<{prefix}user_rating>{item.rating}.0</{prefix}user_rating>"


def _categories(world: World, item: Item) -> str:
    later = world.switches.later_dialect
    host = f"http://{world.switches.id_host}"
    written = []
    if item.availability:
        label = item.availability if later else item.availability.replace(" ", "_")
        written.append((f"{host}/categories/queue_availability", label))
    formats = "categories/title_formats" if later else "catalog/titles/format"
    written.append((f"{host}/{formats}", "Instant"))
    written.append((f"{host}/{'categories' if later else 'catalog/titles'}/mpaa_ratings", "NR"))
    written += [(f"{host}/categories/genres", escape(genre)) for genre in item.title.genres]
    return "".join(
        f'<category scheme="{scheme}" label="{label}" term="{label}"/>' for scheme, label in written
    )


def _links(world: World, item: Item) -> str:
    host = f"http://{world.switches.id_host}"
    later = world.switches.later_dialect
    rel = "http://schemas.netflix.com/catalog/title" if later else "http://schemas.netflix.com/id"
    called = quoteattr(item.title.name) if later else '"title"'
    slug = "".join(c if c.isalnum() else "_" for c in item.title.name)
    links = [f'<link href="{host}{item.title.path}" rel="{rel}" title={called}/>']
    links += [
        f'<link href="{host}{item.title.path}/{part}" '
        f'rel="http://schemas.netflix.com/catalog/{relation}" title="{part}"/>'
        for part, relation in (
            ("synopsis", "titles/synopsis"),
            ("cast", "people.cast"),
            ("directors", "people.directors"),
            ("similars", "titles.similars"),
        )
    ]
    page = f"http://www.netflix.com/Movie/{slug}/{item.title.id}"
    return "".join(links) + f'<link href="{page}" rel="alternate" title="webpage"/>'


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
    facts = [_rating_element(item, "n:")]
    if item.position is not None:
        facts.append(f"<n:position>{item.position}</n:position>")
    facts += [f"<n:{name}>{value}</n:{name}>" for name, value in item.facts]
    facts.append(f"<n:release_year>{item.title.year}</n:release_year>")
    name = escape(item.title.name)
    art = f'<img src={quoteattr(box_art(base, item.title, "large"))} alt=""/>'
    summary = escape(f"<p>{art}<b>{name}</b> ({item.title.year})</p><p>{_SYNOPSIS}</p>")
    return (
        f"<entry><id>{host}/users/{world.account.user_id}/{item.id_path}</id><title>{name}</title>"
        f"<updated>{updated}</updated>{_links(world, item)}{_categories(world, item)}{''.join(facts)}"
        f'<summary type="html">{summary}</summary></entry>'
    )


def write_instant(seconds: float) -> str:
    """An instant in RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# ── index, user, errors ───────────────────────────────────────────────────────────────────────────


def feed_address(world: World, base: str, path: str, more: str = "") -> str:
    """The tokenized address of a list."""
    account = world.account
    return (
        f"{base}/users/{account.user_id}/{path}?feed_token={account.feed_token}"
        f"&oauth_consumer_key={quote(account.consumer_key, safe='')}{more}"
    )


def write_index(world: World, base: str) -> str:
    """The user's feeds as XML."""
    links = "\n".join(
        f"<link href={quoteattr(feed_address(world, base, path, '&output=atom' + more))} "
        f'rel="http://schemas.netflix.com/feed.{rel}" title="{title}"/>'
        for rel, path, more, title in _INDEX
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<resource>\n{links}\n</resource>\n'


def write_opml(world: World, base: str) -> str:
    """The user's feeds as OPML: by default as the API's own documentation shows it.

    That one leaves `&` bare, gives the queue and its recent additions one address, and names no output.
    """
    documented = world.switches.opml_as_documented
    outlines = []
    for _, path, more, title in _INDEX:
        if documented:
            more = "&sort=date_added" if path == "queues/instant" else ""  # noqa: PLW2901 — as documented
            address = '"' + feed_address(world, base, path, more) + '"'
        else:
            address = quoteattr(feed_address(world, base, path, more))
        outlines.append(f'<outline text="{title}" title="{title}" type="rss" xmlUrl={address}/>')
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<opml version="2.0"><head><title>Feeds</title></head><body>\n'
        + "\n".join(outlines)
        + "\n</body></opml>\n"
    )


def write_current(world: World, base: str) -> str:
    """Who the access token belongs to."""
    return (
        f'<resource><status_code>200</status_code><link href="{base}/users/{world.account.user_id}" '
        'rel="http://schemas.netflix.com/user.current" title="current user"/></resource>'
    )


def write_user(world: World, base: str) -> str:
    """The user."""
    account = world.account
    links = "".join(
        f'<link href="{base}/users/{account.user_id}/{path}" rel="http://schemas.netflix.com/{path}" '
        f'title="{title}"/>'
        for path, title in (
            ("queues", "queues"),
            ("recommendations", "recommendations"),
            ("ratings", "ratings"),
        )
    )
    return (
        f"<user><user_id>{account.user_id}</user_id><first_name>{account.first_name}</first_name>"
        f"<last_name>{account.last_name}</last_name><can_instant_watch>true</can_instant_watch>{links}</user>"
    )


def write_status(code: int, message: str, sub_code: int | None = None) -> str:
    """An error as the API words it."""
    sub = f"<sub_code>{sub_code}</sub_code>" if sub_code else ""
    return f"<status><status_code>{code}</status_code>{sub}<message>{escape(message)}</message></status>"
