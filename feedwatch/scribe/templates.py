"""Sets of templates as the configuration names them, compiled once; whatever is wrong with one is a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from feedwatch.core.messages import Markup
from feedwatch.core.model import Kind
from feedwatch.scribe.environment import Jinja, Piece, TemplateFault
from feedwatch.scribe.views import NOTICE

ALL = ""
"""The template for all kinds of lists, or all forms of bodies, that have none of their own."""
KINDS = (*(kind.value for kind in Kind), NOTICE)
FORMS = (Markup.TEXT.value, Markup.HTML.value, Markup.MARKDOWN.value)

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


def compile_set(jinja: Jinja, name: str, texts: TemplateTexts) -> tuple[TemplateSet, list[TemplateProblem]]:
    """Compile what can be compiled, and say what is wrong with the rest."""
    pieces: dict[Path, Piece] = {}
    problems: list[TemplateProblem] = []
    for path, source in _list_sources(texts).items():
        try:
            pieces[path] = jinja.compile(source, is_html=path == ("body", Markup.HTML.value))
        except TemplateFault as fault:
            problems.append(TemplateProblem(name, path, str(fault)))
    return TemplateSet(name, pieces), problems


def _list_sources(texts: TemplateTexts) -> dict[Path, str]:
    sources: dict[Path, str] = {} if texts.title is None else {("title",): texts.title}
    for key, by in (("line", texts.line), ("body", texts.body)):
        sources |= {(key, which) if which != ALL else (key,): source for which, source in by.items()}
    return sources
