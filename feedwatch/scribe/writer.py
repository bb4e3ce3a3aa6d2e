"""Writes messages in a person's own words, and digests as a page.

Jinja is loaded with the first template: most messages are written in the built-in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo

from feedwatch.core.messages import Markup, Style
from feedwatch.core.offer import distinct_pictures, link_pictures
from feedwatch.core.text import measure_in
from feedwatch.core.told import Draft, Told
from feedwatch.core.writing import for_twin
from feedwatch.scribe.samples import list_samples
from feedwatch.scribe.templates import SetFault, TemplateProblem, TemplateSet, TemplateTexts

HANDFUL = 5
"""A mail of more titles than that is a page, digest or not."""

Complain = Callable[[TemplateProblem], None]
_NO_SET = TemplateSet("")


def compile_templates(
    sets: Mapping[str, TemplateTexts], *, zone: tzinfo = UTC, complain: Complain = lambda _: None
) -> tuple[TemplateScribe, list[TemplateProblem]]:
    """Compile the templates of a configuration; one that has a problem is left out.

    Times are said in `zone`. `complain` hears of what fails while messages are written: of each problem
    once.
    """
    if not sets:
        return TemplateScribe({}, zone, complain), []
    from feedwatch.scribe.compiling import compile_set  # noqa: PLC0415 — see above

    compiled = {name: compile_set(name, texts) for name, texts in sets.items()}
    problems = [problem for _, found in compiled.values() for problem in found]
    usable = {name: each for name, (each, _) in compiled.items()}
    return TemplateScribe(usable, zone, complain), problems


class TemplateScribe:
    """The scribe (`core.told.Scribe`) of a person's templates and of the digest page."""

    def __init__(self, sets: Mapping[str, TemplateSet], zone: tzinfo, complain: Complain) -> None:
        self._sets = sets
        self._zone = zone
        self._complain = complain
        self._heard: set[TemplateProblem] = set()

    def write(self, told: Told, style: Style) -> Draft | None:
        """Write a message in its set's words or as a page; None where the built-in words are asked for.

        Where a template fails, the message is written as if there were no set.
        """
        if not told.stories or style.markup is Markup.JSON:
            return None
        for chosen in (self._sets.get(told.batch.manner.template or "", _NO_SET), _NO_SET):
            try:
                return self._draft(told, style, chosen)
            except SetFault as fault:
                self._tell(fault.problem)
        return None

    def try_all(self) -> list[TemplateProblem]:
        """Render every set for samples of every kind of change, in every form: what fails there."""
        problems = (
            self._try(chosen, told, style)
            for chosen in self._sets.values()
            for told, style in list_samples(chosen.name)
        )
        return list(dict.fromkeys(problem for problem in problems if problem is not None))

    def _try(self, chosen: TemplateSet, told: Told, style: Style) -> TemplateProblem | None:
        try:
            draft = self._draft(told, style, chosen)
        except SetFault as fault:
            return fault.problem
        if len(told.stories) > 1 or draft is None or measure_in(draft.body, style) <= style.limit:
            return None
        path = chosen.find_body(style.markup) or ("line",)
        return TemplateProblem(chosen.name, path, "it writes more of one title than fits into a message")

    def _tell(self, problem: TemplateProblem) -> None:
        if problem not in self._heard:
            self._heard.add(problem)
            self._complain(problem)

    def _draft(self, told: Told, style: Style, chosen: TemplateSet) -> Draft | None:
        is_page = _is_page(told, style) and chosen.find_body(Markup.HTML) is None
        if not is_page and not chosen.pieces:
            return None
        from feedwatch.scribe.work import Work  # noqa: PLC0415 — see above

        pictures = tuple(link_pictures(told.stories, style, told.batch))
        work = Work(chosen, told, self._zone, pictures)
        body = work.write_page(style) if is_page else work.write_body(style)
        twin = ""
        if style.twin:
            plain = for_twin(style)
            twin = work.write_page_twin(plain) if is_page else work.write_body(plain)
        return Draft(work.write_title(style), body, style.markup, twin, distinct_pictures(pictures))


def _is_page(told: Told, style: Style) -> bool:
    """Whether a message is one for a mail reader, and long enough for a page."""
    is_long = told.batch.manner.digest is not None or len(told.stories) > HANDFUL
    return style.markup is Markup.HTML and style.twin and is_long
