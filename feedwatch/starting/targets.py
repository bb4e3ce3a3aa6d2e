"""Who is told: the questions about a target, service by service."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from feedwatch.config import is_account_name, is_web_address
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
from feedwatch.starting.dialogue import Dialogue, need, take
from feedwatch.starting.draft import TargetDraft

_NTFY = "https://ntfy.sh"

Ask = Callable[[Dialogue], TargetDraft]


def ask_target(dialogue: Dialogue) -> TargetDraft | None:
    """Ask who is told; None for nobody yet. The name comes last, when it is known what it names."""
    choices: list[tuple[Ask | None, str]] = [
        (_ask_ntfy, "ntfy (push messages to a phone; needs no account)"),
        (_ask_mail, "e-mail"),
        (_ask_telegram, "Telegram"),
        (_ask_discord, "Discord"),
        (_ask_slack, "Slack"),
        (_ask_gotify, "Gotify"),
        (_ask_pushover, "Pushover"),
        (_ask_webhook, "a webhook of your own (JSON over HTTPS)"),
        (_ask_any, "another service, by its Apprise address (Matrix, Signal, MQTT, …)"),
        (None, "nobody yet"),
    ]
    ask = dialogue.choose("Who is told?", choices)
    return ask(dialogue) if ask else None


def check_name(answer: str) -> str:
    """Take the name of an account or target.

    Raises:
        ValueError: it is none.
    """
    if not is_account_name(answer):
        raise ValueError("a name is made of lower-case letters, digits, - and _")
    return answer


def _name(dialogue: Dialogue, suggested: str) -> str:
    return dialogue.ask("What to call it", suggested, check_name)


def _ask_ntfy(dialogue: Dialogue) -> TargetDraft:
    server = dialogue.ask("Server", _NTFY, check_server)
    dialogue.say("Whoever knows a topic can read it; nobody guesses the one in brackets.")
    topic = dialogue.ask("Topic", f"feedwatch-{secrets.token_hex(6)}", check_topic)
    token = ""
    if server != _NTFY:
        token = dialogue.ask_secret("Access token, Enter for none", lambda each: each and check_word(each))
    else:
        dialogue.say(f"In the ntfy app, subscribe to: {topic}")
    about = f"ntfy: a topic at {urlsplit(server).netloc}. Whoever knows its name can read it."
    return TargetDraft(_name(dialogue, "phone"), about, write_ntfy(server, topic, token))


def _ask_mail(dialogue: Dialogue) -> TargetDraft:
    recipient = dialogue.ask("To which e-mail address", check=check_mail)
    sender = dialogue.ask("From which one", recipient, check_mail)
    domain = sender.partition("@")[2]
    suggested = domain if domain == "localhost" else f"smtp.{domain}"
    server = dialogue.ask("Mail server; another port than 587 as host:port", suggested, check_mail_server)
    user = dialogue.ask("User name there, - for none", sender, need)
    user = "" if user == "-" else user
    password = dialogue.ask_secret("Password") if user else ""
    about = f"Mail to {recipient}, by way of {server}."
    return TargetDraft(_name(dialogue, "mail"), about, write_mail(server, sender, recipient, user, password))


def _ask_telegram(dialogue: Dialogue) -> TargetDraft:
    dialogue.say(
        "@BotFather makes a bot (/newbot) and gives its token. Then write something to the bot, or take it "
        "into a group. @userinfobot tells the number of your chat."
    )
    bot = dialogue.ask_secret("Token of the bot", check_bot)
    chat = dialogue.ask("Number of the chat", check=check_chat)
    return TargetDraft(_name(dialogue, "telegram"), "A chat of Telegram.", write_telegram(bot, chat))


def _ask_discord(dialogue: Dialogue) -> TargetDraft:
    dialogue.say("In Discord: Edit Channel, Integrations, Webhooks, New Webhook, Copy Webhook URL.")
    webhook = dialogue.ask_secret("Address of the webhook", check_discord)
    return TargetDraft(_name(dialogue, "discord"), "A channel of Discord.", write_discord(webhook))


def _ask_slack(dialogue: Dialogue) -> TargetDraft:
    dialogue.say("In Slack: an app with Incoming Webhooks switched on, and a webhook for the channel.")
    webhook = dialogue.ask_secret("Address of the webhook", check_slack)
    return TargetDraft(_name(dialogue, "slack"), "A channel of Slack.", write_slack(webhook))


def _ask_gotify(dialogue: Dialogue) -> TargetDraft:
    server = dialogue.ask("Server", check=check_server)
    token = dialogue.ask_secret("Token of the application (Apps, in its pages)", check_word)
    about = f"Gotify at {urlsplit(server).netloc}."
    return TargetDraft(_name(dialogue, "gotify"), about, write_gotify(server, token))


def _ask_pushover(dialogue: Dialogue) -> TargetDraft:
    dialogue.say("Both stand in the pages of Pushover; the application is one that you create there.")
    user = dialogue.ask_secret("Your user key", check_word)
    token = dialogue.ask_secret("API token of the application", check_word)
    return TargetDraft(_name(dialogue, "phone"), "Pushover.", write_pushover(user, token))


def _ask_webhook(dialogue: Dialogue) -> TargetDraft:
    dialogue.say("It gets JSON by POST: docs/webhook.md says what is in it.")
    address = dialogue.ask("Its address", check=_check_webhook)
    secret = dialogue.ask_secret("Secret that signs what is sent, Enter for none", take)
    about = f"A webhook at {urlsplit(address).netloc.rpartition('@')[2]}."
    return TargetDraft(_name(dialogue, "webhook"), about, f"webhook+{address}", secret)


def _check_webhook(answer: str) -> str:
    text = answer if "://" in answer else f"https://{answer}"
    if not is_web_address(text):
        raise ValueError("an http or https address is wanted, such as https://example.org/hook")
    return text


def _ask_any(dialogue: Dialogue) -> TargetDraft:
    dialogue.say(
        "Apprise speaks to a hundred services, and says how each is addressed: "
        "https://github.com/caronc/apprise/wiki"
    )
    address = dialogue.ask("Address", check=_check_any)
    scheme = address.partition("://")[0].lower()
    about = f"A service that Apprise speaks to ({scheme})."
    suggested = scheme.rstrip("s") if is_account_name(scheme) else "target"
    return TargetDraft(_name(dialogue, suggested), about, address)


def _check_any(answer: str) -> str:
    if "://" not in answer:
        raise ValueError("an address begins with the name of its service: service://…")
    return answer
