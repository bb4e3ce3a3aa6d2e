"""Conditions as people write them → conditions of the core. The door of lark.

A message says where something is wrong and what is wanted there, and repeats nothing of what was written.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from feedwatch.config.names import suggest
from feedwatch.config.values import context_of, need_scalar
from feedwatch.core.fields import NUMBERS, WORDS, Field, Value
from feedwatch.core.where import (
    BARE_WORD,
    BY_VALUE,
    RESERVED,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Operator,
    operators_of,
)

if TYPE_CHECKING:  # it takes a while to import, and few commands need it
    from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken

LONGEST_CONDITION = 2000
DEEPEST_CONDITION = 20
"""How deep conditions may stand in conditions: more is nobody's, and each is looked at level by level."""


class ConditionError(ValueError):
    """A condition that cannot be read: what is wrong, and where in its text (both counted from 1)."""

    def __init__(self, text: str, index: int, message: str) -> None:
        super().__init__(message)
        before = text[:index]
        self.line = before.count("\n") + 1
        self.column = index - before.rfind("\n")


def parse_condition(text: str, *, most: int | None = LONGEST_CONDITION) -> Condition:
    """Read a condition of at most so many characters; one that we wrote ourselves may be longer than typed.

    Raises:
        ConditionError: it is none; with the first place at which that shows.
    """
    from lark import UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415

    _check_characters(text, most)
    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        raise _explain_character(text, error) from None
    except UnexpectedToken as error:
        raise _explain_token(text, error) from None
    return _Reading(text).read(tree, 1)


def _check_characters(text: str, most: int | None) -> None:
    if not text.strip():
        raise ConditionError(text, 0, "a condition is wanted here, such as `year >= 1990`")
    if most is not None and len(text) > most:
        raise ConditionError(text, most, f"this is too long: a condition has at most {most} characters")
    if match := _UNUSABLE.search(text):
        raise ConditionError(text, match.start(), "a control character, or half of a character")


_UNUSABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


# ── the grammar ───────────────────────────────────────────────────────────────────────────────────

_GRAMMAR = r"""
?start: any_of
?any_of: all_of (_OR all_of)*
?all_of: single (_AND single)*
?single: NOT single -> opposite
       | "(" any_of ")"
       | comparison
?comparison: WORD OPERATOR _value -> compared
           | WORD IN _values -> listed
           | WORD NOT IN _values -> listed
           | WORD IS WORD -> stated
_values: "(" _value ("," _value)* ","? ")"
_value: WORD | QUOTED

OPERATOR: /[=!<>~&|]+/
QUOTED: /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/
%ignore /\s+/
"""


@functools.cache
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415

    word = BARE_WORD.pattern.replace("/", r"\/")
    rest = r"(?![\w.\/-])"
    names = {"and": "_AND", "or": "_OR"}
    keywords = (f"{names.get(each, each.upper())}.1: /{each}{rest}/i" for each in RESERVED)
    grammar = "\n".join((_GRAMMAR, *keywords, f"WORD: /{word}/"))
    # The lexer that knows no context: a word that is reserved is so everywhere.
    return Lark(grammar, parser="lalr", lexer="basic", propagate_positions=True)


# ── what is not written like a condition ──────────────────────────────────────────────────────────

_MEANT = {
    "==": "=", "<>": "!=", "=<": "<=", "=>": ">=", "=~": "~", "~=": "~", "!=~": "!~",
    "contains": "~", "has": "~", "includes": "~", "like": "~", "matches": "~", "equals": "=",
}  # fmt: skip
"""What other languages call an operator."""
_CONNECTIVES = {"&&": "and", "&": "and", "||": "or", "|": "or"}
_CURLY_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb"


def _explain_character(text: str, error: UnexpectedCharacters) -> ConditionError:
    index: int = error.pos_in_stream  # type: ignore[assignment]  # declared None, and never is
    if text[index] in "\"'":
        message = "this quote is never closed"
    elif text[index] in _CURLY_QUOTES:
        message = "a text stands between straight quotes: \" or '"
    else:
        message = "this character cannot stand here; a text that has it stands in quotes"
    return ConditionError(text, index, message)


def _explain_token(text: str, error: UnexpectedToken) -> ConditionError:
    token = error.token
    at_end = token.type == "$END"
    index = len(text.rstrip()) if at_end else token.start_pos or 0
    wanted = _describe_wanted(error.accepts)
    return ConditionError(text, index, f"{wanted}{_hint(token, error.accepts)}")


def _describe_wanted(accepted: set[str]) -> str:
    """Say what could stand here, from the names of all that could."""
    return next(message for name, message in _WANTED.items() if name in accepted)


_WANTED = {
    "OPERATOR": f"an operator is wanted here: {', '.join(Operator)}",
    "QUOTED": "a value is wanted here: a number, a word, or a text in quotes",
    "IN": "`in` is wanted here",
    "NOT": f"the name of a field is wanted here: {', '.join(Field)}",
    "WORD": "`known` or `unknown` is wanted here",
    "COMMA": "`,` or `)` is wanted here",
    "LPAR": "values in brackets are wanted here: `(1, 2)`",
    "RPAR": "`and`, `or` or `)` is wanted here",
    "$END": "`and`, `or` or the end is wanted here",
}
"""By what is accepted; the first that fits."""


def _hint(token: Token, accepted: set[str]) -> str:
    if "OPERATOR" in accepted and (meant := _MEANT.get(token.lower())):
        return f"; did you mean `{meant}`?"
    if "QUOTED" in accepted or not accepted & {"$END", "RPAR"}:
        return ""
    if token.type == "RPAR":
        return "; this bracket was never opened"
    if meant := _CONNECTIVES.get(token):
        return f"; did you mean `{meant}`?"
    if token.type in ("WORD", "QUOTED"):
        return "; a text of several words stands in quotes"
    return ""


