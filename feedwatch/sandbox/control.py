"""The orders that a sandbox takes: each with its particulars, checked before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from feedwatch.sandbox.dialects import DIALECTS
from feedwatch.sandbox.faults import FAULTS
from feedwatch.sandbox.world import ASKED_FOR, OrderRefused, World

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_LONGEST_TITLE = 200
_MOST_TIMES = 1000
_MOST_TITLES = 1_000_000

Check = Callable[[str, object], object]
"""Gives a particular's value as the world wants it, or refuses it; is told its name."""


def _as_title(name: str, value: object) -> str | int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= _LONGEST_TITLE:
        return value
    raise OrderRefused(
        f"{name} is a title's name, of {_LONGEST_TITLE} printable characters at most, or its id"
    )


def _as_number(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise OrderRefused(f"{name} is a whole number")


def _as_times(name: str, value: object) -> int:
    times = _as_number(name, value)
    if not 1 <= times <= _MOST_TIMES:
        raise OrderRefused(f"{name} is a number from 1 to {_MOST_TIMES}")
    return times


def _as_word(name: str, value: object) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise OrderRefused(f"{name} is a text or a number")


def _one_of(known: Mapping[str, object]) -> Check:
    def check(name: str, value: object) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise OrderRefused(f"no such {name}: there are {', '.join(known)}")

    return check


@dataclass(frozen=True, slots=True)
class Order:
    """What an order takes; those of `needed` must be there."""

    takes: Mapping[str, Check] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


ORDERS: Mapping[str, Order] = {
    "add": Order({"title": _as_title, "position": _as_number}),
    "move": Order({"start": _as_number, "to": _as_number}, needed=("start", "to")),
    "remove": Order({"position": _as_number, "title": _as_title}),
    "save": Order({"title": _as_title}),
    "make_available": Order({"title": _as_title, "position": _as_number}),
    "watch": Order({"title": _as_title}),
    "rate": Order({"title": _as_title, "value": _as_word}),
    "recommend": Order({"title": _as_title, "predicted": _as_word}),
    "withhold": Order({"title": _as_title}),
    "send_home": Order({"title": _as_title}),
    "rotate_token": Order(),
    "revoke": Order(),
    "speak": Order({"dialect": _one_of(DIALECTS)}, needed=("dialect",)),
    "fail": Order(
        {"feed": _one_of(dict.fromkeys(ASKED_FOR)), "fault": _one_of(FAULTS), "times": _as_times},
        needed=("feed", "fault"),
    ),
}


def carry_out(world: World, name: str, particulars: object) -> dict[str, object]:
    """Carry an order out, or refuse it and leave the world as it was.

    Raises:
        OrderRefused: says what is wrong and what there is.
    """
    if not isinstance(particulars, dict):
        raise OrderRefused('the particulars of an order are a JSON object, for example {"position": 1}')
    if name == "switch":
        return _switch(world, particulars)
    order = ORDERS.get(name)
    if order is None:
        raise OrderRefused(f"no order {name[:40]!r}: there are {', '.join(sorted((*ORDERS, 'switch')))}")
    done = getattr(world, name)(**_check(name, order, particulars))
    return {"order": name, "title": done.name if done is not None else None}


def _check(name: str, order: Order, particulars: Mapping[str, object]) -> dict[str, object]:
    if unknown := [each for each in particulars if each not in order.takes]:
        takes = ", ".join(order.takes) or "nothing"
        raise OrderRefused(f"{name} takes {takes}, not {', '.join(sorted(unknown))[:80]}")
    if missing := [each for each in order.needed if each not in particulars]:
        raise OrderRefused(f"{name} needs {' and '.join(missing)}")
    return {each: order.takes[each](each, value) for each, value in particulars.items()}


def switches_of(world: World) -> dict[str, object]:
    """The switches as they stand; faults are ordered with `fail`, and are none."""
    return {name: value for name, value in asdict(world.switches).items() if name != "faults"}


def _switch(world: World, wanted: Mapping[str, object]) -> dict[str, object]:
    """Set switches: all of those named, or none."""
    known = switches_of(world)
    if unknown := [name for name in wanted if name not in known]:
        raise OrderRefused(
            f"no switch {', '.join(sorted(unknown))[:80]}: there are {', '.join(sorted(known))}"
        )
    for name, value in wanted.items():
        _check_switch(name, value, type(known[name]))
    with world.lock:
        for name, value in wanted.items():
            setattr(world.switches, name, value)
    return switches_of(world)


def _check_switch(name: str, value: object, wanted: type) -> None:
    if type(value) is not wanted:
        words = {bool: "true or false", int: "a whole number", str: "a text"}
        raise OrderRefused(f"{name} takes {words[wanted]}")
    if isinstance(value, str) and not _HOST.fullmatch(value):
        raise OrderRefused(f"{name} takes the name of a host")
    most = _MOST_TITLES if name == "index_titles" else _MOST_TIMES
    if isinstance(value, int) and not 0 <= value <= most:
        raise OrderRefused(f"{name} takes a number from 0 to {most}")
