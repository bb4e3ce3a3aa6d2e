"""What is measured: feedwatch, the floor, and others where they are installed. Each makes one round and ends.

Of each it is looked up in its own store what it found: a round that found anything else than the farm made
says nothing about speed.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import ClassVar

from bare_fetch import AT_ONCE
from farming import CERTIFICATE, RunningFarm

_HERE = Path(__file__).parent

Entries = Mapping[int, int]
"""What a store knows: of each entry a digest of what it is known by, and one of all that is said of it."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program with its files in a folder of its own, which is made by `prepare`."""

    folder: Path
    name: ClassVar[str]
    kind: ClassVar[str] = "stream"
    """Of the farm's feeds."""
    learns_for: ClassVar[int] = 0
    """Rounds after the first until it asks on conditions."""
    is_peer: ClassVar[bool] = False
    """Somebody else's: what it makes of a feed is its own affair, and only told."""

    def prepare(self, farm: RunningFarm, feeds: int, *, tls: bool) -> None:
        """Begin anew, with nothing known of so many feeds."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        urls = farm.write_urls(self.kind, feeds, tls=tls)
        (self.folder / "urls").write_text("".join(f"{url}\n" for url in urls))
        self.configure(urls, farm)

    def configure(self, urls: list[str], farm: RunningFarm) -> None:
        """Write what else it needs."""

    def command(self) -> list[str]:
        """What makes one round."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What is in its environment; with its bytecode kept, as an installed program has it."""
        left_out = ("_proxy", "pythondontwritebytecode", "pythonunbuffered")
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith(left_out)}
        return {**kept, "SSL_CERT_FILE": str(CERTIFICATE), "HOME": str(self.folder)}

    def read_entries(self) -> Entries:
        """The entries that its store knows."""
        return {}

    def count_changes(self) -> int:
        """How many changes it has recorded, of those that know changes."""
        return 0

    def count_untold(self) -> int:
        """How many of them it has not yet told."""
        return 0


class BareFetch(Program):
    """The floor."""

    name = "bare fetch, the floor"

    def command(self) -> list[str]:
        """Fetch all, and keep validators."""
        return [
            sys.executable,
            str(_HERE / "bare_fetch.py"),
            str(self.folder / "urls"),
            str(self.folder / "validators"),
        ]


class Feedwatch(Program):
    """feedwatch, as it is installed here: `feedwatch poll`, with a webhook that is told."""

    name = "feedwatch, streams"

    def configure(self, urls: list[str], farm: RunningFarm) -> None:
        """All feeds by name. The farm is one host: it is asked for as many at once as there may be in all."""
        feeds = {f"f{number}": {"url": url, "kind": self.kind} for number, url in enumerate(urls)}
        self.write_config({"farm": {"service": "feeds", "feeds": feeds}}, farm)

    def write_config(self, accounts: Mapping[str, object], farm: RunningFarm) -> None:
        """Write the configuration."""
        config = {
            "state": "feedwatch.db",
            "poll": {"every": "1d", "concurrency": AT_ONCE, "per_host": AT_ONCE},
            "accounts": accounts,
            "targets": {"hook": f"json://{farm.hook}/hook"},
        }
        file = self.folder / "config.yaml"
        file.touch(mode=0o600)
        file.write_text("\n".join(_write_yaml(config)))

    def command(self, *words: str) -> list[str]:
        """One round, or another command."""
        program = str(Path(sys.executable).with_name("feedwatch"))
        return [program, "--config", str(self.folder / "config.yaml"), *(words or ("poll",))]

    def read_entries(self) -> Entries:
        """All rows of all lists."""
        return _read_rows(self._state, "SELECT feed_id, key, * FROM entries")

    def count_changes(self) -> int:
        """All changes."""
        return _count(self._state, "SELECT count(*) FROM changes")

    def count_untold(self) -> int:
        """Deliveries, of changes and notices, that have not arrived."""
        return _count(self._state, "SELECT count(*) FROM deliveries WHERE state <> 'delivered'")

    def measure_state(self) -> int:
        """Bytes that its state takes on the disk."""
        return sum(file.stat().st_size for file in self.folder.glob("feedwatch.db*"))

    def spread_polls(self, a_second: int) -> None:
        """Have all feeds fall due one after the other, so many a second, in no order of the file."""
        with closing(sqlite3.connect(self._state)) as store, store:
            feeds = [row[0] for row in store.execute("SELECT id FROM feeds ORDER BY id")]
            Random(0).shuffle(feeds)
            now = datetime.now(UTC)
            due = [
                (f"{now + timedelta(seconds=place / a_second):%Y-%m-%dT%H:%M:%S.%fZ}", feed)
                for place, feed in enumerate(feeds)
            ]
            store.executemany("UPDATE feeds SET next_poll_at = ? WHERE id = ?", due)

    @property
    def _state(self) -> Path:
        return self.folder / "feedwatch.db"


