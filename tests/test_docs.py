"""The documents say what the program does: every key, every command, every option, and examples that load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from feedwatch.cli import cli
from feedwatch.config import Config, config_json_schema, load_config

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.example.yaml"
REFERENCE = ROOT / "docs" / "configuration.md"
COMMANDS = ROOT / "docs" / "commands.md"
SWITCHED_OFF = re.compile(r"^#(?=\S|  )", re.MULTILINE)


def keys_of(schema: dict[str, Any]) -> Iterator[str]:
    """Every key that a configuration may have, from the schema."""
    for part in [schema, *schema.get("$defs", {}).values()]:
        yield from part.get("properties", {})


KEYS = sorted(set(keys_of(config_json_schema())))


def switch_on(text: str) -> str:
    """Take the one character away, as the example says, before what is no sentence."""
    head, _, body = text.partition("\n#state:")
    return head + "\n" + SWITCHED_OFF.sub("", "#state:" + body)


def load(folder: Path, text: str) -> Config:
    file = folder / "config.yaml"
    file.touch(mode=0o600)
    file.write_text(text)
    (folder / "jane.token").write_text("a-token")
    (folder / "mail-address").write_text("mailto://jane:pw@example.org")
    (folder / "feedwatch_jane_secret").write_text("a-token-secret")
    names = [
        "NETFLIX_CONSUMER_KEY",
        "NETFLIX_CONSUMER_SECRET",
        "NTFY_TOPIC",
        "TELEGRAM_TOKEN",
        "TELEGRAM_CHAT",
        "HOOK_SECRET",
    ]
    environ = {name: name.lower() for name in names}
    return load_config(file, environ={**environ, "HOME": "/h", "CREDENTIALS_DIRECTORY": str(folder)})


def test_schema_has_the_keys_that_are_looked_for() -> None:
    """The list of keys is not empty by a mistake of these tests."""
    assert {"state", "every", "consumer_secret", "announce_baseline", "to", "give_up"} <= set(KEYS)


def test_example_loads_and_says_the_defaults(tmp_path: Path) -> None:
    """The example is a configuration as it stands, asks nobody and tells nobody, and has every default."""
    example, empty = load(tmp_path, EXAMPLE.read_text()), load(tmp_path, "log: info")
    assert (example.accounts, example.targets, example.routes, example.warnings) == ({}, {}, (), ())
    for name in ("state", "poll", "retry", "on_ambiguous", "keep", "log", "notices", "gather", "details"):
        assert getattr(example, name) == getattr(empty, name)


def test_example_loads_with_everything_switched_on(tmp_path: Path) -> None:
    """With each example switched on it loads too, every secret can be had, and nothing is warned about."""
    config = load(tmp_path, switch_on(EXAMPLE.read_text()))
    assert set(config.accounts) == {"jane", "reading", "news"}
    assert set(config.targets) == {"phone", "family", "mail", "hook"}
    assert len(config.routes) == 5
    assert list(config.templates) == ["short"]
    assert config.notices == ("phone",)
    assert (config.verify_secrets(), config.warnings) == ((), ())


LINES = [
    number
    for number, line in enumerate(EXAMPLE.read_text().splitlines())
    if re.match(r"#(state|zone|notices)|#  (\w+):|#  - to", line)
]


@pytest.mark.parametrize("number", LINES)
def test_example_loads_with_one_thing_switched_on(tmp_path: Path, number: int) -> None:
    """Each account, target and setting can be switched on alone; routes with what they name."""
    lines = EXAMPLE.read_text().splitlines()
    names_others = re.match(r"#(notices|  - to)", lines[number])
    end = next(
        (n for n in range(number + 1, len(lines)) if re.match(r"#\S|#  \S|[^\s#]|$", lines[n])), len(lines)
    )
    for at in range(number, end):
        lines[at] = SWITCHED_OFF.sub("", lines[at])
    text = "\n".join(lines)
    if names_others:
        text = (
            switch_on(EXAMPLE.read_text())
            if "- to" in lines[number]
            else text.replace("\ntargets:\n", "\ntargets:\n  phone: json://127.0.0.1\n")
        )
    assert load(tmp_path, text) != load(tmp_path, EXAMPLE.read_text())


@pytest.mark.parametrize("key", KEYS)
def test_example_explains_every_key(key: str) -> None:
    """Every key stands in the example, below a comment or beside one that was explained."""
    assert re.search(rf"(^|[\s{{#]){key}:", EXAMPLE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("key", KEYS)
def test_reference_has_every_key(key: str) -> None:
    """Every key has a row of a table in the reference, or a section of its own."""
    assert re.search(rf"^(\| `(poll\.|retry\.)?{key}` \||### {key}$)", REFERENCE.read_text(), re.MULTILINE)


def test_reference_has_no_key_that_is_not() -> None:
    """The reference speaks of no key that the program does not know."""
    rows = re.findall(r"^\| `([a-z_.]+)` \|", REFERENCE.read_text().partition("## The keys")[2], re.MULTILINE)
    kinds = {"queue", "ratings", "history"}
    assert {row.rpartition(".")[2] for row in rows} - kinds <= set(KEYS)


def test_reference_says_each_default(tmp_path: Path) -> None:
    """The default in the reference is the one of the program: the example has been held to it above."""
    text = EXAMPLE.read_text()
    for key, default in re.findall(
        r"^\| `(?:poll\.|retry\.)?(\w+)` \| [^|]* \| `(\d\w+|retry|info)` \|",
        REFERENCE.read_text(),
        re.MULTILINE,
    ):
        assert re.search(rf"^ *{key}: {default}$", text, re.MULTILINE), key


# ── commands ──────────────────────────────────────────────────────────────────────────────────────


def commands_of(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its words."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        yield words, command
        if isinstance(command, click.Group):
            yield from commands_of(command, words)


ALL = dict(commands_of(cli))


def section_of(words: str) -> str:
    """What docs/commands.md says of a command."""
    found = re.search(
        rf"^### {re.escape(words)}\n(.*?)(?=^##|\Z)", COMMANDS.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/commands.md has no section `### {words}`"
    return found[1]


@pytest.mark.parametrize(
    "words", [words for words, command in ALL.items() if not isinstance(command, click.Group)]
)
def test_every_command_and_option_is_documented(words: str) -> None:
    """Each command has a section that names each of its options, and its exit status."""
    section = section_of(words)
    for parameter in ALL[words].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert all(f"`{option}" in section for option in parameter.opts), parameter.opts
    assert "Exit status" in section


def test_the_list_of_contents_of_the_commands_has_each() -> None:
    """A command is found from the top of its page: by its own name, or that of its group."""
    contents = COMMANDS.read_text().split("\n## ")[0]
    missing = {words for words in ALL if f"](#{words.replace(' ', '-')})" not in contents}
    assert missing == {words for words, command in ALL.items() if isinstance(command, click.Group)}


def test_no_sentence_of_a_list_of_commands_is_cut() -> None:
    """What `--help` says of each command fits beside it on a terminal of 80 columns."""
    for words, command in [("", cli), *ALL.items()]:
        if isinstance(command, click.Group):
            listed = command.get_help(click.Context(command, info_name=words, terminal_width=80))
            assert "..." not in listed.partition("Commands:")[2], listed


def test_no_command_is_documented_that_is_not() -> None:
    """Each section of a command is one of the program's."""
    assert set(re.findall(r"^### ([a-z ]+)$", COMMANDS.read_text(), re.MULTILINE)) <= set(ALL)


