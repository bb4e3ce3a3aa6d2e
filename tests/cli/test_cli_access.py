"""Who may ask the API, and what is said when it does not answer: the same for every command that asks it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from logins import sign_in, take_tokens_out
from running import Place, at_sandbox
from typed import DIALECTS, type_in

from feedwatch.store import Store

OWN = [
    ["queue", "list"],
    ["queue", "add", "Vertigo"],
    ["queue", "move", "Platoon", "--to", "1"],
    ["queue", "remove", "Platoon"],
    ["rate", "Vertigo", "3"],
    ["titles", "recommended"],
]
"""What is signed for a person."""
CATALOG = [
    ["titles", "search", "tide"],
    ["titles", "show", "Vertigo"],
    ["titles", "similar", "Vertigo"],
    ["people", "search", "fernbrook"],
    ["people", "show", "20000000"],
]
"""What the application alone signs."""


@pytest.fixture(params=DIALECTS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The sandbox in a dialect, and an account there that is signed in."""
    with at_sandbox(tmp_path) as place:
        place.world.speak(dialect=request.param)
        yield place


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[Place]:
    """The sandbox as the reference has it: where a dialect makes no difference."""
    with at_sandbox(tmp_path) as place:
        yield place


def signed_out_notices(place: Place) -> int:
    """How many notices that somebody is signed out are owed, or were told."""
    rows = place.run("outbox", "--json").rows
    return sum(row["changes"] for row in rows)


# ── who is signed in ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", OWN, ids=" ".join)
def test_nobody_signed_in_is_told_what_to_type(reference: Place, command: list[str]) -> None:
    """Nothing is asked in a person's name that nobody has signed in."""
    take_tokens_out(reference.config)
    ran = type_in(reference, *command)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines()[-1] == "error: jane is not signed in: type  feedwatch login jane"


def test_status_without_feeds_says_that_signing_in_comes_first(reference: Place) -> None:
    """A daemon that runs would find none either."""
    take_tokens_out(reference.config)
    assert type_in(reference, "poll").status == 1
    assert type_in(reference, "status").out == "no feeds yet: to sign in, type  feedwatch login jane\n"


@pytest.mark.parametrize("command", CATALOG, ids=" ".join)
def test_the_catalog_needs_nobody_to_be_signed_in(reference: Place, command: list[str]) -> None:
    """The application alone may look at it."""
    take_tokens_out(reference.config)
    assert type_in(reference, *command).status == 0


def test_who_has_signed_in_here_is_who_is_asked_for(place: Place) -> None:
    """The token that `login` has kept in the state is signed with."""
    take_tokens_out(place.config)
    assert sign_in(place).status == 0
    assert type_in(place, "queue", "add", "Vertigo").out == "added Vertigo (1958) at 13\n"


def test_a_token_that_has_died_signs_the_account_out_and_is_tried_once(place: Place) -> None:
    """It is said what to type; the one notice of it is owed; after that nothing is signed with it again."""
    take_tokens_out(place.config)
    place.configure(targets="  phone: json://127.0.0.1:9/hook")
    take_tokens_out(place.config)
    assert sign_in(place).status == 0
    place.run("poll")
    owed = signed_out_notices(place)
    place.world.revoke()
    ran = type_in(place, "queue", "list")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("error: jane is not signed in (its server says: ")
    assert ran.err.endswith("): type  feedwatch login jane\n")
    assert signed_out_notices(place) == owed + 1
    refused = place.world.requests["queue"]["401"]
    again = type_in(place, "queue", "list")
    assert again.err == "error: jane is not signed in: type  feedwatch login jane\n"
    assert place.world.requests["queue"]["401"] == refused
    assert signed_out_notices(place) == owed + 1
    assert sign_in(place).status == 0
    assert type_in(place, "queue", "list").status == 0


def test_another_persons_token_in_the_configuration_is_not_used_for_the_one_before(reference: Place) -> None:
    """Who the token belongs to is asked anew, even while no daemon has seen that it was changed."""
    account, written = reference.world.account, reference.config.read_text()
    nameless = written.replace(f"    user_id: {account.user_id}\n", "")
    reference.config.write_text(nameless)
    assert reference.run("discover").status == 0
    assert type_in(reference, "queue", "list").status == 0
    reference.config.write_text(nameless.replace(account.access_token, "T1another.token-"))
    account.access_token, account.user_id = "T1another.token-", "T1another.user-"
    assert type_in(reference, "queue", "list").status == 0


def test_a_dead_token_of_the_configuration_is_to_be_taken_out_of_it(reference: Place) -> None:
    """`login` would not take its place: so that is said first."""
    reference.world.revoke()
    ran = type_in(reference, "queue", "list")
    assert ran.status == 1
    assert "take its access_token out of the configuration, then type  feedwatch login jane" in ran.err


