"""One line of log for each thing that happens, without secrets, at any level."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from feedwatch.redact import RedactingFormatter, Redactor

_UNDER_SYSTEMD = "%(levelname)s %(name)s %(message)s"  # the journal has the time
_ELSEWHERE = "%(asctime)s %(levelname)s %(name)s %(message)s"
_CHATTY = ("httpx", "httpcore", "aiohttp", "apscheduler", "asyncio", "uvicorn")
"""Libraries that log what we log better, at every request; their warnings are heard."""


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
    handler = logging.StreamHandler(stream or sys.stderr)
    form = _UNDER_SYSTEMD if environ.get("JOURNAL_STREAM") else _ELSEWHERE
    handler.setFormatter(RedactingFormatter(form, redactor=redactor))
    root = logging.getLogger()
    for old in [each for each in root.handlers if getattr(each, "of_feedwatch", False)]:
        root.removeHandler(old)
    handler.of_feedwatch = True  # type: ignore[attr-defined]  # so that a second call finds it
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("feedwatch").setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler
