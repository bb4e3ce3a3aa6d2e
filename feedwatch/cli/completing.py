"""What the shell is offered when Tab is pressed. Whatever goes wrong, it is offered and told nothing."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

Offer = Callable[[Any, click.Context, str], Iterable[str]]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

RATINGS = ("1", "2", "3", "4", "5", "not-interested", "no-opinion")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:+@%")


def _completes(offer: Offer) -> Complete:
    """Make of what lists names what click asks for: those are offered that begin as typed."""

    def complete(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        logging.disable()
        try:
            config = _load(context)
            found = [each for each in offer(config, context, typed) if _begins(each, typed)]
        except Exception:  # noqa: BLE001 — a traceback in the middle of what is typed helps nobody
            return []
        return [CompletionItem(_quote(each)) for each in found if each and each.isprintable()]

    return complete


def _load(context: click.Context) -> Any:
    from feedwatch.config import load_config  # noqa: PLC0415

    return load_config(context.find_root().params.get("config_path"), environ=os.environ)


def _begins(name: str, typed: str) -> bool:
    return name.casefold().startswith(typed.casefold())


def _quote(name: str) -> str:
    """A name as its shell wants it: bash puts in what it is given, the others quote it themselves.

    Two backslashes: the script that bash is given reads one of them away.
    """
    if not os.environ.get("_FEEDWATCH_COMPLETE", "").startswith("bash") or _is_within_quotes():
        return name
    return "".join(char if char in _PLAIN or ord(char) > 127 else rf"\\{char}" for char in name)


def _is_within_quotes() -> bool:
    try:
        shlex.split(os.environ.get("COMP_WORDS", ""))
    except ValueError:
        return True
    return False


# ── what is offered ───────────────────────────────────────────────────────────────────────────────


def _completing() -> Any:
    from feedwatch import completing  # noqa: PLC0415

    return completing


def _offer_titles(config: Any, context: click.Context, typed: str) -> Iterable[str]:
    """Names of titles. One that is typed in several words is gone on with where the last of them begins."""
    before = "".join(f"{word} " for word in _typed_before(context))
    found = _completing().find_titles(config, context.params.get("account"), before + typed)
    return [name[len(before) :] for name in found]


def _offer_rated(config: Any, context: click.Context, typed: str) -> Iterable[str]:
    """Names of titles; behind one, ratings, too."""
    ratings = [rating for rating in RATINGS if _typed_before(context) and _begins(rating, typed)]
    return ratings if ratings and typed else [*_offer_titles(config, context, typed), *ratings]


def _typed_before(context: click.Context) -> Iterable[str]:
    """The words of a title before the one that is typed; the last may have been taken for a rating."""
    rating = context.params.get("rating")
    return (*(context.params.get("title") or ()), *((rating,) if rating else ()))


complete_titles = _completes(_offer_titles)
complete_rated = _completes(_offer_rated)
complete_accounts = _completes(lambda config, _context, _typed: _completing().list_accounts(config))
complete_all_accounts = _completes(
    lambda config, _context, _typed: _completing().list_accounts(config, signing=False)
)
complete_targets = _completes(lambda config, _context, _typed: _completing().list_targets(config))
complete_feeds = _completes(lambda config, _context, _typed: _completing().list_feeds(config))
