"""A picture goes along where a service shows it, and never keeps a message from arriving."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

import pytest
from sinks import MailSink, Received, Reply, WebhookSink

from feedwatch.core.messages import (
    Delivered,
    Markup,
    NotifyFailed,
    NotifyOutcome,
    NotifyTimedOut,
    Outgoing,
    Picture,
)
from feedwatch.core.model import Reason
from feedwatch.notify import Notifier
from feedwatch.notify.plugins import load_plugin
from feedwatch.sandbox.art import draw_box_art

ART = draw_box_art(60_000_000)
OTHER_ART = draw_box_art(60_000_037)


def picture(name: str = "picture-1", content: bytes = ART) -> Picture:
    return Picture(name, "image/png", content)


def text(body: str = "added Platoon", pictures: Sequence[Picture] = (picture(),)) -> Outgoing:
    return Outgoing("jane/queue: 1 added", body, Markup.TEXT, pictures=tuple(pictures))


def page(body: str, pictures: Sequence[Picture] = (), twin: str = "") -> Outgoing:
    return Outgoing("Daily digest", body, Markup.HTML, twin=twin, pictures=tuple(pictures))


async def send(url: str, message: Outgoing) -> NotifyOutcome:
    return await Notifier().send("phone/1", url, message)


def has_picture(request: Received) -> bool:
    return ART in request.body


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> WebhookSink:
    return place(monkeypatch, "tgram", "/bot")


@pytest.fixture
def discord(monkeypatch: pytest.MonkeyPatch) -> WebhookSink:
    return place(monkeypatch, "discord", "/api/webhooks")


def place(monkeypatch: pytest.MonkeyPatch, schema: str, path: str) -> WebhookSink:
    """Have a plugin that knows but one host look for it at a sink."""
    Notifier().check_address("json://h/")  # Apprise is loaded by then
    sink = WebhookSink()
    monkeypatch.setattr(load_plugin(schema), "notify_url", sink.url_as("http", path))
    return sink


DISCORD = f"discord://{'1' * 18}/{'a' * 68}"
TELEGRAM = "tgram://123456789:AAF_abcdefghijklmnopqrstuvwxyz12345/12315544"


# ── which services show pictures ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "pictures"),
    [
        ("mailto://jane:pw@mail.example.org", 60),
        ("mailto://jane:pw@mail.example.org?format=text", 0),
        (TELEGRAM, 1),
        (DISCORD, 1),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", 0),
        ("slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/#general", 1),
        ("ntfy://ntfy.sh/topic", 1),
        ("gotify://gotify.example.org/abcdefghijklmno", 0),
        (f"pover://{'u' * 30}@{'a' * 30}", 1),
        ("json://hook.example.org/", 0),
    ],
)
def test_as_many_pictures_as_a_service_shows(url: str, pictures: int) -> None:
    """A chat shows one with a message, a page all; who shows none is given none."""
    style = Notifier().style_of(url)
    assert style.pictures == pictures
    assert style.inline is style.twin is (pictures > 1)


# ── mail ──────────────────────────────────────────────────────────────────────────────────────────


def parts_of(mail: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in mail.walk()]


def cids_of(mail: EmailMessage) -> dict[str, bytes]:
    return {
        str(part["Content-ID"]): bytes(part.get_content())
        for part in mail.walk()
        if part.get_content_maintype() == "image"
    }


async def test_mail_shows_its_pictures_where_its_page_has_them() -> None:
    """Each picture comes with the mail, is the one that the page names, and stands nowhere else."""
    body = '<p><img class="a" src="cid:picture-1" alt="H">Heat</p><p><img src="cid:picture-2" alt="">Ran</p>'
    with MailSink() as sink:
        both = (picture(), picture("picture-2", OTHER_ART))
        assert await send(sink.url, page(body, both)) == Delivered()
        (mail,) = sink.wait_for(1)
    assert 'src="cid:picture-1.png"' in mail.html
    assert mail.html.count("<img") == 2
    assert cids_of(mail.message) == {"<picture-1.png>": ART, "<picture-2.png>": OTHER_ART}
    assert parts_of(mail.message) == [
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
        "image/png",
    ]


async def test_page_without_its_pictures_shows_what_stands_for_them() -> None:
    """What could not be fetched leaves no broken picture, but what is written behind it."""
    body = (
        '<p><img src="cid:picture-1"><!--else:H-->Heat</p><p><img src="cid:picture-2"><!--else:R-->Ran</p>'
        '<p><img src="cid:picture-3"><br>Up</p>'
    )
    with MailSink() as sink:
        await send(sink.url, page(body, (picture("picture-2"),)))
        await send(sink.url, page(body))
        some, none = sink.wait_for(2)
    assert some.html.strip() == '<p>HHeat</p><p><img src="cid:picture-2.png">Ran</p><p>Up</p>'
    assert none.html.strip() == "<p>HHeat</p><p>RRan</p><p>Up</p>"
    assert "image/png" not in parts_of(none.message)


async def test_picture_that_no_page_shows_stays_at_home() -> None:
    """A picture without a place in the page is no attachment at its end."""
    with MailSink() as sink:
        await send(sink.url, page("<p>Heat</p>", (picture(),)))
        (mail,) = sink.wait_for(1)
    assert parts_of(mail.message) == ["multipart/alternative", "text/plain", "text/html"]
    assert mail.html.strip() == "<p>Heat</p>"


async def test_plain_text_of_a_mail_is_ours() -> None:
    """Who reads the mail as text reads what was written for that; without such a text, what HTML comes to."""
    with MailSink() as sink:
        await send(sink.url, page("<h1>Heat</h1>", twin="HEAT — in plain words <3\n\n  indented"))
        await send(sink.url, page("<p>Heat</p>"))
        written, made = sink.wait_for(2)
    assert written.text.rstrip("\n") == "HEAT — in plain words <3\n\n  indented"
    assert "<h1>Heat</h1>" in written.html
    assert made.text.strip() == "Heat"


async def test_mail_that_is_too_large_goes_without_pictures() -> None:
    """A server that takes no mail of that size takes it as text."""
    body = '<p><img src="cid:picture-1"><!--else:H-->Heat</p>'
    with MailSink("552 message size exceeds fixed limit") as sink:
        assert await send(sink.url, page(body, (picture(),))) == Delivered()
        (mail,) = sink.wait_for(1)
    assert mail.html.strip() == "<p>HHeat</p>"


# ── chats ─────────────────────────────────────────────────────────────────────────────────────────


async def test_telegram_shows_a_picture_with_the_text_below(telegram: WebhookSink) -> None:
    """One message: the picture, and the text as its caption."""
    with telegram as sink:
        assert await send(TELEGRAM, text()) == Delivered()
        (request,) = sink.received
    assert request.path.endswith("/sendPhoto")
    assert has_picture(request)
    assert b"added Platoon" in request.body
    assert b'filename="picture-1.png"' in request.body


async def test_telegram_that_refuses_a_picture_gets_the_text_once(telegram: WebhookSink) -> None:
    """The text that was to stand below it arrives by itself, and not twice."""
    with telegram as sink:
        sink.script(400)
        assert await send(TELEGRAM, text()) == Delivered()
        paths = [(one.path.rpartition("/")[2], one.status) for one in sink.received]
    assert paths == [("sendPhoto", 400), ("sendMessage", 200)]


async def test_telegram_gets_no_picture_with_a_text_too_long_to_stand_below(telegram: WebhookSink) -> None:
    """It would be a second message at once, which is more than one chat takes."""
    with telegram as sink:
        assert await send(TELEGRAM, text("added Platoon\n" * 100)) == Delivered()
        (request,) = sink.received
    assert request.path.endswith("/sendMessage")


async def test_discord_that_refuses_a_picture_keeps_the_text(discord: WebhookSink) -> None:
    """The text went first: it is there, and is not sent again."""
    with discord as sink:
        sink.script(204, 413)
        assert await send(DISCORD, text()) == Delivered()
        first, second = sink.received
    assert not has_picture(first)
    assert has_picture(second)


@pytest.mark.parametrize("failure", [Reply(hang=True), Reply(reset=True), Reply(500), Reply(429)])
async def test_what_has_become_of_the_picture_is_nobodys_business(
    discord: WebhookSink, failure: Reply
) -> None:
    """Where everybody has the text, nothing that befell the picture makes it come a second time."""
    with discord as sink:
        sink.script(204, failure)
        assert await send(DISCORD + "?rto=0.5", text()) == Delivered()
        assert len(sink.received) == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [(Reply(reset=True), NotifyTimedOut()), (Reply(429, {"Retry-After": "7"}), Reason.RATE_LIMITED)],
)
async def test_text_that_nobody_has_is_not_sent_again_at_once(
    telegram: WebhookSink, reply: Reply, expected: NotifyTimedOut | Reason
) -> None:
    """What may have arrived, or was asked to wait, is the outbox's to send again: with one request made."""
    with telegram as sink:
        sink.script(reply)
        outcome = await send(TELEGRAM, text())
        assert len(sink.received) == 1
    assert (outcome.reason if isinstance(outcome, NotifyFailed) else outcome) == expected


