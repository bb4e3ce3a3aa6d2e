"""A state of its own for every test, in a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from feedwatch.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state of this test is."""
    return tmp_path / "feedwatch.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An empty state, open for writing."""
    opened = Store.open(path)
    yield opened
    opened.close()
