"""Targets are checked before anything is done; what is known to be fine is not checked again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from feedserver import FeedServer, reply
from running import run

from feedwatch.notify import stamp_addresses
from feedwatch.store import Store
from feedwatch.verifying import recall_checked

ATOM = b"""\
<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:list</id><title>List</title>
<entry><id>urn:1</id><title>One</title><link href="https://example.org/1"/></entry></feed>"""
CONFIG = """\
state: feedwatch.db
accounts: {{reading: {{service: feeds, feeds: {{list: "{feed}"}}}}}}
targets: {{phone: "{target}"}}
notices: []
"""
GOOD = "json://jane:sesame@127.0.0.1:9/"


@pytest.mark.parametrize("bad", ["nosuchservice://sesame", GOOD + "?redirect=yes"])
def test_bad_address_in_place_of_a_good_one_is_found_before_anybody_is_asked(
    tmp_path: Path, bad: str
) -> None:
    """That other addresses were fine says nothing about these."""
    with FeedServer() as feeds:
        feeds.on("/list", reply(ATOM))
        config = tmp_path / "config.yaml"
        for target, status in ((GOOD, 0), (bad, 2), (GOOD, 0), (bad, 2)):
            config.write_text(CONFIG.format(feed=feeds.url("/list"), target=target))
            before = len(feeds.requests)
            ran = run("--config", "config.yaml", "poll", folder=tmp_path)
            assert ran.status == status, ran.said
            assert (len(feeds.requests) > before) is (status == 0)


def test_address_that_replaced_another_has_another_stamp() -> None:
    """What is added, left out or in another order is checked anew."""
    rows: tuple[list[str], ...] = ([GOOD], [GOOD + "x"], [GOOD, GOOD], [], [GOOD, "x"], ["x", GOOD])
    assert len({stamp_addresses(row) for row in rows}) == len(rows)


def test_stamp_is_too_short_to_try_passwords_against() -> None:
    """Many passwords have the same: who may read the state learns next to nothing about the one in use."""
    stamps = [stamp_addresses([f"json://jane:{number}@h/"]) for number in range(2000)]
    assert len(set(stamps)) < len(stamps)


def test_looking_for_a_stamp_makes_no_state(tmp_path: Path) -> None:
    """A configuration that cannot be used leaves nothing behind."""
    assert recall_checked(tmp_path / "feedwatch.db") is None
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_state_knows_no_stamp(tmp_path: Path) -> None:
    """It stays as it is; whoever opens it to write says what is wrong with it."""
    state = tmp_path / "feedwatch.db"
    state.write_bytes(b"not a database" * 1000)
    assert recall_checked(state) is None
    assert state.read_bytes() == b"not a database" * 1000


def test_stamp_is_remembered(tmp_path: Path) -> None:
    """The last one is: one for all addresses there are."""
    state = tmp_path / "feedwatch.db"
    with closing(Store.open(state)) as store:
        assert store.checked_addresses() is None
        store.record_checked_addresses("one")
        store.record_checked_addresses("other")
    assert recall_checked(state) == "other"
