"""What a command line that cannot be carried out is answered: a status, a sentence, and never a traceback."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from running import Ran, command_line, environment, run
from sinks import WebhookSink
from test_docs import ALL

from feedwatch import __version__
from feedwatch.cli import cli
from feedwatch.core.model import FoundFeed, Kind, Notice
from feedwatch.core.state import IndexEffect
from feedwatch.store import Store, hold_state

CONFIG = """\
state: feedwatch.db
accounts:
  jane-2:
    service: netflix
    url: http://127.0.0.1:9
    consumer_key: key-of-the-app
    consumer_secret: ${NOT_SET}
  news:
    service: feeds
    feeds: {é: 'http://127.0.0.1:9/f'}
"""
BAD = "accounts:\n  jane:\n    consumer_secret: sesame-open\nkeep: sesame-open\n"


def make_state(file: Path) -> None:
    """A state with one feed, never polled."""
    now = datetime.now(UTC)
    with closing(Store.open(file)) as store:
        store.sync_accounts({"news": "stamp"}, now)
        store.record_index(
            "news",
            [FoundFeed("é", Kind.STREAM, "http://127.0.0.1:9/f")],
            now=now,
            next_index_at=now,
            authoritative=True,
            facts={},
            make_notices=no_notices,
            notice_addresses=(),
        )


def no_notices(_: IndexEffect) -> list[Notice]:
    return []


CASES: dict[str, tuple[list[str], int, str]] = {
    "no command": ([], 2, r"^Usage: feedwatch \[OPTIONS\] COMMAND"),
    "an unknown command": (["nope"], 2, r"^Error: No such command 'nope'\.$"),
    "an unknown option": (["status", "--nope"], 2, r"^Error: No such option"),
    "a configuration behind the command": (["status", "--config", "bad.yaml"], 2, r"^Error: No such option.*\nIt stands before the command: feedwatch --config FILE COMMAND$"),
    "no configuration": (["--config", "gone.yaml", "status"], 2, r"^error: gone\.yaml:1:1: there is no such file$"),
    "a folder for a configuration": (["--config", ".", "status"], 2, r"^error: \.:1:1: this is a folder; the name of a file is wanted$"),
    "a bad configuration": (["--config", "bad.yaml", "poll"], 2, r"\Aerror: bad\.yaml:2:3: `service` is missing.*\nerror: bad\.yaml:4:7: this is no duration.*\n\Z"),
    "a missing secret": (["poll"], 2, r"config\.yaml:7:22: the environment variable NOT_SET is not set$"),
    "a target that is none": (["--config", "target.yaml", "poll"], 2, r"^error: target\.yaml:2:\d+: address 1: "),
    "a state that cannot be made": (["--config", "nowhere.yaml", "poll"], 1, r"^error: cannot make the state {folder}/config\.yaml/x\.db: "),
    "a state that is none": (["--config", "damaged.yaml", "status"], 1, r"^error: {folder}/damaged\.yaml is not a sound feedwatch state"),
    "a state of another program": (["--config", "absent.yaml", "show", "a/b"], 1, r"^error: no state at {folder}/absent\.db: "),
    "a feed that is not": (["show", "bob/x"], 1, r"^error: no feed is called 'bob/x'\. There are: news/é$"),
    "a feed that is almost": (["show", "new/é"], 1, r"^error: no feed is called 'new/é'\. Did you mean news/é\?$"),
    "a feed that is not named": (["show"], 2, r"^Error: Missing argument 'FEED'\.$"),
    "changes of a feed that is not": (["changes", "--feed", "x\x1b[31m"], 1, r"^error: no feed is called 'x\\x1b\[31m'"),
    "changes since nonsense": (["changes", "--since", "nonsense"], 2, r"^Error: Invalid value for --since: 'nonsense' is neither a duration \(2h, 7d\) nor a date"),
    "changes since before all days": (["changes", "--since", "0001-01-01T00:00+23:00"], 2, r"^Error: Invalid value for --since"),
    "a poll of a name alone": (["poll", "queue"], 1, r"^error: no feed is called 'queue': it is account/name"),
    "a poll of an account that is not": (["poll", "bob/queue"], 1, r"^error: no account is called 'bob'\. There are: jane-2, news$"),
    "a discovery of an account that is not": (["discover", "new"], 1, r"^error: no account is called 'new'\. Did you mean news\?$"),
    "a login of an account that is not": (["login", "bob"], 1, r"^error: no account is called 'bob'"),
    "a login that needs none": (["login", "news"], 1, r"^error: news needs no signing in: its service is feeds$"),
    "a login that nobody can answer": (["login", "jane-2"], 1, r"^error: there is no browser on this machine, and no terminal to paste the answer at: say --paste"),
    "a login for no time": (["login", "jane-2", "--timeout", "soon"], 2, r"^Error: Invalid value for --timeout: this is no duration"),
    "a login with a secret missing": (["login", "jane-2", "--paste"], 2, r"config\.yaml:7:22: the environment variable NOT_SET is not set$"),
    "a logout of an account that is not": (["logout", "bob"], 1, r"^error: no account is called 'bob'"),
    "nothing to retry": (["outbox", "retry"], 0, r"\Ano messages due now\n\Z"),
    "a retry of a message that is not": (["outbox", "retry", "99", "7"], 1, r"\Aerror: message 7 is neither waiting nor dead \(see feedwatch outbox\)\nerror: message 99 is "),
    "a drop of a message that is not": (["outbox", "drop", "99"], 1, r"\Aerror: message 99 is not waiting \(see feedwatch outbox\)\n\Z"),
    "a drop of nothing": (["outbox", "drop"], 2, r"^Error: Missing argument"),
    "a drop for a target that is not": (["outbox", "drop", "x"], 1, r"\Aerror: no target or address is called 'x'\. There is none\.\n\Z"),
    "a pause of nothing": (["outbox", "pause"], 2, r"^Error: Missing argument"),
    "a pause of what is not configured": (["outbox", "pause", "phone", "7"], 1, r"error: no target or address is called 'phone'\. There is none\.\nerror: message 7 is not waiting "),
    "a resume of a message that is not": (["outbox", "resume", "99"], 1, r"\Aerror: message 99 is not paused \(see feedwatch outbox\)\n\Z"),
    "a retry in JSON": (["outbox", "--json", "retry"], 2, r"^Error: --json is for the list, not for retry$"),
    "an import of a file that is not": (["opml", "import", "gone.opml"], 2, r"^Error: Invalid value for 'FILE': File 'gone\.opml' does not exist\.$"),
    "an import of what is no OPML": (["opml", "import", "bad.yaml"], 1, r"^error: bad\.yaml is no OPML that can be read: "),
    "an import for a bad name": (["opml", "import", "bad.yaml", "--account", "A B"], 2, r"^Error: Invalid value for --account: 'A B' is no name of an account"),
    "a demo for no time": (["demo", "--for", "soon"], 2, r"^Error: Invalid value for --for: this is no duration"),
    "a sandbox at no port": (["sandbox", "--port", "99999"], 2, r"^Error: Invalid value for '--port'"),
    "a sandbox at a taken port": (["sandbox", "--port", "{port}"], 1, r"^error: port {port} is not free: .*Try another --port$"),
    "a sandbox over a file": (["sandbox", "--port", "0", "--write-config", "bad.yaml"], 1, r"^error: bad\.yaml exists: it is not overwritten$"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a state, and configurations of all sorts."""
    folder = tmp_path_factory.mktemp("errors")
    configs = {
        "config.yaml": CONFIG,
        "bad.yaml": BAD,
        "target.yaml": "state: t.db\ntargets: {phone: 'nosuchservice://sesame-open'}\n",
        "nowhere.yaml": "state: config.yaml/x.db\n",
        "damaged.yaml": "state: damaged.yaml\n" + "# padding\n" * 100,
        "absent.yaml": "state: absent.db\n",
    }
    for name, text in configs.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    make_state(folder / "feedwatch.db")
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Ran]:
    """What each of the cases was answered; they do not disturb each other."""
    with WebhookSink() as taken, ThreadPoolExecutor(3) as pool:
        env = {"FEEDWATCH_CONFIG": str(folder / "config.yaml"), "PORT": str(taken.port)}

        def answer(words: list[str]) -> Ran:
            return run(*(word.replace("{port}", env["PORT"]) for word in words), folder=folder, env=env)

        done = pool.map(answer, [words for words, _status, _said in CASES.values()])
        ran = dict(zip(CASES, done, strict=True))
    return {
        name: Ran(each.status, each.out, each.err.replace(env["PORT"], "{port}"))
        for name, each in ran.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_done_is_answered(answers: dict[str, Ran], folder: Path, name: str) -> None:
    """Each gets its exit status and a sentence that names what is wrong; no traceback, and no secret."""
    _words, status, said = CASES[name]
    answer = answers[name]
    text = answer.out if status == 0 else answer.err
    pattern = said.replace("{folder}", re.escape(str(folder))).replace("{port}", r"\{port\}")
    assert re.search(pattern, text, re.MULTILINE), answer.said
    assert answer.status == status
    assert "Traceback" not in answer.said
    assert "sesame-open" not in answer.said
    assert "\x1b" not in answer.said
    assert status == 0 or answer.out == ""


def test_nothing_was_made_on_the_way(answers: dict[str, Ran], folder: Path) -> None:
    """None of those commands left a file behind, but the state's own."""
    assert answers
    assert {file.name for file in folder.iterdir() if not file.name.startswith(("feedwatch.db", "."))} == {
        "config.yaml",
        "bad.yaml",
        "target.yaml",
        "nowhere.yaml",
        "damaged.yaml",
        "absent.yaml",
    }


def test_second_daemon_says_who_holds_the_state(tmp_path: Path) -> None:
    """`run` beside another daemon ends with 1 and names the state, the holder, and what to do."""
    (tmp_path / "config.yaml").write_text("state: feedwatch.db\n")
    with hold_state(tmp_path / "feedwatch.db"):
        answer = run("--config", "config.yaml", "run", folder=tmp_path)
    assert answer.status == 1
    assert answer.err == (
        f"error: another feedwatch daemon (process {os.getpid()}) holds the state {tmp_path}/feedwatch.db: "
        "stop that one first, or name another state in the configuration\n"
    )


# ── streams ───────────────────────────────────────────────────────────────────────────────────────


def run_in_shell(line: str, folder: Path, *words: str, **env: str) -> Ran:
    """Run a command within a line of shell, as "$@"."""
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command_line("--config", folder / "config.yaml", *words)],
        env=environment(folder, **env),
        capture_output=True,
        encoding="utf-8",
        timeout=40,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_reader_that_goes_is_no_error(folder: Path) -> None:
    """Whoever reads only the first line, or nothing at all, hears no complaint."""
    line = '{ "$@"; echo "status $?" >&2; } | head -c 0; true'
    answer = run_in_shell(line, folder, "status", "--json")
    assert (answer.out, answer.err) == ("", "status 0\n")


