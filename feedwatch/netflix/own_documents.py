"""What the documents of a subscriber's own say: user, queue, history, ratings, title states → typed values.

Read as liberally as the catalog's (documents).
"""

from __future__ import annotations

import re

from feedwatch.core.statuses import Resource, Service, judge_status
from feedwatch.netflix.documents import (
    read_instant,
    read_label,
    read_labels,
    read_length,
    read_links,
    read_title,
    scheme_of,
)
from feedwatch.netflix.refs import is_title_ref
from feedwatch.netflix.replies import (
    QueueChange,
    QueueItem,
    RatingChange,
    TitleRating,
    TitleState,
    User,
    Viewing,
)
from feedwatch.netflix.tree import Node
from feedwatch.parse.facts import (
    clean_title,
    read_availability,
    read_count,
    read_number,
    read_place,
    read_rating,
)

_QUEUED = re.compile(r"\bin\b.*\bqueue\b")
_LONGEST_LABEL = 200
"""Of a longer one only the start is looked at: looking takes the square of its length."""
_ONLY_SOME = 640


def read_user(node: Node) -> User | None:
    """Read a subscriber."""
    user_id = node.say("user_id")
    if node.name != "user" or not user_id:
        return None
    instant = node.say("can_instant_watch").lower()
    return User(
        user_id,
        first_name=clean_title(node.say("first_name")),
        last_name=clean_title(node.say("last_name")),
        can_instant_watch={"true": True, "false": False}.get(instant),
        links=read_links(node),
    )


def read_queue_item(node: Node) -> QueueItem | None:
    """Read an entry of a queue; its place is told by itself, or by its id."""
    title = read_title(node)
    id_ = node.say("id")
    if title is None or not id_:
        return None
    part, place = read_place(id_) or ("", None)
    availability = read_labels(node, lambda scheme: scheme == "queue_availability")
    saved = part == "saved" or (not part and "saved" in availability)
    return QueueItem(
        id_,
        title,
        position=None if saved else read_count(node.say("position")) or place,
        availability=read_availability(availability[0]) if availability else None,
        saved=saved,
        updated_at=read_instant(node.say("updated")),
    )


def read_queue_change(root: Node) -> QueueChange | None:
    """Read what a change of a queue answered: a status that tells what was made, or the entries alone."""
    if root.name not in {"status", "queue", "queue_item", "resources_deleted", "resource"}:
        return None
    found = (read_queue_item(each) for each in (root, *root.every("queue_item")))
    return QueueChange(
        tuple(item for item in found if item is not None),
        etag=root.say("etag") or next((each.text.strip() for each in root.every("etag")), None) or None,
        message=clean_title(root.say("message")),
        partial=_says_only_some(root),
    )


def _says_only_some(root: Node) -> bool:
    """Whether only some titles of a set were added: by the sub code, or by the message without one."""
    code, message = read_count(root.say("sub_code")), root.say("message")
    row = judge_status(Service.NETFLIX, 201, code=code, message=message, resource=Resource.QUEUES)
    return row.code == _ONLY_SOME


def read_viewing(node: Node) -> Viewing | None:
    """Read an entry of the viewing history."""
    title = read_title(node)
    if title is None:
        return None
    watched_at, viewed_time = read_instant(node.say("watched_date")), read_length(node.say("viewed_time"))
    return Viewing(node.say("id"), title, watched_at, viewed_time)


def read_title_rating(node: Node) -> TitleRating | None:
    """Read a rating; in the later dialect a word stands in an attribute, a number never does."""
    title = read_title(node)
    if title is None:
        return None
    given = node.find("user_rating")
    rating = read_rating(given.text) or read_rating(given.say("value")) if given else None
    predicted = read_number(node.say("predicted_rating"))
    return TitleRating(node.say("id"), title, rating, predicted)


def read_rating_change(root: Node) -> RatingChange | None:
    """Read what giving a rating answered."""
    if root.name not in {"status", "ratings", "ratings_item", "rating"}:
        return None
    ids = (each.text.strip() for each in root.every("id") if "/ratings/" in each.text)
    return RatingChange(next(ids, None), clean_title(root.say("message")))


def read_title_states(root: Node) -> tuple[TitleState, ...] | None:
    """Read how a subscriber stands to titles. A state names its title, or follows the title's link."""
    if root.name != "title_states":
        return None
    states: dict[str, TitleState] = {}
    for ref, node in _pair_states(root):
        labels = {
            read_label(each)[:_LONGEST_LABEL].lower().replace("_", " ")
            for each in node.every("category")
            if scheme_of(each) == "title_states"
        }
        known = states.get(ref, TitleState(ref))
        states[ref] = TitleState(
            ref,
            queued=known.queued or any(_QUEUED.search(label) for label in labels),
            playable=known.playable or "play" in labels,
            addable=known.addable or "add" in labels,
        )
    return tuple(states.values())


def _pair_states(root: Node) -> list[tuple[str, Node]]:
    """Each state with its title. JSON keeps no order between links and states: there they go in pairs."""
    links = [each.say("href") for each in root.each("link") if is_title_ref(each.say("href"))]
    states = list(root.each("title_state"))
    if len(links) == len(states):
        return [(_own_ref(state) or link, state) for link, state in zip(links, states, strict=True)]
    pairs: list[tuple[str, Node]] = []
    last = ""
    for child in root.each("link", "title_state"):
        if child.name == "link" and is_title_ref(child.say("href")):
            last = child.say("href")
        elif child.name == "title_state" and (ref := _own_ref(child) or last):
            pairs.append((ref, child))
    return pairs


def _own_ref(state: Node) -> str | None:
    hrefs = (each.say("href") for each in state.every("link"))
    return next((href for href in hrefs if is_title_ref(href)), None)
