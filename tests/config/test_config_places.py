"""Where a configuration is looked for, where its state is, and where its paths start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from configs import read, write

from feedwatch.config import FeedsAccount, OpmlAccount, find_config, load_config
from feedwatch.config.places import default_state
from feedwatch.errors import ConfigError


def put(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("log: info")
    return file


def test_first_place_that_has_one_is_taken(tmp_path: Path) -> None:
    """Named on the command line, then by the variable, then the person's own: each before the next."""
    home = tmp_path / "home"
    own = put(home / ".config" / "feedwatch" / "config.yaml")
    xdg = put(tmp_path / "xdg" / "feedwatch" / "config.yaml")
    named = put(tmp_path / "named.yaml")
    given = put(tmp_path / "given.yaml")
    environ = {"HOME": str(home)}
    assert find_config(None, environ) == own
    environ["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    assert find_config(None, environ) == xdg
    environ["FEEDWATCH_CONFIG"] = str(named)
    assert find_config(None, environ) == named
    assert find_config(given, environ) == given


def test_named_but_absent_is_an_error(tmp_path: Path) -> None:
    """What is named must be there: the next place is not tried."""
    put(tmp_path / ".config" / "feedwatch" / "config.yaml")
    environ = {"HOME": str(tmp_path), "FEEDWATCH_CONFIG": "~/gone.yaml"}
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/gone\.yaml:1:1: there is no such file$"):
        load_config(None, environ=environ)


def test_none_anywhere_names_both_places(tmp_path: Path) -> None:
    """Without any configuration the error says where it was looked for and what to do."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, environ={"HOME": str(tmp_path)})
    assert str(caught.value) == (
        f"{tmp_path}/.config/feedwatch/config.yaml:1:1: there is no configuration: looked here and at "
        "/etc/feedwatch/config.yaml; `feedwatch init` makes one; "
        "or name one with --config or $FEEDWATCH_CONFIG"
    )


@pytest.mark.parametrize(
    ("folder", "environ", "state"),
    [
        ("/home/jane", {"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, "/var/lib/one/feedwatch.db"),
        ("/etc/feedwatch", {"HOME": "/root"}, "/var/lib/feedwatch/feedwatch.db"),
        ("/etc/feedwatch", {"STATE_DIRECTORY": "/run/x"}, "/run/x/feedwatch.db"),
        ("/etcetera", {"HOME": "/home/jane"}, "/home/jane/.local/state/feedwatch/feedwatch.db"),
        ("/x", {"HOME": "/home/jane", "XDG_STATE_HOME": "/data"}, "/data/feedwatch/feedwatch.db"),
        ("/x", {"HOME": "/h", "XDG_STATE_HOME": "not/absolute"}, "/h/.local/state/feedwatch/feedwatch.db"),
    ],
    ids=["systemd's", "the system's", "systemd's under etc", "like etc", "XDG", "a relative XDG"],
)
def test_state_has_a_default_place(folder: str, environ: dict[str, str], state: str) -> None:
    """Without `state`: systemd's folder, the system's for a configuration under /etc, else the person's."""
    assert default_state(Path(folder), environ) == Path(state)


def test_default_state_is_used(tmp_path: Path) -> None:
    """A configuration without `state` has the default one, one with it its own."""
    environ = {"HOME": str(tmp_path), "STATE_DIRECTORY": "/var/lib/x"}
    assert read(tmp_path, "log: info", environ).state == Path("/var/lib/x/feedwatch.db")
    assert read(tmp_path, "state: a.db", environ).state == tmp_path / "a.db"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("x/a.db", "{folder}/x/a.db"),
        ("../a.db", "{folder}/../a.db"),
        ("~/a.db", "/h/a.db"),
        ("/x/a.db", "/x/a.db"),
    ],
)
def test_paths_start_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, path: str
) -> None:
    """Relative paths are the configuration's, whatever folder the command was typed in."""
    monkeypatch.chdir("/")
    config = read(
        tmp_path, f"state: {written}\naccounts: {{r: {{service: opml, url: {written}}}}}", {"HOME": "/h"}
    )
    reading = config.accounts["r"]
    assert isinstance(reading, OpmlAccount)
    assert str(config.state) == path.format(folder=tmp_path)
    assert reading.url.reveal() == path.format(folder=tmp_path)


def test_name_on_the_command_line_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration named from its own folder has absolute paths all the same."""
    write(tmp_path, "state: a.db")
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("config.yaml"), environ={})
    assert (config.path, config.folder, config.state) == (
        tmp_path / "config.yaml",
        tmp_path,
        tmp_path / "a.db",
    )


def test_paths_start_beside_a_symbolic_link(tmp_path: Path) -> None:
    """Where the link is, its paths are looked for."""
    (tmp_path / "real").mkdir()
    write(tmp_path / "real", "state: a.db")
    link = tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "real" / "config.yaml")
    assert load_config(link, environ={}).state == tmp_path / "a.db"


def test_place_of_any_value_can_be_named(tmp_path: Path) -> None:
    """A later problem with a value is told with its place, or that of the nearest thing around it."""
    config = read(
        tmp_path, "targets:\n  phone:\n    url: json://x\naccounts: {n: {service: feeds, feeds: {}}}\n"
    )
    assert config.locate(("targets", "phone", "url")) == (3, 10)
    assert config.locate(("targets", "phone")) == (2, 3)
    assert config.locate(("targets", "gone", "url")) == (1, 1)
    assert str(config.problem(("targets", "phone"), "no")) == f"{tmp_path}/config.yaml:2:3: no"
    assert isinstance(config.accounts["n"], FeedsAccount)