def test_commands_are_those_of_the_design() -> None:
    """The commands are these and no others."""
    assert set(ALL) == {
        "run", "poll", "check", "login", "logout", "discover", "status", "show", "changes", "backup",
        "outbox", "outbox list", "outbox retry", "outbox drop", "outbox pause", "outbox resume",
        "explain", "preview", "silence", "silence add", "silence list", "silence expire", "pause", "resume",
        "catalog", "catalog sync", "catalog search", "catalog status",
        "titles", "titles search", "titles show", "titles similar", "titles recommended",
        "people", "people search", "people show",
        "queue", "queue list", "queue add", "queue move", "queue remove", "rate", "completion",
        "init", "test", "opml", "opml export", "opml import", "demo", "sandbox",
    }  # fmt: skip


def test_errors_are_drawn_as_they_are() -> None:
    """The tree at the top of errors.py has every exception there is, and each below its parent."""
    import feedwatch.sandbox  # noqa: F401, PLC0415 — it has one of its own
    from feedwatch import errors  # noqa: PLC0415

    drawn = re.findall(r"^([ │├└─]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)[1:]
    depths = {name: len(lead) // 4 for lead, name in drawn}

    def walk(kind: type[Exception], depth: int) -> Iterator[tuple[str, int]]:
        yield kind.__name__, depth
        for below in kind.__subclasses__():
            yield from walk(below, depth + 1)

    assert depths == dict(walk(errors.FeedwatchError, 0))
