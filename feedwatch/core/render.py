"""Deliveries → a message that is read at a glance: what happened, to which title, on whose list.

Nothing is left out: what does not fit a service's limit waits for the next message. Text from elsewhere
makes no markup, calls nobody and breaks no line, whatever the service.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any

from feedwatch.core.about import more_of, without_more
from feedwatch.core.composing import compose_longest
from feedwatch.core.manner import Batch
from feedwatch.core.messages import Composed, Markup, OwedDelivery, Style
from feedwatch.core.offer import (
    Offer,
    distinct_pictures,
    fits,
    group_stories,
    link_pictures,
    list_deliveries,
    measure_message,
)
from feedwatch.core.stories import tell_stories
from feedwatch.core.text import find_longest, measure
from feedwatch.core.titles import write_title
from feedwatch.core.told import Draft, Scribe, Told

_REPEATED = "(sent again: it is not certain that this arrived before)"
_REPEATED_IN_SHORT = "(sent again?)"
_MOST_FOR_REPEATED = 4
"""The line of a repeat takes no more than this part of what fits: the news is what counts."""
_PLAIN_BATCH = Batch()


def compose_message(
    deliveries: Iterable[OwedDelivery],
    style: Style,
    *,
    batch: Batch = _PLAIN_BATCH,
    scribe: Scribe | None = None,
) -> Composed:
    """Make one message of the longest run of stories, in order, that fits the style; at least one.

    Nothing is cut away, but from a single story that is too long for a message of its own; a document is
    never cut. Where there are more stories than the manner's limit, as many as fit are named, up to that
    limit, and the others are counted: the message tells them all. A document names all it tells.

    A scribe is asked first. Where it writes nothing, or nothing that fits, the words are our own. Room is
    kept free for the line that `mark_repeat` adds.
    """
    style = replace(style, limit=style.limit - measure(_write_repeated(style)))
    offer = Offer(tell_stories(tuple(deliveries)), style, batch)
    drafted = _draft(offer, scribe) if scribe is not None and style.markup is not Markup.JSON else None
    return drafted or compose_longest(offer)


def mark_repeat(body: str, markup: Markup, style: Style) -> str:
    """The body of a message that may have come before: the same, and below it a line that says so.

    What programs read is left as it is: its receiver tells a repeat by the message's key.
    """
    line = _write_repeated(replace(style, markup=markup))
    if markup is Markup.HTML:  # a whole page goes on to its last tag
        page, end, rest = body.rpartition("</body>")
        return f"{page}{line}{end}{rest}" if end else body + line
    return body + line


def _write_repeated(style: Style) -> str:
    """The line of a repeat, with the line break before it."""
    if style.markup is Markup.JSON:
        return ""
    is_roomy = style.limit >= _MOST_FOR_REPEATED * len(_REPEATED)
    if not is_roomy:
        return f"\n{_REPEATED_IN_SHORT}"  # in HTML, too: there is no room for a paragraph
    return f"\n<p>{_REPEATED}</p>" if style.markup is Markup.HTML else f"\n{_REPEATED}"


# ── in a scribe's words ───────────────────────────────────────────────────────────────────────────


def _draft(offer: Offer, scribe: Scribe) -> Composed | None:
    """The longest run that fits as the scribe writes it; None where it is to be told in our own words.

    How long it is does not hang on what more is known of its titles: that is added only where it fits, too.
    """
    bare = replace(offer, stories=[without_more(story) for story in offer.stories])
    drafts: dict[int, Composed | None] = {}
    notes: dict[Hashable, Any] = {}

    def write(named: int) -> Composed | None:
        if named not in drafts:
            drafts[named] = _write_draft(bare, scribe, named, notes)
        return drafts[named]

    def measure_at(named: int) -> int:
        message = write(named)
        if message is None:  # a scribe may have nothing to say to a few, and too much to many
            return 0
        is_title_too_long = measure(message.title) > offer.style.title_limit
        return measure_message(message, offer.style) + (offer.style.limit if is_title_too_long else 0)

    named = find_longest(offer.most_named, measure_at, offer.style.limit)
    if not named or all(more_of(story) is None for story in offer.stories[:named]):
        return write(named) if named else None
    detailed = _write_draft(offer, scribe, named, {})
    return detailed if detailed is not None and fits(detailed, offer.style) else write(named)


def _write_draft(offer: Offer, scribe: Scribe, named: int, notes: dict[Hashable, Any]) -> Composed | None:
    told = offer.told_with(named)
    stories = tuple(offer.stories[:named])
    draft = scribe.write(Told(stories, offer.batch, len(told) - named, notes), offer.style)
    return _take_draft(draft, offer, named) if draft and draft.body.strip() else None


def _take_draft(draft: Draft, offer: Offer, named: int) -> Composed:
    told = offer.told_with(named)
    title = draft.title
    if title is None:
        title = write_title(group_stories(told), offer.style, offer.batch)
    pictures = draft.pictures
    if not pictures and not offer.style.inline:  # what stands within a body, its writer has chosen
        pictures = distinct_pictures(link_pictures(offer.stories[:named], offer.style, offer.batch))
    return Composed(
        deliveries=list_deliveries(told),
        title=" ".join(title.split()),
        body=draft.body,
        markup=draft.markup,
        twin=draft.twin if offer.style.twin else "",
        pictures=pictures[: offer.style.pictures] if offer.batch.manner.pictures else (),
    )
