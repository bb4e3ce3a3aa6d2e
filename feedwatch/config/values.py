"""What the values of the configuration may be: a type for each form, from a node to a Python value.

A message says what is wanted and never repeats what is there. Texts resolve when the file is read,
but those of `SecretText` and the addresses, which resolve when they are first used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo, WithJsonSchema

from feedwatch.config.durations import format_duration, format_size, parse_duration, parse_size
from feedwatch.config.nodes import ListNode, ScalarNode
from feedwatch.config.places import expand_home
from feedwatch.config.secrets import Resolver, Secret, Shape, check_variables, is_literal, keep_text
from feedwatch.core.model import Kind

_LONGEST_NAME = 100
_NAME = re.compile(r"[a-z0-9_-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})
_MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What values are read against: where texts resolve, and which names the file has.

    `listed` holds the feeds of each account that lists its own; other accounts find theirs.
    """

    resolver: Resolver
    accounts: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    listed: Mapping[str, frozenset[str]] = field(default_factory=dict)


def context_of(info: ValidationInfo) -> ReadingContext:
    """The context a configuration is read in."""
    context = info.context
    assert isinstance(context, ReadingContext)
    return context


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody may have meant."""
    return next(iter(get_close_matches(word.lower(), list(known), n=1, cutoff=0.7)), None)


def list_words(words: Collection[str]) -> str:
    """Words in a row, the first few of many."""
    shown = ", ".join(sorted(words)[:_MOST_SHOWN])
    return f"{shown}, …" if len(words) > _MOST_SHOWN else shown


# ── one value ─────────────────────────────────────────────────────────────────────────────────────


def need_scalar(value: object) -> ScalarNode:
    """Take one value that is there, its `${NAME}`s well formed."""
    if not isinstance(value, ScalarNode):
        raise ValueError("one value is wanted here, not a list or mapping")  # noqa: TRY004 — pydantic collects these
    if value.absent:
        raise ValueError("a value is missing")
    check_variables(value)
    return value


def read_text(value: object, info: ValidationInfo) -> str:
    """Read a text that resolves at once."""
    text = context_of(info).resolver.resolve(need_scalar(value))
    if not text.strip():
        raise ValueError("a value is missing")
    return text


def is_default(value: object) -> bool:
    """Whether a value is a default of ours and not from the file."""
    return isinstance(value, timedelta | Secret) or value is None


def _between(least: str, most: str) -> BeforeValidator:
    shortest, longest = parse_duration(least), parse_duration(most)

    def read_duration(value: object, info: ValidationInfo) -> object:
        if is_default(value):
            return value
        duration = parse_duration(read_text(value, info))
        if duration < shortest:
            raise ValueError(f"this is too short: at least {format_duration(shortest)}")
        if duration > longest:
            raise ValueError(f"this is too long: at most {format_duration(longest)}")
        return duration

    return BeforeValidator(read_duration)


def _size_between(least: int, most: int) -> BeforeValidator:
    def read_size(value: object, info: ValidationInfo) -> int:
        size = parse_size(read_text(value, info))
        if not least <= size <= most:
            raise ValueError(f"a size from {format_size(least)} to {format_size(most)} is wanted")
        return size

    return BeforeValidator(read_size)


def _count_between(least: int, most: int) -> BeforeValidator:
    def read_count(value: object, info: ValidationInfo) -> int:
        text = read_text(value, info)
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most} is wanted")
        return int(text)

    return BeforeValidator(read_count)


def _read_flag(value: object, info: ValidationInfo) -> bool:
    word = read_text(value, info).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("true or false is wanted")
    return word in _TRUE


def read_word(value: object, info: ValidationInfo, words: Collection[str]) -> str:
    """Read one of a few words."""
    word = read_text(value, info)
    if word not in words:
        raise ValueError(f"one of these is wanted: {', '.join(words)}")
    return word


def one_of(*words: str) -> BeforeValidator:
    """Make the reader of one of a few words."""
    return BeforeValidator(lambda value, info: read_word(value, info, words))


_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^([0-9]+(ms|[smhdw]))+$|\$\{"})
_SIZE_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^[0-9]+ ?([KMGkmg]i?)?[Bb]$|\$\{"})
_TEXT_SCHEMA = WithJsonSchema({"type": "string"})

Interval = Annotated[timedelta, _between("1s", "365d"), _DURATION_SCHEMA]
Patience = Annotated[timedelta, _between("10ms", "1h"), _DURATION_SCHEMA]
Span = Annotated[timedelta, _between("1ms", "3650d"), _DURATION_SCHEMA]
BodySize = Annotated[int, _size_between(1024, 1024**3), _SIZE_SCHEMA]
Connections = Annotated[int, _count_between(1, 1000)]
Flag = Annotated[bool, BeforeValidator(_read_flag)]
Text = Annotated[str, BeforeValidator(read_text)]
KindWord = Annotated[Kind, one_of(*Kind)]


def _read_path(value: object, info: ValidationInfo) -> Path:
    resolver = context_of(info).resolver
    path = resolver.folder / expand_home(read_text(value, info), resolver.environ)
    if path.is_dir():
        raise ValueError("this is a folder; the name of a file is wanted")
    return path


FilePath = Annotated[Path, BeforeValidator(_read_path), _TEXT_SCHEMA]


# ── addresses and secrets ─────────────────────────────────────────────────────────────────────────


def check_web_address(text: str) -> str:
    """Refuse what is no http or https address of a host."""
    if "://" not in text:
        raise ValueError("an address is wanted: https://…")
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message repeats the address
        has_host, parts = False, urlsplit("")
    if not has_host or re.search(r"\s", text):
        raise ValueError("this is no address: https://host/path, without spaces")
    if parts.scheme not in ("http", "https"):
        raise ValueError("an http or https address is wanted")
    return text


def _read_api_address(value: object, info: ValidationInfo) -> str:
    text = check_web_address(read_text(value, info))
    if "?" in text or "#" in text:
        raise ValueError("the address of a server is wanted, without `?` and `#`")
    return text


def _shape_web_address(text: str, _resolver: Resolver) -> str:
    return check_web_address(text)


def _shape_list_place(text: str, resolver: Resolver) -> str:
    """Take an address as it is, and make a path absolute from the configuration's folder."""
    if "://" in text:
        return check_web_address(text)
    return str(resolver.folder / expand_home(text, resolver.environ))


