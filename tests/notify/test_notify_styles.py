"""Messages look as each service wants them: within its limits, calling nobody, with no markup of a feed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sinks import Received, Reply, WebhookSink

from feedwatch.core.messages import Composed, Delivered, Markup, Outgoing, OwedDelivery, Style
from feedwatch.core.model import ChangeKind, Kind, RecordedChange
from feedwatch.core.render import compose_message
from feedwatch.notify import Notifier
from feedwatch.notify.plugins import load_plugin
from feedwatch.notify.services import Capacity, style_service

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVIL = "@everyone <!channel> <@U123> [x](http://evil.example) </b> *b* _i_ `c` #general ~town /start 4 < 5"

DISCORD = "discord://012345678901234567/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz_123456abcdef"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
TELEGRAM = "tgram://123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawQ/12315544"
PUSHOVER = "pover://" + "u" * 30 + "@" + "a" * 30
NTFY, MATTERMOST, GOTIFY = "ntfy://h/topic", "mmost://h/" + "3" * 32, "gotify://h/abcdefghijklmno"
MAIL = "mailto://h?from=a@b.example"


def added(title: str, number: int = 1) -> RecordedChange:
    return RecordedChange(
        id=number,
        at=NOW,
        account="jane",
        feed="queue",
        feed_kind=Kind.QUEUE,
        kind=ChangeKind.ADDED,
        key=str(number),
        title=title,
        link=None,
        position=None,
        previous_position=None,
        facts={},
    )


def compose(style: Style, *titles: str) -> Composed:
    owed = [OwedDelivery(number, "phone/1", added(title, number)) for number, title in enumerate(titles)]
    return compose_message(owed, style)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# ── limits ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "limit", "title_limit", "markup"),
    [
        pytest.param(DISCORD, 2000, 250, Markup.MARKDOWN, id="discord"),
        pytest.param(SLACK, 8000, 250, Markup.TEXT, id="slack"),
        pytest.param(TELEGRAM, 4096, 250, Markup.TEXT, id="telegram"),
        pytest.param(PUSHOVER, 1024, 250, Markup.TEXT, id="pushover"),
        pytest.param(NTFY, 2600, 200, Markup.TEXT, id="ntfy"),
        pytest.param(MATTERMOST, 4000, 250, Markup.TEXT, id="mattermost"),
        pytest.param(GOTIFY, 32768, 250, Markup.MARKDOWN, id="gotify"),
        pytest.param(GOTIFY + "?format=text", 32768, 250, Markup.TEXT, id="gotify in text"),
        pytest.param(MAIL, 96_000, 100, Markup.HTML, id="mail"),
        pytest.param(MAIL + "&format=text", 96_000, 100, Markup.TEXT, id="mail in text"),
    ],
)
def test_services_take_so_much(url: str, limit: int, title_limit: int, markup: Markup) -> None:
    """A style has the service's own limits, and HTML only where people read mail."""
    notifier = Notifier()
    assert notifier.check_address(url) is None
    style = notifier.style_of(url)
    assert (style.limit, style.title_limit, style.markup) == (limit, title_limit, markup)


def test_address_that_is_none_has_a_style_all_the_same() -> None:
    """What is owed to a bad address can be composed: it waits for the address to be mended."""
    assert Notifier().style_of("nothing") == Style()


def test_service_whose_text_becomes_markdown_has_room_for_backslashes() -> None:
    """Apprise escapes such a text itself; twice as long at worst, it still fits."""
    style = style_service(["gchat"], Capacity(4000, 0, "markdown", html_first=False))
    assert (style.limit, style.escape) == (2000, "")


@pytest.mark.parametrize(("limit", "title"), [(0, 250), (-1, 250), (67, 33), (160, 80)])
def test_odd_limits_leave_room(limit: int, title: int) -> None:
    """Where a service names no limit a cautious one is taken, and a title leaves half to the body."""
    style = style_service(["aprs"], Capacity(limit, 0, "text", html_first=False))
    assert style.limit == (limit if limit > 0 else 4000)
    assert style.title_limit == title


