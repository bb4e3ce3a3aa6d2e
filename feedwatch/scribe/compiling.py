"""Sets of templates, compiled once; whatever is wrong with one is a value."""

from __future__ import annotations

from feedwatch.core.messages import Markup
from feedwatch.scribe.environment import Piece, TemplateFault, get_jinja
from feedwatch.scribe.templates import Path, TemplateProblem, TemplateSet, TemplateTexts

_ALL = ""
"""The template for all kinds of lists, or all forms of bodies, that have none of their own."""


def compile_set(name: str, texts: TemplateTexts) -> tuple[TemplateSet, list[TemplateProblem]]:
    """Compile what can be compiled, and say what is wrong with the rest."""
    jinja = get_jinja()
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
        sources |= {(key, which) if which != _ALL else (key,): source for which, source in by.items()}
    return sources
