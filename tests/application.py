"""An application at a sandbox, signing with a library that feedwatch's own sandbox knows nothing of."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from asking import Answer, ask
from lxml import etree
from oauthlib.oauth1 import SIGNATURE_TYPE_AUTH_HEADER, SIGNATURE_TYPE_BODY, SIGNATURE_TYPE_QUERY, Client

from feedwatch.sandbox import Sandbox, World, serving
from feedwatch.sandbox.oauth import Nonces

FORM = "application/x-www-form-urlencoded"
HEADER, QUERY, BODY = SIGNATURE_TYPE_AUTH_HEADER, SIGNATURE_TYPE_QUERY, SIGNATURE_TYPE_BODY
Pairs = Mapping[str, str]
Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass
class Application:
    """Makes signed calls; where the signature stands can be chosen."""

    base: str
    sandbox: Sandbox
    token: str | None = None
    secret: str | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    signature: str = HEADER

    @property
    def world(self) -> World:
        """The world that is served."""
        return self.sandbox.world

    def as_jane(self) -> Application:
        """The same application with the access token that the configuration names."""
        account = self.world.account
        return Application(self.base, self.sandbox, account.access_token, account.access_token_secret)

    def call(
        self, path: str, form: Pairs | None = None, *, method: Method | None = None, **headers: str
    ) -> Answer:
        """Make one signed call; with a form it is a POST, unless said otherwise."""
        method = method or ("GET" if form is None else "POST")
        account = self.world.account
        keys = {
            "client_key": account.consumer_key,
            "client_secret": account.consumer_secret,
            "resource_owner_key": self.token,
            "resource_owner_secret": self.secret,
            "signature_type": self.signature,
        }
        client = Client(**(keys | dict(self.changed)))
        said = {"Content-Type": FORM} if form is not None or self.signature == BODY else {}
        body = urlencode(form) if form else "" if said else None
        url, signed, body = client.sign(f"{self.base}{path}", method, body, said)
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(url, {**signed, **more}, method=method, body=body.encode() if body else None)

    def own(self, path: str, form: Pairs | None = None, **said: Any) -> Answer:
        """Make a signed call about the user."""
        return self.call(f"/users/{self.world.account.user_id}{path}", form, **said)

    def order(self, name: str, **particulars: Any) -> None:
        """Give the sandbox an order as whoever runs it does."""
        getattr(self.world, name)(**particulars)


@contextmanager
def applying(queue: int = 6) -> Iterator[Application]:
    """A sandbox of one's own, and the application that Jane has let in."""
    sandbox = Sandbox(World(queue=queue), Nonces())
    with serving(sandbox) as base:
        yield Application(base, sandbox).as_jane()


def read_xml(answer: Answer) -> etree._Element:
    """A reply as XML."""
    return etree.fromstring(answer.body)


def read_status(answer: Answer) -> tuple[int, int | None, str]:
    """What a status document says: code, sub code and message. The HTTP status is the same code."""
    root = read_xml(answer)
    assert root.tag == "status", answer.text
    assert int(str(root.findtext("status_code"))) == answer.status
    sub = root.findtext("sub_code")
    return answer.status, int(sub) if sub else None, str(root.findtext("message"))


def read_pairs(answer: Answer) -> dict[str, str]:
    """A form-encoded reply."""
    assert answer.status == 200, answer.text
    return dict(parse_qsl(answer.text, strict_parsing=True))


def fill_in(page: str, **typed: str) -> dict[str, str]:
    """What the login page sends once somebody has typed."""
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {html.unescape(name): html.unescape(value) for name, value in hidden} | typed
