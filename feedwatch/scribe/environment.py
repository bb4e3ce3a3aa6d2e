"""The door of Jinja: templates that can do little, and whose output is harmless.

A template of a person's own sees what it is given and nothing else: no files, no other templates, a short
list of filters and methods. Whatever it puts out with `{{ }}` is escaped, but for what was written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template, TemplateError, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup as WrittenHtml

from feedwatch.core.messages import Style
from feedwatch.core.text import ELLIPSIS, clean, defuse, shorten
from feedwatch.scribe.budget import PAYING, charge_filter, charge_template, spend, weigh, within_budget
from feedwatch.scribe.views import View
from feedwatch.scribe.writing import Written, write_foreign

LONGEST_TEMPLATE = 20_000
"""A template longer than that is a mistake."""
_LONGEST_RANGE = 1000
_LONGEST_PROBLEM = 200
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_KIND = re.compile(
    r"(?:str|int|float|bool|NoneType|list|tuple|range|function|method|builtin_function_or_method|"
    r"datetime|datetime\.datetime|Facts|Written|Markup|LoopContext|[A-Z][a-z]+View|"
    r"(?:feedwatch|jinja2|markupsafe)\.[\w.]+)(?: object)?"
)
_PAGE_TEMPLATES = ("digest.html.j2", "row.html.j2", "digest.txt.j2")
_LIST_TEMPLATES = ("list.html.j2", "list.md.j2", "list.txt.j2")

FILTERS = frozenset({
    *("abs", "batch", "capitalize", "default", "d", "first", "float", "groupby", "int", "items", "join"),
    *("last", "length", "count", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace"),
    *("reverse", "round", "select", "selectattr", "slice", "sort", "string", "sum", "title", "trim"),
    *("truncate", "unique", "upper", "wordcount"),
})  # fmt: skip
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock),
    *(nodes.With, nodes.ExprStmt, nodes.Expr, nodes.Pair, nodes.Keyword, nodes.Operand),
)
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, frozenset({"upper", "lower", "title", "capitalize", "strip", "startswith", "endswith", "split"})),
    (datetime, frozenset({"strftime", "year", "month", "day", "hour", "minute"})),
    (LoopContext, frozenset({
        *("index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"),
        *("changed", "cycle", "depth", "depth0"),
    })),
)  # fmt: skip


class TemplateFault(Exception):
    """A template that cannot be used, or could not be rendered: what is wrong, and in which of its lines."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """What a template may do. Text is never multiplied; what is joined and gone through is paid for."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ARG002 — as Jinja calls it
        if isinstance(obj, View):
            return not attr.startswith("_") and attr not in obj.HIDDEN
        return any(isinstance(obj, kind) and attr in names for kind, names in _ATTRIBUTES)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ARG002 — `format` is a method like any other
        return None

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+":
            spend(weigh(left) + weigh(right))
        elif operator == "**" or not all(isinstance(side, int | float) for side in (left, right)):
            raise SecurityError(f"`{operator}` is for numbers here")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, /, *args: Any, **options: Any) -> Any:
        """Call what a template may call; a text pays for what is asked of it."""
        spend(weigh(getattr(called, "__self__", None)))
        return super().call(context, called, *args, **options)


def _join_written(pieces: Iterable[str]) -> Written:
    return Written("".join(pieces))


class _TextSandbox(_Sandbox):
    concat = staticmethod(_join_written)  # what a `set` block holds is written


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _LONGEST_RANGE:
        raise SecurityError(f"a range has {_LONGEST_RANGE:,} numbers at most")
    return numbers


def _say(value: object) -> str:
    """A value as a person reads it, on one line."""
    if isinstance(value, datetime):
        return f"{value.day} {value:%B %Y, %H:%M}"
    return clean(str(value))


@pass_context
def _write_text(context: Context, value: object) -> str:
    spend(weigh(value))
    if value is None or isinstance(value, Written):
        return value or ""
    return write_foreign(_say(value), context["_style"])


@pass_context
def _write_html(context: Context, value: object) -> str:
    spend(weigh(value))
    if value is None or isinstance(value, WrittenHtml):
        return value or ""
    return defuse(_say(value), context["_style"])  # Jinja escapes it then