def test_an_account_that_is_signed_out_still_shows_a_title(place: Place) -> None:
    """What is the person's own is missing, and it is said why."""
    place.world.revoke()
    ran = type_in(place, "titles", "show", "Vertigo")
    assert ran.status == 0
    assert "Directors" in ran.out
    assert ran.err.startswith("not to be had now: your queue, your rating (jane is not signed in")


# ── which account ─────────────────────────────────────────────────────────────────────────────────


def test_of_several_accounts_one_has_to_be_named(reference: Place) -> None:
    """The error names them; with --account it works."""
    text = reference.config.read_text()
    start = text.index("  jane:\n")
    end = text.index("\n\n", start)
    reference.config.write_text(text[:end] + "\n" + text[start:end].replace("jane", "joe") + text[end:])
    ran = type_in(reference, "queue", "list")
    assert (ran.status, ran.err) == (
        1,
        "error: there are 2 accounts: say which one (--account jane or --account joe)\n",
    )
    assert type_in(reference, "queue", "list", "--account", "joe").status == 0
    ran = type_in(reference, "queue", "list", "--account", "jne")
    assert (ran.status, ran.err) == (1, "error: no account is called 'jne'. Did you mean jane?\n")


def test_an_account_without_an_api_is_refused(reference: Place) -> None:
    """A list of feeds has neither a catalog nor a queue to change."""
    text = reference.config.read_text()
    feeds = "accounts:\n  news:\n    service: feeds\n    feeds: {lwn: https://lwn.net/headlines/rss}\n"
    reference.config.write_text(text.replace("accounts:\n", feeds))
    ran = type_in(reference, "queue", "list", "--account", "news")
    assert (ran.status, ran.err) == (1, "error: news has no API to ask: its service is feeds\n")


# ── a server that does not answer as it should ────────────────────────────────────────────────────


@pytest.mark.parametrize("command", [OWN[0], CATALOG[0]], ids=" ".join)
def test_a_server_that_is_asked_too_often_is_left_alone_as_long_as_it_says(
    place: Place, command: list[str]
) -> None:
    """It is said for how long; until then no command asks, and neither does the daemon."""
    fault = "429" if place.world.switches.later_dialect is False else "403-per-second"
    place.world.fail(feed=command[0] if command[0] == "queue" else "catalog", fault=fault)
    ran = type_in(place, *command)
    assert (ran.status, ran.out) == (1, "")
    assert "; try again in " in ran.err
    again = type_in(place, "titles", "search", "tide")
    assert again.status == 1
    assert again.err.startswith("error: the server of jane asks for rest until ")
    with closing(Store.open_read_only(place.state)) as store:
        assert store.resting_hosts(datetime.now(UTC) - timedelta(hours=1))


def test_a_clock_that_is_off_is_blamed_with_how_far_it_is_off(place: Place) -> None:
    """A server refuses such a signature; nobody is signed out for that."""
    place.sandbox.clock = lambda: time.time() - 600
    for command in (OWN[0], CATALOG[0]):
        ran = type_in(place, *command)
        assert ran.status == 1
        assert "the clock of this machine is 10 minutes ahead of its server" in ran.err
    place.sandbox.clock = time.time
    assert type_in(place, "queue", "list").status == 0


def test_an_application_that_is_refused_is_to_be_looked_at_in_the_configuration(place: Place) -> None:
    """Where the application alone has signed, no sign-in can help, and none is ended."""
    text = place.config.read_text()
    place.config.write_text(text.replace("    consumer_secret: ", "    consumer_secret: not-"))
    ran = type_in(place, "titles", "search", "tide")
    assert ran.status == 1
    assert "consumer_secret" in ran.err
    assert "not signed in" not in ran.err
    place.config.write_text(text)
    assert type_in(place, "queue", "list").status == 0


@pytest.mark.parametrize("fault", ["500", "503", "504", "html", "empty", "declaration", "cut", "404"])
def test_a_fault_of_the_server_is_a_sentence(reference: Place, fault: str) -> None:
    """Whatever comes in place of an answer: exit status 1, one line, no traceback, nothing invented."""
    reference.world.fail(feed="queue", fault=fault, times=5)
    ran = type_in(reference, "queue", "list")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) == 1


def test_no_secret_is_shown(reference: Place) -> None:
    """Neither in an answer nor in an error, whatever the server sends back."""
    account = reference.world.account
    said = ""
    for command in (*OWN, *CATALOG):
        said += type_in(reference, *command).said
        said += type_in(reference, *command, "--json").said
    reference.world.revoke()
    said += type_in(reference, "queue", "list").said
    for secret in (
        account.access_token,
        account.access_token_secret,
        account.consumer_key,
        account.consumer_secret,
    ):
        assert secret not in said
