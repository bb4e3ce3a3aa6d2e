"""What the values of the configuration may be: a type for each form, from a node to a Python value.

A message says what is wanted and never repeats what is there. Texts resolve when the file is read,
but those of `SecretText` and the addresses, which resolve when they are first used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainValidator, ValidationInfo, WithJsonSchema

from feedwatch.config.durations import format_duration, format_size, parse_duration, parse_size
from feedwatch.config.nodes import ListNode, ScalarNode
from feedwatch.config.places import expand_home
from feedwatch.config.secrets import (
    Resolver,
    Secret,
    Shape,
    check_text,
    check_variables,
    is_literal,
    keep_text,
)
from feedwatch.core.bucket import Rate
from feedwatch.core.model import Kind
from feedwatch.core.networks import Network

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEBHOOK = "webhook+"
_PLAIN_ADDRESS = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(:[1-9][0-9]{0,3})?(/[!-~]*)?")
"""What nearly every address is like: nothing in it could be read in two ways."""
_HOST = re.compile(r"(?=.*[^\W\d])[^\W_][\w-]*(\.[^\W_][\w-]*)*\.?")
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


@dataclass(frozen=True)
class ReadingContext:
    """What values are read against: where texts resolve, and which names the file has.

    `listed` holds the feeds of each account that lists its own; other accounts find theirs. `zone` is the
    one that holds where none is written.
    """

    resolver: Resolver
    accounts: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    listed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    templates: frozenset[str] = frozenset()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @cached_property
    def selectable(self) -> Collection[str] | None:
        """All names that may select a feed: kinds and feeds. None when some account finds its own."""
        if self.accounts - self.listed.keys():
            return None
        return {*Kind, *(name for names in self.listed.values() for name in names)}


def context_of(info: ValidationInfo) -> ReadingContext:
    """The context a configuration is read in."""
    context = info.context
    assert isinstance(context, ReadingContext)
    return context


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
    return check_text(context_of(info).resolver.resolve(need_scalar(value)))


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


def _read_rate(value: object, info: ValidationInfo) -> Rate | str | None:
    """Read `20/1m`, or `none`."""
    if value is None:
        return None
    text = read_text(value, info).strip()
    if text == UNLIMITED:
        return text
    count, slash, per = (part.strip() for part in text.partition("/"))
    if not slash or not re.fullmatch(r"[0-9]{1,4}", count) or not 1 <= int(count) <= 1000:
        raise ValueError("a rate is wanted: so many messages, at most 1000, in so long: 20/1m; or none")
    duration = parse_duration(per)
    if not timedelta(seconds=1) <= duration <= timedelta(days=1):
        raise ValueError("the time of a rate is from 1s to 1d: 20/1m")
    return Rate(int(count), duration)


UNLIMITED: Literal["none"] = "none"
_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^([0-9]+(ms|[smhdw]))+$|\$\{"})
_SIZE_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^[0-9]+ ?([KMGkmg]i?)?[Bb]$|\$\{"})
_TEXT_SCHEMA = WithJsonSchema({"type": "string"})

Interval = Annotated[timedelta, _between("1s", "365d"), _DURATION_SCHEMA]
Patience = Annotated[timedelta, _between("10ms", "1h"), _DURATION_SCHEMA]
Span = Annotated[timedelta, _between("1ms", "3650d"), _DURATION_SCHEMA]
BodySize = Annotated[int, _size_between(1024, 1024**3), _SIZE_SCHEMA]
Pause = Annotated[timedelta, _between("0s", "1h"), _DURATION_SCHEMA]
Connections = Annotated[int, _count_between(1, 1000)]
TitleCount = Annotated[int, _count_between(1, 1000)]
RateLimit = Annotated[Rate | Literal["none"], PlainValidator(_read_rate), WithJsonSchema({"type": "string"})]
Flag = Annotated[bool, BeforeValidator(_read_flag)]
Text = Annotated[str, BeforeValidator(read_text)]
KindWord = Annotated[Kind, one_of(*Kind)]


def _read_path(value: object, info: ValidationInfo) -> Path:
    resolver = context_of(info).resolver
    path = resolver.folder / expand_home(read_text(value, info), resolver.environ)
    if os.path.isdir(path):  # noqa: PTH112 — Path.is_dir() raises for what cannot be looked at
        raise ValueError("this is a folder; the name of a file is wanted")
    return path


def _read_template(value: object, info: ValidationInfo) -> str:
    text = context_of(info).resolver.resolve(need_scalar(value))
    # It may have lines and tabs; each of them is judged as a text of one line is.
    for line in text.replace("\t", " ").splitlines():
        if line.strip():
            check_text(line)
    if not text.strip():
        raise ValueError("what stands here is empty; leave the key out for the built-in words")
    return text


TemplateText = Annotated[str, BeforeValidator(_read_template)]
FilePath = Annotated[Path, BeforeValidator(_read_path), _TEXT_SCHEMA]


# ── addresses and secrets ─────────────────────────────────────────────────────────────────────────


def check_web_address(text: str) -> str:
    """Refuse what is no http or https address of a host."""
    if _PLAIN_ADDRESS.fullmatch(text):
        return text
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


def is_web_address(text: str) -> bool:
    """Whether a configuration may have this for a feed's address."""
    try:
        check_web_address(check_text(text))
    except ValueError:
        return False
    return True


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
    if is_webhook(text):
        check_web_address(text[len(_WEBHOOK) :])
    return text


def is_webhook(address: str) -> bool:
    """Whether an address of a target is one of our own webhooks."""
    return address.lower().startswith(_WEBHOOK)


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


# ── hosts and networks ────────────────────────────────────────────────────────────────────────────


def _read_network_exception(value: object, info: ValidationInfo) -> Network | str:
    """Read a network, an address (a network of one) or the name of a host."""
    text = read_text(value, info).strip()
    try:
        return ip_network(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        pass  # it may be a name
    if _HOST.fullmatch(text) and len(text) < 254:
        return text
    if _is_network_but_for_its_end(text):
        raise ValueError("a network begins at its first address, as 10.0.0.0/8 does; this is one within it")
    raise ValueError(
        "a network (10.0.0.0/8), an address or the name of a host is wanted, without port or path"
    )


def _is_network_but_for_its_end(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


NetworkException = Annotated[Network | str, PlainValidator(_read_network_exception), _TEXT_SCHEMA]


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
