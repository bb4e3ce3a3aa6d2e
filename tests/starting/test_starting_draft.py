"""The file that `init` writes: whatever was answered, it is read back as it was meant."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedwatch.config import Config, FeedsAccount, NetflixAccount, load_config
from feedwatch.core.model import Kind
from feedwatch.starting.draft import (
    AccountDraft,
    Draft,
    FeedDraft,
    FeedsDraft,
    NetflixDraft,
    OpmlDraft,
    TargetDraft,
    write_papers,
)
from feedwatch.starting.placing import put_in_place

TODAY = date(2026, 11, 3)
PRINTABLE = st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Zs"])
TEXT = st.text(PRINTABLE | st.just(" "), min_size=1, max_size=20).map(str.strip).filter(bool)
AWKWARD = st.sampled_from(
    ["null", "~", "yes", "a: b", "#a", "!file x", "${HOME}", "$${A}", "'", '"', "- a", "{a}"]
)
ADDRESS = st.text("abc019&=?#%+;:/.~'\"<>é${}[]@", max_size=30).map("http://h.example/".__add__)
SECRET = TEXT | AWKWARD


def read_back(draft: Draft, folder: Path) -> Config:
    file = folder / "config.yaml"
    put_in_place(file, write_papers(draft, TODAY))
    config = load_config(file, environ={"HOME": "/h"})
    assert (config.warnings, config.verify_secrets()) == ((), ())
    return config


@given(st.lists(ADDRESS, min_size=1, max_size=4, unique=True), st.sampled_from(Kind), st.booleans())
@settings(max_examples=60)
def test_feeds_are_read_back(addresses: list[str], kind: Kind, apart: bool) -> None:  # noqa: FBT001
    """Law: every address comes back character for character, whether its secrets stand apart or not."""
    feeds = tuple(FeedDraft(f"né-{number}", address, kind) for number, address in enumerate(addresses))
    with TemporaryDirectory() as folder:
        config = read_back(Draft(FeedsDraft("films", feeds), apart=apart), Path(folder))
        account = config.accounts["films"]
        assert isinstance(account, FeedsAccount)
        assert [each.url.reveal() for each in account.feeds.values()] == addresses
        assert {each.kind or Kind.STREAM for each in account.feeds.values()} == {kind}


@given(SECRET, st.booleans())
@settings(max_examples=60)
def test_credentials_are_read_back(key: str, apart: bool) -> None:  # noqa: FBT001
    """Law: so are a key and its secret, whatever they are made of; `apart`, not in the file itself."""
    draft = NetflixDraft("jane", "https://api.example.net", key, "its-own-secret")
    with TemporaryDirectory() as folder:
        account = read_back(Draft(draft, apart=apart), Path(folder)).accounts["jane"]
        assert isinstance(account, NetflixAccount)
        assert [each.reveal() for each in account.credentials] == [key, "its-own-secret"]
        assert ("its-own-secret" in (Path(folder) / "config.yaml").read_text()) is not apart


def test_an_account_that_is_not_signed_in_says_how_to(tmp_path: Path) -> None:
    """It loads, and a comment says what is still to be done."""
    draft = NetflixDraft("jane", "https://api.example.net", "key", "secret")
    account = read_back(Draft(draft), tmp_path).accounts["jane"]
    assert isinstance(account, NetflixAccount)
    assert account.access_token is None
    assert "# Nobody is signed in yet: type  feedwatch login jane" in (tmp_path / "config.yaml").read_text()


def test_a_long_name_has_a_file_of_secrets_too(tmp_path: Path) -> None:
    """What a feed may be called is longer than what a file may: its file is called by the start of it."""
    long = "\u6620" * 99
    feeds = tuple(FeedDraft(long + end, f"https://h.example/{end}?token=abcd1234") for end in "ab")
    account = read_back(Draft(FeedsDraft("films", feeds)), tmp_path).accounts["films"]
    assert isinstance(account, FeedsAccount)
    assert [each.url.reveal() for each in account.feeds.values()] == [each.address for each in feeds]


@pytest.mark.parametrize(
    ("account", "apart"),
    [
        (FeedsDraft("a", (FeedDraft("f", "https://h.example/f?token=abcd1234"),)), {"a.f.address"}),
        (FeedsDraft("a", (FeedDraft("f", "https://h.example/f"),)), set()),
        (OpmlDraft("a", "https://jane:pw@h.example/subs.opml"), {"a.address"}),
        (OpmlDraft("a", "/home/jane/my subs.opml"), set()),
    ],
    ids=["a token in a feed's address", "a plain address", "a password", "a file"],
)
def test_only_what_is_secret_stands_apart(tmp_path: Path, account: AccountDraft, apart: set[str]) -> None:
    """An address with a token or password is a secret; a plain one and a path are not."""
    read_back(Draft(account), tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == apart | {"config.yaml"}


def test_a_webhook_has_its_secret(tmp_path: Path) -> None:
    """What signs its messages stands apart, as its address does."""
    target = TargetDraft("hook", "A webhook.", "webhook+https://h.example/hook", "sign-with-this")
    config = read_back(Draft(target=target), tmp_path)
    secret = config.targets["hook"].secret
    assert secret is not None
    assert secret.reveal() == "sign-with-this"
    assert {each.name for each in tmp_path.iterdir()} == {"config.yaml", "hook.address", "hook.secret"}


def test_no_file_of_secrets_is_called_as_one_that_is_there() -> None:
    """A configuration of before may still need it."""
    draft = Draft(target=TargetDraft("phone", "ntfy.", "ntfy://h.example/t"))
    papers = write_papers(draft, TODAY, {"phone.address", "phone.address-2"})
    assert set(papers.secrets) == {"phone.address-3"}
    assert "phone: !file phone.address-3" in papers.text
