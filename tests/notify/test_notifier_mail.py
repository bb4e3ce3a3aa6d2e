"""A mail has a subject, a text and HTML, and what a mail server said of it is told without secrets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sinks import MailSink

from feedwatch.core.messages import (
    Delivered,
    Markup,
    NotifyFailed,
    NotifyOutcome,
    NotifyTimedOut,
    Outgoing,
    OwedDelivery,
)
from feedwatch.core.model import (
    ChangeKind,
    FactChange,
    Kind,
    Notice,
    NoticeKind,
    NoticeLine,
    Reason,
    RecordedChange,
)
from feedwatch.core.render import compose_message
from feedwatch.notify import Notifier

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECRET = "s3cret-t0ken"


def re_rated(title: str, link: str | None = None) -> RecordedChange:
    return RecordedChange(
        id=1,
        at=NOW,
        account="jane",
        feed="ratings",
        feed_kind=Kind.RATINGS,
        kind=ChangeKind.UPDATED,
        key="k",
        title=title,
        link=link,
        position=None,
        previous_position=None,
        facts={"rating": FactChange("3", "4")},
    )


def post(title: str, link: str) -> RecordedChange:
    return RecordedChange(
        id=2,
        at=NOW,
        account="reading",
        feed="lwn",
        feed_kind=Kind.STREAM,
        kind=ChangeKind.ADDED,
        key="p",
        title=title,
        link=link,
        position=None,
        previous_position=None,
        facts={},
    )


async def tell(url: str, *subjects: RecordedChange | Notice) -> NotifyOutcome:
    notifier = Notifier(within=timedelta(seconds=20))
    owed = [OwedDelivery(number, "mail/1", subject) for number, subject in enumerate(subjects)]
    message = compose_message(owed, notifier.style_of(url))
    return await notifier.send("mail/1", url, Outgoing(message.title, message.body, message.markup))


async def test_mail_has_subject_text_and_html() -> None:
    """One mail: its subject says it at a glance, its text reads well without HTML, its HTML has the links."""
    subjects: list[RecordedChange | Notice] = [
        re_rated("Die Blechtrommel 🥁 — Schlöndorff", "https://x.example/?a&b"),
        post("Größe <b>&</b> Güte", "https://lwn.example/1?a=b&c=d"),
        Notice(NoticeKind.WATCHING, NOW, feeds=(NoticeLine("jane/queue", 220),)),
    ]
    with MailSink() as sink:
        assert await tell(sink.url, *subjects) == Delivered()
        (mail,) = sink.wait_for(1)
    assert mail.sender == "feedwatch@example.org"
    assert mail.recipients == ("jane@example.org",)
    assert mail.subject == "jane/ratings: 1 re-rated; reading/lwn: 1 new; watching 220 titles in jane/queue"
    assert "re-rated Die Blechtrommel 🥁 — Schlöndorff 3★ → 4★" in mail.text
    assert "new: Größe <b>&</b> Güte" in mail.text
    assert "https://lwn.example/1?a=b&c=d" in mail.text
    assert "watching 220 titles in jane/queue" in mail.text
    for heading in ("jane/ratings", "reading/lwn"):
        assert heading in mail.text.splitlines()
    assert '<a href="https://x.example/?a&amp;b">Die Blechtrommel 🥁 — Schlöndorff</a> 3★ → 4★' in mail.html
    assert "Größe &lt;b&gt;&amp;&lt;/b&gt; Güte" in mail.html


async def test_subject_holds_umlauts_and_emoji_and_no_header() -> None:
    """A title becomes a subject as it is, and adds no line to a mail's head."""
    with MailSink() as sink:
        await tell(sink.url, re_rated("Zoë\r\nBcc: all@x.example\r\n\r\n🥁"))
        (mail,) = sink.wait_for(1)
    assert mail.subject == "jane re-rated Zoë Bcc: all@x.example 🥁 3★ → 4★"
    assert mail.message["Bcc"] is None
    assert mail.recipients == ("jane@example.org",)


