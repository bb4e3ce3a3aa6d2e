"""What is not needed is not loaded: neither its time nor its memory is spent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from feedserver import FeedServer, reply
from running import environment
from sinks import WebhookSink

MAIN = """\
import sys
from feedwatch.cli import main
sys.argv[1:] = {words!r}
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
CONFIG = """\
state: feedwatch.db
accounts:
  reading:
    service: feeds
    feeds: {{list: {{url: "{feed}", announce_baseline: true, every: 1h}}}}
"""
ATOM = b"""\
<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:list</id><title>List</title>
<entry><id>urn:1</id><title>One</title><link href="https://example.org/1"/></entry></feed>"""

OF_TERMINALS = {"rich", "pygments"}
OF_MESSAGES = {"apprise", "requests", "jinja2"}
OF_INSPECTING = {"sqlite_utils"}
OF_THE_DAEMON = {"apscheduler", "feedwatch.daemon"}
OF_THE_API = {"oauthlib", "feedwatch.netflix.api", "feedwatch.netflix.replies", "feedwatch.services.netflix"}
OF_OTHER_COMMANDS = {"starlette", "uvicorn", "feedwatch.checking", "feedwatch.titles", "feedwatch.signing_in"}
OF_OTHER_CONFIGURATIONS = {"lark", "feedwatch.tmdb", "feedwatch.opml", "feedwatch.services.opml"}
OF_THE_NETWORK = {"asyncio", "ssl", "httpx", "aiohttp", "lxml"}
NEVER = {"feedparser"}
"""It has a process of its own (hostile documents)."""
UNUSED_BY_POLLS = (
    OF_TERMINALS
    | OF_INSPECTING
    | OF_THE_DAEMON
    | OF_THE_API
    | OF_OTHER_COMMANDS
    | OF_OTHER_CONFIGURATIONS
    | NEVER
)


def loaded_by(folder: Path, *words: str) -> set[str]:
    """Run a command in a fresh process, and give what it has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN.format(words=list(words))],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = set(done.stderr.splitlines()[-1].split())
    assert "feedwatch.cli" in modules
    return modules


@pytest.mark.parametrize("words", [["--help"], ["poll", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_no_library(tmp_path: Path, words: list[str]) -> None:
    """Help is there at once: it imports nothing that takes its time."""
    heavy = {"pydantic", "yaml"} | OF_MESSAGES | OF_THE_NETWORK | UNUSED_BY_POLLS
    assert loaded_by(tmp_path, *words) & heavy == set()


def test_looking_loads_nothing_of_the_network(tmp_path: Path) -> None:
    """`status` in a pipe imports no loop, no HTTP client, no Apprise, no parser of XML."""
    with FeedServer() as feeds:
        (tmp_path / "config.yaml").write_text(CONFIG.format(feed=feeds.url("/list")))
        feeds.on("/list", reply(ATOM))
        loaded_by(tmp_path, "--config", "config.yaml", "poll")
    loaded = loaded_by(tmp_path, "--config", "config.yaml", "status")
    assert loaded & (OF_MESSAGES | OF_THE_NETWORK | UNUSED_BY_POLLS) == set()


def test_poll_loads_nothing_of_what_it_does_not_do(tmp_path: Path) -> None:
    """A poll that tells nobody imports no Apprise, no Jinja, no scheduler and no client of an API."""
    with FeedServer() as feeds:
        (tmp_path / "config.yaml").write_text(CONFIG.format(feed=feeds.url("/list")))
        feeds.on("/list", reply(ATOM))
        loaded = loaded_by(tmp_path, "--config", "config.yaml", "poll")
    assert loaded & (OF_MESSAGES | UNUSED_BY_POLLS) == set()


def test_poll_loads_the_one_plugin_that_it_sends_with(tmp_path: Path) -> None:
    """Of Apprise a message takes the plugin of its service alone; in the built-in words it takes no Jinja."""
    with FeedServer() as feeds, WebhookSink() as sink:
        target = f'targets: {{phone: "{sink.url_as("json")}"}}\n'
        (tmp_path / "config.yaml").write_text(CONFIG.format(feed=feeds.url("/list")) + target)
        feeds.on("/list", reply(ATOM))
        loaded = loaded_by(tmp_path, "--config", "config.yaml", "poll")
        assert len(sink.wait_for(1)) == 1
    plugins = {each.split(".")[2] for each in loaded if each.startswith("apprise.plugins.")}
    assert plugins == {"base", "custom_json"}
    assert loaded & (UNUSED_BY_POLLS | {"jinja2"}) == set()


def test_poll_that_tells_nothing_new_loads_no_apprise(tmp_path: Path) -> None:
    """Addresses that were found to be fine are not checked again, until they or what checks them change."""
    with FeedServer() as feeds, WebhookSink() as sink:
        target = f'targets: {{phone: "{sink.url_as("json")}"}}\n'
        (tmp_path / "config.yaml").write_text(CONFIG.format(feed=feeds.url("/list")) + target)
        feeds.on("/list", reply(ATOM))
        loaded_by(tmp_path, "--config", "config.yaml", "poll")
        assert loaded_by(tmp_path, "--config", "config.yaml", "poll") & OF_MESSAGES == set()
        other = f'targets: {{phone: "{sink.url_as("json")}?cto=5"}}\n'
        (tmp_path / "config.yaml").write_text(CONFIG.format(feed=feeds.url("/list")) + other)
        assert "apprise" in loaded_by(tmp_path, "--config", "config.yaml", "poll")
