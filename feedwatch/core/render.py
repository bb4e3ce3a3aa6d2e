"""Deliveries → a message that is read at a glance: what happened, to which title, on whose list.

Pure text work. Feed text is data: it can neither make markup, nor call people, nor break a line.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from feedwatch.core.model import (
    ChangeKind,
    Composed,
    FactChange,
    Kind,
    Markup,
    Notice,
    NoticeKind,
    OwedDelivery,
    Reason,
    RecordedChange,
    Style,
)

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+|[\ud800-\udfff]")
_DEFUSE = "\u200b"
"""A zero-width space behind `@`, `<!` and their like: it reads the same and calls nobody."""
_ELLIPSIS = "…"
_LONGEST_TITLE = 300

REASON_WORDS: dict[Reason, str] = {
    Reason.DNS: "its host's name is not known",
    Reason.CONNECT: "its host does not answer",
    Reason.TLS: "its certificate is not valid",
    Reason.TIMEOUT: "it takes too long to answer",
    Reason.CUT_SHORT: "its replies end too early",
    Reason.TOO_LARGE: "its replies are too large",
    Reason.BAD_ENCODING: "its replies cannot be unpacked",
    Reason.PROTOCOL: "it does not speak proper HTTP",
    Reason.TOO_MANY_REDIRECTS: "it redirects without end",
    Reason.REDIRECT_REFUSED: "it redirects where its token must not go",
    Reason.BAD_ADDRESS: "its address is none",
    Reason.BAD_REQUEST: "it refuses the request",
    Reason.UNAUTHORIZED: "it asks for other credentials",
    Reason.BAD_TOKEN: "its token is not accepted any more",
    Reason.FORBIDDEN: "it forbids access",
    Reason.NOT_FOUND: "it was not found",
    Reason.GONE: "its server says that it is gone for good",
    Reason.RATE_LIMITED: "its server asks for rest",
    Reason.CLIENT_ERROR: "it refuses the request",
    Reason.SERVER_ERROR: "its server has a fault",
    Reason.UNAVAILABLE: "its server is not available",
    Reason.EMPTY_BODY: "its replies are empty",
    Reason.NOT_A_FEED: "what it sends is no feed",
    Reason.ERROR_DOCUMENT: "it sends an error message instead of a list",
    Reason.MALFORMED: "what it sends is broken",
    Reason.HOSTILE: "what it sends looks hostile",
    Reason.PARSER_KILLED: "what it sends takes too much time or memory to read",
    Reason.TORN: "it changes while it is being read",
    Reason.INTERNAL: "feedwatch itself failed; see its log",
    Reason.TURNED_EMPTY: "the list turned empty, to be confirmed",
    Reason.LOST_MOST: "most of the list vanished, to be confirmed",
    Reason.STALE_READ: "an old state of the list was sent, to be confirmed",
    Reason.LEFT_INDEX: "its account does not list it any more",
    Reason.NOT_CONFIGURED: "it is not in the configuration any more",
    Reason.NO_CREDENTIALS: "there is no access token",
    Reason.REFUSED: "the service refused the message",
    Reason.UNREACHABLE: "the service could not be reached",
    Reason.AMBIGUOUS: "the service did not say whether it took the message",
    Reason.GAVE_UP: "it was tried for too long",
    Reason.TARGET_GONE: "its target is not in the configuration any more",
    Reason.DROPPED: "it was dropped by hand",
}

_RATING_WORDS = {"not_interested": "not interested", "no_opinion": "no opinion"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One thing to tell: under which heading, and what; `link` is a page for a person."""

    heading: str
    before: str
    title: str = ""
    after: str = ""
    link: str | None = None
    verb: str = ""

    @property
    def plain(self) -> str:
        return f"{self.before}{self.title}{self.after}"


def compose_message(deliveries: Sequence[OwedDelivery], style: Style) -> Composed:
    """Make one message of the longest run of deliveries that fits, in their order; at least one.

    Nothing is cut away, but for a single delivery that is too long by itself: its text is shortened.
    """
    lines = [_tell(delivery) for delivery in deliveries]
    count = _count_fitting(lines, style)
    if count == 0:
        return _shorten_one(lines[0], style)
    return _compose(lines[:count], style)


