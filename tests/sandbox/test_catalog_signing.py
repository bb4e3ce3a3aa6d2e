"""Who may read the sandbox's catalog: an application by itself, and one that somebody has let in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asking import ask
from catalog_client import CatalogClient, begin_anew, message_of, serving_catalog

from feedwatch.netflix.signing import Token

PATHS = ["/catalog/titles?term=a+b%2Fc", "/catalog/people/20000000", "/catalog/titles/index"]


@pytest.fixture(scope="module")
def served() -> Iterator[CatalogClient]:
    with serving_catalog() as client:
        yield client


@pytest.fixture
def client(served: CatalogClient) -> CatalogClient:
    return begin_anew(served)


def let_in(client: CatalogClient) -> CatalogClient:
    """The same application, with Jane's token."""
    account = client.sandbox.world.account
    token = Token(account.access_token, account.access_token_secret)
    return CatalogClient(client.base, client.sandbox, token)


@pytest.mark.parametrize("path", PATHS)
def test_application_reads_the_catalog_by_itself(client: CatalogClient, path: str) -> None:
    """Nobody has to have signed in."""
    assert client.ask(path).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_token_of_a_person_is_taken_as_well(client: CatalogClient, path: str) -> None:
    """An application that signs all its calls alike is answered, until the person takes the token back."""
    signed_in = let_in(client)
    assert signed_in.ask(path).status == 200
    client.sandbox.world.revoke()
    assert signed_in.ask(path).status == 401
    assert client.ask(path).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_catalog_is_not_for_everybody(client: CatalogClient, path: str) -> None:
    """A wrong secret, and no signature, are refused in the API's words."""
    wrong = CatalogClient(client.base, client.sandbox, secret="wrong")
    assert message_of(wrong.ask(path)) == ("401", None, "Invalid signature")
    assert message_of(ask(client.base + path)) == ("401", None, "Missing Required Consumer Key")


@pytest.mark.parametrize("path", ["/users/current", "/users/{user}", "/users/{user}/feeds"])
def test_application_by_itself_reads_nothing_of_a_person(client: CatalogClient, path: str) -> None:
    """What is a person's needs the person's token."""
    assert client.ask(path.format(user=client.sandbox.world.account.user_id)).status == 401
