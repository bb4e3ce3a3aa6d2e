"""The fixture of statuses, read: every row of the documents, with what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from feedwatch.core.model import Reason
from feedwatch.core.statuses import Action, Resource, Service

FIXTURE = Path(__file__).parent / "data" / "statuses.txt"
_SERVICES = {"rest": Service.REST, "http": Service.REST, "tmdb": Service.TMDB}


@dataclass(frozen=True, slots=True)
class Expected:
    """A row of the fixture."""

    document: str
    status: int
    code: int | None
    resource: Resource
    message: str
    action: Action
    reason: Reason | None
    wait: str

    @property
    def service(self) -> Service:
        """Whose answer it is."""
        return _SERVICES.get(self.document, Service.NETFLIX)

    @property
    def asked(self) -> Resource:
        """What was asked for, where the row is of all."""
        return Resource.SIGNED if self.resource is Resource.ALL else self.resource

    @property
    def rest(self) -> timedelta | None:
        """How long to wait."""
        return timedelta(seconds=int(self.wait)) if self.wait.isdigit() else None

    def __str__(self) -> str:
        return f"{self.document} {self.status} {self.code or ''} {self.message}"


def read_fixture() -> list[Expected]:
    """Read all rows."""
    lines = [line for line in FIXTURE.read_text().splitlines() if line and not line.startswith("#")]
    return [_read_row([cell.strip() for cell in line.split(" | ")]) for line in lines[1:]]


def _read_row(cells: list[str]) -> Expected:
    document, status, code, resource, message, action, reason, wait = ("" if c == "-" else c for c in cells)
    return Expected(
        document,
        int(status),
        int(code) if code else None,
        Resource(resource),
        message,
        Action(action),
        Reason(reason) if reason else None,
        wait,
    )