# ── what is written like a condition, but says nothing ────────────────────────────────────────────


class _Reading:
    """One reading of one text: what its parts mean."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, tree: Tree[Token], depth: int) -> Condition:
        if tree.data in _COMPARISONS:
            return self._read_comparison(tree.data, _tokens_of(tree))
        if depth > DEEPEST_CONDITION:
            raise self._problem_at(
                tree.meta.start_pos, f"this is too deep: at most {DEEPEST_CONDITION} levels"
            )
        parts = tuple(self.read(part, depth + 1) for part in tree.children if not isinstance(part, str))
        if tree.data == "opposite":
            return Not(parts[0])
        return AllOf(parts) if tree.data == "all_of" else AnyOf(parts)

    def _problem_at(self, index: int | None, message: str) -> ConditionError:
        return ConditionError(self._text, index or 0, message)

    def _read_comparison(self, form: str, tokens: list[Token]) -> Condition:
        what = self._read_field(tokens[0])
        if form == "stated":
            return Comparison(what, self._read_presence(tokens[2]))
        if form == "compared":
            operator, values = self._read_operator(tokens[1], what), tokens[2:]
        else:
            turned = tokens[1].type == "NOT"
            operator, values = (Operator.NOT_IN, tokens[3:]) if turned else (Operator.IN, tokens[2:])
        return Comparison(what, operator, tuple(self._read_value(each, what, operator) for each in values))

    def _read_field(self, token: Token) -> Field:
        if token in _FIELDS:
            return Field(token)
        meant = suggest(token, _FIELDS)
        there = f"did you mean `{meant}`?" if meant else f"there are: {', '.join(_FIELDS)}"
        raise self._problem_at(token.start_pos, f"no field has this name; {there}")

    def _read_presence(self, token: Token) -> Operator:
        operator = f"is {token.lower()}"
        if operator not in _PRESENCE:
            raise self._problem_at(token.start_pos, _WANTED["WORD"])
        return Operator(operator)

    def _read_operator(self, token: Token, what: Field) -> Operator:
        known = [operator for operator in Operator if operator in operators_of(what)]
        if token in known:
            return Operator(token)
        wrong = "does not go with" if token in list(Operator) else "is none of those for"
        meant = _MEANT.get(token)
        hint = f"did you mean `{meant}`?" if meant in known else f"there are: {', '.join(known)}"
        raise self._problem_at(token.start_pos, f"this operator {wrong} `{what}`; {hint}")

    def _read_value(self, token: Token, what: Field, operator: Operator) -> Value:
        if what in NUMBERS:
            return self._read_number(token, _words_for(what, operator))
        if what in WORDS:
            return self._read_word(token, WORDS[what])
        return self._read_text(token, what)

    def _read_number(self, token: Token, words: tuple[str, ...]) -> Value:
        if _NUMBER.fullmatch(token):
            return float(token)
        if token in words:
            return str(token)
        raise self._problem_at(
            token.start_pos, " or ".join(("a number without quotes", *words)) + " is wanted here"
        )

    def _read_word(self, token: Token, words: tuple[str, ...]) -> str:
        word = self._unquote(token)
        if word in words:
            return word
        meant = suggest(word, words)
        there = f"did you mean `{meant}`?" if meant else f"one of these is wanted: {', '.join(words)}"
        raise self._problem_at(token.start_pos, f"this is no {_NOUNS[words]}; {there}")

    def _read_text(self, token: Token, what: Field) -> str:
        text = " ".join(self._unquote(token).split())
        if not text:
            raise self._problem_at(
                token.start_pos, f"this text is empty; for none at all write `{what} is unknown`"
            )
        if what is Field.CATEGORY and "," in text:
            raise self._problem_at(
                token.start_pos, "one category is wanted here; write `category in (…)` for several"
            )
        return text

    def _unquote(self, token: Token) -> str:
        if token.type == "WORD":
            return str(token)
        for escape in _ESCAPE.finditer(token):
            if escape[1] not in "\"'\\":
                index = (token.start_pos or 0) + escape.start()
                raise self._problem_at(
                    index, "a backslash stands before a quote or a backslash; write two for one"
                )
        return _ESCAPE.sub(r"\1", token[1:-1])


_COMPARISONS = ("compared", "listed", "stated")
_FIELDS = tuple(field.value for field in Field)
_PRESENCE = (Operator.KNOWN.value, Operator.UNKNOWN.value)
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_ESCAPE = re.compile(r"\\([\s\S])")
_NOUNS: Mapping[tuple[str, ...], str] = {
    WORDS[Field.KIND]: "kind of feed",
    WORDS[Field.CHANGE]: "change",
}


def _tokens_of(tree: Tree[Token]) -> list[Token]:
    return [child for child in tree.children if isinstance(child, str)]


def _words_for(what: Field, operator: Operator) -> tuple[str, ...]:
    """The words that may stand in place of a number: not where numbers are put in order."""
    return WORDS.get(what, ()) if operator in BY_VALUE else ()


# ── in a configuration ────────────────────────────────────────────────────────────────────────────


def _read_condition(value: object, info: ValidationInfo) -> Condition | None:
    if value is None or isinstance(value, Condition):
        return value  # a default of ours
    text = context_of(info).resolver.resolve(need_scalar(value))
    try:
        return parse_condition(text)
    except ConditionError as error:
        line = f"line {error.line}, " if "\n" in text.strip() else ""
        raise ValueError(f"in {line}column {error.column} of the condition: {error}") from None


ConditionText = Annotated[Condition, PlainValidator(_read_condition), WithJsonSchema({"type": "string"})]
"""A condition; in a scalar of several lines, problems name the line within it, too."""
