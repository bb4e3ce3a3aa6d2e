"""The benchmark's farm, asked over real sockets, and a small run of the whole."""

from __future__ import annotations

import ssl
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from bench_polls import main
from farming import CERTIFICATE, RunningFarm, run_farm
from feed_farm import Farm, Served, State
from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def farm() -> Iterator[RunningFarm]:
    with run_farm(50) as running:
        yield running


def ask(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request, with `_` in a header's name for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=CERTIFICATE))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trust)
    try:
        with opener.open(urllib.request.Request(url, headers=named), timeout=10) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except HTTPError as error:
        with error:
            return error.code, dict(error.headers), b""


def ids_of(body: bytes) -> list[str]:
    return [str(each.text) for each in etree.fromstring(body).iterfind(f"{ATOM}entry/{ATOM}id")]


@pytest.mark.parametrize("kind", ["stream", "queue"])
@pytest.mark.parametrize("tls", [False, True])
def test_feed_has_its_entries_and_validators(farm: RunningFarm, kind: str, tls: bool) -> None:  # noqa: FBT001
    """Each feed has entries of its own, of some 1.9 kB; who has them is told so, by etag or by date."""
    farm.switch(State(entries=25))
    first, second = farm.write_urls(kind, 2, tls=tls)
    status, headers, body = ask(first)
    assert (status, len(ids_of(body))) == (200, 25)
    assert 1800 < len(body) / 25 < 2000
    assert not set(ids_of(body)) & set(ids_of(ask(second)[2]))
    assert ask(first, If_None_Match=headers["ETag"])[0] == 304
    assert ask(first, If_Modified_Since=headers["Last-Modified"])[0] == 304
    assert ask(second, If_None_Match=headers["ETag"])[0] == 200
    assert (farm.count().whole, farm.count()) == (3, Served())


def test_new_entry_comes_first_and_has_other_validators(farm: RunningFarm) -> None:
    """What was there stays as it was, below the new one."""
    (url,) = farm.write_urls("stream", 1)
    farm.switch(State(entries=5))
    _, headers, before = ask(url)
    farm.switch(State(entries=6))
    status, _, after = ask(url, If_None_Match=headers["ETag"])
    assert (status, ids_of(after)[1:]) == (200, ids_of(before))


def test_feed_that_moves_says_the_same_in_other_bytes(farm: RunningFarm) -> None:
    """Its `updated` are the time of the request, and it has no validators."""
    (url,) = farm.write_urls("queue", 1)
    bodies = []
    for _ in range(2):
        farm.switch(State(entries=5, moving=True))
        _, headers, body = ask(url)
        bodies.append(body)
        assert "ETag" not in headers
    assert bodies[0] != bodies[1]
    assert ids_of(bodies[0]) == ids_of(bodies[1])


def test_messages_are_taken_and_what_they_tell_is_counted(farm: RunningFarm) -> None:
    """A message names entries by their titles, each of which says which it is."""
    farm.count()
    told = b'{"message": "new: The Lamp and the River (25 of 0000001)\\nnew: The Signal (26 of 0000002)"}'
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"http://{farm.hook}/hook", data=told, timeout=10
    ) as reply:
        assert reply.status == 200
    served = farm.count()
    assert (served.messages, served.told) == (1, 2)


def test_a_hundred_thousand_feeds_are_one_document() -> None:
    """A feed with a high number costs no more than the first: only its number is written into it."""
    answer = Farm().answer(b"", b"/stream/0099999.atom", None)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"0099999" in answer


@pytest.mark.thorough
@pytest.mark.timeout(240)
def test_small_run_finds_what_the_farm_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some rounds of a few feeds, with the real program: were anything else found, it would have ended."""
    document = tmp_path / "performance.md"
    document.write_text("Figures:\n<!-- polls -->\n<!-- end of polls -->\n")
    words = [
        "bench",
        "--feeds",
        "6",
        "--repeat",
        "1",
        "--rounds",
        "new",
        "--peers",
        "none",
        "--table",
        str(document),
    ]
    monkeypatch.setattr(sys, "argv", words)
    main()
    assert "6 feeds of 25, plain HTTP, answers at once" in capsys.readouterr().out
    assert "| feedwatch, queues | 150 | 6 |" in document.read_text()
