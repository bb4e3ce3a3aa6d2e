"""A person's day at the command line: real processes, a real sandbox, a real webhook, one after the other."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import Place, Ran, at_sandbox
from sinks import WebhookSink

from feedwatch.config import FeedsAccount, load_config
from feedwatch.store import Store

COMMANDS = Path(__file__).parents[2] / "docs" / "commands.md"
FEEDS = {"jane/queue", "jane/history", "jane/ratings", "jane/recommendations"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def documented_keys(command: str) -> list[str]:
    """The keys that docs/commands.md promises for a command's JSON, in their order."""
    section = COMMANDS.read_text().partition(f"\n### {command}\n")[2].partition("\n##")[0]
    table = section.partition("| key | |")[2]
    return [
        key
        for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    ]


@dataclass
class Story:
    """What each command of the day came to, and where it happened."""

    place: Place
    ran: dict[str, Ran]
    messages: list[Any]
    state_after_looking: bool

    def __getitem__(self, name: str) -> Ran:
        return self.ran[name]

    @property
    def secrets(self) -> tuple[str, ...]:
        account = self.place.world.account
        return (
            account.consumer_secret,
            account.access_token,
            account.access_token_secret,
            account.feed_token,
            account.consumer_key,
            "webhook-password",
        )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    with WebhookSink() as hook, at_sandbox(folder) as place:
        url = f"json://jane:webhook-password@127.0.0.1:{hook.port}/"
        place.configure(targets=f"  hook: {url}", more="routes: [{to: hook, changes: all}]")
        yield live(place, hook)


def live(place: Place, hook: WebhookSink) -> Story:
    """The day: looked at before anything is known, polled, moved, polled, and looked at from all sides."""
    ran: dict[str, Ran] = {}
    together(ran, place, {"status before": ["status"], "check": ["check", "--json"]})
    state_after_looking = place.state.exists()
    ran["first poll"] = place.run("poll", "--json")
    world = place.world
    world.add(title="千と千尋の神隠し")
    world.move(start=7, to=1)
    world.remove(position=12)
    world.rate(title=world.ratings[2].title.name, value="1")
    world.fail(feed="history", fault="500")
    ran["second poll"] = place.run_on_terminal("poll")
    looks = {
        "status": ["status", "--json"],
        "status in a pipe": ["status"],
        "show": ["show", "jane/queue", "--json"],
        "show in a pipe": ["show", "jane/queue"],
        "changes": ["changes", "--json"],
        "changes of a feed": ["changes", "--feed", "jane/ratings", "--json"],
        "changes since": ["changes", "--since", "2h", "--json"],
        "outbox": ["outbox", "--json"],
        "export": ["opml", "export"],
        "export with tokens": ["opml", "export", "--with-tokens"],
    }
    together(ran, place, looks)
    together(
        ran, place, {"status": ["status"], "changes": ["changes"], "outbox": ["outbox"]}, on_terminal=True
    )
    ran["discover"] = place.run("discover", "--json")
    (place.folder / "all.opml").write_text(ran["export with tokens"].out)
    ran["import"] = place.run("opml", "import", place.folder / "all.opml", "--account", "copy")
    ran["one feed"] = place.run("poll", "jane/history", "--json")
    return Story(place, ran, hook.messages, state_after_looking)


def together(
    ran: dict[str, Ran], place: Place, commands: dict[str, list[str]], *, on_terminal: bool = False
) -> None:
    """Run what does not disturb each other side by side."""
    run = place.run_on_terminal if on_terminal else place.run
    with ThreadPoolExecutor(3) as pool:
        done = pool.map(lambda words: run(*words), commands.values())
        ran.update(
            zip((f"{name} on a terminal" if on_terminal else name for name in commands), done, strict=True)
        )


def by_feed(ran: Ran) -> dict[str, dict[str, Any]]:
    return {row["feed"]: row for row in ran.rows}


# ── before there is anything ──────────────────────────────────────────────────────────────────────


def test_looking_before_any_state_says_where_it_looked(story: Story) -> None:
    """Without a state a command that looks names the place, says what to do, and makes none."""
    before = story["status before"]
    assert (before.status, before.out) == (1, "")
    assert str(story.place.state) in before.err
    assert "feedwatch run" in before.err
    assert not story.state_after_looking


