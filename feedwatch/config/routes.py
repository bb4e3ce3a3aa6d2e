"""The keys of a route, of notices, and of the templates that routes name."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)

from feedwatch.config.conditions import ConditionText
from feedwatch.config.names import AccountRef, FeedSelector, TargetRef, TemplateRef, suggest
from feedwatch.config.nodes import ListNode, ScalarNode
from feedwatch.config.section import ONE_OR_MORE, Section, is_text
from feedwatch.config.times import DigestSettings, HoursSettings, QuietSettings, are_hours
from feedwatch.config.values import Flag, TemplateText, TitleCount, read_text, read_word, wrap_one
from feedwatch.core.calendar import Hours, Quiet
from feedwatch.core.manner import Manner
from feedwatch.core.model import ChangeKind, Kind

ALL = "all"
EVERYTHING = ""
"""The key of a template that holds for every kind, or every form, of which nothing else is said."""


def _read_changes(value: Any) -> Any:
    words = wrap_one(value)
    if not isinstance(words, list):
        return words
    if [word.text for word in words if isinstance(word, ScalarNode)] == [ALL]:
        return frozenset(ChangeKind)
    return words


def _read_change(value: Any, info: ValidationInfo) -> Any:
    return value if isinstance(value, ChangeKind) else read_word(value, info, (*ChangeKind, ALL))


def _read_mute(value: Any, info: ValidationInfo) -> Any:
    if read_text(value, info).lower() not in ("true", "yes", "on", "false", "no", "off"):
        raise ValueError("true, false or hours are wanted: mute: 22:00-07:00")
    return value


def _mute_as(value: Any) -> str:
    return "(hours)" if are_hours(value) else "(a flag)"


_Change = Annotated[ChangeKind, BeforeValidator(_read_change)]
_Mute = Annotated[
    Annotated[Flag, BeforeValidator(_read_mute), Tag("(a flag)")] | Annotated[HoursSettings, Tag("(hours)")],
    Discriminator(_mute_as),
]


class RouteSettings(Section):
    """Which changes go to which targets, and how they are told there. What is left out selects all."""

    to: Annotated[tuple[TargetRef, ...], ONE_OR_MORE]
    """The targets that are told."""
    accounts: Annotated[tuple[AccountRef, ...], ONE_OR_MORE] = ()
    """Of which accounts; by default of all."""
    feeds: Annotated[tuple[FeedSelector, ...], ONE_OR_MORE] = ()
    """Of which feeds: kinds, names, or `account/name`; by default of all."""
    changes: Annotated[frozenset[_Change] | None, BeforeValidator(_read_changes)] = None
    """Which changes, or `all`; by default what each kind of feed announces."""
    where: ConditionText | None = None
    """What a change must be like; by default anything."""
    digest: DigestSettings | None = None
    """When what came is told in one message; by default at once."""
    quiet: QuietSettings | None = None
    """When nothing is told but what is urgent, and the rest waits."""
    mute: _Mute = False
    """Whether, or when, nothing is told at all."""
    template: TemplateRef | None = None
    """In whose words; by default the built-in ones."""
    images: Flag = True
    """Whether pictures go along."""
    limit: TitleCount | None = None
    """How many titles a message names at most; by default as many as there is room for."""

    @property
    def manner(self) -> Manner:
        """How the route tells, as the core knows it."""
        return Manner(
            digest=self.digest.digest if self.digest else None,
            quiet=self.quiet.quiet if self.quiet else None,
            template=self.template,
            pictures=self.images,
            limit=self.limit,
        )

    @property
    def muted(self) -> Hours | bool:
        """When the route tells nothing at all: in some hours, always or never."""
        return self.mute.span if isinstance(self.mute, HoursSettings) else self.mute


# ── notices ───────────────────────────────────────────────────────────────────────────────────────


def _read_notices(value: Any) -> Any:
    if isinstance(value, ScalarNode) and value.absent:
        raise ValueError("the name of a target is missing; write [] to tell nobody")
    return value if isinstance(value, ListNode) else wrap_one(value)


class NoticeSettings(Section):
    """Who is told about feedwatch itself, and when not: names of targets, or a mapping."""

    to: Annotated[tuple[TargetRef, ...] | None, BeforeValidator(_read_notices)] = None
    """The targets that are told; by default every one, with `[]` nobody."""
    quiet: HoursSettings | None = None
    """When nothing is told, and all waits."""

    @model_validator(mode="before")
    @classmethod
    def _take_names_alone(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, ScalarNode | ListNode) else value

    @property
    def quiet_hours(self) -> Quiet | None:
        """The quiet hours as the core knows them."""
        return self.quiet.quiet if self.quiet else None


# ── templates ─────────────────────────────────────────────────────────────────────────────────────


def _take_for_all(value: Any) -> Any:
    return {EVERYTHING: value} if is_text(value) else value


def _one_for_each(*words: str) -> AfterValidator:
    def check_key(key: str) -> str:
        if key not in (EVERYTHING, *words):
            meant = suggest(key, words)
            hint = f"did you mean `{meant}`?" if meant else f"known here are: {', '.join(words)}"
            raise ValueError(f"unknown key; {hint}")
        return key

    return AfterValidator(check_key)


_ForKind = Annotated[str, _one_for_each(*Kind, "notice")]
_ForForm = Annotated[str, _one_for_each("text", "html", "markdown")]


class TemplateSet(Section):
    """Texts that say how messages are written. What is left out is written in the built-in words."""

    title: TemplateText | None = None
    """The title of a message."""
    line: Annotated[dict[_ForKind, TemplateText], BeforeValidator(_take_for_all)] = Field(
        default_factory=dict
    )
    """One title of a list: a text for all (its key is empty), or one for each kind, and for notices."""
    body: Annotated[dict[_ForForm, TemplateText], BeforeValidator(_take_for_all)] = Field(
        default_factory=dict
    )
    """A whole message: a text for all (its key is empty), or one for each form."""
