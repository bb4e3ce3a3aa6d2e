"""docs/templates.md promises names, filters and examples: they are there, and no others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest
from inventing import MAIL, MARKDOWN, invent_day, tell

from feedwatch.core.manner import Batch, Manner
from feedwatch.core.messages import Style
from feedwatch.core.told import Told
from feedwatch.scribe import compile_templates
from feedwatch.scribe.environment import FILTERS
from feedwatch.scribe.views import StoryView

TEXT = (Path(__file__).parents[2] / "docs" / "templates.md").read_text()
OURS = Batch(Manner(template="ours"))
EXAMPLES = re.findall(r"^```jinja\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@dataclass
class Texts:
    title: str | None = None
    line: dict[str, str] = field(default_factory=dict)
    body: dict[str, str] = field(default_factory=dict)


def row_of(name: str) -> set[str]:
    """The words in the row of a table."""
    found = re.search(rf"^\| {name} \|(.*)\|$", TEXT, re.MULTILINE)
    assert found
    return set(re.findall(r"`(\w+)`", found[1]))


def test_every_filter_is_documented() -> None:
    """The list of filters is the one that templates have."""
    assert row_of("filters") == FILTERS


def test_every_name_of_a_story_is_documented() -> None:
    """What a story has stands in the table, and nothing else does."""
    section = TEXT.partition("Each story has these")[2].partition("\n\nWhat is not known")[0]
    named = {
        name
        for row in re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
        for name in re.findall(r"\w+", row)
    }
    has = {each.name for each in fields(StoryView)} - StoryView.HIDDEN
    assert named == has - {"is_reworded"}


def test_there_are_examples_of_a_line_and_two_bodies() -> None:
    """The examples that the others try are found."""
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(
    ("number", "texts", "style"),
    [
        (0, Texts(line={"": EXAMPLES[0]}), MAIL),
        (1, Texts(body={"markdown": EXAMPLES[1]}), MARKDOWN),
        (2, Texts(body={"html": EXAMPLES[2]}), MAIL),
    ],
)
def test_an_example_works(number: int, texts: Texts, style: Style) -> None:
    """Each example can be copied: it fails on no sample, and writes what it seems to."""
    scribe, problems = compile_templates({"ours": texts})
    assert (problems, scribe.try_all()) == ([], [])
    draft = scribe.write(Told(tell(*invent_day(4)[0].changes), OURS), style)
    assert draft is not None
    assert "Garden" in draft.body
