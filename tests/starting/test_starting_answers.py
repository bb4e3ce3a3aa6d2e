"""What is made of an answer: addresses of services that are taken, names and kinds that are suggested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from feedwatch.core.model import Kind
from feedwatch.notify import Notifier
from feedwatch.starting.accounts import guess_kind, suggest_name
from feedwatch.starting.addresses import (
    check_bot,
    check_chat,
    check_discord,
    check_mail,
    check_mail_server,
    check_server,
    check_slack,
    check_topic,
    check_word,
    write_discord,
    write_gotify,
    write_mail,
    write_ntfy,
    write_pushover,
    write_slack,
    write_telegram,
)
from feedwatch.starting.draft import Papers
from feedwatch.starting.guide import check_hours
from feedwatch.starting.placing import put_in_place, replace_file

BOT = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
DISCORD = "https://discord.com/api/webhooks/1234567890/abcDEF_-123"
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (write_ntfy("https://ntfy.sh", "topic-1"), "ntfys://ntfy.sh/topic-1"),
        (write_ntfy("http://nas.local:8080", "t", "tk_abc"), "ntfy://tk_abc@nas.local:8080/t"),
        (
            write_mail("h.example", "a@localhost", "b@localhost", "a@b", "p&w/ @"),
            "mailtos://h.example:587?from=a%40localhost&to=b%40localhost&smtp=h.example&user=a%40b&pass=p%26w%2F+%40&mode=starttls",
        ),
        (
            write_mail("h.example:465", "a@h.example", "b@h.example", "a", "p"),
            "mailtos://h.example:465?from=a%40h.example&to=b%40h.example&smtp=h.example&user=a&pass=p&mode=ssl",
        ),
        (
            write_mail("localhost", "a@localhost", "b@localhost"),
            "mailto://localhost:25?from=a%40localhost&to=b%40localhost&smtp=localhost",
        ),
        (write_telegram(BOT, "-1001234"), f"tgram://{BOT}/-1001234"),
        (write_discord(DISCORD), "discord://1234567890/abcDEF_-123"),
        (write_slack(SLACK), "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"),
        (write_gotify("https://h.example/push", "Axyz123"), "gotifys://h.example/push/Axyz123"),
        (write_pushover("u" * 30, "a" * 30), f"pover://{'u' * 30}@{'a' * 30}"),
    ],
    ids=lambda value: str(value).partition(":")[0],
)
def test_an_address_is_one_that_its_service_takes(address: str, written: str) -> None:
    """It is put together as wanted, and Apprise finds nothing wrong with it."""
    assert address == written
    assert Notifier().check_address(address) is None


@pytest.mark.parametrize(
    ("check", "answer", "taken"),
    [
        (check_server, "push.example.org", "https://push.example.org"),
        (check_server, "http://127.0.0.1:80/", "http://127.0.0.1:80"),
        (check_bot, f"bot{BOT}", BOT),
        (check_mail_server, "[::1]:25", "[::1]:25"),
    ],
)
def test_an_answer_is_taken_as_it_is_meant(check: Callable[[str], str], answer: str, taken: str) -> None:
    """What is left out is added, what is too much taken away."""
    assert check(answer) == taken


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (check_server, ""),
        (check_server, "ftp://h.example"),
        (check_server, "https://user:pw@h.example"),
        (check_server, "https://h.example/?a=b"),
        (check_server, "https://h.example:99999"),
        (check_topic, "a/b"),
        (check_topic, ""),
        (check_mail, "at-home"),
        (check_mail, "jane@h.example?cc=x"),
        (check_mail_server, "smtp.h.example/x"),
        (check_bot, "12345"),
        (check_chat, "jane doe"),
        (check_discord, "https://discord.example/api/webhooks/1/a"),
        (check_slack, "https://hooks.slack.com/services/T/A"),
        (check_word, "a/b"),
        (check_hours, "25:00-07:00"),
        (check_hours, "22:00-22:00"),
        (check_hours, "at night"),
    ],
)
def test_what_cannot_be_meant_is_refused(check: Callable[[str], str], answer: str) -> None:
    """With a sentence that does not repeat it: it may be a secret."""
    with pytest.raises(
        ValueError, match=r"wanted|made of|begins with|is a number|one word|same time"
    ) as refused:
        check(answer)
    assert not answer or answer not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "hours"),
    [("", ""), ("22:00-07:00", "22:00-07:00"), ("22-7", "22:00-07:00"), ("9:30 to 10", "09:30-10:00")],
)
def test_hours_as_people_write_them(answer: str, hours: str) -> None:
    """They stand in the file in one form."""
    assert check_hours(answer) == hours


@pytest.mark.parametrize(
    ("address", "name", "kind"),
    [
        ("https://example.org/jane/watchlist.rss", "watchlist", Kind.QUEUE),
        ("https://lwn.net/headlines/rss", "headlines", Kind.STREAM),
        ("https://www.example.co/feed/", "example", Kind.STREAM),
        ("https://example.org/users/jane/diary/feed.xml", "diary", Kind.HISTORY),
        ("https://example.org/list_rss/4711?shelf=to-read", "list-rss", Kind.QUEUE),
        ("https://example.org/2026/%C3%A9t%C3%A9.atom", "été", Kind.STREAM),
        ("http://localhost/", "localhost", Kind.STREAM),
        ("http://192.168.1.5:8080/feed.rss", "feed", Kind.STREAM),
        ("http://[::1]/", "feed", Kind.STREAM),
        ("https://example.org/jane/ratings", "ratings", Kind.RATINGS),
        ("https://example.org/recommended.json", "recommended", Kind.RECOMMENDATIONS),
    ],
)
def test_a_feed_is_suggested_a_name_and_a_kind(address: str, name: str, kind: Kind) -> None:
    """By what its address says."""
    assert (suggest_name(address), guess_kind(address)) == (name, kind)


# ── in place ──────────────────────────────────────────────────────────────────────────────────────


def test_what_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    """A name that was taken meanwhile: no file and no folder of the others stays, and what was there does."""
    folder = tmp_path / "a" / "b"
    papers = Papers("log: info\n", {"one": "1", "no/such/folder": "2"})
    with pytest.raises(FileNotFoundError):
        put_in_place(folder / "config.yaml", papers)
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced, and the one before kept."""
    real, link = tmp_path / "real.yaml", tmp_path / "config.yaml"
    real.write_text("before")
    link.symlink_to(real)
    kept = replace_file(link, "after")
    assert link.is_symlink()
    assert real.read_text() == "after"
    assert kept == tmp_path / "config.yaml.old"
    assert kept.read_text() == "before"
    again = replace_file(link, "later")
    assert again == tmp_path / "config.yaml.old-2"
    assert {each.name for each in tmp_path.iterdir()} == {"real.yaml", "config.yaml", kept.name, again.name}