# ── nobody is called ──────────────────────────────────────────────────────────────────────────────

CALLS = {
    "discord": r"@(?!\u200b)|<(?!\u200b)|\]\(",
    "fluxer": r"@(?!\u200b)|<(?!\u200b)|\]\(",
    "guilded": r"@(?!\u200b)|<(?!\u200b)|\]\(",
    "ryver": r"@(?!\u200b)|\]\(",
    "nctalk": r"@(?!\u200b)|\]\(",
    "mmost": r"@(?!\u200b)|~(?!\u200b)|\]\(",
    "zulip": r"@(?!\u200b)|#(?!\u200b)|\]\(",
    "rocket": r"@(?!\u200b)|#(?!\u200b)",
    "gchat": r"@(?!\u200b)|<(?!\u200b)",
    "wxteams": r"@(?!\u200b)|<(?!\u200b)",
    "workflows": r"@(?!\u200b)|<(?!\u200b)",
    "revolt": r"@(?!\u200b)|<(?!\u200b)",
    "slack": r"@(?!\u200b)|<(?!\u200b)",
    "tgram": r"@(?!\u200b)|(?<!\w)/(?!\u200b)",
    "matrix": r"@(?!\u200b)",
    "mastodon": r"@(?!\u200b)|#(?!\u200b)",
    "misskey": r"@(?!\u200b)|#(?!\u200b)",
    "bluesky": r"@(?!\u200b)|#(?!\u200b)",
    "twitter": r"@(?!\u200b)|#(?!\u200b)",
    "lark": r"@(?!\u200b)|<(?!\u200b)",
    "feishu": r"@(?!\u200b)|<(?!\u200b)",
    "of tomorrow": r"@(?!\u200b)|<(?!\u200b)",
}
"""What a service would take for a call to people or groups, or for a link under a false name."""


@pytest.mark.parametrize(("service", "call"), CALLS.items(), ids=CALLS)
def test_no_mention_survives(service: str, call: str) -> None:
    """Neither a title of its own nor a body calls anybody, in any service, also one not known yet."""
    style = style_service([service, f"{service}s"], Capacity(4000, 250, "text", html_first=False))
    for message in (compose(style, EVIL), compose(style, EVIL, EVIL)):
        assert not re.search(call, message.title)
        assert not re.search(call, message.body)


def test_secure_spelling_of_a_service_is_the_same_service() -> None:
    """`mmosts://` is Mattermost over TLS."""
    capacity = Capacity(4000, 250, "text", html_first=False)
    assert style_service(["mmosts"], capacity) == style_service(["mmost"], capacity)


# ── what really goes out ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookSink]:
    """A server of ours where hosted services would be; it says yes as each of them does."""
    notifier = Notifier()
    notifier.style_of(DISCORD)  # which loads the plugins
    with WebhookSink() as sink:
        base = f"http://127.0.0.1:{sink.port}"
        monkeypatch.setattr(load_plugin("discord"), "notify_url", f"{base}/discord")
        monkeypatch.setattr(load_plugin("slack"), "webhook_url", f"{base}/slack")
        monkeypatch.setattr(load_plugin("tgram"), "notify_url", f"{base}/bot")
        yield sink


async def send(sink: WebhookSink, url: str, *titles: str) -> Received:
    """Compose for the service at an address, send, and give the one request that came of it."""
    ok = b"ok" if url == SLACK else b'{"ok": true, "result": {}}'
    sink.after_script = Reply(200, {"Content-Type": "application/json"}, ok)
    notifier = Notifier()
    message = compose(notifier.style_of(url), *titles)
    assert (
        await notifier.send("a/1", url, Outgoing(message.title, message.body, message.markup)) == Delivered()
    )
    (request,) = sink.received
    return request


def texts_of(url: str, request: Received) -> str:
    told: Any = request.json
    if url == SLACK:
        (attachment,) = told["attachments"]
        return f"{attachment['title']}\n{attachment['text']}"
    return str(told.get("content", told.get("text")))


