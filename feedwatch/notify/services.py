"""What is particular about each service: how much it takes, what calls people there, what it reads as markup.

Only what differs from the rule stands here; limits come from Apprise's plugins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from feedwatch.core.messages import Markup, Style

_LONGEST_TITLE = 250
_UNKNOWN_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class Habits:
    """What a service does to text: `mentions` (between spaces) call people, `markup` is read in a body.

    Where Apprise turns our text into markdown by itself (`converted`), it escapes the body but not
    a title that the service reads as markdown too (`title_markup`). `limit` and `title_limit` are what fits
    for certain where that is less than Apprise says; `room` is how much where it is more. Where
    a title is `joined`, Apprise puts it above the body, in one text. `writes` is the form in which its bodies
    are written where it is not HTML; with `in_bytes`, limits are in bytes.
    """

    mentions: str = ""
    markup: str = ""
    title_markup: str = ""
    limit: int = 0
    room: int = 0
    title_limit: int = _LONGEST_TITLE
    in_bytes: bool = False
    joined: bool = False
    writes: Markup = Markup.TEXT


@dataclass(frozen=True, slots=True)
class Capacity:
    """What Apprise says of a service: how much it takes, and in which form our text and HTML reach it."""

    body_limit: int
    title_limit: int
    text_becomes: str
    html_first: bool
    takes_files: bool = False


_MARKDOWN = "\\*_~`|[]<>#"
_CHAT_MARKDOWN = Habits("@ < ](", _MARKDOWN, _MARKDOWN)
_JOINED_MARKDOWN = replace(_CHAT_MARKDOWN, joined=True, writes=Markup.MARKDOWN)
_PLAIN = Habits()
_HABITS = {
    # the text goes out as it is, and is read as markdown
    "discord": _JOINED_MARKDOWN,
    "fluxer": _JOINED_MARKDOWN,
    "guilded": _JOINED_MARKDOWN,
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
    # Slack cuts at 40,000 characters, and an & has become five of them by then
    "slack": Habits("@ <", limit=8000),
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
    # A line of a mail takes 998 bytes, and Apprise writes a subject in one: up to nine for each unit. Readers
    # of mail cut a page off at 102 kilobytes: more than 100 titles with all that is known of them
    "mailto": Habits(title_limit=100, room=96_000, in_bytes=True),
    # From 4096 bytes on ntfy makes a file of a message, and Apprise does from 8000 bytes of JSON on, in which
    # a character of two bytes takes six
    "ntfy": Habits(limit=2600, in_bytes=True),
    "gotify": Habits(writes=Markup.MARKDOWN),
    "pover": _PLAIN,
    "pbul": _PLAIN,
    "syslog": _PLAIN,
    "mqtt": _PLAIN,
}
_OTHER = Habits("@ <")
_PICTURES = {"mailto": 60, "discord": 1, "ntfy": 1, "pbul": 1, "pover": 1, "slack": 1, "tgram": 1}
"""How many pictures are shown with one message; in a chat each beyond the first is a message of its own."""


def style_service(schemas: Iterable[str], capacity: Capacity) -> Style:
    """The style of a service known by these schemas."""
    name = next((name for schema in schemas if (name := _name(schema)) in _HABITS), "")
    habits = _HABITS.get(name, _OTHER)
    as_html = capacity.html_first and capacity.title_limit > 0
    limit = habits.room or (capacity.body_limit if capacity.body_limit > 0 else _UNKNOWN_LIMIT)
    limit = min(limit, habits.limit or limit)
    if capacity.text_becomes == "markdown":
        limit //= 2  # the backslashes that Apprise puts in count too
    title_limit = capacity.title_limit if capacity.title_limit > 0 else _LONGEST_TITLE
    return Style(
        markup=Markup.HTML if as_html else habits.writes,
        titled=capacity.title_limit > 0 and not habits.joined,
        limit=limit,
        title_limit=min(title_limit, habits.title_limit, limit // 2),
        mentions="" if as_html else habits.mentions,
        escape="" if as_html else habits.markup,
        title_escape="" if as_html else habits.title_markup,
        # A mail in plain text has no place for pictures.
        pictures=_PICTURES.get(name, 0) if capacity.takes_files and (as_html or name != "mailto") else 0,
        inline=as_html and name == "mailto",
        twin=as_html and name == "mailto",
        in_bytes=habits.in_bytes,
    )


def _name(schema: str) -> str:
    """A service's name without the `s` that asks for a secure connection."""
    plain = schema.lower()
    return plain[:-1] if plain not in _HABITS and plain[:-1] in _HABITS else plain
