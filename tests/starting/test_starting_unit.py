"""The unit of a person's own service: the one that is shipped, and the one that is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from feedwatch.starting.unit import compose_unit, run

SHIPPED = Path(__file__).parents[2] / "systemd" / "user" / "feedwatch.service"


def test_the_unit_that_is_shipped_is_the_one_that_is_written() -> None:
    """But for where feedwatch and its configuration are, which systemd fills in."""
    written = compose_unit(("HOME/.local/bin/feedwatch",), "HOME/.config/feedwatch/config.yaml")
    assert SHIPPED.read_text() == written.replace("HOME/", "%h/")


def test_paths_reach_systemd_as_they_are() -> None:
    """Spaces, quotes, percent and dollar signs are none of its own."""
    unit = compose_unit(("/home/jane doe/bin/feedwatch",), '/home/50%/a"$b.yaml')
    assert r"""ExecStart="/home/jane doe/bin/feedwatch" --config "/home/50%%/a\"$$b.yaml" run""" in unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_is_sound(tmp_path: Path) -> None:
    """`systemd-analyze --user verify` has nothing to say of it."""
    copy = tmp_path / SHIPPED.name
    copy.write_text(compose_unit(("/bin/true",), str(tmp_path / "config.yaml")))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", copy],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    about_ours = [line for line in done.stderr.splitlines() if copy.name in line]
    assert (done.returncode, about_ours) == (0, [])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("true",), None),
        (("sh", "-c", "echo no bus >&2; exit 1"), "no bus"),
        (("false",), "status 1"),
        (("no-such-program-here",), "it cannot be run: FileNotFoundError"),
    ],
)
def test_what_a_command_complains_of_is_said(command: tuple[str, ...], said: str | None) -> None:
    """None if it did what it was asked."""
    assert run(command) == said
