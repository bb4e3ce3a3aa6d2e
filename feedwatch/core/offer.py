"""What a message may be made of: the stories that are offered to it; and whether what was made fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from feedwatch.core.about import more_of
from feedwatch.core.manner import Batch
from feedwatch.core.messages import Composed, Markup, PictureLink, Story, Style
from feedwatch.core.telling import heading_of
from feedwatch.core.text import measure, measure_in

BETWEEN = 2
"""Where a service has no titles, the title stands above the body: a line break counts for two."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The stories that a message may tell, and how."""

    stories: Sequence[Story]
    style: Style
    batch: Batch

    @property
    def counts_rest(self) -> bool:
        """Whether there are more stories than a message may name: it tells all, and counts the others."""
        limit = self.batch.manner.limit
        return limit is not None and len(self.stories) > limit and self.style.markup is not Markup.JSON

    @property
    def most_named(self) -> int:
        """How many stories a message may name."""
        limit = self.batch.manner.limit
        return max(limit, 1) if limit is not None and self.counts_rest else len(self.stories)

    def told_with(self, named: int) -> Sequence[Story]:
        """Give what a message tells that names so many: those, or all where the rest is counted."""
        return self.stories if self.counts_rest else self.stories[:named]


def link_pictures(
    stories: Iterable[Story], style: Style, batch: Batch, *, detailed: bool = True
) -> Iterator[PictureLink | None]:
    """Give the first picture of each story, while the service shows more; one address has one name.

    With `detailed` the picture may be one that was asked for beside the story's documents.
    """
    most = style.pictures if batch.manner.pictures else 0
    links: dict[str, PictureLink] = {}
    for story in stories:
        url, own = _find_picture(story, detailed=detailed)
        if url and url not in links and len(links) < most:
            links[url] = PictureLink(url, f"picture-{len(links) + 1}", own=own)
        yield links.get(url)


def _find_picture(story: Story, *, detailed: bool) -> tuple[str, bool]:
    """The first picture that a document of a story showed, else that of its details; and if it is its own."""
    for change in story.changes:
        if change.details.picture:
            return change.details.picture, change.details.own
    more = more_of(story) if detailed else None
    return (more.picture or "", more.picture_own) if more is not None else ("", False)


def fits(message: Composed, style: Style) -> bool:
    """Say whether a service takes a message."""
    return measure(message.title) <= style.title_limit and measure_message(message, style) <= style.limit


def measure_message(message: Composed, style: Style) -> int:
    """Measure title and body together, in the longer of its forms, as the style's limit counts."""
    body = max(measure_in(message.body, style), measure_in(message.twin, style))
    return measure_in(message.title, style) + BETWEEN + body


def group_stories(stories: Iterable[Story]) -> dict[str, list[Story]]:
    """Put stories under the lists that they are told under, in the order in which these first appear."""
    groups: dict[str, list[Story]] = {}
    for story in stories:
        groups.setdefault(heading_of(story), []).append(story)
    return groups


def list_deliveries(stories: Iterable[Story]) -> tuple[int, ...]:
    """List the ids of all deliveries that stories tell."""
    return tuple(delivery for story in stories for delivery in story.deliveries)


def distinct_pictures(links: Iterable[PictureLink | None]) -> tuple[PictureLink, ...]:
    """Give each picture once."""
    return tuple(dict.fromkeys(link for link in links if link is not None))