def measure(text: str) -> int:
    """A text's length as services count it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Feed text as one harmless line."""
    return " ".join(_UNSEEN.sub(" ", unicodedata.normalize("NFC", text)).split())


def defuse(text: str, style: Style) -> str:
    """A text in which nothing calls people or makes markup, for one service."""
    for mention in style.mentions.split():
        text = text.replace(mention, mention + _DEFUSE)
    if style.markup is Markup.HTML:
        return html.escape(text, quote=True)
    for character in style.escape:
        text = text.replace(character, "\\" + character)
    return text


# ── fitting ───────────────────────────────────────────────────────────────────────────────────────


def _count_fitting(lines: Sequence[_Line], style: Style) -> int:
    """The longest run from the start that fits: lengths only grow, so halving finds it."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(_compose(lines[:middle], style), style):
            low = middle
        else:
            high = middle - 1
    return low


def _fits(message: Composed, style: Style) -> bool:
    title = measure(message.title)
    return title <= style.title_limit and title + measure(message.body) <= style.limit


def _shorten_one(line: _Line, style: Style) -> Composed:
    """One delivery that is too long by itself: the title gives way, a character at a time at the end."""
    low, high = 0, len(line.title)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(_compose([_with_title(line, middle)], style), style):
            low = middle
        else:
            high = middle - 1
    shortened = _compose([_with_title(line, low)], style)
    if _fits(shortened, style):
        return shortened
    room = max(style.limit - 1, 1)
    text = _cut(line.plain, min(room, style.title_limit))
    return Composed(1, "", defuse(text, Style(limit=room)), is_html=False)


def _with_title(line: _Line, length: int) -> _Line:
    title = _cut(line.title, length) if length < len(line.title) else line.title
    return _Line(line.heading, line.before, title, line.after, None, line.verb)


def _cut(text: str, length: int) -> str:
    """The start of a text, not ending within a character that is made of several."""
    if length >= len(text):
        return text
    while length > 0 and (unicodedata.combining(text[length]) or text[length] in "\u200d\ufe0f"):
        length -= 1
    return text[:length].rstrip() + _ELLIPSIS


# ── composing ─────────────────────────────────────────────────────────────────────────────────────


def _compose(lines: Sequence[_Line], style: Style) -> Composed:
    title = _cut_title(_subject(lines), style)
    groups: dict[str, list[_Line]] = {}
    for line in lines:
        groups.setdefault(line.heading, []).append(line)
    is_html = style.markup is Markup.HTML
    body = _body_html(groups, style) if is_html else _body_text(groups, style)
    return Composed(len(lines), title, body, is_html)


def _cut_title(title: str, style: Style) -> str:
    plain = Style(mentions=style.mentions, escape=style.escape)
    text = defuse(title, plain)
    length = len(title)
    while measure(text) > style.title_limit and length > 0:
        length = length * 9 // 10
        text = defuse(_cut(title, length), plain)
    return text


def _subject(lines: Sequence[_Line]) -> str:
    """The title line: the one thing that happened, or how much of what on which lists."""
    if len(lines) == 1:
        line = lines[0]
        return f"{line.heading}: {line.plain}" if line.heading else line.plain
    headings = list(dict.fromkeys(line.heading for line in lines if line.heading))
    if not headings:
        return f"feedwatch: {len(lines)} notices"
    if len(headings) == 1:
        return f"{headings[0]}: {_count_verbs(lines)}"
    return f"{len(lines)} changes on {', '.join(headings[:3])}{' and more' if len(headings) > 3 else ''}"


def _count_verbs(lines: Sequence[_Line]) -> str:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.verb or "notice"] = counts.get(line.verb or "notice", 0) + 1
    return ", ".join(f"{count} {verb}" for verb, count in counts.items())


def _body_text(groups: dict[str, list[_Line]], style: Style) -> str:
    blocks: list[str] = []
    for heading, lines in groups.items():
        told = [_text_line(line, style) for line in lines]
        several = len(groups) > 1 or len(lines) > 1
        blocks.append("\n".join([defuse(heading, style), *told] if heading and several else told))
    return "\n\n".join(blocks)


def _text_line(line: _Line, style: Style) -> str:
    text = defuse(line.plain, style)
    return f"{text}\n{line.link}" if line.link else text


def _body_html(groups: dict[str, list[_Line]], style: Style) -> str:
    blocks: list[str] = []
    for heading, lines in groups.items():
        items = "".join(f"<li>{_html_line(line, style)}</li>" for line in lines)
        top = f"<h3>{defuse(heading, style)}</h3>" if heading else ""
        blocks.append(f"{top}<ul>{items}</ul>")
    return "".join(blocks)


def _html_line(line: _Line, style: Style) -> str:
    title = defuse(line.title, style)
    if line.link and line.title:
        title = f'<a href="{html.escape(line.link, quote=True)}">{title}</a>'
    elif line.title:
        title = f"<b>{title}</b>"
    return f"{defuse(line.before, style)}{title}{defuse(line.after, style)}"


# ── telling ───────────────────────────────────────────────────────────────────────────────────────


def _tell(delivery: OwedDelivery) -> _Line:
    subject = delivery.subject
    return _tell_notice(subject) if isinstance(subject, Notice) else _tell_change(subject)


def _tell_change(change: RecordedChange) -> _Line:
    name = change.feed
    heading = name if name.startswith(f"{change.account}/") else f"{change.account}/{name}"
    title = clean(change.title)[:_LONGEST_TITLE] or "(untitled)"
    year = change.entry_facts.get("year")
    mark = f" ({year})" if year else ""
    before, after, verb = _TELLERS[change.kind](change)
    link = _page_of(change)
    return _Line(heading, before, title, mark + after, link, verb)


def _page_of(change: RecordedChange) -> str | None:
    """A page for a person: of posts only, a title's link in a list of titles says nothing."""
    link = change.link
    if (
        change.feed_kind is not Kind.STREAM
        or not link
        or not link.lower().startswith(("http://", "https://"))
    ):
        return None
    return None if re.search(r"[\s<>\"]", link) else link


