"""What feedwatch says: a sentence for every change and every notice, in parts, not yet in any form.

A part is our own words, or text from elsewhere, which no form may take for markup. Feeds are named as
everywhere: `account/name`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from feedwatch.core.keys import full_name
from feedwatch.core.model import ChangeKind, FactChange, Kind, RecordedChange
from feedwatch.core.text import clean, page_of

_YEAR = re.compile(r"\d{4}")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?")
UNNAMED = "(no title)"
"""How a title without a name is called."""


@dataclass(slots=True)  # and nobody changes one: frozen it would take three times as long to make
class Part:
    """A piece of a sentence: ours, or `foreign`.

    `link` is the page that it names; `shown` says that the address itself belongs into a plain text.
    """

    text: str
    foreign: bool = False
    link: str | None = None
    shown: bool = False


Sentence = tuple[Part, ...]


def say(*parts: str | Part | None) -> Sentence:
    """Make a sentence of our own words and other parts; None is left out."""
    return tuple(Part(part) if isinstance(part, str) else part for part in parts if part)


def quote(text: str) -> Part:
    """Text from elsewhere, as a part."""
    return Part(clean(text), foreign=True)


def feed_of(change: RecordedChange) -> str:
    """The name of the feed that a change happened on: `account/name`."""
    return full_name(change.account, change.feed)


def describe_change(change: RecordedChange) -> Sentence:
    """Say what happened, in the words of the kind of list that it happened on."""
    return _TELLERS.get((change.feed_kind, change.kind), _DEFAULT_TELLERS[change.kind])(change)


def summarize_change(change: RecordedChange) -> Sentence:
    """Say what happened and on whose list, as the title of a message of its own."""
    told = describe_change(change)
    if change.feed_kind is Kind.STREAM and change.kind is ChangeKind.ADDED:
        told = _title(change)
    verb = told[0].text.split(" ", 1)[0] if not told[0].foreign else ""
    if verb in _DONE_BY_PERSON:
        return (quote(change.account), Part(" "), *told)
    return (quote(feed_of(change)), Part(": "), *told)


def count_changes(changes: Iterable[RecordedChange]) -> str:
    """Say how many of each happened: `2 added, 1 moved`."""
    counts: dict[str, int] = {}
    for change in changes:
        word = _COUNTED.get((change.feed_kind, change.kind), change.kind.value)
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count:,} {word}" for word, count in counts.items())


# ── kinds of lists ────────────────────────────────────────────────────────────────────────────────

_DONE_BY_PERSON = {"rated", "re-rated", "unrated", "watched"}
_COUNTED = {
    (Kind.RATINGS, ChangeKind.ADDED): "rated",
    (Kind.RATINGS, ChangeKind.UPDATED): "re-rated",
    (Kind.RATINGS, ChangeKind.REMOVED): "unrated",
    (Kind.HISTORY, ChangeKind.ADDED): "watched",
    (Kind.RECOMMENDATIONS, ChangeKind.ADDED): "recommended",
    (Kind.STREAM, ChangeKind.ADDED): "new",
}
RATINGS_IN_WORDS = {"not_interested": "not interested", "no_opinion": "no opinion"}
"""Ratings that are no number of stars."""


def _title(change: RecordedChange) -> Sentence:
    text = clean(change.title) or UNNAMED
    is_post = change.feed_kind is Kind.STREAM
    year = change.entry_facts.get("year", "")
    mark = f" ({year})" if _YEAR.fullmatch(year) and not text.endswith(f"({year})") else ""
    return say(Part(text, foreign=True, link=page_of(change.link), shown=is_post), mark)


def _tell_added(change: RecordedChange) -> Sentence:
    place = f" at {change.position}" if change.position else ""
    availability = _say_availability(change.entry_facts.get("availability"))
    if not place and availability is not None and availability.text == "saved":
        return say("saved ", *_title(change))
    return say("added ", *_title(change), place)


def _tell_removed(change: RecordedChange) -> Sentence:
    return say("removed ", *_title(change))


def _tell_moved(change: RecordedChange) -> Sentence:
    return say(*_title(change), f" moved{_say_way(change)}")


def _tell_updated(change: RecordedChange) -> Sentence:
    told: list[str | Part | None] = []
    for name, fact in change.facts.items():
        told += [", and " if told else " ", *_say_fact(name, fact)]
    if change.previous_position is not None and change.position is not None:
        told += [", and " if told else " ", f"moved{_say_way(change)}"]
    return say(*_title(change), *(told or [" changed"]))


def _tell_rated(change: RecordedChange) -> Sentence:
    return _say_rated(change, change.entry_facts.get("rating"))


def _tell_unrated(change: RecordedChange) -> Sentence:
    before = change.entry_facts.get("rating")
    return say("unrated ", *_title(change), *in_brackets("was", say_rating(before)))


def _tell_rerated(change: RecordedChange) -> Sentence:
    fact = change.facts.get("rating")
    if fact is None:
        return _tell_updated(change)
    if fact.after is None:
        return say("unrated ", *_title(change), *in_brackets("was", say_rating(fact.before)))
    if fact.before is None:
        return _say_rated(change, fact.after)
    return say("re-rated ", *_title(change), " ", say_rating(fact.before), " → ", say_rating(fact.after))


def _tell_watched(change: RecordedChange) -> Sentence:
    rating = say_rating(change.entry_facts.get("rating"))
    day = _say_day(change.entry_facts.get("watched_at"))
    return say("watched ", *_title(change), f" on {day}" if day else None, *in_brackets("rated", rating))


def _tell_recommended(change: RecordedChange) -> Sentence:
    predicted = say_rating(change.entry_facts.get("predicted_rating"))
    return say("recommended ", *_title(change), *in_brackets("predicted", predicted))


def _tell_new(change: RecordedChange) -> Sentence:
    return say("new: ", *_title(change))


_Teller = Callable[[RecordedChange], Sentence]
_TELLERS: dict[tuple[Kind, ChangeKind], _Teller] = {
    (Kind.RATINGS, ChangeKind.ADDED): _tell_rated,
    (Kind.RATINGS, ChangeKind.UPDATED): _tell_rerated,
    (Kind.RATINGS, ChangeKind.REMOVED): _tell_unrated,
    (Kind.HISTORY, ChangeKind.ADDED): _tell_watched,
    (Kind.RECOMMENDATIONS, ChangeKind.ADDED): _tell_recommended,
    (Kind.STREAM, ChangeKind.ADDED): _tell_new,
}
_DEFAULT_TELLERS: dict[ChangeKind, _Teller] = {
    ChangeKind.ADDED: _tell_added,
    ChangeKind.REMOVED: _tell_removed,
    ChangeKind.MOVED: _tell_moved,
    ChangeKind.UPDATED: _tell_updated,
}


# ── facts ─────────────────────────────────────────────────────────────────────────────────────────


def _say_way(change: RecordedChange) -> str:
    start = f" from {change.previous_position}" if change.previous_position else ""
    return f"{start} to {change.position}" if change.position else start


def _say_fact(name: str, fact: FactChange) -> Sentence:
    """A fact that changed, as what the title did: it follows the title."""
    if name == "availability":
        return _say_available(fact)
    if name == "title":
        return say("was called ", quote(fact.before or UNNAMED))
    if name == "link":
        return _say_new_link(fact)
    if name == "content":
        return say("was edited")
    return say(quote(name), ": ", quote(fact.before or "nothing"), " → ", quote(fact.after or "nothing"))


def _say_available(fact: FactChange) -> Sentence:
    after = _say_availability(fact.after) or Part("of unknown availability")
    verb = "now has a " if after.text.endswith(" wait") else "is now "
    return say(verb, after, *in_brackets("was", _say_availability(fact.before)))


def _say_availability(label: str | None) -> Part | None:
    words = clean(label or "").replace("_", " ")
    return Part("available" if words == "available now" else words, foreign=True) if words else None


def _say_new_link(fact: FactChange) -> Sentence:
    """Old → new; addresses are shown as far as they are pages for a person."""
    before = page_of(fact.before)
    if before is None:
        return say("has a new link")
    return say("has a new link, it was ", Part(before, foreign=True, link=before))


def _say_rated(change: RecordedChange, rating: str | None) -> Sentence:
    if rating == "not_interested":
        return say("not interested in ", *_title(change))
    if rating == "no_opinion":
        return say("no opinion on ", *_title(change))
    stars = say_rating(rating)
    return say("rated ", *_title(change), *((" ", stars) if stars else ()))


def say_rating(rating: str | None) -> Part | None:
    """A rating as a person writes it: `4★`, `not interested`; None where there is none."""
    if not rating:
        return None
    if _NUMBER.fullmatch(rating):
        return Part(f"{rating}★")
    return Part(RATINGS_IN_WORDS[rating]) if rating in RATINGS_IN_WORDS else quote(rating)


def _say_day(instant: str | None) -> str | None:
    try:
        at = datetime.fromisoformat(instant or "")
    except ValueError:
        return None
    return f"{at.day} {at:%B %Y}"


def in_brackets(word: str, part: Part | None) -> Sentence:
    """An aside behind what was said: ` (was 3★)`; nothing where there is nothing to say."""
    return say(f" ({word} ", part, ")") if part else ()
