"""What is asked of whoever writes messages in words of its own: the templates of a person, the digest page.

The core asks for a draft of each run of stories that might become a message, and measures it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

from feedwatch.core.manner import Batch
from feedwatch.core.messages import Markup, PictureLink, Story, Style


@dataclass(frozen=True, slots=True)
class Told:
    """What one message tells: these stories, in order, and `more` titles that it only counts.

    `notes` are the scribe's: what it has worked out about the stories, one after the other. Who asks for
    drafts of longer and shorter runs of the same stories hands over the same each time.
    """

    stories: tuple[Story, ...]
    batch: Batch = field(default_factory=Batch)
    more: int = 0
    notes: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as it was written. A `title` of None asks for the built-in title, an empty one for none.

    `body` is written in `markup` and harmless there, as `title` is; `twin` says the same in plain text, and
    is empty where the service takes none.
    """

    title: str | None
    body: str
    markup: Markup
    twin: str = ""
    pictures: tuple[PictureLink, ...] = ()


class Scribe(Protocol):
    """Writes messages in words of its own. The same is written for the same, and quickly."""

    def write(self, told: Told, style: Style) -> Draft | None:
        """Write a message; None where nothing of its own is asked for: the built-in words are used."""
        ...
