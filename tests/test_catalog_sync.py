"""A sync of a catalog over HTTP: one request if nothing changed, the old one until the new one is whole."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from feedserver import Answer, FeedServer, Visit, redirect, reply
from indexes import Dialect, make_index
from running import Place, Ran, at_sandbox, command_line, environment, run, run_on_terminal

from feedwatch.cli import cli
from feedwatch.store import Store

INDEX = "/catalog/titles/index"
FULL = "/catalog/titles/full"
OLD, NEW = make_index(3), make_index(2000)
PACKED = gzip.compress(NEW, mtime=0)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


class Home:
    """A folder with a configuration of one account at a server."""

    def __init__(self, folder: Path, server: FeedServer) -> None:
        self.folder = folder
        self.server = server
        self.config = folder / "config.yaml"
        self.config.touch(mode=0o600)
        account = {
            "service": "netflix",
            "url": server.url(""),
            "consumer_key": "key-of-jane",
            "consumer_secret": "${SECRET}",
        }
        self.config.write_text(json.dumps({"state": "feedwatch.db", "accounts": {"jane": account}}))

    def sync(self, *words: str) -> Ran:
        """Sync, within this process: quicker, where the process is not the point."""
        done = CliRunner().invoke(
            cli, self.words("sync", *words), env={"SECRET": "of-jane"}, standalone_mode=False
        )
        if done.exception:
            raise done.exception
        return Ran(int(done.return_value), done.stdout, done.stderr)

    def sync_apart(self) -> Ran:
        """Sync in a process of its own."""
        return run(*self.words("sync"), folder=self.folder, env={"SECRET": "of-jane"})

    def start(self, *starter: str) -> subprocess.Popen[str]:
        """Begin a sync, by a program that starts it if that is given."""
        return subprocess.Popen(
            [*starter, *command_line(*self.words("sync"))],
            cwd=self.folder,
            # Compiled modules that may not grow would be left behind cut short.
            env=environment(self.folder, SECRET="of-jane", PYTHONDONTWRITEBYTECODE="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def search(self, *words: str) -> list[str]:
        """The names found, by somebody who knows no secret."""
        done = CliRunner().invoke(cli, self.words("search", "--json", *words), standalone_mode=False)
        if done.exception:
            raise done.exception
        return [str(json.loads(line)["title"]) for line in done.stdout.splitlines()]

    def words(self, *words: str) -> list[str]:
        """A command line."""
        return ["--config", str(self.config), "catalog", *words]

    def left(self, suffix: str) -> list[Path]:
        """Files beside the state whose names end so."""
        return [each for each in self.folder.iterdir() if each.name.endswith(suffix)]


@pytest.fixture
def home(tmp_path: Path, server: FeedServer) -> Home:
    return Home(tmp_path, server)


@pytest.fixture
def synced(home: Home) -> Home:
    """With a catalog of three titles."""
    home.server.on(INDEX, reply(OLD, ETag='"old"'))
    assert home.sync().status == 0
    return home


def holds_old(home: Home) -> bool:
    return home.search("the") == [
        f"The {each}" for each in ("Borrowed Harbour 2", "Crimson Harbour 1", "Silent Harbour 0")
    ]


# ── having it ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", ["reference", "wild", "full"])
def test_what_was_synced_is_found_without_the_server(home: Home, dialect: Dialect) -> None:
    """In every form: downloaded packed and signed, without a sign-in, and searched without any secret."""
    body = gzip.compress(make_index(30, dialect))
    home.server.on(INDEX, reply(body, Content_Encoding="gzip", ETag='"one"'))
    ran = home.sync()
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("the catalog has 30 titles")
    asked = home.server.last.headers
    assert 'oauth_consumer_key="key-of-jane"' in asked["authorization"]
    assert "oauth_token=" not in asked["authorization"]
    assert home.search("hidden", "harb") == ["The Hidden Harbour 3"]
    assert len(home.server.requests) == 1


def test_an_unchanged_one_costs_one_request(synced: Home) -> None:
    """The second sync asks by the validators of the first, and says since when it has been the same."""
    synced.server.on(INDEX, reply(b"", 304))
    ran = synced.sync()
    assert ran.status == 0
    assert ran.out.startswith("the catalog is unchanged (3 titles, synced 20")
    assert len(synced.server.requests) == 2
    assert synced.server.last.headers["if-none-match"] == '"old"'
    assert holds_old(synced)


def test_a_changed_one_takes_the_place_of_the_old(synced: Home) -> None:
    """And nothing of the download is left."""
    synced.server.on(INDEX, reply(PACKED, ETag='"new"', Content_Encoding="gzip"))
    assert synced.sync().status == 0
    assert synced.search("1999") != []
    assert synced.left(".download") == synced.left(".new") == synced.left(".json") == []


def test_the_full_catalog_is_behind_redirects_that_are_signed_each(home: Home) -> None:
    """`titles/full?v=2.0` leads to where it is, by one redirect or two."""
    home.server.on(FULL, redirect("/where?a=1"))
    home.server.on("/where", redirect("/full.xml"))
    home.server.on("/full.xml", reply(make_index(5, "full"), ETag='"full"'))
    assert home.sync("--full").status == 0
    asked = home.server.requests
    assert [each.target for each in asked] == [f"{FULL}?v=2.0", "/where?a=1", "/full.xml"]
    assert len({each.headers["authorization"] for each in asked}) == 3
    assert home.search("drama harbour 4") == []
    assert home.search("harbour 4") == ["The Last Harbour 4"]


def test_the_index_and_the_full_one_are_not_taken_for_each_other(synced: Home) -> None:
    """Validators of the one say nothing of the other, even where a server gives both the same."""
    synced.server.on(FULL, reply(make_index(5, "full"), ETag='"old"'))
    assert synced.sync("--full").status == 0
    assert "if-none-match" not in synced.server.last.headers


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(b"<!DOCTYPE html><html>Sign in</html>"), "a web page came in its place"),
        (reply(NEW[:-40]), "it ends too early"),
        (reply(b""), "nothing came"),
        (reply(b"<catalog_title_index/>"), "names no title"),
        (reply(NEW + b"garbage"), "no sound XML"),
        (reply(PACKED[:-9], Content_Encoding="gzip"), "cannot be unpacked"),
        (reply(b"<status><message>Busy</message></status>"), "about an error"),
        (reply(b"<status><message>Over queries per day limit</message></status>", 403), "try again in"),
        (reply(b"<status><message>Invalid key</message></status>", 401), "look at consumer_key"),
        (reply(b"", 401, Date="Mon, 01 Jan 2024 00:00:00 GMT"), "ahead of its server"),
        (reply(b"", 503, Retry_After="600"), "try again in 10 min"),
        (redirect("http://127.0.0.1:1/"), "error: the catalog of jane could not be had"),
    ],
)
def test_whatever_comes_in_its_place_the_old_one_stays(synced: Home, answer: bytes, said: str) -> None:
    """It is said what was wrong, with status 1, and the catalog is what it was."""
    synced.server.on(INDEX, answer)
    ran = synced.sync()
    assert ran.status == 1
    assert said in ran.err
    assert "of-jane" not in ran.said
    assert synced.left(".download") == synced.left(".new") == []
    assert holds_old(synced)


def cut_off(home: Home, sent: bytes, cut: Callable[[Visit], None]) -> Answer:
    """Send that, and end it somehow as soon as some of it is on the disk."""

    def answer(visit: Visit) -> None:
        visit.send(sent)
        while not (parts := home.left(".download")) or not parts[0].stat().st_size:
            visit._stopped.wait(0.01)
        cut(visit)

    return answer


@pytest.mark.parametrize("cut", [Visit.close, Visit.reset])
def test_a_cut_download_is_gone_on_with(synced: Home, cut: Callable[[Visit], None]) -> None:
    """Where the server says by a strong ETag what it has; until then the old one is searched."""
    headers = {"ETag": '"new"', "Content_Encoding": "gzip"}
    whole = reply(PACKED, 200, **headers)
    synced.server.on(INDEX, cut_off(synced, whole[: len(whole) - len(PACKED) // 2], cut))
    ran = synced.sync()
    assert ran.status == 1
    assert "the next sync goes on from there" in ran.err
    (part,) = synced.left(".download")
    here = part.stat().st_size
    assert holds_old(synced)
    rest = {"Content_Range": f"bytes {here}-{len(PACKED) - 1}/{len(PACKED)}", **headers}
    synced.server.on(INDEX, reply(PACKED[here:], 206, **rest))
    ran = synced.sync()
    assert ran.out.startswith("the catalog has 2,000 titles")
    assert f"downloaded after {here:,} bytes before" in ran.out
    assert synced.server.last.headers["range"] == f"bytes={here}-"


def test_a_part_that_fits_nothing_any_more_is_thrown_away(synced: Home) -> None:
    """A server that has no such range by now is asked again for all of it, at once."""
    whole = reply(PACKED, 200, ETag='"new"', Content_Encoding="gzip")
    synced.server.on(INDEX, cut_off(synced, whole[:-99], Visit.close))
    assert synced.sync().status == 1
    synced.server.on(INDEX, reply(b"", 416), whole)
    ran = synced.sync()
    assert ran.out.startswith("the catalog has 2,000 titles")
    assert "range" not in synced.server.last.headers


def test_a_cut_one_without_a_strong_validator_begins_anew(home: Home) -> None:
    """Nobody could say what the part is a part of."""
    home.server.on(INDEX, cut_off(home, reply(NEW, 200, ETag='W/"new"')[:-99], Visit.close))
    ran = home.sync()
    assert (ran.status, home.left(".download")) == (1, [])
    home.server.on(INDEX, reply(NEW))
    assert home.sync().status == 0
    assert "range" not in home.server.last.headers


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough), signal.SIGINT]
)
def test_who_is_killed_on_the_way_goes_on_the_next_time(synced: Home, number: signal.Signals) -> None:
    """At whatever moment: the old catalog is whole meanwhile, and what came is not asked for again."""
    many = make_index(3000)
    headers = {"ETag": '"new"', "Content_Length": str(len(many))}
    clients: list[int] = []
    killed = threading.Event()

    def kill(_: Visit) -> None:
        os.kill(clients[0], number)
        killed.set()

    synced.server.on(INDEX, cut_off(synced, reply(b"", 200, **headers) + many[: len(many) // 2], kill))
    with synced.start() as process:
        clients.append(process.pid)
        assert process.wait(30) != 0
    assert killed.is_set()
    assert holds_old(synced)
    here = synced.left(".download")[0].stat().st_size
    rest = {**headers, "Content_Range": f"bytes {here}-{len(many) - 1}/{len(many)}"}
    synced.server.on(INDEX, reply(many[here:], 206, **{**rest, "Content_Length": str(len(many) - here)}))
    assert synced.sync().out.startswith("the catalog has 3,000 titles")


def test_one_that_died_while_it_read_what_it_had_asks_only_whether_it_still_holds(home: Home) -> None:
    """The download was whole: it is not downloaded again."""
    home.server.on(INDEX, reply(PACKED, ETag='"new"', Content_Encoding="gzip"))
    assert home.sync().status == 0
    (catalog,) = home.left(".db")
    facts = {
        "source": INDEX,
        "server": home.server.url(""),
        "etag": '"new"',
        "last_modified": None,
        "encoding": "gzip",
        "is_whole": True,
    }
    catalog.with_name(f"{catalog.name}.download").write_bytes(PACKED)
    catalog.with_name(f"{catalog.name}.download.json").write_text(json.dumps(facts))
    catalog.unlink()
    home.server.on(INDEX, reply(b"", 304))
    assert home.sync().out.startswith("the catalog has 2,000 titles (0 bytes downloaded")


def test_of_two_at_once_the_second_says_so(home: Home) -> None:
    """And leaves the first alone."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(visit: Visit) -> None:
        begun.set()
        visit.wait(go_on)
        visit.send(reply(OLD))

    home.server.on(INDEX, wait)
    with home.start() as first:
        assert begun.wait(30)
        second = home.sync_apart()
        go_on.set()
        assert first.wait(30) == 0
    assert second.status == 1
    assert f"under way (process {first.pid})" in second.err
    assert len(home.server.requests) == 1


