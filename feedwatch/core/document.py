"""A message as a document for a program: JSON whose keys are a promise (docs/webhook.md).

A change is laid out here once: `feedwatch changes --json` prints the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime

from feedwatch.core.about import more_of
from feedwatch.core.keys import full_name
from feedwatch.core.manner import Batch
from feedwatch.core.messages import Story, Style
from feedwatch.core.model import Notice, NoticeKind, RecordedChange, TitleDetails
from feedwatch.core.stories import known_facts
from feedwatch.core.text import measure_in, page_of

VERSION = 1
"""Of the schema (docs/webhook.schema.json). Keys may be added to a version; none is taken away or changed."""

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")


def write_document(
    stories: Sequence[Story],
    *,
    title: str,
    lines: Sequence[str],
    batch: Batch,
    detailed: Sequence[bool] = (),
) -> str:
    """Write the stories of one message as JSON; `lines` has what each says, in plain words.

    `detailed` says of which is told what more is known; of none by default.
    """
    told = tuple(zip(stories, lines, detailed or (False,) * len(stories), strict=True))
    return _write(
        kind=_kind_of(stories, batch),
        title=title,
        text="\n".join(lines),
        stories=[_lay_out_story(*each) for each in told if each[0].notice is None],
        notices=[_lay_out_notice(story.notice, line) for story, line, _ in told if story.notice],
        period_at=show_instant(batch.period_at),
        part=batch.part,
    )


def measure_story(story: Story, line: str, style: Style) -> int:
    """Measure by how much a document is longer for one more story, without what more is known of it."""
    laid_out = _lay_out_notice(story.notice, line) if story.notice else _lay_out_story(story, line, False)
    return sum(measure_in(_dump(part), style) for part in (laid_out, line))


def write_plain_document(title: str, text: str) -> str:
    """Write a message that was made for another service as JSON: its text alone."""
    return _write(kind="text", title=title, text=text, stories=[], notices=[], period_at=None, part=1)


def lay_out_change(change: RecordedChange) -> dict[str, object]:
    """Give a change as every program is told it."""
    return {
        "id": change.id,
        "at": show_instant(change.at),
        "account": change.account,
        "feed": full_name(change.account, change.feed),
        "kind": str(change.feed_kind),
        "change": str(change.kind),
        "key": change.key,
        "title": change.title,
        "link": change.link,
        "position": change.position,
        "previous_position": change.previous_position,
        "fields": {name: {"from": fact.before, "to": fact.after} for name, fact in change.facts.items()},
    }


def show_instant(at: datetime | None) -> str | None:
    """Give an instant as everybody's tools read it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def _write(**parts: object) -> str:
    return _dump({"version": VERSION, **parts})


def _dump(value: object) -> str:
    # Half a character has no UTF-8, and strict readers refuse it escaped.
    return _HALF_CHARACTER.sub("\ufffd", _ENCODE(value))


def _kind_of(stories: Sequence[Story], batch: Batch) -> str:
    if any(story.changes for story in stories):
        return "changes" if batch.period_at is None else "digest"
    is_test = any(story.notice and story.notice.kind is NoticeKind.TEST for story in stories)
    return "test" if is_test else "notice"


def _lay_out_story(story: Story, line: str, detailed: bool) -> dict[str, object]:  # noqa: FBT001 — of a row
    more = more_of(story) if detailed else None
    pictures = [page_of(change.details.picture) for change in story.changes]
    pictures += [page_of(more.picture)] if more is not None else []
    return {
        "text": line,
        "recommended": story.recommended,
        "facts": known_facts(story),
        "picture": next(filter(None, pictures), None),
        "changes": [lay_out_change(change) for change in story.changes],
        **({"details": _lay_out_details(more)} if more is not None else {}),
    }


def _lay_out_details(more: TitleDetails) -> dict[str, object]:
    """What more is known of a title; what is not known is null."""
    return {
        "year": more.year,
        "certificate": more.certificate,
        "average_rating": more.average_rating,
        "predicted_rating": more.predicted_rating,
        "synopsis": more.synopsis or None,
        "queued": more.queued,
        "playable": more.playable,
    }


def _lay_out_notice(notice: Notice, line: str) -> dict[str, object]:
    return {
        "text": line,
        "notice": str(notice.kind),
        "at": show_instant(notice.at),
        "account": notice.account,
        "feeds": [{"feed": each.feed, "entries": each.entries} for each in notice.feeds],
        "reason": notice.reason,
        "since_at": show_instant(notice.since_at),
    }
