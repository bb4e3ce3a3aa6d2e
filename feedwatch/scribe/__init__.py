"""Messages in a person's own words (templates), and digests as a page: the door of Jinja."""

from __future__ import annotations

from feedwatch.scribe.templates import TemplateProblem, TemplateTexts
from feedwatch.scribe.writer import TemplateScribe, compile_templates

__all__ = ["TemplateProblem", "TemplateScribe", "TemplateTexts", "compile_templates"]
