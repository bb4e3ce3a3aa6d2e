"""Configurations written to a file and read back, for the tests of what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from feedwatch.config import Config, load_config
from feedwatch.errors import ConfigError

NETFLIX = """\
accounts:
  jane:
    service: netflix
    url: https://api.example.net
    consumer_key: key-of-the-app
    consumer_secret: secret-of-the-app
"""
"""An account with all that must be there; lines of four spaces may follow."""


def write(folder: Path, text: str | bytes) -> Path:
    """Write a configuration that only its owner can read."""
    file = folder / "config.yaml"
    file.touch(mode=0o600)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def read(folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> Config:
    """Read a configuration that is sound."""
    return load_config(write(folder, text), environ={"HOME": str(folder)} if environ is None else environ)


def refuse(folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
    """Read a configuration that is not; gives its problems as `line:column: message`."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text, environ)
    prefix = f"{folder / 'config.yaml'}:"
    problems = [str(problem) for problem in caught.value.problems]
    assert all(problem.startswith(prefix) for problem in problems)
    return [problem.removeprefix(prefix) for problem in problems]