_Told = tuple[str, str, str]


def _tell_added(change: RecordedChange) -> _Told:
    if change.feed_kind is Kind.HISTORY:
        return "watched ", _rated(change.entry_facts.get("rating")), "watched"
    if change.feed_kind is Kind.RECOMMENDATIONS:
        predicted = change.entry_facts.get("predicted_rating")
        return "recommended ", f", predicted {predicted}★" if predicted else "", "recommended"
    if change.feed_kind is Kind.RATINGS:
        return _tell_rated(change.entry_facts.get("rating"))
    if change.feed_kind is Kind.STREAM:
        return "", "", "new"
    saved = change.entry_facts.get("availability") == "saved"
    place = f" at {change.position}" if change.position else ", saved for later" if saved else ""
    return "added ", place, "added"


def _tell_removed(change: RecordedChange) -> _Told:
    if change.feed_kind is Kind.RATINGS:
        return "took back the rating of ", "", "removed"
    was = f", was at {change.previous_position}" if change.previous_position else ""
    return "removed ", was, "removed"


def _tell_moved(change: RecordedChange) -> _Told:
    return "", f" moved{_from_to(change)}", "moved"


def _tell_updated(change: RecordedChange) -> _Told:
    facts = dict(change.facts)
    if "rating" in facts:
        return _tell_rerated(facts["rating"])
    told = [_tell_fact(name, fact) for name, fact in facts.items()]
    if change.previous_position is not None:
        told.append(f"moved{_from_to(change)}")
    return "", f" {', '.join(told)}" if told else " changed", "updated"


