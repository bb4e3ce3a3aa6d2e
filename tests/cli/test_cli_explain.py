"""A person asks why: what was told and what was not, what waits, and what is kept from being told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Place, Ran, at_sandbox
from sinks import WebhookSink

ROUTES = """\
routes:
  - {to: phone, changes: [added, removed]}
  - {to: mail, feeds: [queue], digest: daily at 08:00}
  - {to: mail, feeds: [ratings]}
  - {to: phone, where: year < 1900}
  - {to: phone, mute: true}
  - {to: family, quiet: {hours: 22:00-07:00, urgent: kind = queue}}
  - {to: phone, digest: hourly}
zone: Europe/Berlin
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A watched queue, and three targets that are told of it in different ways."""
    yield from watch(tmp_path)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The same, for what is refused and changes nothing."""
    yield from watch(tmp_path_factory.mktemp("untouched"))


def watch(tmp_path: Path) -> Iterator[Place]:
    """Watch a queue of a sandbox, with a baseline."""
    with WebhookSink() as phone, WebhookSink() as mail, at_sandbox(tmp_path) as made:
        targets = f"  phone: {phone.url}\n  mail: {mail.url}\n  family: {mail.url_as('json', '/family')}"
        made.configure(targets=targets, more=ROUTES)
        assert made.run("poll").status == 0
        yield made


def add(place: Place, title: str) -> int:
    """Add a title and poll; the number of the change."""
    place.world.add(title=title)
    polled = place.run("poll")
    assert polled.status == 0, polled.said
    (change,) = [row for row in place.ask("changes", "--json").rows if row["title"] == title]
    return int(change["id"])


def told(ran: Ran, what: str) -> list[dict[str, object]]:
    return [row for row in ran.rows if row["what"] == what]


def test_explain_says_which_routes_tell_and_what_became_of_it(place: Place) -> None:
    """Each route is judged with its reason, and each address has what was sent, or what it waits for."""
    number = add(place, "Heat")
    ran = place.ask("explain", str(number), "--json")
    assert [row["verdict"] for row in told(ran, "route")] == [
        "tells",
        "tells",
        "other_feed",
        "not_met",
        "muted",
        "tells",
        "told_sooner",
    ]
    assert told(ran, "route")[-1]["sooner"] == 1
    _, mail, phone = sorted(told(ran, "delivery"), key=lambda row: str(row["address"]))
    assert (phone["address"], phone["state"], phone["attempts"]) == ("phone/1", "delivered", 1)
    assert "Heat" in str(phone["title"])
    assert (mail["address"], mail["state"], mail["waits_for"]) == ("mail/1", "pending", "digest")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT0[67]:00:00Z", str(mail["not_before"]))
    shown = place.ask("explain", str(number)).out
    for words in (
        "added Heat",
        "digest, daily at 08:00 Europe/Berlin",
        "it is about ratings, not jane/queue",
        "not so: year < 1900",
        "it is muted",
        "route 1 tells it sooner there",
        "quiet 22:00-07:00 Europe/Berlin; urgent: kind = queue",
        "waits for the digest, until",
        "1 attempt",
    ):
        assert words in shown, shown


def test_explain_says_that_an_address_is_paused_and_how_to_resume_it(place: Place) -> None:
    """What is owed there has no time at which it is due, as little as in the outbox."""
    assert place.run("outbox", "pause", "phone").status == 0
    number = add(place, "Heat")
    ran = place.ask("explain", str(number), "--json")
    assert {row["address"]: row["state"] for row in told(ran, "delivery")} == {
        "phone/1": "paused",
        "mail/1": "pending",
        "family/1": "delivered",
    }
    assert "feedwatch outbox resume phone/1" in place.ask("explain", str(number)).out


def test_explain_of_what_is_not_known_says_where_the_numbers_are(untouched: Place) -> None:
    """A number that no change has is an error with the way to the right one."""
    ran = untouched.ask("explain", "4711")
    assert ran.status == 1
    assert "feedwatch changes" in str(untouched.run("explain", "4711").err)


