"""What the sandbox answers to signed calls, over HTTP and signed by somebody else's code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from asking import Answer, ask
from lxml import etree

from feedwatch.netflix.signing import Consumer, Token, sign_request
from feedwatch.sandbox import Sandbox, World, serving
from feedwatch.sandbox.oauth import Nonces
from feedwatch.sandbox.world import Account

RELATIONS = [
    "queues.instant",
    "queues.instant.recent",
    "rental_history.watched",
    "recommendations",
    "ratings",
]

NOTHING: Mapping[str, str] = MappingProxyType({})


def sign(url: str, account: Account, *, at: datetime | None = None) -> dict[str, str]:
    timestamp = int((at or datetime.now(UTC)).timestamp())
    consumer = Consumer(account.consumer_key, account.consumer_secret)
    token = Token(account.access_token, account.access_token_secret)
    return sign_request(consumer, token, method="GET", url=url, timestamp=timestamp)


@dataclass
class Client:
    """Asks a sandbox as an application does that Jane has let in."""

    base: str
    sandbox: Sandbox

    @property
    def account(self) -> Account:
        return self.sandbox.world.account

    def ask(self, path: str, changed: Mapping[str, str] = NOTHING, *, at: datetime | None = None) -> Answer:
        """Make a signed call; `changed` replaces credentials."""
        url = f"{self.base}{path}"
        account = replace(self.account)
        for name, value in changed.items():
            setattr(account, name, value)
        return ask(url, sign(url, account, at=at))

    def index(self, query: str = "") -> Answer:
        return self.ask(f"/users/{self.account.user_id}/feeds{query}")


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox()
    with serving(sandbox) as base:
        yield sandbox, base


@pytest.fixture
def client(served: tuple[Sandbox, str]) -> Client:
    sandbox, base = served
    sandbox.world, sandbox.nonces = World(queue=5), Nonces()
    return Client(base, sandbox)


def message_of(answer: Answer) -> tuple[int, str]:
    status = re.search(r"<status_code>(\d+)</status_code>.*<message>(.*)</message>", answer.text)
    assert status is not None, answer.text
    return int(status[1]), status[2]


def test_current_user_is_named(client: Client) -> None:
    """`users/current` says whose access token it is."""
    answer = client.ask("/users/current")
    assert answer.status == 200
    assert f'href="{client.base}/users/{client.account.user_id}"' in answer.text
    assert 'rel="http://schemas.netflix.com/user.current"' in answer.text


def test_user_is_shown(client: Client) -> None:
    """`users/<id>` has the person's name and the lists that she has."""
    answer = client.ask(f"/users/{client.account.user_id}")
    root = etree.fromstring(answer.body)
    assert (root.findtext("user_id"), root.findtext("first_name")) == (client.account.user_id, "Jane")
    lists = {"queues", "rental history", "recommendations", "title states", "ratings"}
    assert {link.get("title") for link in root.iter("link")} == lists


def test_index_as_xml_names_five_feeds_in_atom(client: Client) -> None:
    """The index has five links, each tokenized, each asking for Atom, each answering."""
    root = etree.fromstring(client.index().body)
    links = {str(link.get("rel")): str(link.get("href")) for link in root.iter("link")}
    assert list(links) == [f"http://schemas.netflix.com/feed.{name}" for name in RELATIONS]
    for address in links.values():
        assert f"feed_token={client.account.feed_token}&" in address
        assert "output=atom" in address
        assert ask(address).status == 200


def test_index_as_opml_is_as_documented(client: Client) -> None:
    """Bare ampersands, one address twice, no output: not well-formed, and so it is to be."""
    text = client.index("?output=opml").text
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(text.encode())
    addresses = re.findall(r'xmlUrl="([^"]*)"', text)
    assert len(addresses) == 5
    assert addresses[0] == addresses[1]
    assert addresses[0].endswith("&sort=date_added")
    assert not any("output=" in address or "&amp;" in address for address in addresses)
    assert [ask(address).status for address in addresses] == [200] * 5


