"""Texts whose value comes from elsewhere, and secrets: resolved when first used, never shown.

`${NAME}` takes an environment variable, `!file path` a file's content, `!credential name` a
systemd credential. No message here repeats a text of the configuration or of such a file.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from feedwatch.config.nodes import Origin, Place, ScalarNode
from feedwatch.config.places import expand_home
from feedwatch.errors import ConfigError, Problem

MASK = "•••"

_LARGEST_SECRET = 64 * 1024
_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_USUAL_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_CHARACTER = re.compile(r"[\ud800-\udfff]")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")


@dataclass(frozen=True, slots=True)
class Resolver:
    """What texts of one configuration are resolved from."""

    file: str
    folder: Path
    environ: Mapping[str, str] = field(repr=False)

    def resolve(self, node: ScalarNode) -> str:
        """Give what a text stands for.

        Raises:
            ValueError: it stands for nothing; the message says what is missing.
        """
        text, _pieces = self.resolve_pieces(node)
        return text

    def resolve_pieces(self, node: ScalarNode) -> tuple[str, tuple[str, ...]]:
        """Give what a text stands for, and the pieces of it that came from elsewhere."""
        text, pieces = self._expand(node.text)
        if node.origin is Origin.TEXT:
            return text, pieces
        content = self._read_file(text) if node.origin is Origin.FILE else self._read_credential(text)
        return content, (content,)

    def _expand(self, text: str) -> tuple[str, tuple[str, ...]]:
        if "${" not in text:
            return text, ()
        pieces: list[str] = []

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            pieces.append(self._read_variable(match[1]))
            return pieces[-1]

        return _VARIABLE.sub(replace, text), tuple(pieces)

    def _read_variable(self, name: str | None) -> str:
        if name is None:
            raise ValueError(_BAD_VARIABLE)
        if name not in self.environ:
            # A name that is not in capitals may be a piece of a password with `${` in it.
            named = f" {name}" if _USUAL_NAME.fullmatch(name) else ""
            raise ValueError(f"the environment variable{named} is not set")
        return self.environ[name]

    def _read_file(self, written: str) -> str:
        path = self.folder / expand_home(written, self.environ)
        where = "" if Path(written).is_absolute() else f" (looked for from {self.folder})"
        return _read_value(path, f"the file{where}")

    def _read_credential(self, name: str) -> str:
        if not _CREDENTIAL.fullmatch(name):
            raise ValueError("this is no name of a credential: letters, digits, `_`, `-`, `.` and `@`")
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise ValueError("no credentials here: systemd gives them to a service (LoadCredential=)")
        # systemd hands them over when it starts a service, and not when that reloads.
        return _read_value(Path(folder) / name, "the credential", ": one that is new takes a restart")


_BAD_VARIABLE = (
    "`${` starts the name of an environment variable, as in ${NAME}; for the characters themselves write $${"
)


def check_variables(node: ScalarNode) -> None:
    """Refuse a `${` that names nothing, before anything is resolved.

    Raises:
        ValueError: there is one.
    """
    if "${" in node.text and any(m[0] == "${" for m in _VARIABLE.finditer(node.text)):
        raise ValueError(_BAD_VARIABLE)


def is_literal(node: ScalarNode) -> bool:
    """Whether a text stands for itself: it can be judged without an environment or a file."""
    return node.origin is Origin.TEXT and "${" not in node.text


def _read_value(path: Path, name: str, if_missing: str = "") -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before opening: a pipe would keep us waiting
            raise ValueError(f"{name} is no plain file") from None
        with path.open("rb") as file:
            text = file.read(_LARGEST_SECRET + 1).decode()
    except FileNotFoundError:
        raise ValueError(f"{name} does not exist{if_missing}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror}") from None
    if len(text) > _LARGEST_SECRET:
        raise ValueError(f"{name} is larger than {_LARGEST_SECRET // 1024} KiB: no secret is")
    return text.removesuffix("\n").removesuffix("\r")


Shape = Callable[[str, Resolver], str]
"""Judges a resolved text (ValueError: not this) and gives it in the form it is used in."""


def keep_text(text: str, _resolver: Resolver) -> str:
    """Take any text as it is."""
    return text


class Secret:
    """A text that is never shown. What it stands for is looked up when it is first revealed."""

    __slots__ = ("_node", "_pieces", "_resolver", "_shape", "_value")

    def __init__(self, node: ScalarNode, resolver: Resolver, shape: Shape = keep_text) -> None:
        self._node = node
        self._resolver = resolver
        self._shape = shape
        self._value: str | None = None
        self._pieces: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return MASK

    @property
    def is_literal(self) -> bool:
        """Whether the secret itself stands in the configuration."""
        return is_literal(self._node)

    @property
    def written(self) -> str:
        """What stands in the configuration, unresolved: as secret as the value. Never show it."""
        return self._node.text

    @property
    def scheme(self) -> str | None:
        """What an address starts with, where that stands in the configuration itself: `https`."""
        scheme, there, _rest = self._node.text.partition("://")
        return scheme if there and self._node.origin is Origin.TEXT and "${" not in scheme else None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self._node.place

    def reveal(self) -> str:
        """Give the secret.

        Raises:
            ConfigError: what it names is not there, or is not what belongs here; with the position.
        """
        if self._value is None:
            problem = self._look_up()
            if problem is not None:
                # Raised here, after the except block: no traceback may carry what was read.
                raise ConfigError([problem])
        assert self._value is not None
        return self._value

    def verify(self) -> Problem | None:
        """Look the secret up; say what is wrong, or None."""
        return None if self._value is not None else self._look_up()

    def split(self) -> Iterator[Secret]:
        """Give the pieces that came from elsewhere: secrets in their own right."""
        self.reveal()
        for piece in filter(None, self._pieces):
            part = Secret(self._node, self._resolver)
            part._value = piece
            yield part

    def _look_up(self) -> Problem | None:
        try:
            text, self._pieces = self._resolver.resolve_pieces(self._node)
            self._value = self._shape(check_text(text), self._resolver)
        except ValueError as error:
            return Problem(self._resolver.file, *self._node.place, str(error))
        return None


def check_text(text: str) -> str:
    """Refuse a text that is empty, not one line, or not of characters (a variable may hold any bytes).

    Raises:
        ValueError: it is.
    """
    if not text.strip():
        raise ValueError("what stands here is empty")
    if text.isprintable():  # nearly every text is: then it has none of what is looked for below
        return text
    if _NO_CHARACTER.search(text):
        raise ValueError("this is not UTF-8")
    if _CONTROL.search(text):
        raise ValueError("a line break or control character in a value of one line")
    return text
