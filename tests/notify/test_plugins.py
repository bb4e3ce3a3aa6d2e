"""Apprise's plugins, found one by one: the same that Apprise itself would have found among all of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from feedwatch.notify import Notifier
from feedwatch.notify.plugins import _MODULES, ignore_deprecations, load_plugin
from feedwatch.notify.services import _HABITS


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """Every schema that Apprise knows, with its plugin."""
    from apprise.plugins import N_MGR  # noqa: PLC0415 — it loads all of them

    manager: Any = N_MGR
    with ignore_deprecations():
        return {schema: manager[schema] for schema in manager.schemas()}


def test_whatever_is_found_alone_is_what_apprise_finds(known: dict[str, Any]) -> None:
    """No schema leads to another plugin than with Apprise; most are found without loading all."""
    found = {schema: plugin for schema in known if (plugin := load_plugin(schema)) is not None}
    assert found == {schema: known[schema] for schema in found}
    assert len(found) > len(known) * 3 // 4


def test_well_known_services_are_found_alone(known: dict[str, Any]) -> None:
    """What is written down of services, here and in their habits, leads to plugins that there are."""
    assert {schema for schema in (*_HABITS, *_MODULES) if load_plugin(schema) is None} == set()
    assert set(_MODULES) <= set(known)


@pytest.mark.parametrize("schema", ["base", "email", "nosuch", "s", "smtp", "format"])
def test_a_module_is_no_service(schema: str) -> None:
    """What is named as one of Apprise's modules, but is no schema of its, is no plugin."""
    assert load_plugin(schema) is None


def test_rare_service_is_looked_for_among_all() -> None:
    """A service whose module is named otherwise, and is not written down, can be told all the same."""
    assert load_plugin("46elks") is None
    assert load_plugin("elks") is None
    assert Notifier().check_address("elks://user:sesame@+15551234567/+15551234568") is None


def test_no_detector_of_charsets_is_loaded_with_apprise() -> None:
    """It takes as much room as a third of Apprise; who wants one later finds it, and nobody is warned."""
    code = (
        "import sys; from feedwatch.notify.door import open_service; open_service('json://h.example/')\n"
        "print(*sys.modules, sep='\\n'); import charset_normalizer"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::Warning:requests", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert {"apprise", "requests"} <= loaded
    assert not {"chardet", "charset_normalizer"} & loaded
    assert done.stderr == ""