def test_check_reaches_all_and_leaves_no_state(story: Story) -> None:
    """`check` asks every account and feed, says so a line each, and neither makes a state nor tells anybody."""
    check = story["check"]
    assert check.status == 0
    assert [row["subject"] for row in check.rows][:2] == ["configuration", "jane"]
    assert {row["subject"] for row in check.rows[2:]} == FEEDS
    assert all(row == {"subject": row["subject"], "ok": True, "problem": None} for row in check.rows)
    assert not story.state_after_looking


# ── polling ───────────────────────────────────────────────────────────────────────────────────────


def test_first_poll_is_a_baseline(story: Story) -> None:
    """The first round counts what is there, changes nothing, and ends with 0."""
    first = story["first poll"]
    assert first.status == 0
    assert {row["feed"]: (row["outcome"], row["changes"]) for row in first.rows} == dict.fromkeys(
        FEEDS, ("baseline", 0)
    )
    assert by_feed(first)["jane/queue"]["entries"] == 12


def test_second_poll_tells_what_failed_and_what_changed(story: Story) -> None:
    """A round with a broken feed ends with 1, says why in words, and tells the other feeds' changes."""
    second = story["second poll"]
    assert second.status == 1
    assert re.search(r"jane/queue +\x1b\[32mcompared\x1b\[0m +12 +3\n", second.out)
    assert "jane/history: its server has a fault" in second.out
    assert "told hook/1: message 2" in second.out
    assert len(story.messages) == 2
    assert "千と千尋の神隠し" in story.messages[1]["message"]


def test_one_feed_is_polled_alone(story: Story) -> None:
    """`poll FEED` polls that feed and no other."""
    assert story["one feed"].status == 0
    assert [(row["feed"], row["outcome"]) for row in story["one feed"].rows] == [
        ("jane/history", "unchanged")
    ]


# ── what programs read ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("check", "check"),
        ("first poll", "poll"),
        ("discover", "discover"),
        ("status", "status"),
        ("show", "show"),
        ("changes", "changes"),
        ("outbox", "outbox list"),
    ],
)
def test_json_has_exactly_the_documented_keys(story: Story, name: str, command: str) -> None:
    """Each line of JSON has the keys that are promised, in their order, and no other."""
    assert story[name].rows
    assert [list(row) for row in story[name].rows] == [documented_keys(command)] * len(story[name].rows)


def test_status_in_json(story: Story) -> None:
    """`status` tells what each feed is, holds, and why it fails."""
    rows = by_feed(story["status"])
    assert set(rows) == FEEDS
    queue, history = rows["jane/queue"], rows["jane/history"]
    assert (queue["kind"], queue["entries"], queue["state"], queue["reason"], queue["failures"]) == (
        "queue",
        12,
        "ok",
        None,
        0,
    )
    assert (history["state"], history["reason"], history["failures"]) == ("failing", "server_error", 1)
    assert all(
        INSTANT.fullmatch(row["last_polled_at"]) and INSTANT.fullmatch(row["next_poll_at"])
        for row in rows.values()
    )


def test_show_in_json(story: Story) -> None:
    """`show` gives a list in its order, with places from 1 on."""
    rows = story["show"].rows
    assert [row["position"] for row in rows] == list(range(1, 13))
    assert rows[1]["title"] == "千と千尋の神隠し"
    assert rows[0]["fields"]["availability"] == "available now"


def test_changes_in_json(story: Story) -> None:
    """`changes` gives each change once, the newest last, with old and new."""
    rows = story["changes"].rows
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert sorted((row["feed"], row["change"]) for row in rows) == [
        ("jane/queue", "added"),
        ("jane/queue", "moved"),
        ("jane/queue", "removed"),
        ("jane/ratings", "updated"),
    ]
    by_kind = {row["change"]: row for row in rows}
    assert by_kind["updated"]["fields"] == {"rating": {"from": "4", "to": "1"}}
    assert (by_kind["moved"]["position"], by_kind["moved"]["previous_position"]) == (1, 6)
    assert (by_kind["added"]["account"], by_kind["added"]["kind"]) == ("jane", "queue")


def test_changes_are_narrowed(story: Story) -> None:
    """By feed, by a time that lies back, by one that is still to come, and by one before all times."""
    assert [row["feed"] for row in story["changes of a feed"].rows] == ["jane/ratings"]
    assert story["changes since"].rows == story["changes"].rows
    assert story.place.ask("changes", "--since", "99999w", "--json").rows == story["changes"].rows
    assert story.place.ask("changes", "--since", "2999-01-01") == Ran(0, "no changes\n", "")


