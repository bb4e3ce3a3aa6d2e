"""A bad day at the command line: services that refuse, hosts that rest, tokens that die; and what is said."""

from __future__ import annotations

import re
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from running import Place, Ran, at_sandbox
from sinks import WebhookSink

SUBSCRIPTIONS = """\
<opml version="2.0"><body><outline text="Films"><outline text="映画">
<outline text="A list" xmlUrl="{base}/users/nobody/queues/instant"/></outline></outline></body></opml>
"""


def dump(state: Path) -> list[str]:
    """All that a state holds."""
    with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as conn:
        lines = list(conn.iterdump())
    conn.close()
    return lines


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Day:
    """What each command came to, and what was in the state and asked of the server around `check`."""

    place: Place
    ran: dict[str, Ran]
    state_before_check: list[str]
    state_after_check: list[str]
    asked_by_check: int


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("trouble")
    with at_sandbox(folder) as place:
        target = f"  hook: json://jane:webhook-password@127.0.0.1:{closed_port()}/"
        place.configure(targets=target)
        (folder / "subs.opml").write_text(SUBSCRIPTIONS.format(base=place.base))
        text = place.config.read_text()
        reading = "accounts:\n  reading: {service: opml, url: subs.opml}\n"
        place.config.write_text(text.replace("accounts:\n", reading))
        yield live(place)


def live(place: Place) -> Day:
    """Nobody listens at the target, a feed turns into a page, the host asks for rest, access is revoked."""
    ran = {"poll": place.run("poll", "--json")}
    place.world.fail(feed="ratings", fault="html")
    before = dump(place.state)
    ran["check"] = place.run("check", "--notify", "--json")
    after = dump(place.state)
    ran["outbox"] = place.ask("outbox")
    ran["retry"] = place.run("outbox", "retry")
    ran["drop"] = place.run("outbox", "drop", "1", "99")
    ran["outbox dropped"] = place.ask("outbox", "--json")
    ran["retry dropped"] = place.ask("outbox", "retry", "1")
    place.world.revoke()
    ran["discover"] = place.run("discover", "jane", "--json")
    place.world.fail(feed="queue", fault="429")
    ran["poll signed out"] = place.run("poll")
    ran["status"] = place.run_on_terminal("status")
    asked = place.world.requests["queue"]["all"]
    ran["check at rest"] = place.run("check")
    return Day(place, ran, before, after, place.world.requests["queue"]["all"] - asked)


def test_message_that_cannot_be_sent_is_an_error(day: Day) -> None:
    """A target that does not answer is told on standard error, and the round ends with 1."""
    poll = day.ran["poll"]
    assert poll.status == 1
    assert (
        "hook/1: message 1 was not sent: the service takes nothing at the moment (connection refused)\n"
        in poll.err
    )
    assert {row["feed"]: row["outcome"] for row in poll.rows}["jane/queue"] == "baseline"


def test_failed_feed_is_told_with_its_reason(day: Day) -> None:
    """In JSON a failure has its one word and what was seen."""
    (row,) = [row for row in day.ran["poll"].rows if row["feed"] == "reading/a-list"]
    assert (row["outcome"], row["entries"], row["changes"]) == ("failed", None, 0)
    assert (row["reason"], row["detail"]) == ("unauthorized", "Missing Required Consumer Key") or row[
        "reason"
    ]


def test_check_names_what_cannot_be_reached(day: Day) -> None:
    """`check --notify` has a row for each thing, each problem in words, and ends with 1."""
    check = day.ran["check"]
    rows = {row["subject"]: (row["ok"], row["problem"]) for row in check.rows}
    assert check.status == 1
    assert [row["subject"] for row in check.rows][:4] == ["configuration", "state", "reading", "jane"]
    assert rows["state"] == (True, None)
    assert rows["jane/queue"] == (True, None)
    assert rows["jane/ratings"] == (False, "its server sends something that is no feed (an HTML page)")
    refused = "the service takes nothing at the moment (connection refused)"
    assert rows["hook/1"] == (False, f"{refused}: is it running, and are host and port of the address right?")
    assert rows["reading/a-list"][0] is False
    assert all(list(row) == ["subject", "ok", "problem"] for row in check.rows)


def test_check_changes_nothing_in_the_state(day: Day) -> None:
    """What the state held before `check --notify` it holds after it: no poll, no discovery, no message."""
    assert len(day.state_before_check) > 20
    assert day.state_after_check == day.state_before_check


def test_check_leaves_a_resting_host_alone(day: Day) -> None:
    """A host that asked for rest is not asked by `check` either; it says so."""
    assert day.asked_by_check == 0
    assert re.search(r"jane +no +its server asks for rest", day.ran["check at rest"].out)
    assert day.ran["check at rest"].status == 1


def test_status_names_accounts_that_have_no_feed_to_say_what_ails_them(tmp_path: Path) -> None:
    """An index that could not be read stands below the feeds; a sign-in that is gone stands with its own."""
    with at_sandbox(tmp_path) as place:
        more = "accounts:\n  gone: {service: opml, url: gone.opml}\n"
        text = place.config.read_text().replace("accounts:\n", more)
        place.config.write_text(text)
        place.run("poll")
        status = place.ask("status")
        place.world.revoke()
        place.run("discover", "jane")
        signed_out = place.ask("status")
    assert status.status == 0
    assert status.err.startswith("warning: the lists of gone could not be looked up: ")
    assert "signed in" not in status.err
    assert signed_out.err == status.err, "its feeds say so themselves"


def test_check_stops_asking_a_host_that_wants_rest(tmp_path: Path) -> None:
    """What is still to be asked there when it says so is not asked any more."""
    with at_sandbox(tmp_path) as place:
        place.config.write_text(place.config.read_text().replace("poll:", "poll:\n  per_host: 1", 1))
        lists = ("queue", "history", "ratings", "recommendations")
        for each in lists:
            place.world.fail(feed=each, fault="429")
        check = place.ask("check", "--json")
        asked = [place.world.requests[each]["all"] for each in lists if each in place.world.requests]
    problems = [row["problem"] for row in check.rows if row["subject"].startswith("jane/")]
    assert len(problems) > 3
    assert all(problem.startswith("its server asks for rest") for problem in problems)
    assert asked == [1]


def test_outbox_says_why_a_message_waits(day: Day) -> None:
    """In a table the reason is told in words."""
    outbox = day.ran["outbox"]
    assert outbox.status == 0
    assert re.search(
        r"1  hook/1  pending +1 .*the service takes nothing at the moment \(connection refused\)", outbox.out
    )


def test_messages_are_retried_and_dropped_by_hand(day: Day) -> None:
    """`retry` makes due, `drop` gives up and names what it could not; what was dropped can be retried."""
    assert (day.ran["retry"].status, day.ran["retry"].out) == (0, "1 message due now\n")
    drop = day.ran["drop"]
    assert (drop.status, drop.out) == (1, "1 message dropped\n")
    assert drop.err == "error: message 99 is not waiting (see feedwatch outbox)\n"
    (row,) = [row for row in day.ran["outbox dropped"].rows if row["id"] == 1]
    assert (row["state"], row["reason"], row["next_attempt_at"]) == ("dead", "dropped", None)
    assert (day.ran["retry dropped"].status, day.ran["retry dropped"].out) == (0, "1 message due now\n")


def test_discovery_that_is_refused_is_told(day: Day) -> None:
    """An index that cannot be read is told on standard error with 1; the feeds known before are shown."""
    discover = day.ran["discover"]
    assert discover.status == 1
    assert "the lists of jane could not be looked up: its server does not accept the sign-in" in discover.err
    assert {row["feed"] for row in discover.rows} >= {"jane/queue", "jane/ratings"}


def test_signed_out_account_is_told_with_what_to_do(day: Day) -> None:
    """A signed-out account ends a round with 1, and says which command helps."""
    poll = day.ran["poll signed out"]
    assert poll.status == 1
    assert "jane is signed out: to sign in, type  feedwatch login jane\n" in poll.err


def test_status_tells_troubles_in_words(day: Day) -> None:
    """On a terminal troubles stand below the table, feeds of the same trouble together; groups are shown."""
    status = day.ran["status"]
    assert status.status == 0
    assert "Films / 映画" in status.out
    assert "type: feedwatch login jane" in " ".join(status.out.split())
    assert "signed_out" in status.out
    assert re.search(r"^jane/queue, jane/", status.out, re.MULTILINE)


def test_nothing_of_the_day_shows_a_secret(day: Day) -> None:
    """Errors, tables and JSON of troubles hold no credential, token or password."""
    account = day.place.world.account
    secrets = (account.consumer_secret, account.access_token, account.access_token_secret, account.feed_token)
    said = "".join(ran.said for ran in day.ran.values())
    assert not [secret for secret in (*secrets, "webhook-password") if secret in said]
    assert "Traceback" not in said


def test_server_that_is_away_from_the_start_is_an_error(tmp_path: Path) -> None:
    """A first round whose index cannot be read says so and ends with 1, though there is no feed to fail."""
    with at_sandbox(tmp_path) as place:
        nobody = f"http://127.0.0.1:{closed_port()}"
        place.config.write_text(place.config.read_text().replace(place.base, nobody))
        poll = place.run("poll")
    assert (poll.status, poll.out) == (1, "no feeds to poll\n")
    assert poll.err.startswith("the lists of jane could not be looked up: its server does not answer")


def test_a_template_that_fails_is_said_by_a_poll_and_the_change_arrives(tmp_path: Path) -> None:
    """Who has feedwatch run by a timer sees no log but this: one line, however many messages it fails for."""
    more = 'routes: [{to: [phone, mail], template: ours}]\ntemplates: {ours: {line: "{{ titel }}"}}\n'
    with WebhookSink() as phone, WebhookSink() as mail, at_sandbox(tmp_path) as place:
        place.configure(targets=f"  phone: {phone.url}\n  mail: {mail.url}", more=more)
        assert place.run("poll").status == 0
        place.world.add(title="Heat")
        polled = place.run("poll")
        assert polled.status == 0, polled.said
        (said,) = [line for line in polled.err.splitlines() if "template" in line]
        assert "template ours.line: line 1 of the template: 'titel' is undefined" in said
        assert "added Heat" in phone.messages[-1]["message"]
        assert "added Heat" in mail.messages[-1]["message"]
