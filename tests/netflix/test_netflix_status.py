from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feedwatch.core.model import FetchFailed, Reason
from feedwatch.netflix.status import ApiStatus, classify_failure, read_status

NOW = datetime(2026, 11, 1, 21, 30, tzinfo=UTC)


def xml_status(code: int, message: str) -> bytes:
    said = f"<status_code>{code}</status_code><message>{message}</message>"
    return f"<?xml version='1.0'?><status>{said}</status>".encode()


FORMS = {
    "XML": (
        (
            b"<status><status_code>412</status_code><sub_code>710</sub_code>"
            b"<message>Already there\n</message></status>"
        ),
        710,
    ),
    "XML without a sub code": (
        b"<status><status_code>412</status_code><message>Already there</message></status>",
        None,
    ),
    "XML with an empty sub code": (
        b"<status><status_code>412</status_code><sub_code/><message>Already there</message></status>",
        None,
    ),
    "JSON with numbers": (
        b'{"status": {"status_code": 412, "sub_code": 710, "message": "Already there"}}',
        710,
    ),
    "JSON with strings": (
        b' {"status": {"status_code": "412", "sub_code": "710", "message": "Already there"}}',
        710,
    ),
    "JSON without a sub code": (b'{"status": {"status_code": "412", "message": "Already there"}}', None),
    "JSON with a sub code that is none": (
        b'{"status": {"status_code": 412, "sub_code": true, "message": "Already there"}}',
        None,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_status_is_read_in_every_form(form: str) -> None:
    """XML and JSON, numbers as strings or not, with or without a sub code, say the same."""
    body, sub_code = FORMS[form]
    assert read_status(body) == ApiStatus(412, sub_code, "Already there")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>403</body></html>",
        b"<resource><status_code>200</status_code></resource>",
        b"{}",
        b'{"status": "bad"}',
        b"{" * 50_000,
        b'{"a":' * 50_000,
        b"<status><status_code>",
        b"\xff\xfe\x00",
    ],
)
def test_anything_else_is_no_status(body: bytes) -> None:
    """What is no status document is None, however strange."""
    assert read_status(body) is None


@pytest.mark.parametrize("code", ["soon", "-401", "9" * 4000, "9" * 5000])
def test_codes_that_are_no_numbers_are_left_out(code: str) -> None:
    """A status with codes that nobody can read, or keep, still has its message."""
    body = f"<status><status_code>{code}</status_code><message>wait</message></status>"
    assert read_status(body.encode()) == ApiStatus(None, None, "wait")


def classify(
    status: int, message: str, *, tokenized: bool = True, retry_after: timedelta | None = None
) -> FetchFailed:
    reason = {401: Reason.UNAUTHORIZED, 403: Reason.FORBIDDEN, 429: Reason.RATE_LIMITED}.get(
        status, Reason.CLIENT_ERROR
    )
    failed = FetchFailed(reason, "as it came", status, retry_after, xml_status(status, message))
    return classify_failure(failed, tokenized=tokenized, now=NOW)


@pytest.mark.parametrize(
    ("status", "message", "tokenized", "reason"),
    [
        (401, "Mismatch between user token and feed token", True, Reason.BAD_TOKEN),
        (401, "Access token is invalid", False, Reason.UNAUTHORIZED),
        (403, "Invalid feed token", True, Reason.BAD_TOKEN),
        (403, "invalid FEED TOKEN", True, Reason.BAD_TOKEN),
        (403, "Invalid feed token", False, Reason.FORBIDDEN),
        (403, "Not for you", True, Reason.FORBIDDEN),
        (403, "", True, Reason.FORBIDDEN),
        (403, "Over queries per second limit", True, Reason.RATE_LIMITED),
        (403, "Service is over queries per second limit", False, Reason.RATE_LIMITED),
        (403, "Over queries per day limit", True, Reason.RATE_LIMITED),
        (412, "Precondition failed", True, Reason.CLIENT_ERROR),
        (404, "Over queries per day limit", True, Reason.NOT_FOUND),
    ],
)
def test_reason_follows_status_and_message(
    status: int, message: str, reason: Reason, *, tokenized: bool
) -> None:
    """A 403 is told apart by its message, a 401 by what was signed with."""
    assert classify(status, message, tokenized=tokenized).reason is reason


@pytest.mark.parametrize(
    ("unit", "rest"),
    [
        ("second", timedelta(seconds=5)),
        ("minute", timedelta(minutes=1)),
        ("hour", timedelta(hours=1)),
        ("day", timedelta(hours=2, minutes=30)),
    ],
)
def test_rest_lasts_until_the_named_limit_renews(unit: str, rest: timedelta) -> None:
    """A limit per second renews in seconds, one per day at midnight UTC."""
    assert classify(403, f"Over queries per {unit} limit").retry_after == rest


def test_retry_after_of_the_server_wins() -> None:
    """What the server asks for is kept, whatever its message names."""
    said = timedelta(minutes=7)
    assert classify(403, "Over queries per day limit", retry_after=said).retry_after == said


def test_page_instead_of_a_status_is_a_plain_403() -> None:
    """A 403 with a body that is no status is forbidden, and keeps the detail it had."""
    failed = FetchFailed(Reason.FORBIDDEN, "403", 403, body=b"<html>over queries per day limit</html>")
    assert classify_failure(failed, tokenized=True, now=NOW) == failed


@pytest.mark.parametrize(
    "message",
    [
        "Invalid feed token T1u.tZSbY93kQm",
        "no such user at http://h/users/1?feed_token=abc",
        "bad oauth_token=abc",
        "token\nT1u.tZSbY93kQm\x1b[31m was refused",
    ],
)
def test_detail_holds_nothing_that_could_be_a_token(message: str) -> None:
    """A server's message is kept on one line, without anything that looks like a secret."""
    detail = classify(401, message.replace("&", "&amp;").replace("\x1b", "")).detail
    assert "T1u.tZSbY93kQm" not in detail
    assert "abc" not in detail
    assert detail
    assert "\n" not in detail


def test_failure_without_a_reply_is_left_alone() -> None:
    """What never got an answer has no status to read."""
    failed = FetchFailed(Reason.DNS, "no such host")
    assert classify_failure(failed, tokenized=True, now=NOW) == failed