def test_index_as_opml_can_be_well_formed(client: Client) -> None:
    """With the switch off the same OPML is XML, and every list has an address of its own."""
    client.sandbox.world.switches.opml_as_documented = False
    root = etree.fromstring(client.index("?output=opml").body)
    addresses = [str(outline.get("xmlUrl")) for outline in root.iter("outline")]
    assert len(set(addresses)) == 5
    assert addresses[1] == f"{addresses[0]}&sort=date_added"


@pytest.mark.parametrize("path", ["/users/current", "/users/{user}", "/users/{user}/feeds"])
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"consumer_secret": "wrong"}, "Invalid signature"),
        ({"access_token_secret": "wrong"}, "Invalid signature"),
        ({"access_token": "wrong"}, "Access token is invalid"),
        ({"consumer_key": "wrong"}, "Access token is invalid"),
    ],
    ids=["consumer secret", "token secret", "token", "consumer"],
)
def test_wrong_key_is_refused(client: Client, path: str, changed: dict[str, str], message: str) -> None:
    """A call signed with anything but the right keys answers 401, in the API's words."""
    answer = client.ask(path.format(user=client.account.user_id), changed)
    assert (answer.status, *message_of(answer)) == (401, 401, message)


def test_unsigned_call_is_refused(client: Client) -> None:
    """Without a signature there is no index."""
    answer = ask(f"{client.base}/users/{client.account.user_id}/feeds")
    assert message_of(answer) == (401, "Missing Required Consumer Key")


def test_replayed_call_is_refused(client: Client) -> None:
    """The same signed request is taken once."""
    url = f"{client.base}/users/current"
    headers = sign(url, client.account)
    assert [ask(url, headers).status for _ in range(2)] == [200, 401]


def test_expired_call_is_refused(client: Client) -> None:
    """A call signed an hour ago is not taken."""
    answer = client.ask("/users/current", at=datetime.now(UTC) - timedelta(hours=1))
    assert message_of(answer) == (401, "Expired or bad request token")


def test_signature_of_another_address_is_refused(client: Client) -> None:
    """A signature holds for the address it was made for, query and all."""
    url = f"{client.base}/users/{client.account.user_id}/feeds"
    headers = sign(url, client.account)
    assert message_of(ask(f"{url}?output=opml", headers)) == (401, "Invalid signature")


def test_revoked_token_is_refused(client: Client) -> None:
    """Once the access token is taken back, signed calls answer 401, and lists go on."""
    client.sandbox.world.revoke()
    assert client.index().status == 401
    account = client.account
    address = (
        f"{client.base}/users/{account.user_id}/queues/instant"
        f"?feed_token={account.feed_token}&oauth_consumer_key={account.consumer_key}"
    )
    assert ask(address).status == 200


def test_other_user_is_refused(client: Client) -> None:
    """An access token opens its own user's resources only."""
    assert message_of(client.ask("/users/T1somebody.else-/feeds")) == (401, "User ID access token mismatch")


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/nowhere", 404), ("/users/T1/nowhere", 404)])
def test_unknown_resource_is_a_status_document(client: Client, path: str, status: int) -> None:
    """What is not there is said in the API's words."""
    answer = ask(f"{client.base}{path}")
    assert (answer.status, *message_of(answer)) == (status, status, "Resource not found")


def test_other_methods_are_refused(client: Client) -> None:
    """Lists are for reading."""
    answer = ask(f"{client.base}/users/current", method="DELETE")
    assert (answer.status, *message_of(answer)) == (405, 405, "Method not allowed")


@pytest.mark.parametrize("host", ["127.0.0.1:99999999", "[", "a b"])
def test_host_that_is_none_breaks_nothing(client: Client, host: str) -> None:
    """A Host header that cannot be understood is refused; the server goes on."""
    answer = ask(f"{client.base}/users/current", {"Host": host, "Authorization": "OAuth x"})
    assert 400 <= answer.status < 500
    assert client.ask("/users/current").status == 200
