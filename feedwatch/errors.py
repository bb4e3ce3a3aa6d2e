"""What should not happen in a healthy run. Expected outcomes are values (see core/model.py).

FeedwatchError
├── ConfigError        the configuration cannot be used; carries every problem at once
├── StoreError
│   ├── StoreMissing   no state at the place looked at
│   ├── StoreLocked    gave up waiting for the database, or another daemon holds the state
│   ├── StoreDamaged   the file is not a sound feedwatch state
│   └── SchemaTooNew   written by a newer feedwatch
├── RequestRefused     a call that the API does not take: one of its limits is passed (netflix/limits.py)
└── OrderRefused       of the sandbox: the lists are not such that this could be done (sandbox/world.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class FeedwatchError(Exception):
    """The root of all that feedwatch raises itself."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration: where, what, and what to do about it."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(FeedwatchError):
    """The configuration cannot be used; `problems` holds everything found, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class StoreError(FeedwatchError):
    """The state file could not do what was asked of it."""


class StoreMissing(StoreError):
    """There is no state where it was looked for."""


class StoreLocked(StoreError):
    """Gave up waiting for the database, or another daemon holds the state."""


class StoreDamaged(StoreError):
    """The file is not a sound feedwatch state; `is_ours` unless it does not even say that it is one."""

    def __init__(self, message: str, *, is_ours: bool = True) -> None:
        super().__init__(message)
        self.is_ours = is_ours


class SchemaTooNew(StoreError):
    """The state was written by a newer feedwatch."""


class RequestRefused(FeedwatchError):
    """A call that was not made: the API takes no such thing. It says what, and what may be asked for."""
