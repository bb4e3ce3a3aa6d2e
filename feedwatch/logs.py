"""One line of log for each thing that happens, without secrets, at any level."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

from feedwatch.redact import Redactor
from feedwatch.terminal import clean_lines

_UNDER_SYSTEMD = "%(levelname)s %(name)s %(message)s"  # the journal has the time
_ELSEWHERE = "%(asctime)s %(levelname)s %(name)s %(message)s"
_CHATTY = ("httpx", "httpcore", "aiohttp", "apscheduler", "asyncio", "uvicorn")
"""Libraries that log what we log better, at every request; their warnings are heard."""
_CRASHED = "feedwatch itself made a mistake; please report it with these lines"


class RedactingFormatter(logging.Formatter):
    """Redacts the finished record, traceback and all: a filter would miss that."""

    def __init__(self, form: str, *, redactor: Redactor) -> None:
        super().__init__(form)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Format a record and redact the outcome."""
        return clean_lines(self._redactor.redact(super().format(record)))


class _Handler(logging.StreamHandler[TextIO]):
    """Our one way out; a record that cannot be formatted is not shown, for it is not redacted yet."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 — its name there
        """Say that a line is missing, without its text."""
        error = sys.exc_info()[0]
        with suppress(OSError, ValueError):  # nobody reads the log any more
            self.stream.write(f"ERROR {record.name} a line could not be logged: {error and error.__name__}\n")


def start_logging(
    level: str,
    redactor: Redactor,
    *,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> logging.Handler:
    """Send all logs to one stream (default: standard error) through the redactor; returns the handler.

    Our own loggers speak from `level` on. Called again, it replaces what it set up before.
    """
    handler = _Handler(stream or sys.stderr)
    form = _UNDER_SYSTEMD if environ.get("JOURNAL_STREAM") else _ELSEWHERE
    handler.setFormatter(RedactingFormatter(form, redactor=redactor))
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("feedwatch").setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


_of_crashes = Redactor()


def redact_crashes(redactor: Redactor) -> None:
    """Have crashes pass this redactor, where nothing else is logged."""
    global _of_crashes  # noqa: PLW0603 — a crash is the whole process's
    _of_crashes = redactor


def log_crash(error: BaseException) -> None:
    """Log what nobody foresaw, traceback and all, but redacted like every other line."""
    if not any(isinstance(each, _Handler) for each in logging.getLogger().handlers):
        start_logging("error", _of_crashes)
    logging.getLogger("feedwatch").critical(_CRASHED, exc_info=error)
