"""Apprise's plugins, loaded one by one: all of them take as long as a hundred polls, and 11 MB for good.

Apprise itself knows what a schema means only once it has loaded every plugin. Most are named as their schema
is; whatever is found by its name has to say itself that the schema is its own.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

_MODULES: Final = {
    "apprise": "apprise_api",
    "bsky": "bluesky",
    "form": "custom_form",
    "gchat": "google_chat",
    "hassio": "home_assistant",
    "json": "custom_json",
    "mailto": "email",
    "mmost": "mattermost",
    "ncloud": "nextcloud",
    "nctalk": "nextcloudtalk",
    "o365": "office365",
    "onesignal": "one_signal",
    "pbul": "pushbullet",
    "pover": "pushover",
    "rocket": "rocketchat",
    "schan": "serverchan",
    "signal": "signal_api",
    "tgram": "telegram",
    "toot": "mastodon",
    "wxteams": "webexteams",
    "xbmc": "kodi",
    "xml": "custom_xml",
}
"""The well-known services whose modules are not named as their schemas are."""


@contextmanager
def ignore_deprecations() -> Iterator[None]:
    """What Apprise and its plugins import is their own business: nobody who runs feedwatch can change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def without_guessing_charsets() -> Iterator[None]:
    """Have requests find no detector of charsets while it is imported: it goes by UTF-8 then.

    Nobody reads here what it would be asked for, and it takes 3 MB and 10 ms.
    """
    modules: dict[str, Any] = sys.modules
    barred = [name for name in ("chardet", "charset_normalizer") if name not in modules]
    modules.update(dict.fromkeys(barred))  # None: it cannot be imported
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Unable to find acceptable character detection")
            yield
    finally:
        for name in barred:
            modules.pop(name, None)


@functools.cache
def load_plugin(schema: str) -> Any | None:
    """Give the plugin of a schema; None if it is to be looked for among all of them."""
    plain = schema.removesuffix("s")
    for name in (_MODULES.get(schema), schema, _MODULES.get(plain), plain):
        if name and (plugin := _find_plugin(name, schema)) is not None:
            return plugin
    return None


def _find_plugin(name: str, schema: str) -> Any | None:
    """The class in a module of Apprise's that says that a schema is its own."""
    try:
        with ignore_deprecations():
            module = import_module(f"apprise.plugins.{name}")
    except ImportError:
        return None
    return next((each for each in vars(module).values() if _claims(each, schema)), None)


def _claims(what: Any, schema: str) -> bool:
    return isinstance(what, type) and hasattr(what, "schemas") and schema in what.schemas(what)