def test_outbox_in_json(story: Story) -> None:
    """Both messages were delivered at the first attempt; `outbox` and `outbox list` are the same."""
    rows = story["outbox"].rows
    assert [(row["id"], row["target"], row["state"], row["attempts"], row["changes"]) for row in rows] == [
        (1, "hook/1", "delivered", 1, 1),
        (2, "hook/1", "delivered", 1, 4),
    ]
    assert story.place.ask("outbox", "list", "--json").rows == rows
    assert story.place.ask("outbox", "--json", "list").rows == rows


def test_discover_in_json(story: Story) -> None:
    """`discover` names the feeds with their kinds, and their addresses without a token."""
    rows = by_feed(story["discover"])
    assert {(row["account"], row["kind"]) for row in rows.values()} == {
        ("jane", kind) for kind in ("queue", "history", "ratings", "recommendations")
    }
    assert "feed_token=•••" in rows["jane/queue"]["url"]
    assert rows["jane/queue"]["url"].startswith(story.place.base)


# ── what people read ──────────────────────────────────────────────────────────────────────────────


def test_pipe_gets_plain_tables(story: Story) -> None:
    """In a pipe there is no colour, columns line up with wide titles too, and instants are exact."""
    assert not [
        name
        for name, ran in story.ran.items()
        if "\x1b" in ran.out and "terminal" not in name and name != "second poll"
    ]
    assert re.match(r"FEED +KIND +ENTRIES +STATE +POLLED +NEXT POLL +WHY\n", story["status in a pipe"].out)
    assert INSTANT.search(story["status in a pipe"].out)
    lines = story["show in a pipe"].out.splitlines()
    assert lines[0].split() == ["POSITION", "TITLE", "DETAILS", "FIRST", "SEEN"]
    # Eight wide characters take sixteen cells: eight more than the line has characters.
    assert lines[2].index("available now") == lines[1].index("available now") - 8


def test_terminal_gets_friendly_tables(story: Story) -> None:
    """On a terminal there are colours, instants told from now on, reasons in words, and no line too wide."""
    status = story["status on a terminal"].out
    assert re.search(
        r"jane/queue +queue +12  \x1b\[32mok\x1b\[0m +(just now|\d+ s ago) +in 1\d min\n", status
    )
    assert "jane/history: its server has a fault" in status
    changes = story["changes on a terminal"].out
    assert re.search(r"\x1b\[33mupdated\x1b\[0m .*rating 4 → 1\n", changes)
    assert re.search(r"\x1b\[36mmoved\x1b\[0m .*6 → 1\n", changes)
    assert re.search(r"\x1b\[31mremoved\x1b\[0m .*was 1\d\n", changes)
    for name in ("status", "changes", "outbox"):
        plain = re.sub(r"\x1b\[\d+m", "", story[f"{name} on a terminal"].out)
        assert max(map(len, plain.splitlines())) <= 80


# ── subscriptions ─────────────────────────────────────────────────────────────────────────────────


def test_export_leaves_tokens_out_unless_asked(story: Story) -> None:
    """Addresses with a token are counted, not exported; asked for, they come whole."""
    assert "xmlUrl" not in story["export"].out
    assert story["export"].err == "left out 4 whose address is secret (--with-tokens takes them in)\n"
    assert story["export with tokens"].out.count("feed_token=T1sandbox.feed~token-0.x1y2--&amp;") == 4


def test_import_gives_the_exported_feeds_again(story: Story, tmp_path: Path) -> None:
    """What `opml import` prints is a configuration with the same feeds: names, addresses, kinds."""
    file = tmp_path / "config.yaml"
    file.write_text(story["import"].out)
    copy = load_config(file, environ={}).accounts["copy"]
    assert isinstance(copy, FeedsAccount)
    store = Store.open_read_only(story.place.state)
    feeds = {feed.feed.partition("/")[2]: (feed.address, feed.kind) for feed in store.list_feeds()}
    store.close()
    assert {name: (feed.url.reveal(), feed.kind) for name, feed in copy.feeds.items()} == feeds
    assert yaml.safe_load(story["import"].out)["accounts"]["copy"]["service"] == "feeds"


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────


def test_no_command_shows_a_secret(story: Story) -> None:
    """In all that was said that day no credential, token or password stands, but in the export with tokens."""
    for name, ran in story.ran.items():
        if name not in ("export with tokens", "import"):
            assert not [secret for secret in story.secrets if secret in ran.said], name
    assert not [secret for secret in story.secrets for message in story.messages if secret in str(message)]
