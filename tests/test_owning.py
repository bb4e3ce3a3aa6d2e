"""Files made beside a state: root's belong to whom the folder belongs to, everybody's own to themselves."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from logins import sign_in, take_tokens_out
from running import at_sandbox

from feedwatch.core.model import Reason
from feedwatch.owning import make_folder, open_beside
from feedwatch.store import Store, hold_state

SOMEBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files that are somebody else's")


def owners(folder: Path) -> set[int]:
    """Whose everything in a folder is."""
    return {each.lstat().st_uid for each in folder.rglob("*")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of somebody else's, as a service's is."""
    folder = tmp_path / "service"
    folder.mkdir(mode=0o750)
    os.chown(folder, SOMEBODY, SOMEBODY)
    return folder


@AS_ROOT
def test_what_root_leaves_beside_a_service_is_the_services(folder: Path) -> None:
    """Root signs in and fetches the catalog; the service can open all that has come to be there."""
    with at_sandbox(folder.parent) as place:
        take_tokens_out(place.config)
        text = place.config.read_text().replace("state: feedwatch.db", f"state: {folder}/feedwatch.db")
        place.config.write_text(text)
        assert sign_in(place).status == 0
        assert place.run("catalog", "sync").status == 0
        with closing(Store.open(folder / "feedwatch.db")) as store, hold_state(store.path):
            store.rest_host("example.org", datetime.now(UTC), Reason.RATE_LIMITED)
            assert len(list(folder.rglob("*"))) >= 8
            assert owners(folder) == {SOMEBODY}


@AS_ROOT
def test_what_lay_there_before_is_not_given_away(folder: Path, tmp_path: Path) -> None:
    """A name laid there for root to open leads to no file that changes hands, nor does a folder."""
    precious = tmp_path / "precious"
    precious.write_text("root's")
    os.link(precious, folder / "hard")
    (folder / "soft").symlink_to(precious)
    (folder / "dangling").symlink_to(tmp_path / "nothing")
    (folder / "elsewhere").symlink_to(tmp_path)
    for name in ("hard", "soft", "dangling"):
        os.close(open_beside(folder / name, os.O_RDWR, 0o600))
    make_folder(folder / "elsewhere")
    assert {precious.stat().st_uid, (tmp_path / "nothing").stat().st_uid, tmp_path.stat().st_uid} == {0}


def test_everybody_elses_is_their_own(tmp_path: Path) -> None:
    """In a folder of one's own nothing is given to anybody."""
    make_folder(tmp_path / "a" / "b")
    os.close(open_beside(tmp_path / "a" / "b" / "c", os.O_RDWR, 0o600))
    assert owners(tmp_path) == {os.geteuid()}
