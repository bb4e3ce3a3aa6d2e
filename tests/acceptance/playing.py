"""What the acceptance tests play with: a server, a world of lists, and processes that start quickly.

A plugin that they name, and not a conftest: of those there can be one in a folder tree without packages.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import Scene, WarmStart, open_scene
from sinks import WebhookSink

from feedwatch.sandbox import World


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmStart]:
    """One process that forks all others."""
    with WarmStart() as started:
        yield started


@pytest.fixture
def scene(tmp_path: Path, warm: WarmStart) -> Iterator[Scene]:
    """A queue of 220 titles behind a server."""
    yield from open_scene(tmp_path, warm, World(queue=220))


@pytest.fixture
def small(tmp_path: Path, warm: WarmStart) -> Iterator[Scene]:
    """A short queue, for what is about the order of things and not about their number."""
    yield from open_scene(tmp_path, warm, World(queue=30))


@pytest.fixture
def hook() -> Iterator[WebhookSink]:
    """A webhook."""
    with WebhookSink() as sink:
        yield sink
