"""A hand in the outbox: what waits is seen with age and reason, paused, resumed, given up."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from office import DOWN, Office, Scripted, Sent, open_office
from running import Ran, run_on_terminal

from feedwatch.cli import cli
from feedwatch.core.messages import Delivered, NotifyOutcome
from feedwatch.core.schedule import RetryPolicy

CONFIG = """\
state: feedwatch.db
accounts: {jane: {service: feeds, feeds: {queue: 'http://127.0.0.1:9/f'}}}
targets:
  phone: json://127.0.0.1:9/
  mail: ['json://127.0.0.1:9/a', 'json://127.0.0.1:9/b']
"""
ADDRESSES = ("phone/1", "mail/1", "mail/2")


@dataclass
class Desk:
    """A state in which the phone has failed for six hours, and a command line beside it."""

    office: Office
    folder: Path
    down: bool = True

    def judge(self, sent: Sent) -> NotifyOutcome:
        return DOWN if self.down and sent.address == "phone/1" else Delivered()

    async def serve(self) -> list[str]:
        """Send what is due; returns what was tried, and where."""
        notifier = Scripted(judge=self.judge)
        urls = dict.fromkeys(ADDRESSES, "x")
        policy = RetryPolicy(timedelta(hours=7), timedelta(hours=7), timedelta(days=5))
        await self.office.deliverer(notifier, urls=urls, policy=policy).serve_all()
        return [f"{sent.address} {sent.body}" for sent in notifier.sent]

    def do(self, *words: str) -> Ran:
        """Run a command within this process."""
        line = ["--config", str(self.folder / "config.yaml"), *words]
        done = CliRunner().invoke(cli, line, standalone_mode=False)
        assert done.exception is None
        return Ran(int(done.return_value or 0), done.stdout, done.stderr)

    def tend(self, *words: str) -> tuple[int, list[str]]:
        """Run a command on the outbox that must go well, or must not; returns its status and its lines."""
        ran = self.do("outbox", *words)
        return ran.status, [*ran.out.splitlines(), *ran.err.splitlines()]

    def states(self) -> dict[str, str]:
        """The state of each line of the outbox, by its number, or by its address where it has none."""
        rows = self.do("outbox", "--json").rows
        return {str(row["id"] or row["target"]): row["state"] for row in rows}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    config = tmp_path / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(CONFIG)
    async with open_office(tmp_path / "feedwatch.db") as office:
        office.now = datetime.now(UTC) - timedelta(hours=6)
        desk = Desk(office, tmp_path)
        await office.owe("Platoon", to=("phone/1",))
        await desk.serve()
        await office.owe("Up", to=("phone/1", "mail/1"))
        yield desk


async def test_outbox_tells_age_and_reason(desk: Desk) -> None:
    """How long each has been waiting, and why, in words; what is in no message yet has a line, too."""
    lines = desk.do("outbox").out.splitlines()
    assert re.match(r"ID +TARGET +STATE +ATTEMPTS +AGE +NEXT TRY +CHANGES +WHY$", lines[0])
    assert re.match(
        r" 1 +phone/1 +pending +1 +6 h +\S+ +1 +the service takes nothing at the moment \(HTTP 500\)$",
        lines[1],
    )
    assert re.match(r" - +mail/1 +pending +0 +6 h +\S+ +1 +-$", lines[2])
    assert desk.do("outbox", "list").out == desk.do("outbox").out


async def test_outbox_fits_a_terminal(desk: Desk) -> None:
    """No line is too wide for eighty columns; with more, the reason stands in one."""
    desk.do("outbox", "pause", "mail")
    config = desk.folder / "config.yaml"
    shown = [
        run_on_terminal("--config", config, "outbox", folder=desk.folder, columns=columns).out
        for columns in (80, 120)
    ]
    narrow, wide = (re.sub(r"\x1b\[\d+m", "", each) for each in shown)
    assert max(map(len, narrow.splitlines())) <= 80
    assert "the service takes nothing at the moment (HTTP 500)" in wide
    assert "\x1b[36mpaused\x1b[0m" in shown[0]


async def test_what_takes_nothing_for_hours_is_said_where_one_looks(desk: Desk) -> None:
    """With or without another target to tell, `status` and `outbox` warn on standard error."""
    for words in (["status"], ["status", "--json"], ["outbox"], ["outbox", "--json"]):
        assert desk.do(*words).err == "warning: phone/1 has taken no message for 6 hours\n"
    desk.down = False
    desk.office.now = datetime.now(UTC) + timedelta(hours=2)
    await desk.serve()
    assert desk.do("status").err == ""


async def test_message_is_paused_and_resumed(desk: Desk) -> None:
    """Others pass it; a retry does not end it, by whichever name, and says what does."""
    desk.down = False
    assert desk.tend("pause", "1") == (0, ["1 message paused"])
    assert desk.states() == {"1": "paused", "mail/1": "pending", "phone/1": "pending"}
    assert desk.tend("retry", "1") == (1, ["error: message 1 is paused: feedwatch outbox resume 1"])
    assert desk.tend("retry") == (0, ["no messages due now"])
    assert sorted(await desk.serve()) == ["mail/1 added Up", "phone/1 added Up"]
    assert desk.tend("resume", "1") == (0, ["1 message resumed"])
    assert desk.tend("resume", "1") == (1, ["error: message 1 is not paused (see feedwatch outbox)"])
    assert desk.tend("retry", "1") == (0, ["1 message due now"])
    desk.office.now = datetime.now(UTC) + timedelta(seconds=1)
    assert await desk.serve() == ["phone/1 added Platoon"]


async def test_target_is_paused_and_resumed(desk: Desk) -> None:
    """By its name with all its addresses, or one of them; to pause twice does no harm."""
    assert desk.tend("pause", "mail", "phone/1") == (
        0,
        [f"{address} paused; what is owed is kept" for address in ("mail/1", "mail/2", "phone/1")],
    )
    assert desk.tend("pause", "mail/2")[0] == 0
    assert desk.states() == {"1": "paused", "mail/1": "paused", "phone/1": "paused", "mail/2": "paused"}
    assert await desk.serve() == []
    assert desk.do("status").err.splitlines() == [
        f"warning: {address} is paused: feedwatch outbox resume {address}" for address in sorted(ADDRESSES)
    ]
    assert desk.tend("retry", "mail/1", "1") == (
        1,
        [
            "error: message 1 is paused: feedwatch outbox resume phone/1",
            "error: mail/1 is paused: feedwatch outbox resume mail/1",
        ],
    )
    assert desk.tend("resume", "mail") == (0, ["mail/1 resumed", "mail/2 resumed"])
    assert desk.tend("resume", "mail", "phone") == (
        1,
        ["phone/1 resumed", "error: mail/1 is not paused", "error: mail/2 is not paused"],
    )
    assert await desk.serve() == ["mail/1 added Up"]


async def test_message_and_target_are_paused_each_by_itself(desk: Desk) -> None:
    """Whoever resumes one of the two is told that the other stays paused."""
    desk.tend("pause", "phone")
    assert desk.tend("resume", "1") == (
        1,
        ["error: message 1 is paused with phone/1: feedwatch outbox resume phone/1"],
    )
    desk.tend("pause", "1")
    assert desk.tend("resume", "phone") == (
        0,
        ["phone/1 resumed", "message 1 stays paused: feedwatch outbox resume 1"],
    )
    desk.tend("pause", "phone")
    assert desk.tend("resume", "1") == (
        0,
        ["1 message resumed", "phone/1 stays paused: feedwatch outbox resume phone/1"],
    )
    desk.tend("pause", "1")
    assert desk.tend("resume", "1", "phone") == (0, ["1 message resumed", "phone/1 resumed"])


async def test_all_that_waits_for_a_target_is_dropped(desk: Desk) -> None:
    """In a message or not, paused or not; it stays to be seen, and a retry by that name brings it back."""
    desk.tend("pause", "phone")
    assert desk.tend("drop", "phone") == (0, ["2 messages dropped"])
    rows = {
        (row["target"], row["state"], row["reason"])
        for row in desk.do("outbox", "--json").rows
        if row["changes"]
    }
    assert rows == {("phone/1", "dead", "dropped"), ("mail/1", "pending", None)}
    assert desk.tend("drop", "phone") == (0, ["no messages dropped"])
    desk.tend("resume", "phone")
    assert desk.tend("retry", "phone") == (0, ["2 messages due now"])
    desk.down = False
    desk.office.now = datetime.now(UTC) + timedelta(seconds=1)
    assert sorted(await desk.serve()) == ["mail/1 added Up", "phone/1 added Platoon", "phone/1 added Up"]


async def test_names_that_are_not_are_answered_with_those_that_are(desk: Desk) -> None:
    """A misspelt target gets a suggestion; what else was named is done all the same."""
    status, lines = desk.tend("pause", "phon", "mail/2", "9" * 20)
    assert (status, lines[:2]) == (
        1,
        [
            "mail/2 paused; what is owed is kept",
            "error: no target or address is called 'phon'. Did you mean phone?",
        ],
    )
    assert lines[2].endswith("There are: mail, mail/1, mail/2, phone, phone/1")


async def test_what_was_owed_to_a_target_that_is_gone_can_be_tended(desk: Desk) -> None:
    """It cannot be paused, for nothing is sent to it; but dropped, retried, and its pause ended."""
    desk.tend("pause", "phone")
    config = desk.folder / "config.yaml"
    config.write_text(CONFIG.replace("  phone: json://127.0.0.1:9/\n", ""))
    status, lines = desk.tend("pause", "phone")
    assert (status, lines) == (
        1,
        ["error: no target or address is called 'phone'. There are: mail, mail/1, mail/2"],
    )
    assert desk.tend("drop", "phone") == (0, ["2 messages dropped"])
    assert desk.tend("resume", "phone") == (0, ["phone/1 resumed"])


async def test_all_that_was_delivered_is_shown_on_request(desk: Desk) -> None:
    """Fifty are enough at a glance; `--all` shows every one that is kept."""
    for number in range(52):
        await desk.office.owe(f"Film {number}", to=("mail/2",))
        await desk.serve()
    shown, everything = (desk.do("outbox", "list", *more, "--json").rows for more in ([], ["--all"]))
    assert [sum(row["target"] == "mail/2" for row in rows) for rows in (shown, everything)] == [50, 52]


async def test_what_waits_behind_another_message_says_so(desk: Desk) -> None:
    """A line that is not due though its time has come names the message that goes first."""
    (line,) = [line for line in desk.do("outbox").out.splitlines() if line.startswith(" -  phone/1")]
    assert line.endswith("  after message 1")


async def test_a_retry_of_everything_brings_back_nothing_that_a_hand_has_dropped(desk: Desk) -> None:
    """What was dropped stays dropped until it is named; what only waits or was given up is due."""
    desk.tend("drop", "1")
    assert desk.tend("retry") == (0, ["no messages due now"])
    assert desk.states()["1"] == "dead"
    assert desk.tend("retry", "1") == (0, ["1 message due now"])


async def test_a_retry_of_a_target_that_is_gone_says_so(desk: Desk) -> None:
    """Nothing can be sent to what the configuration does not name: neither by name nor by number."""
    text = CONFIG.replace("  phone: json://127.0.0.1:9/\n", "")
    (desk.folder / "config.yaml").write_text(text)
    gone = "phone/1 is not in the configuration: nothing can be sent there"
    assert desk.tend("retry", "phone") == (1, [f"error: {gone}"])
    status, lines = desk.tend("retry", "1")
    assert (status, "which is not in the configuration" in lines[-1]) == (1, True)
