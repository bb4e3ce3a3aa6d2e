"""Conditions as they are written: what is read, and what is said of one that cannot be."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from configs import read, refuse
from hypothesis import given
from hypothesis import strategies as st
from wheres import CONDITIONS

from feedwatch.config.conditions import ConditionError, parse_condition
from feedwatch.core.fields import Field
from feedwatch.core.where import AllOf, AnyOf, Comparison, Condition, Not, Operator

YEAR = Comparison(Field.YEAR, Operator.AT_LEAST, (1990.0,))
TITLE = Comparison(Field.TITLE, Operator.CONTAINS, ("alien",))
RATED = Comparison(Field.RATING, Operator.KNOWN)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("year >= 1990", YEAR),
        (" year>=1990 ", YEAR),
        ("year\n>=\t1990", YEAR),
        ("year >= 1990.0", YEAR),
        ("(((year >= 1990)))", YEAR),
        ("title ~ alien", TITLE),
        ('title ~ "alien"', TITLE),
        ("title ~ 'alien'", TITLE),
        ('title ~ " alien\n "', TITLE),
        ("rating IS Known", RATED),
        ("year >= 1990 and title ~ alien and rating is known", AllOf((YEAR, TITLE, RATED))),
        ("year >= 1990 OR title ~ alien AND rating is known", AnyOf((YEAR, AllOf((TITLE, RATED))))),
        ("(year >= 1990 or title ~ alien) and rating is known", AllOf((AnyOf((YEAR, TITLE)), RATED))),
        ("not year >= 1990 and title ~ alien", AllOf((Not(YEAR), TITLE))),
        ("not not rating is known", Not(Not(RATED))),
        ("category in (Comedy, 'Sci-Fi & Fantasy',)", Comparison(Field.CATEGORY, Operator.IN, ("Comedy", "Sci-Fi & Fantasy"))),
        ("rating not in (4.5, not_interested)", Comparison(Field.RATING, Operator.NOT_IN, (4.5, "not_interested"))),
        ("not kind in (queue)", Not(Comparison(Field.KIND, Operator.IN, ("queue",)))),
        ("change != 'moved'", Comparison(Field.CHANGE, Operator.DIFFERS, ("moved",))),
        ("feed = jane/queue", Comparison(Field.FEED, Operator.EQUALS, ("jane/queue",))),
        ("title = 1917", Comparison(Field.TITLE, Operator.EQUALS, ("1917",))),
        ("title = andes", Comparison(Field.TITLE, Operator.EQUALS, ("andes",))),
        ("title = 'and'", Comparison(Field.TITLE, Operator.EQUALS, ("and",))),
        (r'title !~ "\"quoted\" \\ \'"', Comparison(Field.TITLE, Operator.LACKS, ("\"quoted\" \\ '",))),
    ],
)  # fmt: skip
def test_a_condition_is_read(text: str, condition: Condition) -> None:
    """Spaces and needless brackets mean nothing; `and` binds more than `or`, `not` more than `and`."""
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: a condition is wanted here, such as `year >= 1990`"),
        (" \n ", "1:1: a condition is wanted here, such as `year >= 1990`"),
        ("yaer > 3", "1:1: no field has this name; did you mean `year`?"),
        ("kind = queue and (Title = x)", "1:19: no field has this name; did you mean `title`?"),
        ("hunter2 = 1", "1:1: no field has this name; there are: title, text, category, year, rating, predicted_rating, average_rating, availability, position, kind, change, account, feed"),
        ("title == x", "1:7: this operator is none of those for `title`; did you mean `=`?"),
        ("title & x", "1:7: this operator is none of those for `title`; there are: =, !=, ~, !~, in, not in, is known, is unknown"),
        ("title < x", "1:7: this operator does not go with `title`; there are: =, !=, ~, !~, in, not in, is known, is unknown"),
        ("year ~ 19", "1:6: this operator does not go with `year`; there are: =, !=, <, <=, >, >=, in, not in, is known, is unknown"),
        ("kind ~ que", "1:6: this operator does not go with `kind`; there are: =, !=, in, not in, is known, is unknown"),
        ('year = "1990"', "1:8: a number without quotes is wanted here"),
        ("year in (1990, x)", "1:16: a number without quotes is wanted here"),
        ("year = 1990s", "1:8: a number without quotes is wanted here"),
        ("year = 1234567890", "1:8: a number without quotes is wanted here"),
        ("rating = good", "1:10: a number without quotes or not_interested or no_opinion is wanted here"),
        ("rating > not_interested", "1:10: a number without quotes is wanted here"),
        ("kind = quue", "1:8: this is no kind of feed; did you mean `queue`?"),
        ("kind = x", "1:8: this is no kind of feed; one of these is wanted: queue, history, ratings, recommendations, stream"),
        ("change in (added, gone)", "1:19: this is no change; one of these is wanted: added, removed, moved, updated"),
        ("title = ' '", "1:9: this text is empty; for none at all write `title is unknown`"),
        ("category = 'Comedy, Drama'", "1:12: one category is wanted here; write `category in (…)` for several"),
        ("title is knwon", "1:10: `known` or `unknown` is wanted here"),
        ("title is not known", "1:10: `known` or `unknown` is wanted here"),
        ("title not known", "1:11: `in` is wanted here"),
        ("title contains x", "1:7: an operator is wanted here: =, !=, <, <=, >, >=, ~, !~, in, not in, is known, is unknown; did you mean `~`?"),
        ("title", "1:6: an operator is wanted here: =, !=, <, <=, >, >=, ~, !~, in, not in, is known, is unknown"),
        ("title =  ", "1:8: a value is wanted here: a number, a word, or a text in quotes"),
        ("title = and", "1:9: a value is wanted here: a number, a word, or a text in quotes"),
        ("title = available now", "1:19: `and`, `or` or the end is wanted here; a text of several words stands in quotes"),
        ("year = 1990 && year = 1991", "1:13: `and`, `or` or the end is wanted here; did you mean `and`?"),
        ("year = 1990)", "1:12: `and`, `or` or the end is wanted here; this bracket was never opened"),
        ("(year = 1990", "1:13: `and`, `or` or `)` is wanted here"),
        ("year in 1990", "1:9: values in brackets are wanted here: `(1, 2)`"),
        ("year in ()", "1:10: a value is wanted here: a number, a word, or a text in quotes"),
        ("title in (Heat Alien)", "1:16: `,` or `)` is wanted here; a text of several words stands in quotes"),
        ("year = 1990 and", "1:16: the name of a field is wanted here: title, text, category, year, rating, predicted_rating, average_rating, availability, position, kind, change, account, feed"),
        ("year = 1990\n  and title == x", "2:13: this operator is none of those for `title`; did you mean `=`?"),
        ("title = 'Heat\n", "1:9: this quote is never closed"),
        ("title = \u201cHeat\u201d", "1:9: a text stands between straight quotes: \" or '"),
        ("position = -1", "1:12: this character cannot stand here; a text that has it stands in quotes"),
        (r"title = 'a\d'", "1:11: a backslash stands before a quote or a backslash; write two for one"),
        ("title = '\x1b[2J'", "1:10: a control character, or half of a character"),
        ("title = '\ud800'", "1:10: a control character, or half of a character"),
        ("not " * 20 + "year = 1990", None),
        ("not " * 21 + "year = 1990", "1:81: this is too deep: at most 20 levels"),
        ("(" * 900 + "year = 1990" + ")" * 900, None),
        (" or ".join(["year=1"] * 180), None),
        ("x" * 2001, "1:2001: this is too long: a condition has at most 2000 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_condition_is_told_with_its_place(text: str, problem: str | None) -> None:
    """The first thing that is wrong, where, and what is wanted there; what was written is not repeated."""
    told = None
    try:
        parse_condition(text)
    except ConditionError as error:
        told = f"{error.line}:{error.column}: {error}"
    assert told == problem


@pytest.mark.parametrize("title", ["And", "NOT", "in", 'a "b" c', "a\\b", "it's", "(x)", "1917", "a=b"])
def test_a_title_that_looks_like_something_else_is_written_so_that_it_is_read(title: str) -> None:
    """A reserved word in any case, a quote, a backslash: the text of the condition keeps it a text."""
    condition = Comparison(Field.TITLE, Operator.EQUALS, (title,))
    assert parse_condition(str(condition)) == condition


@given(condition=CONDITIONS)
def test_the_text_of_a_condition_is_read_as_the_same_condition(condition: Condition) -> None:
    """What is shown of a condition can be written into a configuration and means the same there."""
    assert parse_condition(str(condition), most=None) == condition
    assert str(parse_condition(str(condition), most=None)) == str(condition)


PIECES = st.sampled_from([
    *Field, *Operator, "known", "and", "or", "not", "(", ")", ",", "1990", "queue", '"', "'", "\\", "x", "\n", "=",
])  # fmt: skip
ANY_TEXT = (
    st.lists(PIECES, max_size=25).map(" ".join) | st.lists(PIECES, max_size=25).map("".join) | st.text()
)


@given(text=ANY_TEXT)
def test_whatever_the_text_it_is_a_condition_or_a_problem_within_it(text: str) -> None:
    """No text is a surprise: the place of a problem is in the text, or right behind it."""
    condition, problem = None, None
    try:
        condition = parse_condition(text)
    except ConditionError as error:
        problem = error
    if problem is not None:
        line = text.split("\n")[problem.line - 1]
        assert 1 <= problem.column <= len(line) + 1
    assert condition is None or parse_condition(str(condition)) == condition


# ── in a configuration ────────────────────────────────────────────────────────────────────────────

ROUTE = "targets: {phone: json://localhost}\nroutes:\n  - to: phone\n"


def test_a_route_has_a_condition(tmp_path: Path) -> None:
    """`where` is read with the configuration; a text that goes over several lines is one condition."""
    plain = read(tmp_path, ROUTE + "    where: year >= 1990 and title ~ alien\n")
    folded = read(tmp_path, ROUTE + "    where: |\n      year >= 1990\n      and title ~ alien\n")
    assert plain.routes[0].where == folded.routes[0].where == AllOf((YEAR, TITLE))
    assert read(tmp_path, ROUTE).routes[0].where is None


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("where: yaer > 3", "4:12: in column 1 of the condition: no field has this name; did you mean `year`?"),
        ("where: |\n      year > 3\n      or tilte = x", "4:12: in line 2, column 4 of the condition: no field has this name; did you mean `title`?"),
        ("where:", "4:5: a value is missing"),
        ("where: [year > 3]", "4:5: one value is wanted here, not a list or mapping"),
        ('where: ""', "4:12: in column 1 of the condition: a condition is wanted here, such as `year >= 1990`"),
    ],
)  # fmt: skip
def test_a_problem_of_a_condition_names_both_places(tmp_path: Path, written: str, problem: str) -> None:
    """Where the condition stands in the file, and where within it something is wrong."""
    assert refuse(tmp_path, f"{ROUTE}    {written}\n") == [problem]


def test_a_variable_stands_for_its_value_in_a_condition(tmp_path: Path) -> None:
    """As in every other text of a configuration."""
    config = read(tmp_path, ROUTE + "    where: title ~ ${WANTED}\n", {"WANTED": "alien"})
    assert config.routes[0].where == TITLE


def test_who_has_no_condition_does_not_wait_for_the_parser(tmp_path: Path) -> None:
    """The library is first imported when there is a condition to be read."""
    code = "import sys, feedwatch.cli, feedwatch.config.conditions; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ── in the documents ──────────────────────────────────────────────────────────────────────────────

PAGE = (Path(__file__).parent.parent.parent / "docs" / "conditions.md").read_text()


def section(name: str) -> str:
    """What stands under a heading of the page on conditions."""
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_every_example_of_the_page_is_a_condition(tmp_path: Path) -> None:
    """What a person copies from the page works: each line of the examples, and the routes at the top."""
    examples = section("Examples").split("```")[1].strip().splitlines()
    assert len(examples) == 12
    assert [parse_condition(example) for example in examples]
    routes = PAGE.split("```yaml\n")[1].split("```")[0]
    config = read(tmp_path, "targets: {phone: json://localhost, mail: json://localhost}\n" + routes)
    assert [bool(route.where) for route in config.routes] == [True, True]


def test_the_page_names_every_field_and_operator() -> None:
    """Nothing can be written that the page does not explain, and it explains nothing else."""
    fields = {
        line.split("`")[1] for line in section("What can be looked at").splitlines() if line.startswith("| `")
    }
    assert fields == set(Field)
    table = [
        line.split(" | ")[0] for line in section("How it is compared").splitlines() if line.startswith("| `")
    ]
    shown = {part.removesuffix(" (…, …)") for cell in table for part in cell.split("`")[1::2]}
    assert shown == set(Operator)
