"""Who is signed in: kept whole, found again, forgotten without a trace; and what it does to the account."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from states import PHONE, QUEUE, START, after, failed, index, land, listed, rows, take, watch

from feedwatch.core.model import Notice, NoticeKind, Reason
from feedwatch.core.state import AccountStatus, IndexEffect, QueuedTitle, QueueReading, SignIn, Verdict
from feedwatch.store import Store

SIGN_IN = SignIn("jane", "an application", "T1user-", "T1access-token-", "a-secret-of-its-own", after(1))
SIGNED_OUT = Notice(NoticeKind.SIGNED_OUT, START, "jane", reason=Reason.UNAUTHORIZED)


def jane(store: Store) -> AccountStatus:
    return next(each for each in store.account_statuses() if each.name == "jane")


def sign_out(store: Store, asked_as: str | None) -> bool:
    return store.record_index_failure(
        "jane",
        now=START,
        next_index_at=None,
        reason=Reason.UNAUTHORIZED,
        detail="",
        notice=SIGNED_OUT,
        notice_addresses=(PHONE,),
        asked_as=asked_as,
    )


def notices(store: Store) -> int:
    return len(rows(store, "SELECT id FROM notices WHERE kind = 'signed_out'"))


def test_a_sign_in_is_found_again(store: Store) -> None:
    """It is kept whole, for one account, and takes the place of the one before."""
    store.record_sign_in(replace(SIGN_IN, token="an older one", at=START))
    store.record_sign_in(SIGN_IN)
    store.record_sign_in(replace(SIGN_IN, account="joe", user_id=None))
    assert store.find_sign_in("jane") == SIGN_IN
    assert store.find_sign_in("nobody") is None
    assert [each.account for each in store.list_sign_ins()] == ["jane", "joe"]


def test_a_sign_in_ends_the_signed_out_state(store: Store) -> None:
    """What was signed out is due at once, with its failures forgotten; its feeds that failed are, too."""
    watch(store)
    land(store, listed("a"), verdict=Verdict.BASELINE)
    store.record_failures([failed(take(store))])
    assert sign_out(store, jane(store).stamp)
    assert jane(store).signed_out
    store.record_sign_in(SIGN_IN)
    assert not jane(store).signed_out
    status = jane(store)
    assert (status.failures, status.reason, status.next_index_at) == (0, None, SIGN_IN.at)
    assert store.due_accounts(SIGN_IN.at) == ("jane",)
    assert len(store.take_polls(SIGN_IN.at)) == 1


def test_a_sign_in_survives_a_reload_and_an_account_that_is_away(store: Store) -> None:
    """The configuration says nothing of it: neither a reload nor an account taken out for a while ends it."""
    watch(store)
    store.record_sign_in(SIGN_IN)
    for accounts in ({"jane": "other credentials"}, {}, {"jane": "other credentials"}):
        store.sync_accounts(accounts, after(2))
    assert store.find_sign_in("jane") == SIGN_IN
    assert not jane(store).signed_out


def test_who_was_asked_with_an_older_token_signs_nobody_out(store: Store) -> None:
    """A sign-in makes another account of it: what fails late with the old token is no news of the new one."""
    watch(store)
    before = jane(store).stamp
    store.record_sign_in(SIGN_IN)
    with_first = jane(store).stamp
    assert with_first != before
    assert not sign_out(store, before)
    store.record_sign_in(replace(SIGN_IN, token="another", at=after(2)))
    assert not sign_out(store, with_first)
    assert (jane(store).signed_out, notices(store)) == (False, 0)
    assert sign_out(store, jane(store).stamp)
    assert (jane(store).signed_out, notices(store)) == (True, 1)


def test_an_index_that_was_read_with_an_older_token_is_not_taken_over(store: Store) -> None:
    """Whoever signs in, or out, while it is on its way to the state has the last word."""
    watch(store)
    store.record_sign_in(SIGN_IN)
    with_first = jane(store).stamp

    def record(asked_as: str) -> IndexEffect | None:
        return store.record_index(
            "jane",
            [replace(QUEUE, address="http://127.0.0.1/of-the-first")],
            now=after(3),
            next_index_at=after(1440),
            authoritative=False,
            facts={"user_id": "first"},
            make_notices=lambda _: [Notice(NoticeKind.FEEDS_FOUND, after(3), "jane")],
            notice_addresses=[PHONE],
            asked_as=asked_as,
        )

    store.record_sign_in(replace(SIGN_IN, token="another", at=after(2)))
    assert record(with_first) is None
    assert jane(store).next_index_at == after(2)
    assert "first" not in str(store.known_feeds("jane"))
    store.forget_sign_in("jane")
    assert record(with_first) is None
    assert jane(store).signed_out
    assert rows(store, "SELECT id FROM notices") == []
    store.record_sign_in(replace(SIGN_IN, at=after(4)))
    assert record(jane(store).stamp) is not None
    assert jane(store).next_index_at == after(1440)
    assert len(rows(store, "SELECT id FROM notices")) == 1


def test_a_dead_token_is_told_once_however_many_find_it_dead(store: Store) -> None:
    """Discovery and details, in one process and in another, all meet the same 401; one notice is owed."""
    watch(store)
    store.record_sign_in(SIGN_IN)
    for _ in range(3):
        assert sign_out(store, jane(store).stamp)
    assert notices(store) == 1


def test_a_broken_account_that_is_signed_in_again_is_told_to_recover(store: Store) -> None:
    """That it was told to be broken outlives the sign-in, until its index has been read."""
    watch(store)
    broken = replace(SIGNED_OUT, kind=NoticeKind.ACCOUNT_BROKEN)
    store.record_index_failure(
        "jane",
        now=START,
        next_index_at=after(5),
        reason=Reason.TIMEOUT,
        detail="",
        notice=broken,
        notice_addresses=(PHONE,),
    )
    store.record_sign_in(SIGN_IN)
    assert (jane(store).broken_announced, jane(store).failing_since_at) == (True, START)
    index(store)
    assert (jane(store).broken_announced, jane(store).failing_since_at) == (False, None)


def test_forgetting_signs_out_without_a_word(store: Store) -> None:
    """The person did it: no notice is owed, and nothing is signed until the next sign-in."""
    watch(store)
    store.record_sign_in(SIGN_IN)
    assert store.forget_sign_in("jane")
    assert jane(store).signed_out
    assert (jane(store).reason, jane(store).next_index_at) == (Reason.NO_CREDENTIALS, None)
    assert rows(store, "SELECT id FROM notices WHERE kind = 'signed_out'") == []
    assert not store.forget_sign_in("jane")


@pytest.mark.parametrize(("user_id", "kept"), [("T1user-", True), ("T1other-", False), (None, False)])
def test_the_queue_that_was_read_is_not_compared_with_somebody_elses(
    store: Store, user_id: str | None, *, kept: bool
) -> None:
    """Whoever signs in anew goes on from their queue; nobody else is told that it was changed into theirs."""
    watch(store)
    store.record_sign_in(SIGN_IN)
    store.keep_queue_reading(
        "jane", QueueReading("1", (QueuedTitle("/catalog/titles/movies/1", "A", 1),), START), "stamp"
    )
    store.record_sign_in(replace(SIGN_IN, user_id=user_id, token="another"))
    assert (store.find_queue_reading("jane", "stamp") is not None) is kept


def test_forgetting_takes_the_queue_along(store: Store) -> None:
    """After signing out, nothing is kept of the queue as it was read."""
    watch(store)
    store.record_sign_in(SIGN_IN)
    store.keep_queue_reading("jane", QueueReading("1", (), START), "stamp")
    assert store.forget_sign_in("jane")
    assert store.find_queue_reading("jane", "stamp") is None


def test_forgetting_what_is_not_there_changes_nothing(store: Store) -> None:
    """An account whose token stands in the configuration is not signed out by it."""
    watch(store)
    assert not store.forget_sign_in("jane")
    assert not jane(store).signed_out


@pytest.mark.parametrize("ends_it", ["forgotten", "replaced"])
def test_a_token_leaves_no_trace(tmp_path: Path, ends_it: str) -> None:
    """What was forgotten, or replaced, stands neither in the file nor in its log."""
    path = tmp_path / "feedwatch.db"
    with closing(Store.open(path)) as store:
        store.record_sign_in(SIGN_IN)
        store.tidy_log()
        if ends_it == "forgotten":
            store.forget_sign_in("jane")
        else:
            store.record_sign_in(replace(SIGN_IN, token="another", secret="another"))
        store.tidy_log()
        for file in tmp_path.iterdir():
            content = file.read_bytes()
            assert SIGN_IN.token.encode() not in content, file
            assert SIGN_IN.secret.encode() not in content, file
