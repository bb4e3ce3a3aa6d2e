"""Sets of templates as the configuration names them, and what is wrong with one: a value. Without Jinja."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from feedwatch.scribe.environment import Piece

Path = tuple[str, ...]


class TemplateTexts(Protocol):
    """A set as the configuration has it: `line` by kind, `body` by form, each under "" for all."""

    @property
    def title(self) -> str | None:
        """The title of a message."""
        ...

    @property
    def line(self) -> Mapping[str, str]:
        """What is said of one title."""
        ...

    @property
    def body(self) -> Mapping[str, str]:
        """A whole message."""
        ...


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """What is wrong with a template: of which set, and which of its keys (`body`, `html`)."""

    name: str
    path: Path
    message: str

    def __str__(self) -> str:
        return f"template {'.'.join((self.name, *self.path))}: {self.message}"


class SetFault(Exception):
    """A template failed while a message was written."""

    def __init__(self, problem: TemplateProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """The compiled templates of a set, under the keys that they stand at."""

    name: str
    pieces: Mapping[Path, Piece] = field(default_factory=dict)

    def find_line(self, kind: str) -> Path | None:
        """Where the template for a line of a kind stands."""
        return self._find("line", kind)

    def find_body(self, form: str) -> Path | None:
        """Where the template for a body of a form stands."""
        return self._find("body", form)

    def _find(self, key: str, which: str) -> Path | None:
        return next((path for path in ((key, which), (key,)) if path in self.pieces), None)
