"""The strict servers refuse what the services refuse, and show what a person would see."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from http.client import HTTPConnection
from typing import Any

import pytest
import strict_discord
import strict_slack
import strict_telegram
from strict_discord import StrictDiscord
from strict_looks import make_picture, read_page, size_of_picture
from strict_mail import StrictMailbox, check_bytes
from strict_push import StrictGotify, StrictNtfy, StrictPushover
from strict_server import LOOPBACK, Rate, StrictServer
from strict_slack import StrictSlack
from strict_telegram import StrictTelegram

PICTURE = make_picture()
BOUNDARY = "a-line-between"


def post(
    server: StrictServer, path: str, body: bytes, headers: Mapping[str, str], method: str = "POST"
) -> tuple[int, bytes]:
    """Send one request, and give the status and the body of its reply."""
    connection = HTTPConnection(LOOPBACK, server.port, timeout=10)
    connection.request(method, path, body, dict(headers))
    reply = connection.getresponse()
    answered = reply.status, reply.read()
    connection.close()
    return answered


def post_json(server: StrictServer, path: str, value: object, **headers: str) -> tuple[int, bytes]:
    """Send a value as JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return post(server, path, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


def post_form(
    server: StrictServer, path: str, fields: Mapping[str, str], files: Mapping[str, bytes]
) -> tuple[int, bytes]:
    """Send a form with files."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return post(server, path, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})


# ── Telegram ──────────────────────────────────────────────────────────────────────────────────────


def send_to_telegram(server: StrictServer, text: str, **more: Any) -> tuple[int, Any]:
    fields = {"chat_id": strict_telegram.CHAT, "parse_mode": "HTML", "text": text, **more}
    status, body = post_json(server, f"/bot{strict_telegram.TOKEN}/sendMessage", fields)
    return status, json.loads(body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<b> </b>",
        "<3",
        "a < b",
        "R&B",
        "a > b",
        "<script>alert(1)</script>",
        "<h3>jane/queue</h3>",
        "<b>bold",
        "bold</b>",
        "<b><i>crossed</b></i>",
        "<span>plain</span>",
        "<code><b>x</b></code>",
        "&nbsp;&apos;",
        "a" * 4097,
        "😀" * 2049,
    ],
)
def test_telegram_refuses_text_that_it_cannot_show(text: str) -> None:
    """Tags that are not allowed, not closed or not escaped, nothing at all, or more than 4096 units: 400."""
    with StrictTelegram() as server:
        status, said = send_to_telegram(server, text)
        assert (status, said["ok"], server.seen) == (400, False, [])


def test_telegram_shows_text_without_its_markup() -> None:
    """Lengths count what is left to be read; links, mentions and commands are found in it."""
    with StrictTelegram() as server:
        raw = (
            '<b>queue</b> &lt;3 &amp; <a href="https://x.example/?a=1&amp;b">Heat</a> @jane /stop'
            + "!" * 4000
        )
        status, _ = send_to_telegram(server, raw, disable_web_page_preview=True)
        (seen,) = server.seen
    assert status == 200
    assert seen.text.startswith("queue <3 & Heat @jane /stop!")
    assert seen.links == ("https://x.example/?a=1&b",)
    assert seen.calls == ("@jane", "/stop")
    assert seen.fetches == ()


def test_telegram_wants_a_second_between_two_messages() -> None:
    """The second message at once gets 429 and how long to wait; after that it is taken."""
    now = [100.0]
    with StrictTelegram(lambda: now[0]) as server:
        assert send_to_telegram(server, "one")[0] == 200
        status, said = send_to_telegram(server, "two")
        assert (status, said["parameters"]["retry_after"], server.limited) == (429, 1, 1)
        now[0] += 1
        assert send_to_telegram(server, "two")[0] == 200


@pytest.mark.parametrize(
    ("caption", "photo", "status"),
    [
        ("Heat", PICTURE, 200),
        ("a" * 1025, PICTURE, 400),
        ("<3", PICTURE, 400),
        ("Heat", b"<svg/>", 400),
        ("Heat", b"", 400),
        ("Heat", make_picture(1, 21), 400),
        ("Heat", PICTURE + bytes(10_000_000), 413),
    ],
    ids=["fine", "long caption", "broken caption", "no picture", "empty", "a stripe", "too large"],
)
def test_telegram_takes_photos_within_its_limits(caption: str, photo: bytes, status: int) -> None:
    """A photo is an image of 10 MB at most, no stripe, with at most 1024 units below it."""
    with StrictTelegram() as server:
        fields = {"chat_id": strict_telegram.CHAT, "caption": caption, "parse_mode": "HTML"}
        path = f"/bot{strict_telegram.TOKEN}/sendPhoto"
        assert post_form(server, path, fields, {"photo": photo})[0] == status
        assert [seen.pictures for seen in server.seen] == ([(photo,)] if status == 200 else [])


# ── Discord ───────────────────────────────────────────────────────────────────────────────────────

HOOK = f"/api/webhooks/{strict_discord.WEBHOOK}/{strict_discord.TOKEN}"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"content": "  "},
        {"content": "a" * 2001},
        {"content": "😀" * 1001},
        {"embeds": [{"description": "a" * 4097}]},
        {"embeds": [{"title": "a" * 257}]},
        {"embeds": [{}] * 11},
        {"embeds": [{"description": "a" * 3001}] * 2},
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
    ],
)
def test_discord_refuses_what_is_too_long_or_empty(payload: dict[str, Any]) -> None:
    """400, with a code."""
    with StrictDiscord() as server:
        status, said = post_json(server, HOOK, payload)
        assert (status, server.seen) == (400, [])
        assert json.loads(said)["code"] in (50006, 50035)


MARKED = {
    "**Heat**": "Heat",
    "\\*\\*Heat\\*\\*": "**Heat**",
    "snake_case_name": "snakecasename",
    "snake\\_case\\_name": "snake_case_name",
    "# Heat": "Heat",
    "\\# Heat": "# Heat",
    "1. Heat": "Heat",
    "1\\. Heat": "1. Heat",
    "`Heat`": "Heat",
    "||Heat||": "Heat",
    "[Heat](https://x.example/a_b_c)": "Heat",
    "\\[Heat\\](x)": "[Heat](x)",
    "https://x.example/a_b_c": "https://x.example/a_b_c",
    "<#123> Heat": " Heat",
}


@pytest.mark.parametrize(("content", "text"), MARKED.items(), ids=MARKED)
def test_discord_shows_markdown(content: str, text: str) -> None:
    """Markup is gone, what is escaped stays, and within an address nothing is markup."""
    with StrictDiscord() as server:
        assert post_json(server, HOOK, {"content": content})[0] == 204
        assert server.seen[0].text == text


@pytest.mark.parametrize("content", ["@everyone", "x@here", "<@123>", "<@&123>", "`@everyone`", "</start:1>"])
def test_discord_rings_for_mentions(content: str) -> None:
    """Who is mentioned is called, unless the message says that nobody shall."""
    with StrictDiscord() as server:
        post_json(server, HOOK, {"content": content})
        post_json(server, HOOK, {"content": content, "allowed_mentions": {"parse": []}})
        assert [bool(seen.calls) for seen in server.seen] == [True, False]


def test_discord_takes_five_in_two_seconds_and_thirty_a_minute() -> None:
    """The next one gets 429 with the seconds to wait, in the body and in the header."""
    now, waits = [100.0], []
    with StrictDiscord(lambda: now[0]) as server:
        for _ in range(6):
            for _ in range(5):
                assert post_json(server, HOOK, {"content": "x"})[0] == 204
            status, said = post_json(server, HOOK, {"content": "x"})
            assert status == 429
            now[0] += 2
            waits.append(json.loads(said)["retry_after"])
        assert waits == pytest.approx([2, 2, 2, 2, 2, 50])
        assert post_json(server, HOOK, {"content": "x"})[0] == 429


def test_discord_takes_ten_megabytes_of_files() -> None:
    """A picture is shown; more than the limit is refused."""
    with StrictDiscord() as server:
        fields = {"payload_json": json.dumps({"content": "Heat"})}
        assert post_form(server, HOOK + "?wait=true", fields, {"files[0]": PICTURE})[0] == 200
        assert server.seen[0].pictures == (PICTURE,)
        assert post_form(server, HOOK, fields, {"files[0]": bytes(10 * 1024 * 1024 + 1)})[0] == 413


# ── Slack ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, b"no_text"),
        ({"text": "a" * 40_001}, b"msg_too_long"),
        ({"attachments": [{"text": "a" * 40_001}]}, b"msg_too_long"),
        (
            {"attachments": [{"blocks": [{"type": "section", "text": {"text": "a" * 3001}}]}]},
            b"invalid_blocks",
        ),
    ],
)
def test_slack_refuses_what_is_too_long_or_empty(payload: dict[str, Any], said: bytes) -> None:
    """400, with a word."""
    with StrictSlack() as server:
        assert post_json(server, f"/services/{strict_slack.HOOK}", payload) == (400, said)


def test_slack_obeys_what_stands_in_angle_brackets() -> None:
    """It calls, links or vanishes, formatted or not; escaped it is text."""
    with StrictSlack(rates=()) as server:
        for text in ("<!channel> <@U1> <https://x.example|Heat> <b>", "&lt;!channel&gt; &amp; *x*"):
            post_json(
                server, f"/services/{strict_slack.HOOK}", {"attachments": [{"text": text}], "mrkdwn": True}
            )
        obeyed, shown = server.seen
    assert obeyed.calls == ("!channel", "@U1")
    assert obeyed.links == ("https://x.example",)
    assert obeyed.text == "@channel @U1 Heat "
    assert (shown.calls, shown.text) == ((), "<!channel> & x")


def test_slack_bot_answers_in_json_and_brings_files() -> None:
    """A refusal says 200 and `ok: false`; a file is promised, uploaded and shown in three calls."""
    with StrictSlack(rates=()) as server:
        bearer = {"Authorization": f"Bearer {strict_slack.BOT}"}
        assert json.loads(post_json(server, "/api/chat.postMessage", {"text": "x"})[1])["ok"] is False
        posted = post_json(server, "/api/chat.postMessage", {"text": "x", "channel": "#films"}, **bearer)
        channel = json.loads(posted[1])["channel"]
        ask = "/api/files.getUploadURLExternal?filename=a.png&length=9"
        promise = json.loads(post(server, ask, b"", bearer, "GET")[1])
        path = promise["upload_url"].removeprefix(server.base)
        assert post_form(server, path, {}, {"file": PICTURE})[1].startswith(b"OK")
        files = {"files": [{"id": promise["file_id"]}], "channel_id": channel}
        assert json.loads(post_json(server, "/api/files.completeUploadExternal", files, **bearer)[1])["ok"]
        assert server.seen[-1].pictures == (PICTURE,)


# ── ntfy, Gotify, Pushover ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message", "is_shown"), [("a" * 4095, True), ("a" * 4096, False), ("é" * 2048, False)]
)
def test_ntfy_makes_a_file_of_a_long_message(message: str, is_shown: bool) -> None:  # noqa: FBT001
    """From 4096 bytes on, what should be read has to be opened."""
    with StrictNtfy() as server:
        body = json.dumps({"topic": "films", "message": message}, ensure_ascii=False).encode()
        assert post(server, "/", body, {})[0] == 200
        assert (server.seen[0].text == message, server.seen[0].files == ()) == (is_shown, is_shown)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/", {"topic": "films", "message": "é" * 1500}, 413),
        ("/", {"message": "x"}, 400),
        ("/", {"topic": "no topic", "message": "x"}, 400),
        ("/films?message=" + "a" * 8192, {}, 414),
    ],
    ids=["escapes count", "no topic", "a bad topic", "a long address"],
)
def test_ntfy_refuses_what_is_too_long(path: str, body: dict[str, str], status: int) -> None:
    """JSON may take 8 KiB, escapes and all, and so may an address."""
    with StrictNtfy() as server:
        assert post_json(server, path, body)[0] == status
        assert server.seen == []


def test_ntfy_shows_a_picture_and_its_message() -> None:
    """A picture is the body, and what is said about it stands in the address."""
    with StrictNtfy(rates=(Rate(1, 5.0),)) as server:
        assert post(server, "/films?message=a\\nb&title=t&filename=a.png", PICTURE, {})[0] == 200
        assert post(server, "/films", b"x", {})[0] == 429
        (seen,) = server.seen
    assert (seen.title, seen.text, seen.pictures, seen.files) == ("t", "a\nb", (PICTURE,), ())


def test_gotify_wants_a_token_and_a_message() -> None:
    """401 without the one, 400 without the other."""
    with StrictGotify() as server:
        assert post_json(server, "/message", {"message": "x"})[0] == 401
        key = {"X-Gotify-Key": server.TOKEN}
        assert post_json(server, "/message", {"title": "x"}, **key)[0] == 400
        assert post_json(server, "/message", {"message": "x", "priority": "5"}, **key)[0] == 400
        assert post_json(server, "/message", {"message": "<3 & _*", "title": "t"}, **key)[0] == 200
        assert [(seen.title, seen.text) for seen in server.seen] == [("t", "<3 & _*")]


@pytest.mark.parametrize(
    ("changed", "attachment"),
    [
        ({"message": " "}, b""),
        ({"message": "a" * 1025}, b""),
        ({"title": "a" * 251}, b""),
        ({"token": "x"}, b""),
        ({"user": "x"}, b""),
        ({"html": "1", "message": "<script>x</script>"}, b""),
        ({"html": "1", "message": "<b>x"}, b""),
        ({}, b"no picture"),
        ({}, PICTURE + bytes(5_242_880)),
    ],
)
def test_pushover_refuses_what_it_documents(changed: dict[str, str], attachment: bytes) -> None:
    """Lengths in characters, keys, tags, one image of 5 MB at most: 4xx and no message."""
    fields = {"token": StrictPushover.TOKEN, "user": StrictPushover.USER, "message": "x", "title": "t"}
    with StrictPushover() as server:
        files = {"attachment": attachment} if attachment else {}
        status, said = post_form(server, "/1/messages.json", {**fields, **changed}, files)
        assert status in (400, 413)
        assert json.loads(said)["status"] == 0
        assert server.seen == []


def test_pushover_counts_characters_and_shows_a_picture() -> None:
    """An emoji is one of 1024; tags are read only when they are asked for."""
    fields = {"token": StrictPushover.TOKEN, "user": StrictPushover.USER, "message": "😀" * 1024}
    with StrictPushover() as server:
        assert post_form(server, "/1/messages.json", fields, {"attachment": PICTURE})[0] == 200
        post_form(server, "/1/messages.json", {**fields, "message": "<b>x</b>"}, {})
        post_form(server, "/1/messages.json", {**fields, "message": "<b>x</b>", "html": "1"}, {})
        assert server.seen[0].pictures == (PICTURE,)
        assert [seen.text for seen in server.seen[1:]] == ["<b>x</b>", "x"]


# ── mail ──────────────────────────────────────────────────────────────────────────────────────────


def a_mail(html: str = "", picture: str = "", text: str = "Heat") -> EmailMessage:
    """A mail as it should be: two forms of one text, a picture within."""
    mail = EmailMessage()
    for name, value in {"From": "a@x.example", "To": "b@x.example", "Subject": "Heat"}.items():
        mail[name] = value
    mail["Date"] = "Sun, 01 Nov 2026 12:00:00 +0000"
    mail["Message-ID"] = "<1@x.example>"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    if picture:
        page = mail.get_body(("html",))
        assert isinstance(page, EmailMessage)
        page.add_related(PICTURE, "image", "png", cid=f"<{picture}>")
    return mail


def send_mail(mailbox: StrictMailbox, mail: EmailMessage) -> int:
    with smtplib.SMTP(LOOPBACK, mailbox.port, timeout=10) as server:
        try:
            server.send_message(mail)
        except smtplib.SMTPDataError as error:
            return error.smtp_code
    return 250


FINE = '<h1>Heat</h1><p>Tom &amp; <a href="https://x.example/1">Jerry</a></p>'
BAD_PAGES = {
    "a picture that is not there": '<img src="cid:gone" alt="x">',
    "a picture from elsewhere": '<img src="https://x.example/a.png" alt="x">',
    "a picture without words": '<img src="cid:here">',
    "a background from elsewhere": '<p style="background:url(https://x.example/a.png)">x</p>',
    "a style from elsewhere": '<style>@import "https://x.example/a.css";</style>x',
    "a script": "<script>alert(1)</script>",
    "a handler": '<p onclick="x()">x</p>',
    "a tag left open": "<b>x",
    "crossed tags": "<b><i>x</b></i>",
    "too long": "<p>" + "x " * 60_000 + "</p>",
}


@pytest.mark.parametrize("html", BAD_PAGES.values(), ids=BAD_PAGES)
def test_mailbox_refuses_a_bad_page(html: str) -> None:
    """554, and it is said what is wrong."""
    with StrictMailbox() as mailbox:
        assert send_mail(mailbox, a_mail(html, picture="here")) == 554
        assert (mailbox.seen, len(mailbox.refusals)) == ([], 1)


def test_mailbox_refuses_a_mail_without_plain_text_or_headers() -> None:
    """Whoever reads text gets text, and a mail has a date and a name."""
    bare = EmailMessage()
    bare["From"], bare["To"] = "a@x.example", "b@x.example"
    bare.set_content("<p>x</p>", subtype="html")
    with StrictMailbox() as mailbox:
        assert send_mail(mailbox, bare) == 554
        assert "no plain text" in mailbox.refusals[0]
        assert "no Date" in mailbox.refusals[0]


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\r\n\r\na\nb\r\n",
        b"Subject: x\r\n\r\na\rb\r\n",
        b"Subject: x\r\n\r\n" + b"a" * 999 + b"\r\n",
        "Subject: ü\r\n\r\nx\r\n".encode(),
        "Subject: x\r\n\r\nü\r\n".encode(),
    ],
    ids=["bare LF", "bare CR", "long line", "raw header", "raw body"],
)
def test_mailbox_reads_bytes_strictly(content: bytes) -> None:
    """What does not go through every mail server is a fault."""
    assert check_bytes(content) != []
    assert check_bytes(b"Subject: x\r\n\r\na\r\nb\r\n") == []


def test_mailbox_shows_a_page() -> None:
    """A person sees subject, text, links and the pictures within; the plain text is kept beside it."""
    with StrictMailbox() as mailbox:
        assert send_mail(mailbox, a_mail(FINE + '<img src="cid:here" alt="Heat">', picture="here")) == 250
        (seen,) = mailbox.seen
    assert seen.twin.strip() == "Heat"
    assert (seen.title, seen.text) == ("Heat", "Heat\nTom & Jerry")
    assert (seen.links, seen.pictures) == (("https://x.example/1",), (PICTURE,))


def test_page_hides_what_is_not_seen() -> None:
    """Heads, styles and what is hidden are no text."""
    html = '<head><title>x</title></head><body><div style="display: none">y</div><p>z</p></body>'
    assert read_page(html).text == "z"


def test_size_of_a_picture_is_read_from_its_head() -> None:
    """PNG and GIF say it in their heads; what is none has no size."""
    assert size_of_picture(make_picture(7, 9)) == (7, 9)
    assert size_of_picture(b"GIF89a\x07\x00\x09\x00") == (7, 9)
    assert size_of_picture(b"<svg/>") is None
