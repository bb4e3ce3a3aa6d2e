"""What is owed and what was told, counted: changes lost, invented and told too often.

A fact is what happened to a title, as a message says it. It is owed from the moment the world moves;
every run ends with all of it served, so that nothing is owed that could not be known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Fact(NamedTuple):
    """What happened, and to which title."""

    what: str
    title: str


@dataclass(frozen=True, slots=True)
class Reckoning:
    """The three numbers. `allowed` is how many repeats the promise lets pass."""

    owed: int = 0
    lost: int = 0
    invented: int = 0
    duplicated: int = 0
    allowed: int = 0

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not self.lost and not self.invented and self.duplicated <= self.allowed

    def __add__(self, other: Reckoning) -> Reckoning:
        return Reckoning(
            self.owed + other.owed,
            self.lost + other.lost,
            self.invented + other.invented,
            self.duplicated + other.duplicated,
            self.allowed + other.allowed,
        )


@dataclass(slots=True)
class Ledger:
    """The facts of one run, and how many repeats the faults that were played account for."""

    owed: Counter[Fact] = field(default_factory=Counter)
    allowed: int = 0

    def owe(self, what: str, title: str) -> None:
        """Note that something happened."""
        self.owed[Fact(what, title)] += 1

    def reckon(self, told: Iterable[Fact]) -> Reckoning:
        """Compare with what one address was told."""
        heard = Counter(told)
        lost = self.owed - heard
        surplus = heard - self.owed
        invented = sum(count for fact, count in surplus.items() if fact not in self.owed)
        return Reckoning(
            owed=self.owed.total(),
            lost=lost.total(),
            invented=invented,
            duplicated=surplus.total() - invented,
            allowed=self.allowed,
        )

    def explain(self, told: Iterable[Fact]) -> str:
        """Say which facts make the numbers, for a person who reads a failure."""
        heard = Counter(told)
        lost, surplus = self.owed - heard, heard - self.owed
        return f"lost: {sorted(lost.elements())[:8]}; too much: {sorted(surplus.elements())[:8]}"


# ── messages ──────────────────────────────────────────────────────────────────────────────────────

_YEAR = r" \(\d{4}\)"
_SENTENCES = (
    ("added", re.compile(rf"added (?P<title>.+){_YEAR}(?: at \d+)?")),
    ("saved", re.compile(rf"saved (?P<title>.+){_YEAR}")),
    ("removed", re.compile(rf"removed (?P<title>.+){_YEAR}")),
    ("moved", re.compile(rf"(?P<title>.+){_YEAR} moved from \d+ to \d+")),
    ("available", re.compile(rf"(?P<title>.+){_YEAR} is now available(?: \(was saved\))?")),
    ("rated", re.compile(rf"rated (?P<title>.+){_YEAR} \S+")),
    ("re-rated", re.compile(rf"re-rated (?P<title>.+){_YEAR} \S+ → \S+")),
    ("unrated", re.compile(rf"unrated (?P<title>.+){_YEAR}(?: \(was .+\))?")),
    ("watched", re.compile(rf"watched (?P<title>.+){_YEAR} on \d+ \w+ \d+(?: \(rated .+\))?")),
    ("recommended", re.compile(rf"recommended (?P<title>.+){_YEAR}(?: \(predicted .+\))?")),
    ("posted", re.compile(r"new: (?P<title>.+)")),
)
_CLAUSES = (
    ("rated", re.compile(r"(?P<told>.+)(?: and rated it \S+|, not interested|, no opinion)")),
    ("re-rated", re.compile(r"(?P<told>.+) and re-rated it \S+ → \S+")),
    ("removed", re.compile(r"(?P<told>.+), off (?:the queue|[a-z0-9_.-]+)")),
    ("recommended", re.compile(r"(?P<told>.+), newly recommended(?: \(predicted .+\))?")),
    ("", re.compile(r"(?P<told>.+), from the recommendations")),
)
"""What a story tells beside what leads in it, behind that."""
_HEADING = re.compile(r"[a-z0-9_-]+/[a-z0-9_.-]+")
_LINK = re.compile(r"https?://\S+")
_OWN_HEADING = "feedwatch"
_REPEATED = re.compile(r"\(.*\bagain\b.*\)")
"""The line that says that a message may have come before; it tells no change."""


def read_facts(title: str, body: str) -> Iterator[Fact]:
    """The facts that a message tells; a line that is none of our sentences is a fact nobody owes.

    What stands under feedwatch's own heading, or alone under a title that names no list, are notices.
    """
    blocks = body.split("\n\n")
    for block in blocks:
        said = [line for line in block.splitlines() if line and not _REPEATED.fullmatch(line)]
        # What more is known of a title stands below it, set in; it says nothing of what happened.
        lines = [line for line in said if not line.startswith("  ")]
        if not lines or lines[0] == _OWN_HEADING:
            continue
        is_named = _HEADING.fullmatch(lines[0]) is not None
        facts = [fact for line in lines[is_named:] if not _LINK.fullmatch(line) for fact in _read_line(line)]
        if is_named or len(blocks) > 1 or _names_list(title) or all(f.what != _UNKNOWN for f in facts):
            yield from facts


_UNKNOWN = "?"


def _names_list(title: str) -> bool:
    return re.match(r"[a-z0-9_-]+/[a-z0-9_.-]+: \d", title) is not None


def _read_line(line: str) -> list[Fact]:
    """All that one line tells of a title: what leads, and what is included."""
    others: list[str] = []
    lead = _read_sentence(line)
    rest = line
    while lead is None and (found := _split_clause(rest)):
        what, rest = found
        others += [what] if what else []
        lead = _read_sentence(rest)
    return [Fact(_UNKNOWN, line)] if lead is None else [lead, *(Fact(what, lead.title) for what in others)]


def _read_sentence(line: str) -> Fact | None:
    found = ((what, sentence.fullmatch(line)) for what, sentence in _SENTENCES)
    return next((Fact(what, match["title"]) for what, match in found if match), None)


def _split_clause(line: str) -> tuple[str, str] | None:
    """What the last clause tells, and what stands before it."""
    found = ((what, clause.fullmatch(line)) for what, clause in _CLAUSES)
    return next(((what, match["told"]) for what, match in found if match), None)
