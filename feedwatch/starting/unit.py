"""The systemd unit by which feedwatch runs as a service of one person, without root."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NAME = "feedwatch.service"
START = ("systemctl", "--user", "enable", "--now", NAME)
RELOAD = ("systemctl", "--user", "daemon-reload")
RESTART = ("systemctl", "--user", "restart", NAME)
IS_ACTIVE = ("systemctl", "--user", "is-active", "--quiet", NAME)
LINGER = ("loginctl", "enable-linger")

_PATIENCE = 60.0
_UNIT = """\
# feedwatch as a service of your own, without root. `feedwatch init` writes it to
# ~/.config/systemd/user/feedwatch.service; then:
#
#   systemctl --user daemon-reload
#   systemctl --user enable --now feedwatch
#   loginctl enable-linger            (so that it runs while you are not logged in, too)
#
# Its log: journalctl --user -u feedwatch. A changed configuration: systemctl --user reload feedwatch

[Unit]
Description=feedwatch, tells people when their lists change

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=10s
# It looks through its state first: a large one on a slow disk takes its time, and a kill begins that anew.
TimeoutStartSec=15min
# An orderly stop takes ten seconds at most.
TimeoutStopSec=20s
# Alive means that rounds make progress, not that the process exists.
WatchdogSec=3min
UMask=0077

# What a service without root can do without. It may read and write what its person may.
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
MemoryMax=1G
TasksMax=256
LimitNOFILE=8192

[Install]
WantedBy=default.target
"""


def compose_unit(command: Sequence[str], config: str) -> str:
    """The unit that runs a command as a daemon for a configuration."""
    words = (*command, "--config", config, "run")
    return _UNIT.format(command=" ".join(map(_quote, words)))


def find_command() -> tuple[str, ...]:
    """How the feedwatch that runs now is started; a link in ~/.local/bin stays one."""
    typed = Path(sys.argv[0])
    if typed.name == "feedwatch" and (found := shutil.which(typed)):
        return (str(Path(found).absolute()),)
    return (sys.executable, "-m", "feedwatch")


def run(command: Sequence[str]) -> str | None:
    """Run a command; what it complained of, or None if it did what it was asked."""
    try:
        done = subprocess.run(  # noqa: S603 — one of those above
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it cannot be run: {type(error).__name__}"
    return None if done.returncode == 0 else (done.stderr.strip() or f"status {done.returncode}")


def _quote(word: str) -> str:
    """A word as a line of ExecStart has it: systemd reads % and $ itself."""
    word = word.replace("%", "%%").replace("$", "$$")
    if re.fullmatch(r"[\w@%+=:,./$-]+", word, re.ASCII):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