def _tell_fact(name: str, fact: FactChange) -> str:
    was, now = clean(fact.before or ""), clean(fact.after or "")
    if name == "availability":
        before = f", was {was}" if was else ""
        return f"is now {now.removesuffix(' now') if now.startswith('available') else now}{before}"
    if name == "title":
        return f"was called {was}"
    if name == "link":
        return "has a new address"
    if name == "content":
        return "was rewritten"
    return f"{name} {was or '—'} → {now or '—'}"


def _tell_rated(rating: str | None) -> _Told:
    if rating in _RATING_WORDS:
        return f"{_RATING_WORDS[rating]}: ", "", "rated"
    return ("rated ", f" {rating}★", "rated") if rating else ("listed ", ", not rated", "rated")


def _tell_rerated(fact: FactChange) -> _Told:
    if fact.before is None:
        return _tell_rated(fact.after)
    return "re-rated ", f" {_stars(fact.before)} → {_stars(fact.after)}", "re-rated"


def _stars(rating: str | None) -> str:
    if rating is None:
        return "no rating"
    return _RATING_WORDS.get(rating, f"{rating}★")


def _rated(rating: str | None) -> str:
    return f", rated {_stars(rating)}" if rating else ""


def _from_to(change: RecordedChange) -> str:
    start = f" from {change.previous_position}" if change.previous_position else ""
    return f"{start} to {change.position}" if change.position else start


_TELLERS: dict[ChangeKind, Callable[[RecordedChange], _Told]] = {
    ChangeKind.ADDED: _tell_added,
    ChangeKind.REMOVED: _tell_removed,
    ChangeKind.MOVED: _tell_moved,
    ChangeKind.UPDATED: _tell_updated,
}


# ── notices ───────────────────────────────────────────────────────────────────────────────────────


def _tell_notice(notice: Notice) -> _Line:
    return _Line("", clean(_NOTICES[notice.kind](notice)))


def _names(notice: Notice) -> str:
    return ", ".join(line.feed for line in notice.feeds)


def _why(notice: Notice) -> str:
    try:
        return REASON_WORDS[Reason(notice.reason)] if notice.reason else "no reason is known"
    except ValueError:
        return "no reason is known"


def _watching(notice: Notice) -> str:
    lists = [
        f"{line.entries} {'entry' if line.entries == 1 else 'entries'} in {line.feed}"
        for line in notice.feeds
    ]
    return f"feedwatch is watching {', '.join(lists)}"


def _broken(notice: Notice) -> str:
    since = f", since {_moment(notice.since_at)}" if notice.since_at else ""
    return f"{_names(notice) or notice.account} cannot be read{since}: {_why(notice)}. It is tried on."


def _recovered(notice: Notice) -> str:
    length = f" It did not for {say_duration(notice.at - notice.since_at)}." if notice.since_at else ""
    return f"{_names(notice) or notice.account} works again.{length}"


def _found(notice: Notice) -> str:
    return f"{notice.account} has new feeds: {_names(notice)}"


def _retired(notice: Notice) -> str:
    return f"{_names(notice)} is not watched any more: {_why(notice)}"


def _signed_out(notice: Notice) -> str:
    return f"{notice.account} is signed out ({_why(notice)}): type  feedwatch login {notice.account}"


def _test(_: Notice) -> str:
    return "This is a test: feedwatch can reach you here."


_NOTICES: dict[NoticeKind, Callable[[Notice], str]] = {
    NoticeKind.WATCHING: _watching,
    NoticeKind.FEED_BROKEN: _broken,
    NoticeKind.FEED_RECOVERED: _recovered,
    NoticeKind.FEEDS_FOUND: _found,
    NoticeKind.FEED_RETIRED: _retired,
    NoticeKind.SIGNED_OUT: _signed_out,
    NoticeKind.ACCOUNT_BROKEN: _broken,
    NoticeKind.ACCOUNT_RECOVERED: _recovered,
    NoticeKind.TEST: _test,
}


def say_duration(length: timedelta) -> str:
    """A duration in a person's words, in its largest unit."""
    seconds = max(int(length.total_seconds()), 0)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "less than a minute"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