def test_a_damaged_catalog_is_had_anew(synced: Home) -> None:
    """Its validators are not believed either."""
    (catalog,) = synced.left(".db")
    content = bytearray(catalog.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    catalog.write_bytes(content)
    looked = run(*synced.words("search", "the"), folder=synced.folder)
    assert (looked.status, "catalog sync" in looked.err) == (1, True)
    assert synced.sync().status == 0
    assert holds_old(synced)


def test_a_file_that_is_none_is_left_alone(synced: Home) -> None:
    """Nobody is asked, and nothing written."""
    (catalog,) = synced.left(".db")
    catalog.write_bytes(b"somebody's letters" * 99)
    ran = synced.sync_apart()
    assert (ran.status, "move it away" in ran.err) == (1, True)
    assert catalog.read_bytes() == b"somebody's letters" * 99


@pytest.mark.parametrize(("size", "said"), [(len(PACKED) // 4, "cannot write"), (len(PACKED) * 2, "catalog")])
def test_a_file_that_may_not_grow_is_said_and_the_old_one_stays(synced: Home, size: int, said: str) -> None:
    """Where the download does not fit, or the catalog that is made of it."""
    synced.server.on(INDEX, reply(PACKED, ETag='"new"', Content_Encoding="gzip"))
    with synced.start("sh", "-c", f'ulimit -f {size // 512}; exec "$@"', "sh") as process:
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 1, complaint
    assert said in complaint
    assert "Traceback" not in complaint
    assert synced.left(".new") == []
    assert holds_old(synced)


def test_a_bar_on_a_terminal_shows_how_far_it_is(home: Home) -> None:
    """Bytes first, titles then; in a pipe one line says what came of it."""
    home.server.on(INDEX, reply(NEW))
    shown = run_on_terminal(*home.words("sync"), folder=home.folder, env={"SECRET": "s"})
    assert shown.status == 0
    assert "downloading" in shown.out
    assert "titles" in shown.out
    assert "the catalog has 2,000 titles" in shown.out


def test_a_server_that_asked_for_rest_is_left_alone(synced: Home) -> None:
    """What a sync is told holds for all, and what the others were told holds for a sync."""
    Store.open(synced.folder / "feedwatch.db").close()
    synced.server.on(INDEX, reply(b"", 429, Retry_After="3600"))
    assert synced.sync().status == 1
    asked = len(synced.server.requests)
    ran = synced.sync()
    assert (ran.status, "it asked for rest until" in ran.err) == (1, True)
    assert len(synced.server.requests) == asked


def test_identifiers_of_others_are_asked_for_where_that_is_wanted(home: Home) -> None:
    """They are parameters of the index, and the full catalog has none."""
    home.server.on(INDEX, reply(OLD))
    assert home.sync("--ids", "tms", "--ids", "amg").status == 0
    assert home.server.last.target == f"{INDEX}?include_amg=true&include_tms=true"
    with pytest.raises(click.UsageError, match="without --full"):
        home.sync("--ids", "amg", "--full")


# ── at the sandbox ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=[False, True], ids=["reference", "wild"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with at_sandbox(tmp_path) as place:
        place.world.switches.later_dialect = request.param
        yield place


@pytest.mark.parametrize(
    "full", [(), pytest.param(("--full",), marks=pytest.mark.thorough)], ids=["index", "full"]
)
def test_the_catalog_of_the_sandbox_is_had_and_searched(place: Place, full: tuple[str, ...]) -> None:
    """In both dialects, the index and the full one; the second time it is unchanged."""
    ran = place.run("catalog", "sync", *full)
    assert (ran.status, ran.err) == (0, "")
    (status,) = place.run("catalog", "status", "--json").rows
    assert int(status["titles"]) >= 200
    title = place.world.catalog[0]
    found = place.run("catalog", "search", "--json", *title.name.split()).rows
    assert title.name in [row["title"] for row in found]
    assert place.run("catalog", "sync", *full).out.startswith("the catalog is unchanged")


@pytest.mark.thorough
def test_a_cut_at_the_sandbox_is_gone_on_with(place: Place) -> None:
    """The connection ends in the middle of a large index, and the next sync has what is missing."""
    place.world.switches.index_titles = 20_000
    place.world.switches.faults["titles_index"] = ["cut"]
    ran = place.run("catalog", "sync")
    assert ran.status == 1
    assert "the next sync goes on from there" in ran.err
    ran = place.run("catalog", "sync")
    assert ran.out.startswith("the catalog has 20,000 titles")
    assert " before)" in ran.out


def test_a_wrong_consumer_key_is_said_to_be_that(place: Place) -> None:
    """With what to look at."""
    text = place.config.read_text().replace(place.world.account.consumer_key, "another")
    place.config.write_text(text)
    ran = place.run("catalog", "sync")
    assert (ran.status, "look at consumer_key" in ran.err) == (1, True)
