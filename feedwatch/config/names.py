"""Names of accounts, feeds and targets, and references to them, checked against what the file has.

Suggestions show only what is a well-formed name: anything else may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from feedwatch.config.values import context_of, read_text
from feedwatch.core.model import Kind

_LONGEST_NAME = 100
_MOST_SHOWN = 8
_NAME = re.compile(r"[a-z0-9_-]+")


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody may have meant."""
    from difflib import get_close_matches  # noqa: PLC0415 — for mistakes alone

    return next(iter(get_close_matches(word.lower(), list(known), n=1, cutoff=0.7)), None)


def list_words(words: Collection[str]) -> str:
    """Words in a row, the first few of many."""
    shown = ", ".join(sorted(words)[:_MOST_SHOWN])
    return f"{shown}, …" if len(words) > _MOST_SHOWN else shown


def is_account_name(name: str) -> bool:
    """Whether an account or target may be called so."""
    return _NAME.fullmatch(name) is not None and len(name) <= _LONGEST_NAME


def _check_name(name: str) -> str:
    if not is_account_name(name):
        raise ValueError("a name is made of lower-case letters, digits, - and _")
    return name


def _is_feed_name(name: str) -> bool:
    # OPML feeds are named after their text, so any script is welcome here.
    usable = bool(name) and name.isprintable() and not re.search(r"[\s/]", name)
    return usable and len(name) <= _LONGEST_NAME


def _check_feed_name(name: str) -> str:
    if not _is_feed_name(name):
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


def _read_template_name(value: object, info: ValidationInfo) -> str:
    return _need_known(read_text(value, info), context_of(info).templates, "template")


def _need_known(name: str, known: Collection[str], what: str) -> str:
    if name in known:
        return name
    # Only what is a name is shown: anything else that stands for one may be a secret put there by mistake.
    names = [each for each in known if (_is_feed_name(each) if what == "feed" else _NAME.fullmatch(each))]
    if meant := suggest(name, names):
        raise ValueError(f"no {what} has this name; did you mean `{meant}`?")
    there = f"there are: {list_words(names)}" if names else "there is none"
    raise ValueError(f"no {what} has this name; {there}")


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
        _need_listed(_check_feed_name(text), context.selectable)
    return text


def _need_listed(name: str, listed: Collection[str] | None) -> None:
    if listed is not None:
        _need_known(name, listed, "feed")


Name = Annotated[str, AfterValidator(_check_name)]
FeedKey = Annotated[str, AfterValidator(_check_feed_name)]
FeedName = Annotated[str, BeforeValidator(_read_feed_name)]
AccountRef = Annotated[str, BeforeValidator(_read_account)]
TargetRef = Annotated[str, BeforeValidator(_read_target)]
TemplateRef = Annotated[str, BeforeValidator(_read_template_name)]
FeedSelector = Annotated[str, BeforeValidator(_read_selector)]
