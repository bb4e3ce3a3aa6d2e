"""What a configuration may say but is warned about."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

from pathlib import Path

import pytest
from configs import NETFLIX, read, write

from feedwatch.config import load_config
from feedwatch.config.hiding import hide_secrets
from feedwatch.redact import Redactor

IMPOLITE = "less than a minute between two polls: many a server takes that for an attack"
LOCAL = NETFLIX.replace("https://api.example.net", "http://127.0.0.1:8321")


def feeds(url: str, every: str = "") -> str:
    return (
        f"accounts: {{n: {{service: feeds, feeds: {{a: {{url: '{url}'{every and f', every: {every}'}}}}}}}}}"
    )


WARNED = {
    "a server elsewhere": (f"poll: {{every: 59s}}\n{NETFLIX}", [(1, 15, IMPOLITE)]),
    "a feed elsewhere": (f"poll: {{every: 1s}}\n{feeds('https://a.example')}", [(1, 15, IMPOLITE)]),
    "a list of feeds anywhere": ("poll: {every: 1s}\naccounts: {r: {service: opml, url: x}}", [(1, 15, IMPOLITE)]),
    "one feed of its own": (feeds("https://a.example", "30s"), [(1, 77, IMPOLITE)]),
    "one feed of an account": (f"{NETFLIX}    feeds: {{queue: {{every: 5s}}}}", [(7, 28, IMPOLITE)]),
    "just a minute": (f"poll: {{every: 1m}}\n{NETFLIX}", []),
    "a server on this machine": (f"poll: {{every: 1s}}\n{LOCAL}", []),
    "a feed on this machine": (feeds("http://localhost/f", "1s"), []),
    "a feed on this machine in IPv6": (feeds("http://[::1]:80/f", "1s"), []),
    "a feed on a named host of this machine": (feeds("http://a.localhost/f", "1s"), []),
    "no accounts": ("poll: {every: 1s}", []),
    "a slow feed elsewhere beside a fast default": (f"poll: {{every: 1s}}\n{feeds('https://a.example', '1h')}", []),
    "a misspelt choice": (f"{NETFLIX}    feeds: [queue, histroy]", [(7, 20, "no usual name of a feed; is `history` meant?")]),
    "a misspelt special feed": (f"{NETFLIX}    feeds: {{rating: {{every: 1h}}}}", [(7, 13, "no usual name of a feed; is `ratings` meant?")]),
    "a misspelt route": (f"{NETFLIX}targets: {{p: 'json://x'}}\nroutes: [{{to: p, feeds: [que]}}]", [(8, 26, "no usual name of a feed; is `queue` meant?")]),
    "another name": (f"{NETFLIX}    feeds: [queue, films-of-1942]", []),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNED)
def test_what_is_unwise_is_warned_about(tmp_path: Path, name: str) -> None:
    """It is read all the same, and the warning says where it stands."""
    text, expected = WARNED[name]
    warnings = read(tmp_path, text).warnings
    assert [(each.line, each.column, each.message) for each in warnings] == expected


ELSEWHERE = NETFLIX.replace("key-of-the-app", "${K}").replace("secret-of-the-app", "!file s")


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (NETFLIX, True),
        ("targets: {p: 'json://x'}", True),
        (feeds("https://user:pw@a.example/"), True),
        (feeds("https://a.example/?feed_token=1"), True),
        (feeds("https://a.example/?author=jane"), False),
        (feeds("https://a.example/"), False),
        (ELSEWHERE, False),
        (ELSEWHERE.replace("://", "://jane:word@"), True),
        (ELSEWHERE.replace("https://api.example.net", "${URL}"), False),
    ],
    ids=[
        "a consumer key",
        "a target",
        "a password",
        "a token",
        "an author",
        "a plain address",
        "all elsewhere",
        "a server's password",
        "a server's address from elsewhere",
    ],
)
def test_secret_that_others_can_read_is_warned_about(tmp_path: Path, text: str, *, warned: bool) -> None:
    """A file that everybody can read, with a secret in it, is warned about where the first one stands."""
    file = write(tmp_path, text)
    environ = {"URL": "https://jane:word@api.example.net"}
    assert load_config(file, environ=environ).warnings == ()
    file.chmod(0o644)
    warnings = load_config(file, environ=environ).warnings
    assert [each.message.partition(":")[0] for each in warnings] == (
        ["others can read this file, and here is a secret in it"] if warned else []
    )


def test_password_of_a_server_is_hidden(tmp_path: Path) -> None:
    """A password in an account's address is a secret, though the address is none."""
    redactor = Redactor()
    text = ELSEWHERE.replace("://", "://jane:word-of-hers@")
    hide_secrets(load_config(write(tmp_path, text), environ={}), redactor)
    assert "word-of-hers" not in redactor.redact("the password is word-of-hers")