def test_preview_shows_what_a_route_would_send(place: Place) -> None:
    """The message of the last changes, whole, and in JSON with everything that goes out."""
    add(place, "Heat")
    add(place, "Ran")
    (row,) = place.ask("preview", "--route", "1", "--json").rows
    assert row["address"] == "phone/1"
    assert row["changes"] == 2
    assert "added Heat" in row["body"]
    (last,) = place.ask("preview", "--route", "1", "--last", "1", "--json").rows
    assert "Heat" not in last["body"]
    (digest,) = place.ask("preview", "--route", "2", "--json").rows
    assert digest["address"] == "mail/1"
    assert digest["title"].startswith("Daily digest")
    shown = place.ask("preview", "--route", "1").out
    assert row["body"].splitlines()[0] in shown
    missing = place.run("preview", "--route", "9")
    assert missing.status == 1
    assert "there is no route 9: there are 7" in missing.err


def test_silence_keeps_changes_from_being_told_until_they_are_asked_for(place: Place) -> None:
    """What fulfils the matcher is recorded and told nobody; ended with --tell, it is told after all."""
    made = place.run("silence", "add", 'title ~ "heat"', "--for", "2h", "--comment", "a surprise")
    assert made.status == 0, made.said
    number = add(place, "Heat")
    explained = place.ask("explain", str(number), "--json")
    assert {row["state"] for row in told(explained, "delivery")} == {"silenced"}
    assert "a surprise" in place.ask("explain", str(number)).out
    (row,) = place.ask("silence", "--json").rows
    assert (row["matcher"], row["kept"], row["state"], row["comment"]) == (
        "title ~ heat",
        1,
        "active",
        "a surprise",
    )
    ended = place.run("silence", "expire", str(row["id"]), "--tell")
    assert "it kept 1 change from being told" in ended.out
    assert place.run("poll").status == 0
    after = place.ask("explain", str(number), "--json")
    states = {row["address"]: (row["state"], row["waits_for"]) for row in told(after, "delivery")}
    assert states == {
        "phone/1": ("delivered", None),
        "mail/1": ("pending", "digest"),
        "family/1": ("delivered", None),
    }
    assert place.ask("silence", "--json").rows == []
    assert [row["state"] for row in place.ask("silence", "list", "--all", "--json").rows] == ["ended"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["silence", "add", "titel ~ x", "--for", "2h"], 1, "column 1"),
        (["silence", "add", "kind = queue"], 2, "either --for or --until"),
        (["silence", "add", "kind = queue", "--for", "soon"], 2, "2h, 7d"),
        (["silence", "add", "kind = queue", "--until", "2020-01-01"], 1, "lies ahead"),
        (["silence", "add", "kind = queue", "--until", "never"], 2, "no date or instant"),
        (["silence", "expire", "12"], 1, "there is no silence 12"),
        (["pause", "jane/quue"], 1, "Did you mean jane/queue?"),
        (["preview", "--route", "0"], 2, "--route"),
    ],
)
def test_what_cannot_be_is_said(untouched: Place, words: list[str], status: int, said: str) -> None:
    """A wrong word gets an error that says what is wrong, and nothing is changed."""
    ran = untouched.run(*words)
    assert ran.status == status, ran.said
    assert said in ran.said
    assert untouched.ask("silence", "list", "--all", "--json").rows == []


def test_paused_feed_is_not_polled_and_tells_what_changed_once_it_is_resumed(place: Place) -> None:
    """It is shown as paused, stands still, and nothing of what happened meanwhile is lost."""
    assert "feedwatch resume jane/queue" in place.run("pause", "jane/queue").out
    place.world.add(title="Heat")
    assert place.run("poll").status == 0
    assert place.ask("changes", "--json").rows == []
    states = {row["feed"]: row["state"] for row in place.ask("status", "--json").rows}
    assert states["jane/queue"] == "paused"
    refused = place.run("poll", "jane/queue")
    assert refused.status == 1
    assert "paused" in refused.err
    assert place.run("resume", "jane/queue").status == 0
    assert place.run("poll").status == 0
    assert [row["title"] for row in place.ask("changes", "--json").rows] == ["Heat"]
