"""One message at work: each of its parts written with a template of a set, or with one of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import tzinfo
from functools import partial
from typing import Any

from markupsafe import Markup as WrittenHtml

from feedwatch.core.messages import Markup, PictureLink, Style
from feedwatch.core.telling import count_stories
from feedwatch.core.text import escape_html, shorten
from feedwatch.core.told import Told
from feedwatch.core.writing import for_title, for_twin
from feedwatch.scribe.environment import Piece, TemplateFault, get_jinja
from feedwatch.scribe.page import list_accounts, make_card, say_heading, say_preview
from feedwatch.scribe.templates import Path, SetFault, TemplateProblem, TemplateSet
from feedwatch.scribe.views import DigestView, StoryView, reword, view_lists, view_story
from feedwatch.scribe.writing import Written, as_html

PAGE, ROW, PAGE_TWIN = "digest.html.j2", "row.html.j2", "digest.txt.j2"
LISTS = {Markup.TEXT: "list.txt.j2", Markup.HTML: "list.html.j2", Markup.MARKDOWN: "list.md.j2"}
_SEEN_IN_LINE = tuple(
    each.name for each in fields(StoryView) if each.name not in {"story", "told", "line", "is_reworded"}
)
_SOME = 12
"""A page of no more titles than that says what each is about: mail programs cut off long ones."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is written, with which templates, by which clock, and each story's picture."""

    chosen: TemplateSet
    told: Told
    zone: tzinfo
    pictures: Sequence[PictureLink | None]

    def write_title(self, style: Style) -> str | None:
        """The title in the set's words, on one line and within its limit; None where it has none."""
        if ("title",) not in self.chosen.pieces:
            return None
        plain = for_title(style)
        written = self._render(("title",), plain, self._see(self._view_stories(plain)))
        return shorten(" ".join(written.split()), style.title_limit)

    def write_body(self, style: Style) -> str:
        """The body in the set's words; where it has no body for this form, our list of its lines."""
        path = self.chosen.find_body(style.markup)
        if path == ("body",) and style.markup is Markup.HTML:
            return f"<p>{_break_lines(self.write_body(for_twin(style)))}</p>"
        values = self._see(self._view_stories(style))
        if path is None:
            return self._render_own(LISTS[style.markup], style, values)
        return self._render(path, style, values)

    def write_page(self, style: Style) -> str:
        """The page of a mail."""
        return self._render_page(PAGE, style)

    def write_page_twin(self, style: Style) -> str:
        """The same as the page, in plain text."""
        has_words = self.chosen.find_body(style.markup) is not None
        return self.write_body(style) if has_words else self._render_page(PAGE_TWIN, style)

    # ── what templates see ────────────────────────────────────────────────────────────────────────

    def _view_stories(self, style: Style) -> list[StoryView]:
        """The stories as a style shows them; each is looked at once, in however many drafts it is told."""
        views: list[StoryView] = self.told.notes.setdefault((self.chosen.name, style), [])
        is_shown = style.inline and style.markup is Markup.HTML
        for story, link in zip(self.told.stories[len(views) :], self.pictures[len(views) :], strict=True):
            picture = link.name if link and is_shown else None
            views.append(self._say_line(view_story(story, style, self.zone, picture), style))
        return views[: len(self.told.stories)]

    def _say_line(self, story: StoryView, style: Style) -> StoryView:
        """A story with its line in the set's words: plain text, whatever the form."""
        path = self.chosen.find_line(story.kind)
        if path is None:
            return story
        is_html = style.markup is Markup.HTML
        plain = for_twin(style) if is_html else style
        seen = view_story(story.story, plain, self.zone) if is_html else story
        line = self._render(path, plain, {name: getattr(seen, name) for name in _SEEN_IN_LINE})
        return reword(story, as_html(_break_lines(line)) if is_html else Written(line))

    def _see(self, stories: Sequence[StoryView]) -> dict[str, Any]:
        return {
            "stories": stories,
            "lists": view_lists(stories),
            "changes": tuple(change for story in stories for change in story.changes),
            "count": len(stories) + self.told.more,
            "more": self.told.more,
            "summary": count_stories(self.told.stories),
            "digest": self._view_digest(stories),
        }

    def _view_digest(self, stories: Sequence[StoryView]) -> DigestView | None:
        digest, period_at = self.told.batch.manner.digest, self.told.batch.period_at
        if digest is None:
            return None
        at = period_at or max(story.at for story in stories)
        return DigestView(str(digest.every), at.astimezone(digest.zone), self.told.batch.part)

    # ── rendering ─────────────────────────────────────────────────────────────────────────────────

    def _render_page(self, name: str, style: Style) -> str:
        stories = self._view_stories(style)
        seen = self._see(stories)
        heading, day = say_heading(self._view_digest(stories), max(story.at for story in stories))
        page = {
            "heading": heading,
            "day": day,
            "preview": say_preview(stories, self.told.more),
            "accounts": list_accounts(seen["lists"]),
            "write_row": partial(self._write_row, style=style, synopsis=len(stories) <= _SOME),
        }
        return self._render_own(name, style, seen | page)

    def _write_row(self, story: StoryView, *, style: Style, synopsis: bool) -> WrittenHtml:
        """What a page says of one story: written once, as it is viewed once."""
        rows = self.told.notes.setdefault((self.chosen.name, style, synopsis), {})
        row: WrittenHtml | None = rows.get(id(story))  # its view is kept beside it, and so is its id
        if row is None:
            values = {"story": story, "card": make_card(story, synopsis=synopsis)}
            row = rows[id(story)] = as_html(get_jinja().load(ROW).render(style, values, style.limit))
        return row

    def _render(self, path: Path, style: Style, values: Mapping[str, object]) -> str:
        return _render(self.chosen.pieces[path], self.chosen.name, path, style, values)

    def _render_own(self, name: str, style: Style, values: Mapping[str, object]) -> str:
        return _render(get_jinja().load(name), "", (name,), style, values)


def _render(piece: Piece, name: str, path: Path, style: Style, values: Mapping[str, object]) -> str:
    try:
        written = piece.render(style, values, style.limit)
    except TemplateFault as fault:
        raise SetFault(TemplateProblem(name, path, str(fault))) from None
    # What goes on beyond the limit was cut there. It has to be seen not to fit, even if it ends in blanks.
    return written if len(written) > style.limit else written.strip()


def _break_lines(text: str) -> str:
    return escape_html(text).replace("\n", "<br>\n")