async def test_discord_reads_no_markup_and_calls_nobody(hosted: WebhookSink) -> None:
    """What a feed brought is text: every character of markup is escaped, every mention broken."""
    text = texts_of(DISCORD, await send(hosted, DISCORD, EVIL))
    assert not re.search(CALLS["discord"], text)
    assert not re.search(r"(?<!\\)[*_`~|\[\]<]", text.replace("\u200b", ""))


async def test_discord_s_rate_limit_is_not_slept_off(hosted: WebhookSink) -> None:
    """Discord says when it may be asked again: the outbox waits for that, no thread does."""
    limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}
    hosted.after_script = Reply(200, limits)
    notifier = Notifier(within=timedelta(seconds=5))
    for _ in range(2):
        assert await notifier.send("a/1", DISCORD, Outgoing("t", "b", Markup.TEXT)) == Delivered()
    assert len(hosted.received) == 2


async def test_slack_calls_nobody(hosted: WebhookSink) -> None:
    """Slack calls by `<!…>` and `<@…>`: no such bracket is left, and nothing is read as markup."""
    request = await send(hosted, SLACK, EVIL)
    assert request.json["mrkdwn"] is False
    assert "<" not in texts_of(SLACK, request)
    assert not re.search(r"@(?!\u200b)", texts_of(SLACK, request))


async def test_telegram_reads_our_markup_alone(hosted: WebhookSink) -> None:
    """Telegram's HTML has one tag, ours, around the title; the feed's stay text, and no command is one."""
    text = texts_of(TELEGRAM, await send(hosted, TELEGRAM, EVIL))
    tree = ET.fromstring(f"<m>{text}</m>")
    assert [element.tag for element in tree.iter()] == ["m", "b"]
    shown = "".join(tree.itertext())
    assert not re.search(CALLS["tgram"], shown)
    assert "</\u200bb>" in shown


async def test_mattermost_reads_no_markup_and_calls_nobody(hosted: WebhookSink) -> None:
    """Mattermost reads markdown in all of it; nobody and no channel is called."""
    url = f"mmost://127.0.0.1:{hosted.port}/{'3' * 32}"
    text = texts_of(url, await send(hosted, url, EVIL))
    assert not re.search(CALLS["mmost"], text)
    assert not re.search(r"(?<!\\)[*_`|\[\]<]", text.replace("\u200b", ""))


async def test_gotify_is_told_that_it_is_markdown_and_a_title_makes_none(hosted: WebhookSink) -> None:
    """Its clients read the body as it is meant; a title from elsewhere is escaped there, and not above it."""
    told = (await send(hosted, f"gotify://127.0.0.1:{hosted.port}/abcdefghijklmno", EVIL)).json
    assert told["extras"]["client::display"]["contentType"] == "text/markdown"
    assert told["title"] == f"jane/queue: added {EVIL}"
    assert re.sub(r"\\(?=[*_`~|\[\]<>#])", "", told["message"]) == f"- added {EVIL}"


@pytest.mark.parametrize("schema", ["ntfy", "json"])
async def test_plain_services_get_titles_as_they_are(hosted: WebhookSink, schema: str) -> None:
    """Where nobody can be called and nothing is markup, a title is not touched."""
    url = f"{schema}://127.0.0.1:{hosted.port}/abcdefghijklmno"
    told = (await send(hosted, url, EVIL)).json
    assert told["message"] == f"added {EVIL}"
    assert told["title"] == f"jane/queue: added {EVIL}"


@pytest.mark.parametrize(("url", "limit"), [(DISCORD, 2000), (TELEGRAM, 4096), (SLACK, 8000)])
async def test_full_message_fits_what_the_service_takes(hosted: WebhookSink, url: str, limit: int) -> None:
    """As many titles as fit, emoji and markup among them, are one request within the service's limit."""
    request = await send(hosted, url, *[f"*{number}* 🥁 <b>" for number in range(2000)])
    text = texts_of(url, request)
    # Telegram and Slack count what is shown, not how it is written.
    shown = text if url == DISCORD else "".join(ET.fromstring(f"<m>{text}</m>").itertext())
    assert limit * 0.9 < units(shown) <= limit
