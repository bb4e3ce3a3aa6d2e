"""What is wrong with a configuration: all of it at once, in the order of the file, whatever the file is."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest
from configs import NETFLIX, read, refuse, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedwatch.config import Config, load_config
from feedwatch.config.nodes import MappingNode
from feedwatch.errors import ConfigError, Problem

MANY = """\
poll:
  every: 10
  concurency: 4
accounts:
  jane:
    service: netflix
    url: api.example.net
    consumer_key: k
  news:
    service: feeds
    feeds:
      a: nonsense
targets:
  phone: nowhere
routes:
  - to: phne
    accounts: [jan]
retry: {first: 1x}
log: loud
log: info
"""


def test_all_problems_are_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    """One reading tells every problem, sorted by line and column; a bad section hides none of another."""
    assert refuse(tmp_path, MANY) == [
        "2:10: a duration needs a unit: 30s, 15m, 2h, 1d",
        "3:3: unknown key; did you mean `concurrency`?",
        "5:3: `consumer_secret` is missing",
        "7:10: an address is wanted: https://…",
        "12:10: an address is wanted: https://…",
        "14:10: an Apprise address is wanted: service://…, e.g. ntfy://ntfy.sh/topic",
        "16:9: no target has this name; did you mean `phone`?",
        "17:16: no account has this name; did you mean `jane`?",
        "18:16: this is no duration; write 500ms, 30s, 15m, 2h, 1d, 1w or 1h30m",
        "19:6: one of these is wanted: debug, info, warning, error",
        "20:1: this key stands twice; the first is on line 19",
    ]


def test_error_text_is_a_line_for_each_problem(tmp_path: Path) -> None:
    """The error itself reads `file:line:column: what is wrong`, a line for each."""
    file = write(tmp_path, "keep: 1\nlog: loud")
    with pytest.raises(ConfigError) as caught:
        load_config(file, environ={})
    assert str(caught.value).splitlines() == [
        f"{file}:1:7: a duration needs a unit: 30s, 15m, 2h, 1d",
        f"{file}:2:6: one of these is wanted: debug, info, warning, error",
    ]


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "1:1: the file is empty: see config.example.yaml for what it may hold"),
    "comments only": ("# poll:\n#   every: 1h\n", "1:1: the file is empty: see config.example.yaml for what it may hold"),
    "a list": ("- a\n- b", "1:1: a configuration is a mapping: lines of `key: value`, such as `accounts:`"),
    "a word": ("hello", "1:1: a configuration is a mapping: lines of `key: value`, such as `accounts:`"),
    "a tab": ("poll:\n\tevery: 1h", "2:1: a tab: YAML is indented with spaces"),
    "not UTF-8": (b"log: info\n# \xe9t\xe9", "2:3: the file is not UTF-8"),
    "UTF-16": ("log: info".encode("utf-16"), "1:1: the file is not UTF-8"),
    "a NUL": (b"log: in\0fo", "1:8: a control character: YAML does not allow it"),
    "an escape sequence": (b"log: \x1b[31minfo", "1:6: a control character: YAML does not allow it"),
    "a second document": ("log: info\n---\nlog: debug", "2:1: a second document starts here: one is all there can be"),
    "a bracket that is not closed": ("poll: {every: 1h", "1:7: a mapping in { } is not closed, or a comma is missing"),
    "a quote that is not closed": ("log: 'info\nkeep: 1d", "1:6: a quoted text starts here and is never closed"),
    "a line indented by one too many": ("poll:\n  every: 1h\n   timeout: 3s", "3:11: a `:` cannot stand here: is the line above indented differently, does a `:` in it lack its space, or does a text need quotes?"),
    "a colon without its space": ("accounts:\n  news:\n    service:feeds\n    feeds: {}", "4:10: a `:` cannot stand here: is the line above indented differently, does a `:` in it lack its space, or does a text need quotes?"),
    "a text that starts with an at sign": ("log: @info", "1:6: no value can start with this character: put the text in quotes"),
    "a variable that YAML takes for a mapping": ("log: {NAME}}", "1:12: a key is expected here: check the indentation, and the quotes"),
    "an unknown tag": ("log: !python/object:os.system info", "1:6: an unknown tag: there are `!file` and `!credential`"),
    "a tag before a list": ("notices: !file [a]", "1:10: this tag goes before a name, not before a list or mapping"),
    "an alias for nothing": ("log: *level", "1:6: an alias for nothing: no finished anchor of this name stands before it"),
    "an alias for itself": ("poll: &p {every: *p}", "1:18: an alias for nothing: no finished anchor of this name stands before it"),
    "a key that is a list": ("? [a]\n: b", "1:3: a key must be a plain text; a value that starts with { or [ needs quotes"),
    "a merge of a text": ("poll: {<<: fast}", "1:12: `<<` takes a mapping, or a list of them"),
    "nested too deeply": ("a: " + "[" * 10_000, "1:43: nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_configuration_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    """Broken, foreign and hostile files get their problem at its place; in time, and without a word of theirs."""
    content, problem = HOSTILE[name]
    began = time.monotonic()
    assert problem in refuse(tmp_path, content)
    assert time.monotonic() - began < 2


def test_billion_laughs_cost_nothing(tmp_path: Path) -> None:
    """Aliases of aliases are counted, not carried out."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    began = time.monotonic()
    (problem,) = refuse(tmp_path, "\n".join(lines))
    assert problem.endswith("too much: its aliases stand for more than any configuration holds")
    assert time.monotonic() - began < 2


