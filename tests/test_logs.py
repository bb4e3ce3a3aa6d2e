"""One stream of log: redacted at every level, tracebacks included, and harmless to a terminal."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from feedwatch.logs import log_crash, start_logging
from feedwatch.redact import MASK, Redactor

SECRET = "s3cret/+token~value"
LEVELS = ["debug", "info", "warning", "error"]


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    """Leave the loggers of this process as they were."""
    root, ours = logging.getLogger(), logging.getLogger("feedwatch")
    before = (list(root.handlers), root.level, ours.level)
    yield
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]


def log_into(level: str, *, enabled: bool = True, environ: dict[str, str] | None = None) -> io.StringIO:
    stream = io.StringIO()
    start_logging(level, Redactor(SECRET, enabled=enabled), stream=stream, environ=environ or {})
    return stream


def fail_for(cause: Exception) -> None:
    raise ValueError(f"failed: {SECRET}") from cause


def say_everything(level: int) -> None:
    """Log the secret in every way there is: in the message, an argument, a traceback, a cause, a stack."""
    logger = logging.getLogger("feedwatch.test")
    logger.log(level, "message " + SECRET)  # noqa: G003 — somebody else's library may do so
    logger.log(level, "argument %s %r", SECRET, {"url": f"https://h/?q={quote(SECRET, safe='')}"})
    try:
        fail_for(KeyError(SECRET))
    except ValueError:
        logger.log(level, "traceback", exc_info=True, stack_info=True)


@pytest.mark.parametrize("level", LEVELS)
def test_no_line_holds_a_secret_at_any_level(level: str) -> None:
    """Messages, arguments, tracebacks and their causes come out without the secret."""
    stream = log_into(level)
    say_everything(getattr(logging, level.upper()))
    said = stream.getvalue()
    assert said.count(MASK) >= 5
    assert "Traceback (most recent call last)" in said
    assert SECRET not in said
    assert quote(SECRET, safe="") not in said


@pytest.mark.parametrize("level", LEVELS)
def test_redaction_switched_off_shows_every_one(level: str) -> None:
    """The same lines without redaction hold the secret: nothing else kept it out."""
    stream = log_into(level, enabled=False)
    say_everything(getattr(logging, level.upper()))
    assert stream.getvalue().count(SECRET) >= 4
    assert quote(SECRET, safe="") in stream.getvalue()


def test_level_is_of_our_loggers_alone() -> None:
    """At `debug` our own loggers speak; libraries are heard from their warnings on."""
    stream = log_into("debug")
    logging.getLogger("feedwatch.poll").debug("ours")
    for name in ("httpx", "aiohttp.client", "apscheduler", "oauthlib", "somebody"):
        logging.getLogger(name).info("theirs")
        logging.getLogger(name).warning("warned %s", name)
    lines = stream.getvalue().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == [
        "DEBUG feedwatch.poll ours",
        "WARNING httpx warned httpx",
        "WARNING aiohttp.client warned aiohttp.client",
        "WARNING apscheduler warned apscheduler",
        "WARNING oauthlib warned oauthlib",
        "WARNING somebody warned somebody",
    ]


def test_journal_gets_no_time_of_ours() -> None:
    """Under systemd the time is left to the journal."""
    stream = log_into("info", environ={"JOURNAL_STREAM": "8:1"})
    logging.getLogger("feedwatch").info("hello")
    assert stream.getvalue() == "INFO feedwatch hello\n"


def test_second_start_replaces_the_first() -> None:
    """Started again, each line is written once, to the new stream."""
    first, second = log_into("info"), log_into("info")
    logging.getLogger("feedwatch").warning("hello")
    assert (first.getvalue(), second.getvalue().count("hello")) == ("", 1)


def test_control_characters_do_not_reach_the_terminal() -> None:
    """An escape sequence in a text of somebody else's drives no terminal; lines stay lines."""
    stream = log_into("info")
    logging.getLogger("feedwatch").warning("a\x1b[31mred\x9b0m \u202eevil\x07\ttab\nline")
    assert stream.getvalue().endswith("a [31mred 0m  evil \ttab\nline\n")


def test_line_that_cannot_be_formatted_is_not_shown() -> None:
    """A line whose arguments do not fit is told by its place alone: what is in it was not redacted."""
    logging.getLogger().handlers[:] = []  # pytest's own would raise
    stream = log_into("info")
    logging.getLogger("feedwatch.poll").warning("%d entries", SECRET)
    assert stream.getvalue() == "ERROR feedwatch.poll a line could not be logged: TypeError\n"


def caught(message: str) -> RuntimeError:
    """An error as it is caught, with its traceback."""
    with pytest.raises(RuntimeError) as raised:
        raise RuntimeError(message)
    return raised.value


def test_crash_is_logged_redacted() -> None:
    """What nobody foresaw is told with its traceback, through the redactor that is in use."""
    stream = log_into("error")
    log_crash(caught(f"unforeseen {SECRET}"))
    said = stream.getvalue()
    assert "please report it" in said
    assert f"RuntimeError: unforeseen {MASK}" in said
    assert SECRET not in said


def test_crash_before_any_logging_masks_what_addresses_carry(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a redactor in use yet, addresses in the traceback are masked all the same."""
    logging.getLogger().handlers[:] = []
    log_crash(caught("at https://jane:pw@h/?token=abcdefgh"))
    assert f"RuntimeError: at https://{MASK}@h/?token={MASK}" in capsys.readouterr().err
