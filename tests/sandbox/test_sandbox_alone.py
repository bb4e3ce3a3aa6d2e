"""`feedwatch sandbox`, and what its documentation says."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from asking import ask

from feedwatch.config import load_config
from feedwatch.errors import FeedwatchError
from feedwatch.sandbox import FAULTS, ORDERS, Sandbox, World, run_sandbox, sample_config, serving
from feedwatch.sandbox.documents import FACTS
from feedwatch.sandbox.world import Switches

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, once it serves; gives its output up to then."""
    command = [sys.executable, "-m", "feedwatch", "sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "/control/add" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            yield process, said
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


def base_of(said: str) -> str:
    found = re.search(r"serving at (http://127\.0\.0\.1:\d+) ", said)
    assert found is not None, said
    return found[1]


def test_command_serves_and_writes_a_configuration_that_works(tmp_path: Path) -> None:
    """Alone on a port it serves, writes a private file, and ends in order on SIGTERM."""
    path = tmp_path / "sandbox.yaml"
    with running("--write-config", str(path)) as (process, said):
        base = base_of(said)
        assert ask(f"{base}/control/state").status == 200
        config = load_config(path, environ={})
        account = config.accounts["jane"]
        assert config.state == tmp_path / "sandbox.db"  # the state that somebody has already is left alone
        assert account.service == "netflix"
        assert account.url == base
        assert path.stat().st_mode & 0o777 == 0o600
    assert process.returncode == 0


def test_command_prints_a_configuration_that_works(tmp_path: Path) -> None:
    """What it prints, the lines after it included, is a configuration."""
    with running() as (_, said):
        path = tmp_path / "printed.yaml"
        path.write_text(said)
        path.chmod(0o600)
        assert load_config(path, environ={}).accounts.keys() == {"jane"}


def test_command_speaks_a_dialect_and_lets_one_sign_in(tmp_path: Path) -> None:
    """With `--dialect wild` and `--signed-out`: later replies, and a configuration without a token."""
    path = tmp_path / "sandbox.yaml"
    with running("--dialect", "wild", "--signed-out", "--write-config", str(path)) as (_, said):
        state = ask(f"{base_of(said)}/control/state").json
    assert state["switches"]["id_host"] == "api-public.netflix.com"
    assert "login jane" in said
    assert "access_token" not in path.read_text()
    assert load_config(path, environ={}).accounts.keys() == {"jane"}


def test_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    """Somebody's configuration stays as it is."""
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    with pytest.raises(FeedwatchError, match=r"mine\.yaml exists: it is not overwritten"):
        run_sandbox(0, path, lambda _: None)
    assert path.read_text() == "mine"


def test_port_that_is_taken_is_said() -> None:
    """A port of somebody else's is a clear error."""
    with serving(Sandbox(World(queue=1))) as base:
        port = int(base.rpartition(":")[2])
        with pytest.raises(FeedwatchError, match=f"port {port} is not free"), serving(Sandbox(), port):
            pass


def test_sample_configuration_takes_more(tmp_path: Path) -> None:
    """Targets and further keys can be added to the sample."""
    path = tmp_path / "config.yaml"
    text = sample_config(
        Sandbox(), "http://127.0.0.1:1", targets="  phone: json://127.0.0.1:2", more="keep: 30d\n"
    )
    path.write_text(text)
    path.chmod(0o600)
    config = load_config(path, environ={})
    assert config.targets.keys() == {"phone"}
    assert config.keep.days == 30


@pytest.mark.parametrize("name", [*ORDERS, "switch", *asdict(Switches()), *FAULTS])
def test_page_names_every_order_switch_and_fault(name: str) -> None:
    """docs/sandbox.md has a row for each, so that nobody has to read the code."""
    if name == "faults":
        return
    assert re.search(rf"^\|[^|]*`{re.escape(name)}`[^|]*\|", PAGE, re.MULTILINE), name


def test_page_names_the_particulars_of_every_order() -> None:
    """And each row says what an order takes."""
    for name, order in ORDERS.items():
        row = re.search(rf"^\| `{name}` \|([^|]*)\|", PAGE, re.MULTILINE)
        assert row is not None
        assert set(re.findall(r"`(\w+)`", row[1])) == set(order.takes), name


def test_page_names_the_defaults_of_the_switches() -> None:
    """What a switch is at first stands in its row."""
    for name, value in asdict(Switches()).items():
        if name != "faults":
            written = f"`{value}`" if isinstance(value, str) else str(value).lower()
            assert f"| `{name}` | {written} |" in PAGE, name


def test_page_shows_orders_that_work() -> None:
    """The lines with curl are taken as they stand."""
    lines = re.findall(r"-d '(\{.*?\})' http://127\.0\.0\.1:8400/control/(\w+)$", PAGE, re.MULTILINE)
    assert len(lines) >= 3
    with serving(Sandbox()) as base:
        for body, order in lines:
            headers = {"Content-Type": "application/json"}
            answer = ask(f"{base}/control/{order}", headers, method="POST", body=body.encode())
            assert answer.status == 200, (order, body, answer.text)


def test_page_tells_the_namespace() -> None:
    """The namespace of our Atom's facts is the one that is served."""
    assert f'xmlns:n="{FACTS}"' in PAGE