async def test_mail_in_plain_text_where_asked() -> None:
    """An address may ask for text alone."""
    with MailSink() as sink:
        url = sink.url_with("from=feedwatch@example.org&to=jane@example.org&format=text")
        await tell(url, re_rated("<b>Up</b>"))
        (mail,) = sink.wait_for(1)
    assert "re-rated <b>Up</b> 3★ → 4★" in mail.text
    assert mail.html == ""


# ── not taken ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("554 not you", NotifyFailed(Reason.REFUSED, "SMTP 554")),
        ("552 too much", NotifyFailed(Reason.REFUSED, "SMTP 552")),
        ("451 later", NotifyFailed(Reason.UNREACHABLE, "SMTP 451")),
    ],
)
async def test_answer_of_a_mail_server_says_what_became_of_it(answer: str, outcome: NotifyOutcome) -> None:
    """5xx refuse the mail, 4xx may pass; what else the server says is not told."""
    with MailSink(f"{answer} {SECRET}") as sink:
        told = await tell(sink.url_with(f"from={SECRET}@example.org&to=jane@example.org"), re_rated("Up"))
        assert sink.mails == []
    assert told == outcome
    assert SECRET not in repr(told)


async def test_recipient_that_is_not_known_is_refused() -> None:
    """A mailbox that does not exist refuses the mail."""
    with MailSink(refuse={"jane@example.org": "550 no such user"}) as sink:
        assert await tell(sink.url, re_rated("Up")) == NotifyFailed(Reason.REFUSED, "SMTP 550")


async def test_recipient_that_is_not_known_does_not_repeat_the_mail_to_others() -> None:
    """Who has it already is not written to again and again because of somebody else."""
    with MailSink(refuse={"nobody@example.org": "550 no such user"}) as sink:
        url = sink.url_with("from=a@example.org&to=jane@example.org,nobody@example.org")
        notifier = Notifier()
        for _ in range(3):
            told = await notifier.send("mail/1", url, Outgoing("t", "b", Markup.HTML))
            assert told == NotifyFailed(Reason.REFUSED, "SMTP 550", partly=True)
        assert [mail.recipients for mail in sink.mails] == [("jane@example.org",)]


@contextmanager
def serve_until_silence(*answers: str) -> Iterator[int]:
    """A mail server that gives these answers, one for each line, and then none."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as lines:
                for answer in answers:
                    lines.write(answer.encode() + b"\r\n")
                    lines.flush()
                    if answer.startswith("354"):
                        while lines.readline().strip() != b".":
                            pass
                    else:
                        lines.readline()
                done.wait(20)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        done.set()
        thread.join()


SILENCES = {
    "at once": ((), NotifyFailed(Reason.UNREACHABLE, "no connection in time")),
    "after the greeting": (("220 x",), NotifyFailed(Reason.UNREACHABLE, "no connection in time")),
    "before the mail": (
        ("220 x", "250 x", "250 ok", "250 ok"),
        NotifyTimedOut(),  # the order to begin has been sent: better too careful
    ),
    "after the mail": (("220 x", "250 x", "250 ok", "250 ok", "354 go on"), NotifyTimedOut()),
    "but for words that cannot be read": (
        ("220 x", "250 x", "250 ok", "250 ok", "354 go on", "OK taken"),
        NotifyTimedOut(),
    ),
}


@pytest.mark.parametrize(("answers", "outcome"), SILENCES.values(), ids=SILENCES)
async def test_silent_mail_server(answers: tuple[str, ...], outcome: NotifyOutcome) -> None:
    """Before the mail was under way nothing can have arrived; after that nobody knows."""
    with serve_until_silence(*answers) as port:
        url = f"mailto://127.0.0.1:{port}?from={SECRET}@example.org&to=jane@example.org&cto=1&rto=1"
        assert await tell(url, re_rated("Up")) == outcome


async def test_mail_server_that_is_not_there_tells_no_secret() -> None:
    """A refused connection may pass, and is told without the address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    told = await tell(f"mailto://{SECRET}:{SECRET}@127.0.0.1:{port}?from=a@b.example", re_rated("Up"))
    assert isinstance(told, NotifyFailed)
    assert told.reason is Reason.UNREACHABLE
    assert SECRET not in repr(told)
