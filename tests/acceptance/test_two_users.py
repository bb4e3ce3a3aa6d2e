"""The unit's command runs as one user; others of its group look at the state, without its secrets."""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemons import Done, Scene
from sinks import WebhookSink

pytest_plugins = ("playing",)

UNIT = Path(__file__).parents[2] / "systemd" / "feedwatch.service"
SERVICE, COLLEAGUE, STRANGER, GROUP = 64_001, 64_002, 64_003, 64_010
"""Ids that nobody has: no names are needed to run a process."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as other users")


def _setting(name: str) -> str:
    (value,) = [
        line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")
    ]
    return value


@pytest.fixture
def machine(small: Scene, hook: WebhookSink) -> Iterator[Scene]:
    """The folders of a service: its configuration, its credentials, its state."""
    with tempfile.TemporaryDirectory(prefix="feedwatch-unit-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = replace(small, folder=folder)
        state = folder / "state"
        state.mkdir()
        state.chmod(int(_setting("StateDirectoryMode"), 8))
        os.chown(state, SERVICE, GROUP)
        _rehearse(small)
        _give_credentials(made, hook)
        yield made
        made.end()


def _rehearse(small: Scene) -> None:
    """Import beforehand what these commands import on their way: their users may not read our Python."""
    small.configure({})
    for command in ("poll", "status --json", "show jane/queue --json", "outbox"):
        names = small.folder / "modules"
        assert small.do(*command.split(), moments={"tell_modules": str(names)}).status == 0
        small.warm.import_late(names)
    # A message with stars in it is measured in what chat services count.
    names = small.folder / "modules"
    names.write_text("encodings.utf_16_le")
    small.warm.import_late(names)


def _give_credentials(machine: Scene, hook: WebhookSink) -> None:
    """Every secret of the configuration is a credential that only the service's user can read."""
    account = machine.world.account
    secrets = {
        "consumer_key": account.consumer_key,
        "consumer_secret": account.consumer_secret,
        "access_token": account.access_token,
        "access_token_secret": account.access_token_secret,
    }
    machine.configure({"hook": hook.url}, f"state: {machine.folder}/state/feedwatch.db\n")
    text = machine.config.read_text().replace(f'"{hook.url}"', "!credential feedwatch_hook")
    for name, secret in secrets.items():
        text = text.replace(f"{name}: {secret}\n", f"{name}: !credential feedwatch_{name}\n")
    machine.write(text)
    os.chown(machine.config, 0, GROUP)
    machine.config.chmod(0o640)
    folder = machine.folder / "credentials"
    folder.mkdir(mode=0o700)
    for name, secret in {**secrets, "hook": hook.url}.items():
        file = folder / f"feedwatch_{name}"
        file.write_text(secret)
        os.chown(file, SERVICE, GROUP)
        file.chmod(0o400)
        assert secret not in text
    os.chown(folder, SERVICE, GROUP)


def _start_unit(machine: Scene) -> tuple[list[str], dict[str, str], dict[str, object]]:
    command = shlex.split(_setting("ExecStart"))
    assert command[0].endswith("/feedwatch")
    assert command[1] == "--config"
    environ = {"CREDENTIALS_DIRECTORY": f"{machine.folder}/credentials"}
    ids = {"uid": SERVICE, "gid": GROUP, "groups": [], "umask": int(_setting("UMask"), 8)}
    return command[3:], environ, ids


def _do_as(machine: Scene, user: int, groups: list[int], *args: str) -> Done:
    ids = {"uid": user, "gid": user, "groups": groups, "umask": 0o022}
    return machine.do(*args, moments={"be_user": ids})


@pytest.mark.usefixtures("hook")
def test_a_colleague_looks_without_the_secrets(machine: Scene, hook: WebhookSink) -> None:
    """`status`, `show`, `changes` and `outbox` beside the running daemon, and after it has stopped."""
    args, environ, ids = _start_unit(machine)
    daemon = machine.start(*args, environ=environ, moments={"be_user": ids})
    hook.wait_for(1)
    name = machine.world.add().name
    hook.wait_for(2)
    daemon.err.wait_for("outcome=delivered", count=2)
    for running in (True, False):
        assert daemon.is_running == running
        rows = {
            command: _do_as(machine, COLLEAGUE, [GROUP], *command.split(), "--json")
            for command in ("status", "show jane/queue", "changes", "outbox")
        }
        assert [done.status for done in rows.values()] == [0] * 4, [done.err for done in rows.values()]
        assert {row["feed"]: row["entries"] for row in rows["status"].rows}["jane/queue"] == 31
        assert rows["show jane/queue"].rows[0]["title"] == name
        assert [row["title"] for row in rows["changes"].rows] == [name]
        assert [row["state"] for row in rows["outbox"].rows] == ["delivered"] * 2
        stranger = _do_as(machine, STRANGER, [], "status")
        assert stranger.status != 0
        assert "Traceback" not in stranger.err
        if running:
            assert daemon.stop() == 0


def test_nobody_beyond_the_group_can_read_what_the_daemon_writes(machine: Scene, hook: WebhookSink) -> None:
    """The state and all files beside it are the service's own, for its group to read at most."""
    args, environ, ids = _start_unit(machine)
    daemon = machine.start(*args, environ=environ, moments={"be_user": ids})
    hook.wait_for(1)
    files = list((machine.folder / "state").iterdir())
    assert len(files) >= 2
    for file in files:
        found = file.stat()
        assert (found.st_uid, found.st_gid) == (SERVICE, GROUP)
        assert stat.S_IMODE(found.st_mode) & 0o037 == 0, file.name
    assert daemon.stop() == 0