def _shape_target_address(text: str, _resolver: Resolver) -> str:
    if not _SCHEME.match(text):
        raise ValueError("an Apprise address is wanted: service://…, e.g. ntfy://ntfy.sh/topic")
    return text


def _secret(shape: Shape) -> PlainValidator:
    def read_secret(value: object, info: ValidationInfo) -> Secret | None:
        if value is None or isinstance(value, Secret):
            return value
        node = need_scalar(value)
        secret = Secret(node, context_of(info).resolver, shape)
        if is_literal(node) and (problem := secret.verify()):
            raise ValueError(problem.message)
        return secret

    return PlainValidator(read_secret)


SecretText = Annotated[Secret, _secret(keep_text), _TEXT_SCHEMA]
FeedAddress = Annotated[Secret, _secret(_shape_web_address), _TEXT_SCHEMA]
ListPlace = Annotated[Secret, _secret(_shape_list_place), _TEXT_SCHEMA]
TargetAddress = Annotated[Secret, _secret(_shape_target_address), _TEXT_SCHEMA]
ApiAddress = Annotated[str, BeforeValidator(_read_api_address)]


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ValueError("a name is made of lower-case letters, digits, - and _")
    return name


def _check_feed_name(name: str) -> str:
    # OPML feeds are named after their text, so any script is welcome here.
    usable = name and name.isprintable() and not re.search(r"[\s/]", name)
    if not usable or len(name) > _LONGEST_NAME:
        raise ValueError("a feed's name has no spaces and no slash")
    return name


def _read_feed_name(value: object, info: ValidationInfo) -> str:
    return _check_feed_name(read_text(value, info))


def _read_account(value: object, info: ValidationInfo) -> str:
    return _need_known(read_text(value, info), context_of(info).accounts, "account")


def _read_target(value: object, info: ValidationInfo) -> str:
    text = read_text(value, info)
    if "://" in text:
        raise ValueError("the name of a target is wanted here; addresses stand under `targets`")
    return _need_known(text, context_of(info).targets, "target")


def _need_known(name: str, known: Collection[str], what: str) -> str:
    if name in known:
        return name
    if meant := suggest(name, known):
        raise ValueError(f"no {what} has this name; did you mean `{meant}`?")
    raise ValueError(
        f"no {what} has this name; " + (f"there are: {list_words(known)}" if known else "there is none")
    )


def _read_selector(value: object, info: ValidationInfo) -> str:
    """Read a kind, the name of a feed, or `account/name`; check what can be known of it."""
    text, context = read_text(value, info), context_of(info)
    if text in list(Kind):
        return text
    account, slash, name = text.partition("/")
    if slash:
        _need_known(account, context.accounts, "account")
        _need_listed(name, context.listed.get(account))
        _check_feed_name(name)
    else:
        _need_listed(_check_feed_name(text), _join_listed(context))
    return text


def _join_listed(context: ReadingContext) -> Collection[str] | None:
    """All feeds there can be; None when some account finds its own."""
    if context.accounts - context.listed.keys():
        return None
    return {*Kind, *(name for names in context.listed.values() for name in names)}


def _need_listed(name: str, listed: Collection[str] | None) -> None:
    if listed is not None:
        _need_known(name, listed, "feed")


Name = Annotated[str, AfterValidator(_check_name)]
FeedKey = Annotated[str, AfterValidator(_check_feed_name)]
FeedName = Annotated[str, BeforeValidator(_read_feed_name)]
AccountRef = Annotated[str, BeforeValidator(_read_account)]
TargetRef = Annotated[str, BeforeValidator(_read_target)]
FeedSelector = Annotated[str, BeforeValidator(_read_selector)]


# ── lists and sections ────────────────────────────────────────────────────────────────────────────


def wrap_one(value: Any) -> Any:
    """Take one value for a list of one; a list that is empty selects nothing and is refused."""
    if isinstance(value, ScalarNode):
        return [need_scalar(value)]
    if isinstance(value, ListNode) and not value:
        raise ValueError("this list is empty; leave the key out for the default")
    return value


def empty_as(make: Callable[[], Any]) -> BeforeValidator:
    """Take a section under which nothing stands (all is commented out) as left out."""
    return BeforeValidator(lambda value: make() if isinstance(value, ScalarNode) and value.absent else value)
