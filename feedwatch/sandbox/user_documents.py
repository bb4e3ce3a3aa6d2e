"""Who the user is, and which feeds there are: as XML, as JSON, and as OPML."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from feedwatch.sandbox.documents import feed_address
from feedwatch.sandbox.trees import Node, make_node, make_text
from feedwatch.sandbox.world import World

_INDEX = (
    ("queues.instant", "queues/instant", "", "Instant Queue"),
    ("queues.instant.recent", "queues/instant", "&sort=date_added", "Recent Additions to Instant Queue"),
    ("rental_history.watched", "rental_history/watched", "", "Titles Watched Recently"),
    ("recommendations", "recommendations", "", "Recommendations"),
    ("ratings", "ratings/title/actual", "", "Ratings"),
)
_LISTS = ("queues", "rental_history", "recommendations", "title_states", "ratings")
_SCHEMAS = "http://schemas.netflix.com"


def make_index(world: World, base: str) -> Node:
    """The user's feeds."""
    links = (
        make_node(
            "link",
            href=feed_address(world, base, path, f"&output=atom{more}"),
            rel=f"{_SCHEMAS}/feed.{rel}",
            title=title,
        )
        for rel, path, more, title in _INDEX
    )
    return make_node("resource", *links)


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


def make_current(world: World, base: str) -> Node:
    """Who the access token belongs to."""
    href = f"{base}/users/{world.account.user_id}"
    link = make_node("link", href=href, rel=f"{_SCHEMAS}/user.current", title="current user")
    return make_node("resource", make_text("status_code", 200), link)


def make_user(world: World, base: str) -> Node:
    """The user, and what belongs to her."""
    account = world.account
    links = (
        make_node(
            "link",
            href=f"{base}/users/{account.user_id}/{path}",
            rel=f"{_SCHEMAS}/{path}",
            title=path.replace("_", " "),
        )
        for path in _LISTS
    )
    return make_node(
        "user",
        make_text("user_id", account.user_id),
        make_text("first_name", account.first_name),
        make_text("last_name", account.last_name),
        make_text("can_instant_watch", "true"),
        *links,
    )