async def test_ntfy_without_room_for_files_gets_the_text() -> None:
    """A server that keeps no attachments refuses the picture, and takes the text."""
    with WebhookSink(400) as sink:
        assert await send(sink.url_as("ntfy", "/topic"), text()) == Delivered()
        refused, taken = sink.received
    assert has_picture(refused)
    assert taken.json["message"] == "added Platoon"


async def test_text_that_is_refused_too_is_refused() -> None:
    """Without the picture it is no better: the service's answer is what is told, after two requests."""
    with WebhookSink(400, 400) as sink:
        assert await send(sink.url_as("ntfy", "/topic"), text()) == NotifyFailed(Reason.REFUSED, "HTTP 400")
        assert len(sink.received) == 2


async def test_picture_that_the_plugin_will_not_take_goes_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails before anything is asked of a service (an attachment too large) is tried without."""
    sink = place(monkeypatch, "pover", "/messages.json")
    large = ART + bytes(6_000_000)
    with sink:
        url = f"pover://{'u' * 30}@{'a' * 30}"
        assert await send(url, text(pictures=(picture(content=large),))) == Delivered()
        (request,) = sink.received
    assert b"added" in request.body


async def test_no_more_pictures_than_the_service_shows() -> None:
    """Of two pictures ntfy is given the first: the second would be a message of its own."""
    with WebhookSink() as sink:
        await send(sink.url_as("ntfy", "/topic"), text(pictures=(picture(), picture("b", OTHER_ART))))
        (request,) = sink.received
    assert has_picture(request)
    assert request.body == ART