def test_file_larger_than_any_configuration_is_not_read(tmp_path: Path) -> None:
    """A file of many megabytes is refused by its size."""
    assert refuse(tmp_path, b"#" * (17 * 1024 * 1024)) == [
        "1:1: the file is larger than 16 MiB: no configuration is"
    ]


def test_thousands_of_problems_are_cut_short(tmp_path: Path) -> None:
    """A file that is wrong everywhere is told so in a bounded time and length."""
    text = "".join(f"key{n}: 1\n" for n in range(20_000))
    began = time.monotonic()
    problems = refuse(tmp_path, text)
    assert problems[0] == "1:1: 20000 problems; these are the first 1000 found"
    assert len(problems) == 1001
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"# \xe2\x82\xac\r\n"])
def test_byte_order_mark_and_carriage_returns_are_taken(tmp_path: Path, prefix: bytes) -> None:
    """A file as an editor on another system writes it is read like any other."""
    assert read(tmp_path, prefix + b"log: debug\r\nkeep: 1d\r\n").log == "debug"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("absent.yaml", "there is no such file"),
        (".", "this is a folder; the name of a file is wanted"),
        ("config.yaml/under", "cannot be read: Not a directory"),
        ("nul\0", "cannot be read: no such name"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
    ids=["absent", "a folder", "under a file", "a NUL", "too long"],
)
def test_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, problem: str) -> None:
    """A file that is not there, or cannot be read, is named with the reason."""
    write(tmp_path, "log: info")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / name, environ={})
    assert str(caught.value) == f"{tmp_path / name}:1:1: {problem}"


PIECES = st.sampled_from(
    [
        *"{}[]:,-&*!|>'\"%@`#?~\n\t \\",
        "\n  ", "\n    ", ": ", "- ", "<<: ", "${", "$${", "${X}", "!file ", "!credential ", "&a ", "*a", "---\n", "\x00",
        "poll", "every", "accounts", "targets", "routes", "service", "netflix", "opml", "feeds", "url", "to", "state",
        "templates", "notices", "zone", "digest", "quiet", "mute", "hours", "days", "where", "urgent", "rate", "secret",
        "line", "body", "daily at 8:00", "22:00-07:00", "mon-fri", "20/1m", "webhook+http://x", "kind = queue",
        "http://[x", "//[x", "http://a.example/", "json://x", "1h", "9" * 30, "é", "\ud7ff", "[key]", "null",
    ]
)  # fmt: skip


def read_or_refuse(folder: Path, text: str, environ: dict[str, str]) -> Config | tuple[Problem, ...]:
    """What reading comes to: nothing else than these two may come out."""
    try:
        return load_config(write(folder, text), environ=environ)
    except ConfigError as error:
        return error.problems


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    """Whatever a file says, it is a configuration or a list of problems: nothing else comes out."""
    outcome = read_or_refuse(tmp_path, text, {"HOME": "/", "X": "x"})
    assert isinstance(outcome, Config) or outcome


@given(st.sampled_from(["url", "consumer_key", "user_id", "feeds", "access_token", "discovery"]), st.text())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_variable_is_read_or_refused(tmp_path: Path, key: str, value: str) -> None:
    """Whatever the environment holds under a name, a key takes it or says what is wrong with it."""
    text = NETFLIX if key in NETFLIX else f"{NETFLIX}    {key}: "
    lines = [
        f"    {key}: ${{X}}" if line.strip().startswith(f"{key}:") else line for line in text.splitlines()
    ]
    outcome = read_or_refuse(tmp_path, "\n".join(lines), {"HOME": "/", "X": value})
    problems = outcome.verify_secrets() if isinstance(outcome, Config) else outcome
    assert all(value not in problem.message for problem in problems if len(value) > 60)
    if isinstance(outcome, Config) and not problems:
        assert outcome.accounts["jane"].credentials_stamp()


@pytest.mark.parametrize(
    "text",
    [
        "accounts: {r: {service: opml, url: '//[x'}}",
        "accounts: {r: {service: opml, url: 'a:[b'}}",
        f"{NETFLIX}    feeds: {{'[key]': {{every: 1h}}}}",
    ],
    ids=["a path like a broken host", "a path with a bracket", "a feed called [key]"],
)
def test_odd_but_sound_values_are_read(tmp_path: Path, text: str) -> None:
    """A path that is no address, and a name that looks like ours, disturb nothing."""
    assert list(read(tmp_path, text).accounts)


def test_what_was_read_goes_with_its_last_reader(tmp_path: Path) -> None:
    """The nodes of many feeds take more room than the configuration: they do not wait for a search of garbage."""
    path = write(tmp_path, "accounts: {news: {service: feeds, feeds: {a: 'http://a.example/'}}}\n")
    gc.collect()
    gc.disable()
    try:
        config = load_config(path, environ={})
        assert config.accounts
        assert not [each for each in gc.get_objects() if isinstance(each, MappingNode)]
    finally:
        gc.enable()
