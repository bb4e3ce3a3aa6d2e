"""Asks a sandbox for its catalog, as an application does that nobody has signed in to yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from asking import Answer, ask
from lxml import etree

from feedwatch.netflix.signing import Consumer, Token, sign_request
from feedwatch.sandbox import Sandbox, World, serving
from feedwatch.sandbox.oauth import Nonces
from feedwatch.sandbox.world import Switches

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass
class CatalogClient:
    """Signs with the application's key and secret, and with a token if one is given."""

    base: str
    sandbox: Sandbox
    token: Token | None = None
    secret: str | None = None

    @property
    def switches(self) -> Switches:
        return self.sandbox.world.switches

    def ask(self, path: str, headers: Mapping[str, str] = NOTHING, *, method: str = "GET") -> Answer:
        """Make a signed call."""
        url = f"{self.base}{path}"
        account = self.sandbox.world.account
        consumer = Consumer(account.consumer_key, self.secret or account.consumer_secret)
        now = int(datetime.now(UTC).timestamp())
        signed = sign_request(consumer, self.token, method="GET", url=url, timestamp=now)
        return ask(url, {**signed, **headers}, method=method)

    def xml(self, path: str) -> etree._Element:
        """The document at a path."""
        answer = self.ask(path)
        assert answer.status == 200, answer.text
        assert answer.headers["content-type"].startswith("text/xml")
        return etree.fromstring(answer.body)

    def json(self, path: str) -> Any:
        """The document at a path, as JSON."""
        answer = self.ask(f"{path}{'&' if '?' in path else '?'}output=json")
        assert answer.status == 200, answer.text
        assert answer.headers["content-type"].startswith("application/json")
        return answer.json

    def speak(self, dialect: str) -> None:
        """Let the sandbox speak a dialect."""
        self.sandbox.world.speak(dialect=dialect)


@contextmanager
def serving_catalog() -> Iterator[CatalogClient]:
    """Serve a sandbox; `begin_anew` gives each test a world of its own."""
    sandbox = Sandbox()
    with serving(sandbox) as base:
        yield CatalogClient(base, sandbox)


def begin_anew(client: CatalogClient) -> CatalogClient:
    """The same server with a new world."""
    client.sandbox.world, client.sandbox.nonces = World(), Nonces()
    return CatalogClient(client.base, client.sandbox)


def message_of(answer: Answer) -> tuple[str, str | None, str]:
    """What an error says: status, sub code, message."""
    root = etree.fromstring(answer.body)
    assert root.tag == "status"
    assert root.findtext("status_code") == str(answer.status)
    return root.findtext("status_code") or "", root.findtext("sub_code"), root.findtext("message") or ""


def names_of(root: etree._Element) -> list[str]:
    """What the titles of a list are called."""
    return [str(title.get("regular")) for title in root.iterfind("catalog_title/title")]


def ids_of(root: etree._Element) -> list[str]:
    """The paths of the titles of a list."""
    return [urlsplit(each.text or "").path for each in root.iterfind("catalog_title/id")]


def links_of(title: etree._Element) -> dict[str, str]:
    """The paths that a title links to at the API, by relation; the host that they name is no matter."""
    links = {str(link.get("rel")): urlsplit(str(link.get("href"))) for link in title.iterfind("link")}
    return {rel: parts.path for rel, parts in links.items() if parts.path.startswith("/catalog/")}