class FeedwatchQueues(Feedwatch):
    """The same for queues: lists in which the order counts, and whose dates mean nothing."""

    name = "feedwatch, queues"
    kind = "queue"


class FeedwatchSubscriptions(Feedwatch):
    """The same for very many feeds: as lists of subscriptions, of ten thousand each."""

    name = "feedwatch, subscriptions"
    _EACH = 10_000

    def configure(self, urls: list[str], farm: RunningFarm) -> None:
        """An account for each list."""
        accounts = {}
        for start in range(0, len(urls), self._EACH):
            name = f"list{start // self._EACH}"
            outlines = "".join(
                f'<outline text="f{number}" xmlUrl="{url}"/>\n'
                for number, url in enumerate(urls[start : start + self._EACH], start)
            )
            file = self.folder / f"{name}.opml"
            file.write_text(f'<?xml version="1.0"?>\n<opml version="2.0"><body>\n{outlines}</body></opml>\n')
            accounts[name] = {"service": "opml", "url": file.name}
        self.write_config(accounts, farm)


class Reader(Program):
    """The library reader, by a Python that has it."""

    name = "reader"
    is_peer = True

    def configure(self, urls: list[str], farm: RunningFarm) -> None:
        """Take the feeds up."""
        subprocess.run([*self.command(), "add"], env=self.environment(), check=True, timeout=600)

    def command(self) -> list[str]:
        """One round by a script."""
        python = find_reader()
        assert python is not None
        script = str(_HERE / "reader_round.py")
        return [python, script, str(self.folder / "reader.db"), str(self.folder / "urls")]

    def read_entries(self) -> Entries:
        """All rows of its table."""
        return _read_rows(self.folder / "reader.db", "SELECT feed, id, * FROM entries")


class Newsboat(Program):
    """newsboat, in its batch mode with four threads."""

    name = "newsboat"
    is_peer = True
    learns_for = 1

    def configure(self, urls: list[str], farm: RunningFarm) -> None:
        """Four threads, no limit; it cannot be told to trust the farm's certificate, so it trusts any."""
        (self.folder / "config").write_text("reload-threads 4\nmax-items 0\nssl-verifypeer no\n")

    def command(self) -> list[str]:
        """Reload all feeds."""
        program = shutil.which("newsboat")
        assert program is not None
        files = {"-u": "urls", "-c": "cache.db", "-C": "config"}
        named = [word for flag, name in files.items() for word in (flag, str(self.folder / name))]
        return [program, "-q", *named, "-x", "reload"]

    def read_entries(self) -> Entries:
        """All rows of its table."""
        return _read_rows(self.folder / "cache.db", "SELECT feedurl, guid, * FROM rss_item")


def find_reader() -> str | None:
    """The Python that has reader: as READER names it in the environment, or this one; None for none."""
    python = os.environ.get("READER", sys.executable)
    found = subprocess.run([python, "-c", "import reader"], capture_output=True, check=False, timeout=60)
    return None if found.returncode else python


def find_peers() -> tuple[type[Program], ...]:
    """The others that are installed."""
    reader = (Reader,) if find_reader() else ()
    return (*reader, *((Newsboat,) if shutil.which("newsboat") else ()))


def _write_yaml(value: object, indent: int = 0) -> Iterator[str]:
    """Mappings of mappings and texts, one key a line, as a person would write them."""
    assert isinstance(value, Mapping)
    for key, held in value.items():
        if isinstance(held, Mapping):
            yield f"{' ' * indent}{key}:"
            yield from _write_yaml(held, indent + 2)
        else:
            yield f"{' ' * indent}{key}: {json.dumps(held)}"


def _read_rows(path: Path, query: str) -> dict[int, int]:
    with closing(_open(path)) as store:
        return {hash(row[:2]): hash(row[2:]) for row in store.execute(query)}


def _count(path: Path, query: str) -> int:
    with closing(_open(path)) as store:
        return int(store.execute(query).fetchone()[0])


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        return sqlite3.connect(":memory:")
    return sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)
