"""Which pictures go along with a message, and under which names its page shows them."""

from __future__ import annotations

from feedwatch.core.model import Details, PictureLink, Story, Style
from feedwatch.core.told import Told


def link_pictures(told: Told, style: Style) -> dict[str, PictureLink]:
    """The first pictures that stories have, by their addresses: as many as the service shows."""
    most = style.pictures if told.batch.manner.pictures else 0
    links: dict[str, PictureLink] = {}
    for story in told.stories:
        shown = _picture_of(story)
        if len(links) < most and shown.picture is not None and shown.picture not in links:
            links[shown.picture] = PictureLink(shown.picture, f"picture-{len(links) + 1}", own=shown.own)
    return links


def name_picture(story: Story, links: dict[str, PictureLink]) -> str | None:
    """The name of a story's picture, if it goes along."""
    link = links.get(_picture_of(story).picture or "")
    return link.name if link else None


def _picture_of(story: Story) -> Details:
    details = (change.details for change in story.changes if change.details.picture is not None)
    return next(details, Details())
