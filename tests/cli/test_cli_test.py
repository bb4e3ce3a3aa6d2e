"""`feedwatch test TARGET`: a message now, past the outbox, and what to look at where it was not taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Ran, run
from sinks import WebhookSink


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as server:
        yield server


def configure(folder: Path, sink: WebhookSink) -> None:
    file = folder / "config.yaml"
    file.touch(mode=0o600)
    file.write_text(
        "state: feedwatch.db\n"
        "accounts:\n  jane:\n    service: netflix\n    url: https://api.example.net\n"
        "    consumer_key: k\n    consumer_secret: ${NOT_SET}\n"
        "targets:\n"
        f"  phone: [{sink.url_as('json', '/one')}, {sink.url_as('json', '/two-s3cret-4711')}]\n"
        "  mail: {url: !file nowhere}\n"
    )


def try_target(folder: Path, *words: str) -> Ran:
    return run("--config", "config.yaml", "test", *words, folder=folder)


def paths(sink: WebhookSink) -> list[str]:
    return sorted(each.path for each in sink.received)


def test_each_address_of_a_target_gets_a_message(tmp_path: Path, sink: WebhookSink) -> None:
    """All addresses are told, and no state is made; the secrets of others are not needed."""
    configure(tmp_path, sink)
    ran = try_target(tmp_path, "phone", "--json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.rows == [{"subject": f"phone/{n}", "ok": True, "problem": None} for n in (1, 2)]
    assert paths(sink) == ["/one", "/two-s3cret-4711"]
    assert {message["title"] for message in sink.messages} == {"feedwatch: a test"}
    assert [each.name for each in tmp_path.iterdir()] == ["config.yaml"]


def test_one_address_alone(tmp_path: Path, sink: WebhookSink) -> None:
    """Its name sends to it and to no other."""
    configure(tmp_path, sink)
    assert try_target(tmp_path, "phone/2").status == 0
    assert paths(sink) == ["/two-s3cret-4711"]


@pytest.mark.parametrize(
    ("status", "seen", "advice"),
    [
        (401, "HTTP 401", "are the token, or user and password, in the address right?"),
        (404, "HTTP 404", "are the path, topic or webhook in the address right?"),
        (400, "HTTP 400", "is the address right?"),
        (429, "HTTP 429", "try again later"),
        (503, "HTTP 503", "is it running, and are host and port of the address right?"),
    ],
)
def test_what_is_not_taken_says_what_to_look_at(
    tmp_path: Path, sink: WebhookSink, status: int, seen: str, advice: str
) -> None:
    """1, and why, and what to look at; nothing of the address."""
    configure(tmp_path, sink)
    sink.script(status)
    ran = try_target(tmp_path, "phone/2", "--json")
    assert ran.status == 1
    [row] = ran.rows
    assert row["ok"] is False
    assert seen in row["problem"]
    assert row["problem"].endswith(advice)
    assert "s3cret" not in ran.said


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("phoen", "no target is called 'phoen'. Did you mean phone?"),
        ("nobody/1", "no target is called 'nobody'. There are: mail, phone"),
        ("phone/3", "no address is called 'phone/3'. Did you mean phone/"),
    ],
)
def test_what_is_not_there_is_said_and_what_was_meant(
    tmp_path: Path, sink: WebhookSink, what: str, said: str
) -> None:
    """1, the names there are, and nothing is sent."""
    configure(tmp_path, sink)
    ran = try_target(tmp_path, what)
    assert ran.status == 1
    assert said in ran.err
    assert paths(sink) == []


def test_a_secret_that_is_missing_is_a_problem_of_the_configuration(
    tmp_path: Path, sink: WebhookSink
) -> None:
    """2, with file and line."""
    configure(tmp_path, sink)
    ran = try_target(tmp_path, "mail")
    assert ran.status == 2
    assert "config.yaml:10:" in ran.err
