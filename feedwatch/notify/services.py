"""What is particular about each service: how much it takes, what calls people there, what it reads as markup.

Only what differs from the rule stands here; limits come from Apprise's plugins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from feedwatch.core.model import Markup, Style

_LONGEST_TITLE = 250
_UNKNOWN_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class Habits:
    """What a service does to text: `mentions` (between spaces) call people, `markup` is read in a body.

    Where Apprise turns our text into markdown by itself (`converted`), it escapes the body but not
    a title that the service reads as markdown too (`title_markup`).
    """

    mentions: str = ""
    markup: str = ""
    title_markup: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What Apprise says of a service: how much it takes, and in which form our text and HTML reach it."""

    body_limit: int
    title_limit: int
    text_becomes: str
    html_first: bool


_MARKDOWN = "\\*_~`|[]<>#"
_CHAT_MARKDOWN = Habits("@ < ](", _MARKDOWN, _MARKDOWN)
_PLAIN = Habits()
_HABITS = {
    # the text goes out as it is, and is read as markdown
    "discord": _CHAT_MARKDOWN,
    "fluxer": _CHAT_MARKDOWN,
    "guilded": _CHAT_MARKDOWN,
    "mmost": Habits("@ < ]( ~", _MARKDOWN + ":", _MARKDOWN + ":"),
    "ryver": _CHAT_MARKDOWN,
    "nctalk": _CHAT_MARKDOWN,
    # … but a backslash does not help there: only links, groups and people are defused
    "zulip": Habits("@ # ]("),
    # Apprise makes markdown of the text and escapes it
    "rocket": Habits("@ # <"),
    "gchat": Habits("@ <"),
    "wxteams": Habits("@ <"),
    "workflows": Habits("@ <", title_markup=_MARKDOWN),
    "revolt": Habits("@ <", title_markup=_MARKDOWN),
    # plain text, in which people or groups can be called
    "slack": Habits("@ <"),
    "tgram": Habits("@ /"),
    "matrix": Habits("@"),
    "mastodon": Habits("@ #"),
    "misskey": Habits("@ #", "*`~[]$<>"),
    "bluesky": Habits("@ #"),
    "twitter": Habits("@ #"),
    "lark": Habits("@ <"),
    "feishu": Habits("@ <"),
    # nobody to call
    "json": _PLAIN,
    "xml": _PLAIN,
    "form": _PLAIN,
    "mailto": _PLAIN,
    "ntfy": _PLAIN,
    "gotify": _PLAIN,
    "pover": _PLAIN,
    "pbul": _PLAIN,
    "syslog": _PLAIN,
    "mqtt": _PLAIN,
}
_OTHER = Habits("@ <")


def style_service(schemas: Iterable[str], capacity: Capacity) -> Style:
    """The style of a service known by these schemas."""
    habits = next((_HABITS[name] for schema in schemas if (name := _name(schema)) in _HABITS), _OTHER)
    as_html = capacity.html_first and capacity.title_limit > 0
    limit = capacity.body_limit if capacity.body_limit > 0 else _UNKNOWN_LIMIT
    if capacity.text_becomes == "markdown":
        limit //= 2  # the backslashes that Apprise puts in count too
    title_limit = capacity.title_limit if capacity.title_limit > 0 else _LONGEST_TITLE
    return Style(
        markup=Markup.HTML if as_html else Markup.TEXT,
        titled=capacity.title_limit > 0,
        limit=limit,
        title_limit=min(title_limit, _LONGEST_TITLE, limit // 2),
        mentions="" if as_html else habits.mentions,
        escape="" if as_html else habits.markup,
        title_escape="" if as_html else habits.title_markup,
    )


def _name(schema: str) -> str:
    """A service's name without the `s` that asks for a secure connection."""
    plain = schema.lower()
    return plain[:-1] if plain not in _HABITS and plain[:-1] in _HABITS else plain
