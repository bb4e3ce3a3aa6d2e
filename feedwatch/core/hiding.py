"""What messages tell, without secrets: somebody who knows them is asked about every text and every link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from feedwatch.core.model import Details, FactChange, Notice, NoticeLine, RecordedChange
from feedwatch.core.text import clean, page_of


class Hider:
    """Takes the secrets out of what one message after the other may tell.

    `redact` gives a text without secrets. What it finds in a text, it finds wherever that stands between
    blanks: so it is asked about all texts of a change together, and only where it finds something about each.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._hide = cache(self._hide_in_text)
        self._hide_link = cache(self._hide_in_link)

    def hide(self, subject: RecordedChange | Notice) -> RecordedChange | Notice:
        """Take the secrets out of every text. A link that would be masked leads nowhere: it is left out."""
        if isinstance(subject, Notice):
            return self._hide_in_notice(subject)
        return subject if self._is_harmless(subject) else self._hide_in_change(subject)

    def _hide_in_text(self, text: str) -> str:
        # A secret may be broken by what nobody sees: it is whole again once that is gone.
        text = self._redact(text)
        return text if (cleaned := clean(text)) == text else self._redact(cleaned)

    def _hide_in_link(self, link: str) -> str | None:
        page = page_of(link)
        if page is None or self._redact(page) != page:
            return None
        return page if page == link or self._redact(link) == link else None

    # ── a change ──────────────────────────────────────────────────────────────────────────────────

    def _is_harmless(self, change: RecordedChange) -> bool:
        """Whether nothing is to be taken out. So it is with nearly all: they need not be made anew.

        All texts are asked about in one go. Where that finds something, it may be in none of them by itself.
        """
        links = [link for link in _links_of(change) if link is not None]
        texts = " ".join(filter(None, _texts_of(change)))
        if clean(texts) != texts or any(page_of(link) != link for link in links):
            return False
        told = " ".join((texts, *links))
        return self._redact(told) == told

    def _hide_in_change(self, change: RecordedChange) -> RecordedChange:
        def hide_fact(name: str, value: str | None) -> str | None:
            return self._hide_page(value) if name == "link" else value and self._hide(value)

        return replace(
            change,
            account=self._hide(change.account),
            feed=self._hide(change.feed),
            key=self._hide(change.key),
            title=self._hide(change.title),
            link=self._hide_page(change.link),
            facts={
                name: FactChange(hide_fact(name, fact.before), hide_fact(name, fact.after))
                for name, fact in change.facts.items()
            },
            entry_facts={name: self._hide(value) for name, value in change.entry_facts.items()},
            details=self._hide_in_details(change.details),
        )

    def _hide_in_details(self, details: Details) -> Details:
        more = details.more
        if more is not None:
            more = replace(
                more,
                certificate=more.certificate and self._hide(more.certificate),
                synopsis=self._hide(more.synopsis),
                picture=self._hide_page(more.picture),
            )
        picture, text = self._hide_page(details.picture), self._hide(details.text)
        return replace(details, picture=picture, text=text, more=more)

    def _hide_page(self, link: str | None) -> str | None:
        return None if link is None else self._hide_link(link)

    # ── a notice ──────────────────────────────────────────────────────────────────────────────────

    def _hide_in_notice(self, notice: Notice) -> Notice:
        return replace(
            notice,
            account=notice.account and self._hide(notice.account),
            feeds=tuple(self._hide_in_line(line) for line in notice.feeds),
            reason=notice.reason and self._hide(notice.reason),
        )

    def _hide_in_line(self, line: NoticeLine) -> NoticeLine:
        feed = self._hide(line.feed)
        return line if feed == line.feed else replace(line, feed=feed)


def _texts_of(change: RecordedChange) -> Iterator[str | None]:
    details, more = change.details, change.details.more
    yield from (change.account, change.feed, change.key, change.title, details.text)
    yield from change.entry_facts.values()
    for name, fact in change.facts.items():
        if name != "link":
            yield from (fact.before, fact.after)
    if more is not None:
        yield from (more.certificate, more.synopsis)


def _links_of(change: RecordedChange) -> Iterator[str | None]:
    details, fact = change.details, change.facts.get("link")
    yield from (change.link, details.picture)
    if details.more is not None:
        yield details.more.picture
    if fact is not None:
        yield from (fact.before, fact.after)
