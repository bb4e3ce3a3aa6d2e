"""Where a configuration and its state are looked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from feedwatch.errors import ConfigError, Problem

_SYSTEM_CONFIG = Path("/etc/feedwatch/config.yaml")
_SYSTEM_STATE = Path("/var/lib/feedwatch")
_STATE_FILE = "feedwatch.db"


def find_config(explicit: Path | None, environ: Mapping[str, str]) -> Path:
    """Find the configuration: the one named, `$FEEDWATCH_CONFIG`, the person's own, the system's.

    Raises:
        ConfigError: there is none; the message says where it was looked for.
    """
    if explicit is not None:
        return explicit
    if named := environ.get("FEEDWATCH_CONFIG"):
        return expand_home(named, environ)
    places = [config_home(environ) / "feedwatch" / "config.yaml", _SYSTEM_CONFIG]
    for place in places:
        if _is_there(place):
            return place
    message = (
        f"there is no configuration: looked here and at {places[1]}; "
        "`feedwatch init` makes one; or name one with --config or $FEEDWATCH_CONFIG"
    )
    raise ConfigError([Problem(str(places[0]), 1, 1, message)])


def default_state(folder: Path, environ: Mapping[str, str]) -> Path:
    """Where the state is when the configuration in `folder` does not say."""
    # systemd joins several state directories with colons; the first is the unit's own.
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given) / _STATE_FILE
    if folder.is_relative_to("/etc"):
        return _SYSTEM_STATE / _STATE_FILE
    return _xdg_folder("XDG_STATE_HOME", ".local/state", environ) / "feedwatch" / _STATE_FILE


def expand_home(written: str, environ: Mapping[str, str]) -> Path:
    """Give a path with a leading `~` replaced by the person's own folder."""
    if written == "~" or written.startswith("~/"):
        return _home(environ) / written[2:]
    return Path(written)


def config_home(environ: Mapping[str, str]) -> Path:
    """Where a person's own configurations are."""
    return _xdg_folder("XDG_CONFIG_HOME", ".config", environ)


def _xdg_folder(variable: str, below_home: str, environ: Mapping[str, str]) -> Path:
    # The XDG specification: a relative path there is invalid and ignored.
    given = environ.get(variable, "")
    return Path(given) if given.startswith("/") else _home(environ) / below_home


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111 — Path.home() raises without one


def _is_there(path: Path) -> bool:
    """Whether there is something at a path, readable or not: reading it will say what is wrong."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
