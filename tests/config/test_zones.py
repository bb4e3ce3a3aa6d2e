"""Time zones by name, and the one of this machine."""

# ruff: noqa: E501 — a configuration is read as one line
from __future__ import annotations

from pathlib import Path

import pytest
from configs import NETFLIX, read, refuse
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.config import zones
from feedwatch.config.zones import find_zone, own_zone


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that says nothing about its zone yet: `localtime` and `timezone` may be put there."""
    monkeypatch.setattr(zones, "_LINK", tmp_path / "localtime")
    monkeypatch.setattr(zones, "_NAME", tmp_path / "timezone")
    return tmp_path


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Europe/Berlin", "Europe/Berlin"),
        ("/usr/share/zoneinfo/Asia/Kathmandu", "Asia/Kathmandu"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Rome"),
        ("", "Europe/Rome"),
    ],
    ids=["a name", "a name after a colon", "a path", "a rule without a name", "nothing"],
)
def test_variable_names_the_zone(system: Path, written: str, zone: str) -> None:
    """`TZ` comes first, if it names a zone; one that is only a rule has none, and the system's is taken."""
    (system / "localtime").symlink_to("../usr/share/zoneinfo/Europe/Rome")
    assert own_zone({"TZ": written}).key == zone


def test_system_names_the_zone(system: Path) -> None:
    """The link that the system follows comes before the name beside it; without both it is UTC."""
    assert own_zone({}).key == "UTC"
    (system / "timezone").write_text("Asia/Tokyo\n")
    assert own_zone({}).key == "Asia/Tokyo"
    (system / "localtime").write_bytes(b"TZif2: a copy has no name")
    assert own_zone({}).key == "Asia/Tokyo"
    (system / "localtime").unlink()
    (system / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Rome")
    assert own_zone({}).key == "Europe/Rome"


def test_what_the_system_says_in_vain_is_passed_over(system: Path) -> None:
    """A link to nowhere and a name of nothing, or no text at all, are no zone: it is UTC."""
    (system / "localtime").symlink_to("/nowhere")
    (system / "timezone").write_bytes(b"\xff\xfe")
    assert own_zone({"TZ": "Atlantis/Capital"}).key == "UTC"


def test_zone_holds_where_none_is_written(tmp_path: Path) -> None:
    """A digest and hours without a zone of their own follow the configuration's, else that of the machine."""
    tail = "targets: {p: 'json://x'}\nroutes: [{to: p, digest: hourly, quiet: {hours: 22:00-07:00, zone: UTC}}]\n"
    (route,) = read(tmp_path, f"zone: Asia/Tokyo\n{NETFLIX}{tail}").routes
    assert route.manner.key == "digest hourly Asia/Tokyo; quiet 22:00-07:00 UTC"
    (route,) = read(tmp_path, NETFLIX + tail, {"TZ": "Europe/Rome"}).routes
    assert route.manner.key == "digest hourly Europe/Rome; quiet 22:00-07:00 UTC"


def test_zone_may_come_from_elsewhere(tmp_path: Path) -> None:
    """A zone in a variable holds for what has none, too; one that is none is one problem, not many."""
    text = "zone: ${ZONE}\ntargets: {p: 'json://x'}\nroutes: [{to: p, digest: hourly}, {to: p, quiet: 1:00-2:00}]"
    config = read(tmp_path, text, {"ZONE": "Asia/Tokyo"})
    assert [route.manner.key for route in config.routes] == [
        "digest hourly Asia/Tokyo",
        "quiet 01:00-02:00 Asia/Tokyo",
    ]
    assert refuse(tmp_path, text, {"ZONE": "Asia/Tokio"}) == [
        "1:7: no time zone has this name; did you mean `Asia/Tokyo`?"
    ]
    assert refuse(tmp_path, text, {}) == ["1:7: the environment variable ZONE is not set"]


MEANT = {
    "europe/berlin": "Europe/Berlin",
    "Berlin": "Europe/Berlin",
    "new york": "America/New_York",
    "Europe/Berln": "Europe/Berlin",
    "Kathmandu": "Asia/Kathmandu",
}


@pytest.mark.parametrize("written", MEANT)
def test_zone_that_was_meant_is_named(written: str) -> None:
    """In other letters, misspelt, or by its town alone: the zone is suggested, never taken silently."""
    with pytest.raises(ValueError, match=rf"did you mean `{MEANT[written]}`\?$"):
        find_zone(written)


@given(st.text() | st.sampled_from(["..", "/etc/passwd", "Europe", ".", "Europe/", "a\0b", "x" * 5000]))
def test_any_word_is_a_zone_or_none(word: str) -> None:
    """Whatever is written is a zone or a problem, also what leads out of the folder; a long one is not told."""
    problem = ""
    try:
        assert find_zone(word).key == word
    except ValueError as error:
        problem = str(error)
    assert len(word) < 12 or word not in problem