@pytest.mark.parametrize("words", [["--help"], ["status", "--help"], ["completion", "bash"], ["status"]])
def test_reader_that_has_gone_before_is_no_error(folder: Path, words: list[str]) -> None:
    """Nor does anybody who has gone before the first line was written, whatever writes it."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command_line("--config", folder / "config.yaml", *words),
        env=environment(folder),
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=40,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_full_disk_is_said(folder: Path) -> None:
    """What cannot be written is said, with 1."""
    answer = run_in_shell('"$@" > /dev/full', folder, "status")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith("error: [Errno 28] No space left on device")
    assert "Traceback" not in answer.err


def test_closed_output_is_borne(folder: Path) -> None:
    """Without any standard output a command does its work all the same."""
    answer = run_in_shell('"$@" >&-', folder, "status")
    assert (answer.status, answer.err) == (0, "")


def test_other_encodings_are_borne(folder: Path) -> None:
    """Where the terminal cannot show a letter, it is told by its number; JSON stays JSON."""
    table = run_in_shell('"$@"', folder, "status", PYTHONIOENCODING="ascii")
    assert (table.status, table.err) == (0, "")
    assert "news/\\xe9" in table.out
    row = run_in_shell('"$@"', folder, "status", "--json", PYTHONIOENCODING="latin-1")
    assert row.rows[0]["feed"] == "news/é"


def test_crash_shows_no_secret(folder: Path) -> None:
    """A mistake of ours is told with its traceback, but without what addresses carry, and ends with 1."""
    code = (
        "import sys\nfrom feedwatch.cli import cli, main\n\n@cli.command()\ndef crash():\n"
        "    raise RuntimeError('at https://jane:sesame@h/?feed_token=open-sesame')\n\n"
        "sys.argv[1:] = ['crash']\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "please report it" in done.stderr
    assert "RuntimeError: at https://•••@h/?feed_token=•••" in done.stderr
    assert "sesame" not in done.stderr


# ── help ──────────────────────────────────────────────────────────────────────────────────────────


def test_version_is_said(folder: Path) -> None:
    """`--version` says the program and its version, and reads no configuration."""
    answer = run("--version", folder=folder, env={"FEEDWATCH_CONFIG": "/nowhere"})
    assert (answer.status, answer.out) == (0, f"feedwatch, version {__version__}\n")


@pytest.mark.parametrize("words", ALL)
def test_help_says_what_a_command_does(words: str) -> None:
    """Each command explains itself in a sentence, in lines that fit a terminal."""
    shown = CliRunner().invoke(cli, [*words.split(), "--help"], prog_name="feedwatch", terminal_width=80)
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: feedwatch {words} ")
    assert re.search(r"^  [A-Z].*[.,]", shown.output, re.MULTILINE)
    assert max(map(len, shown.output.splitlines())) <= 80