def _make_environment(
    kind: type[_Sandbox],
    finalize: Callable[..., str],
    *,
    autoescape: bool,
    own: Mapping[str, str],
) -> _Sandbox:
    environment = kind(
        autoescape=autoescape,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader(own),
    )
    environment.globals.clear()
    environment.globals["range"] = _range
    known = environment.filters
    environment.filters = {name: charge_filter(name, known[name]) for name in FILTERS} | PAYING
    return environment


def _read_own() -> dict[str, str]:
    folder = resources.files("feedwatch.scribe")
    return {name: (folder / name).read_text("utf-8") for name in (*_PAGE_TEMPLATES, *_LIST_TEMPLATES)}


@cache
def get_jinja() -> Jinja:
    """The one of this process: to set it up takes longer than to write a message."""
    return Jinja()


class Jinja:
    """Compiles templates, ours and a person's, for text and markdown, or for HTML."""

    def __init__(self) -> None:
        own = _read_own()
        self._text = _make_environment(_TextSandbox, _write_text, autoescape=False, own=own)
        self._html = _make_environment(_Sandbox, _write_html, autoescape=True, own=own)

    def load(self, name: str) -> Piece:
        """One of the templates that come along."""
        environment = self._html if ".html." in name else self._text
        return Piece(environment.get_template(name))

    def compile(self, source: str, *, is_html: bool = False) -> Piece:
        """A person's template. Raises TemplateFault where it is none, or wants what it may not have."""
        if len(source) > LONGEST_TEMPLATE:
            raise TemplateFault(f"the template is longer than {LONGEST_TEMPLATE:,} characters")
        environment = self._html if is_html else self._text
        try:
            tree = environment.parse(source)
            _refuse_foreign(tree)
            charge_template(tree)
            with within_budget():  # what is constant is worked out now
                return Piece(environment.from_string(tree), source)
        except TemplateSyntaxError as error:
            raise TemplateFault(_at_line(error.lineno, error.message or "not a template")) from None
        except (TemplateError, RecursionError, SyntaxError) as error:
            raise TemplateFault(_say_problem(error, source)) from None


def _refuse_foreign(tree: nodes.Template) -> None:
    """Only what a message needs: conditions, loops and values."""
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            word = type(node).__name__.lower()
            raise TemplateFault(
                _at_line(node.lineno, f"`{word}` is not for messages, but if, for, set, with are")
            )
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateFault(_at_line(node.lineno, "`recursive` is not for messages"))


class Piece:
    """One compiled template; `source` is what a person wrote."""

    def __init__(self, template: Template, source: str = "") -> None:
        self._template = template
        self._source = source

    def render(self, style: Style, values: Mapping[str, object], most: int) -> str:
        """What it writes; cut off somewhere beyond `most` characters. Raises TemplateFault."""
        try:
            with within_budget():
                return "".join(_take(self._template.generate(values, _style=style), most))
        except Exception as error:  # noqa: BLE001 — whatever a template does wrong is the template's fault
            line = _find_line(error, self._template.filename or "<template>")
            raise TemplateFault(_at_line(line, _say_problem(error, self._source))) from None


def _take(pieces: Iterator[str], most: int) -> Iterator[str]:
    """As many pieces as are needed to be over `most`: a template that writes for ever is stopped."""
    length = 0
    for piece in pieces:
        yield piece
        length += len(piece)
        if length > most:
            return


def _find_line(error: BaseException, filename: str) -> int | None:
    line = None
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == filename:
            line = step.tb_lineno
        step = step.tb_next
    return line


def _at_line(line: int | None, problem: str) -> str:
    problem = problem.rstrip(".")
    return f"line {line} of the template: {problem}" if line else f"the template: {problem}"


def _say_problem(error: BaseException, source: str) -> str:
    """What went wrong, without anything that a list says: texts of other errors may repeat their values.

    What is quoted is said where it stands in the template, or is a kind of thing (`'str object'`).
    """

    def quote(match: re.Match[str]) -> str:
        quoted = match.group()[1:-1]
        return match.group() if quoted in source or _KIND.fullmatch(quoted) else f"'{ELLIPSIS}'"

    if not isinstance(error, TemplateError | TypeError):
        return type(error).__name__
    text = clean(str(error))
    if isinstance(error, TemplateError):  # the others quote types alone
        text = _QUOTED.sub(quote, text)
    return shorten(text, _LONGEST_PROBLEM) or type(error).__name__
