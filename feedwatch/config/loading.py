"""From a file to a Config, or to every problem in it at once, in the order of the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from feedwatch.config.cautions import find_cautions
from feedwatch.config.names import suggest
from feedwatch.config.nodes import MappingNode, Node, PathStep, Place, ScalarNode, find_node, place_key
from feedwatch.config.places import default_state, find_config
from feedwatch.config.schema import SERVICES, Settings
from feedwatch.config.secrets import Resolver
from feedwatch.config.settings import Config
from feedwatch.config.values import ReadingContext
from feedwatch.config.yaml_source import LARGEST_FILE, Source, read_nodes
from feedwatch.config.zones import find_zone, own_zone
from feedwatch.errors import ConfigError, Problem

_TOP: Place = (1, 1)
_MOST_PROBLEMS = 1000  # a file with more is no configuration, and somebody waits for the answer
_WRONG_TYPES = {
    "dict_type": "a mapping is wanted here: lines of `key: value`",
    "model_type": "a mapping is wanted here: lines of `key: value`",
    "model_attributes_type": "a mapping is wanted here: lines of `key: value`",
    "tuple_type": "a list is wanted here",
    "list_type": "a list is wanted here",
    "frozen_set_type": "a list is wanted here",
}


def load_config(path: Path | None = None, *, environ: Mapping[str, str]) -> Config:
    """Read the configuration; `path` as given on the command line.

    Secrets are not looked up: `Config.verify_secrets` does that.

    Raises:
        ConfigError: with every problem, in the order of the file.
    """
    file = find_config(path, environ)
    content, mode = _read_file(file)
    return _Reading(file, environ).read(content, mode)


def config_json_schema() -> dict[str, Any]:
    """The JSON Schema of a configuration, for editors."""
    return Settings.model_json_schema()


def _read_file(file: Path) -> tuple[bytes, int]:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1), os.fstat(opened.fileno()).st_mode
    except FileNotFoundError:
        reason = "there is no such file"
    except IsADirectoryError:
        reason = "this is a folder; the name of a file is wanted"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = f"cannot be read: {getattr(error, 'strerror', None) or 'no such name'}"
    raise ConfigError([Problem(str(file), *_TOP, reason)])


class _Reading:
    """One reading of one file, and the problems found on the way."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        self._file = str(file)
        # Not resolved: beside a symbolic link is where the person who made it looks.
        self._path = Path(os.path.abspath(file))  # noqa: PTH100 — Path.absolute() keeps `..`
        self._resolver = Resolver(self._file, self._path.parent, environ)
        self._problems: set[Problem] = set()

    def read(self, content: bytes, mode: int) -> Config:
        root = read_nodes(content, self._tell)
        if not isinstance(root, MappingNode):
            if not self._problems:
                self._tell(_TOP, _describe_nothing(root))
            raise self._make_error()
        settings = self._validate(root)
        if settings is None or self._problems:
            raise self._make_error()
        return self._make_config(settings, root, Source(content), mode)

    def _tell(self, place: Place, message: str) -> None:
        self._problems.add(Problem(self._file, *place, message))

    def _make_error(self) -> ConfigError:
        return ConfigError(sorted(self._problems, key=lambda each: (each.line, each.column, each.message)))

    def _validate(self, root: MappingNode) -> Settings | None:
        errors: list[ErrorDetails] = []
        try:
            return Settings.model_validate(root, context=_make_context(root, self._resolver))
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
        for each in errors[:_MOST_PROBLEMS]:
            self._tell(*_explain(each, root))
        if len(errors) > _MOST_PROBLEMS:
            self._tell(_TOP, f"{len(errors)} problems; these are the first {_MOST_PROBLEMS} found")
        return None

    def _make_config(self, settings: Settings, root: MappingNode, source: Source, mode: int) -> Config:
        fields: dict[str, Any] = {name: getattr(settings, name) for name in Settings.model_fields}
        fields["notices"], fields["notice_quiet"] = settings.notices.to, settings.notices.quiet_hours
        fields["state"] = settings.state or default_state(self._path.parent, self._resolver.environ)
        others_read = bool(mode & stat.S_IROTH)
        cautions = find_cautions(settings, root, others_read=others_read)
        warnings = tuple(Problem(self._file, *place, message) for place, message in sorted(cautions))
        return Config(**fields, path=self._path, warnings=warnings, _file=self._file, _source=source)


