"""The address of a service, put together from what a person knows of it. Pure; every piece is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit

_DISCORD = re.compile(r"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(\d+)/([\w-]+)/?")
_SLACK = re.compile(r"https://hooks\.slack\.com/services/(\w+)/(\w+)/(\w+)/?")
_BOT = re.compile(r"(?:bot)?(\d+:[\w-]{20,})")
_CHAT = re.compile(r"-?\d+|@\w+")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAIL = re.compile(r"[^@\s/?#:]+@[^@\s/?#:]+\.[^@\s/?#:]+|[^@\s/?#:]+@localhost")
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?")
_WORD = re.compile(r"[\w.-]+", re.ASCII)
_SSL_PORT = 465
_SUBMISSION_PORT = 587


def check_server(answer: str) -> str:
    """Take a server's address; without a scheme it is meant to be a secure one.

    Raises:
        ValueError: it is none.
    """
    text = answer if "://" in answer else f"https://{answer}"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.netloc) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[?#\s]", text):
        raise ValueError("the address of a server is wanted, such as https://push.example.org")
    return text.rstrip("/")


def _taking(form: re.Pattern[str], wanted: str) -> Callable[[str], str]:
    """Make what takes an answer of a form as it is, and raises ValueError for any other."""

    def check(answer: str) -> str:
        if not form.fullmatch(answer):
            raise ValueError(wanted)
        return answer

    return check


check_topic = _taking(_TOPIC, "a topic is made of letters, digits, - and _, at most 64 of them")
check_mail = _taking(_MAIL, "an e-mail address is wanted, such as jane@example.org")
check_mail_server = _taking(_HOST, "a host is wanted, such as smtp.example.org or smtp.example.org:465")
check_chat = _taking(_CHAT, "a chat is a number (a group's begins with -), or @name of a public channel")
check_discord = _taking(_DISCORD, "a webhook of Discord begins with https://discord.com/api/webhooks/")
check_slack = _taking(_SLACK, "an incoming webhook of Slack begins with https://hooks.slack.com/services/")
check_word = _taking(_WORD, "a token is one word of letters, digits, - . and _")


def check_bot(answer: str) -> str:
    """Take the token of a Telegram bot.

    Raises:
        ValueError: it is none.
    """
    if not (found := _BOT.fullmatch(answer)):
        raise ValueError("a bot's token is a number, a colon and some 35 characters, as @BotFather gives it")
    return found[1]


def write_ntfy(server: str, topic: str, token: str = "") -> str:
    """The address of a topic at an ntfy server."""
    scheme, place = _split(server)
    user = f"{quote(token, safe='')}@" if token else ""
    return f"ntfy{scheme}://{user}{place}/{topic}"


def write_mail(server: str, sender: str, recipient: str, user: str = "", password: str = "") -> str:
    """The address of a mailbox, by way of a mail server: encrypted wherever there is a password."""
    host, port = _split_port(server)
    known = {"from": sender, "to": recipient, "smtp": host}
    if user:
        mode = "ssl" if port == _SSL_PORT else "starttls"
        known |= {"user": user, "pass": password, "mode": mode}
        return f"mailtos://{host}:{port or _SUBMISSION_PORT}?{urlencode(known)}"
    return f"mailto://{host}:{port or 25}?{urlencode(known)}"


def write_telegram(bot: str, chat: str) -> str:
    """The address of a chat that a bot writes to."""
    return f"tgram://{bot}/{chat}"


def write_discord(webhook: str) -> str:
    """The address of a Discord webhook."""
    found = _DISCORD.fullmatch(webhook)
    assert found
    return f"discord://{found[1]}/{found[2]}"


def write_slack(webhook: str) -> str:
    """The address of a Slack webhook."""
    found = _SLACK.fullmatch(webhook)
    assert found
    return f"slack://{found[1]}/{found[2]}/{found[3]}"


def write_gotify(server: str, token: str) -> str:
    """The address of an application at a Gotify server."""
    scheme, place = _split(server)
    return f"gotify{scheme}://{place}/{quote(token, safe='')}"


def write_pushover(user: str, token: str) -> str:
    """The address of a person at Pushover."""
    return f"pover://{quote(user, safe='')}@{quote(token, safe='')}"


def _split(server: str) -> tuple[str, str]:
    """The `s` of a secure address, and all behind its scheme."""
    scheme, _, place = server.partition("://")
    return "s" if scheme == "https" else "", place


def _split_port(server: str) -> tuple[str, int | None]:
    host, colon, port = server.rpartition(":")
    if colon and port.isdigit() and not host.endswith(":"):
        return host, int(port)
    return server, None
