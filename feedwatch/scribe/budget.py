"""How much a template may do: each round of a loop, and each text that is made, is paid for.

A few lines can ask for a billion rounds, or double a text until the memory is full. Who renders sets a
budget; what goes beyond it fails like any other mistake in a template.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError

_MOST = 4_000_000
"""Characters, or what costs as much: more than the longest of messages takes, written ten times over."""
_ROUND = 40
_MULTIPLYING = frozenset({"join", "replace", "batch", "slice"})
"""Filters that may make of two things one that is as large as both multiplied."""


class _Budget:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _MOST


_BUDGET: ContextVar[_Budget] = ContextVar("feedwatch_budget")


@contextmanager
def within_budget() -> Iterator[None]:
    """Give what is done here a budget of its own."""
    token = _BUDGET.set(_Budget())
    try:
        yield
    finally:
        _BUDGET.reset(token)


def spend(amount: int) -> None:
    """Pay for something, before it is made.

    Raises:
        SecurityError: there is not enough left.
    """
    budget = _BUDGET.get()
    budget.left -= amount
    if budget.left < 0:
        raise SecurityError("it does too much: loops in loops, or a text that is doubled again and again")


def weigh(value: object) -> int:
    """What it costs to go through a value once."""
    if isinstance(value, str):
        return 1 + len(value)
    if isinstance(value, list | tuple):
        return 1 + len(value) + sum(len(each) for each in value if isinstance(each, str | list | tuple))
    return 1 + len(value) if isinstance(value, range | dict) else 1


def charge_filter(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, paid for by what it is given."""
    is_multiplying = name in _MULTIPLYING

    @functools.wraps(run)
    def charged(*given: Any, **options: Any) -> Any:
        # What other filters have not yet made has no length.
        args = [list(each) if isinstance(each, Iterator) else each for each in given]
        cost = 1
        for each in (*args, *options.values()):
            weight = abs(each) if is_multiplying and isinstance(each, int) else weigh(each)
            cost = cost * max(weight, 1) if is_multiplying else cost + weight
        spend(cost)
        return run(*args, **options)

    return charged


def charge_template(tree: nodes.Template) -> None:
    """Have a template pay for the rounds of its loops, and for the texts that it joins."""
    for loop in list(tree.find_all(nodes.For)):
        written = sum(len(each.data) for each in loop.find_all(nodes.TemplateData))
        loop.iter = _filter(loop.iter, "_rounds", nodes.Const(_ROUND + written))
    for joined in list(tree.find_all(nodes.Concat)):
        joined.nodes = [_filter(each, "_weighed") for each in joined.nodes]


def _filter(node: nodes.Node, name: str, *args: nodes.Expr) -> nodes.Filter:
    assert isinstance(node, nodes.Expr)
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


def _pay_rounds(values: Iterable[Any], cost: int) -> Iterator[Any]:
    for value in values:
        spend(cost)
        yield value


def _pay_weight(value: Any) -> Any:
    spend(weigh(value))
    return value


PAYING: dict[str, Callable[..., Any]] = {"_rounds": _pay_rounds, "_weighed": _pay_weight}
"""Filters that `charge_template` puts into a template."""