def _describe_nothing(root: Node | None) -> str:
    if root is None or (isinstance(root, ScalarNode) and root.absent):
        return "the file is empty: see config.example.yaml for what it may hold"
    return "a configuration is a mapping: lines of `key: value`, such as `accounts:`"


def _make_context(root: MappingNode, resolver: Resolver) -> ReadingContext:
    """Take the names from the file as it stands, so that a bad account hides no problem of a route."""
    accounts, targets, templates = root.get("accounts"), root.get("targets"), root.get("templates")
    listed = {
        name: frozenset(feeds) if isinstance(feeds := account.get("feeds"), MappingNode) else frozenset[str]()
        for name, account in (accounts.items() if isinstance(accounts, MappingNode) else ())
        if isinstance(account, MappingNode) and _lists_its_feeds(account)
    }
    return ReadingContext(
        resolver,
        frozenset(accounts) if isinstance(accounts, MappingNode) else frozenset(),
        frozenset(targets) if isinstance(targets, MappingNode) else frozenset(),
        listed,
        frozenset(templates) if isinstance(templates, MappingNode) else frozenset(),
        _zone_of(root, resolver),
    )


def _zone_of(root: MappingNode, resolver: Resolver) -> ZoneInfo:
    """The zone for all that names none; a bad one is a problem where it stands, and nowhere else."""
    written = root.get("zone")
    if isinstance(written, ScalarNode) and not written.absent:
        with suppress(ValueError):
            return find_zone(resolver.resolve(written))
    return own_zone(resolver.environ)


def _lists_its_feeds(account: MappingNode) -> bool:
    service = account.get("service")
    return isinstance(service, ScalarNode) and service.text == "feeds"


# ── pydantic's errors, in our words and places ────────────────────────────────────────────────────


def _explain(error: ErrorDetails, root: Node) -> tuple[Place, str]:
    path: tuple[PathStep, ...] = error["loc"]
    kind = error["type"]
    if path and path[-1] == "[key]":
        return place_key(root, path[:-1]), _message_of(error)
    if kind == "extra_forbidden":
        return place_key(root, path), _explain_unknown_key(root, path)
    if kind == "missing":
        return find_node(root, path[:-1])[1], f"`{path[-1]}` is missing"
    if kind.startswith("union_tag"):
        return _explain_service(root, path)
    return find_node(root, path)[1], _message_of(error)


def _message_of(error: ErrorDetails) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return _WRONG_TYPES.get(error["type"], "this value cannot stand here")


def _explain_unknown_key(root: Node, path: tuple[PathStep, ...]) -> str:
    """Name the keys there are, never the one that is there: it may be a misplaced secret."""
    parent, _place = find_node(root, path[:-1])
    known = parent.known_keys if isinstance(parent, MappingNode) else ()
    if meant := suggest(str(path[-1]), known):
        return f"unknown key; did you mean `{meant}`?"
    return f"unknown key; known here are: {', '.join(known)}"


def _explain_service(root: Node, path: tuple[PathStep, ...]) -> tuple[Place, str]:
    account, place = find_node(root, path)
    if not isinstance(account, MappingNode):
        return place, _WRONG_TYPES["dict_type"]
    if "service" not in account:
        return place, f"`service` is missing: one of {', '.join(SERVICES)}"
    return find_node(root, (*path, "service"))[1], f"one of these is wanted: {', '.join(SERVICES)}"
