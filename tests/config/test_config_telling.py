"""What a webhook's messages are signed with, and texts of templates from elsewhere."""

from __future__ import annotations

from pathlib import Path

from configs import read

from feedwatch.config import load_config
from feedwatch.config.hiding import hide_secrets
from feedwatch.redact import Redactor

SIGNED = "targets: {hook: {url: '${HOOK}', secret: '${WORD}'}}"
SIGNED_ONLY = "only webhooks of ours are signed: `secret` goes with webhook+https://… addresses alone"


def test_secret_is_looked_up_when_it_is_used(tmp_path: Path) -> None:
    """A configuration is read without it; one that cannot be had is a problem of those who sign."""
    config = read(tmp_path, SIGNED, {"HOOK": "webhook+https://h.example/x"})
    assert [str(each).partition("yaml:")[2] for each in config.verify_secrets()] == [
        "1:42: the environment variable WORD is not set"
    ]


def test_address_from_elsewhere_is_judged_when_it_is_had(tmp_path: Path) -> None:
    """Only what was looked up shows that an address is none that signs; the problem stands at the secret."""
    known = {"WORD": "a-word-to-sign-with"}
    assert read(tmp_path, SIGNED, {**known, "HOOK": "Webhook+HTTP://h.example/x"}).verify_secrets() == ()
    problems = read(tmp_path, SIGNED, {**known, "HOOK": "json://h.example/x"}).verify_secrets()
    assert [str(each).partition("yaml:")[2] for each in problems] == [f"1:42: {SIGNED_ONLY}"]


def test_secret_is_hidden(tmp_path: Path) -> None:
    """What messages are signed with is shown nowhere."""
    redactor = Redactor()
    text = "targets: {hook: {url: 'webhook+https://h.example/x', secret: a-word-to-sign-with}}"
    config = read(tmp_path, text)
    hide_secrets(config, redactor)
    assert "a-word" not in redactor.redact("signed with a-word-to-sign-with")
    assert "a-word" not in repr(config)


def test_secret_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    """It is a secret like an address."""
    read(tmp_path, "targets: {hook: {url: !file address, secret: a-word-to-sign-with}}")
    (tmp_path / "config.yaml").chmod(0o644)
    (warning,) = load_config(tmp_path / "config.yaml", environ={}).warnings
    assert (warning.line, warning.column) == (1, 46)


def test_template_may_be_a_file(tmp_path: Path) -> None:
    """A text of several lines may stand in a file of its own; what is wrong with it is told at its name."""
    (tmp_path / "digest.html").write_text("<p>\n\t{{ count }}\n</p>\n")
    config = read(tmp_path, "templates: {long: {body: {html: !file digest.html}}}")
    assert config.templates["long"].body == {"html": "<p>\n\t{{ count }}\n</p>"}
    assert config.locate(("templates", "long", "body", "html")) == (1, 33)
    one = read(tmp_path, "templates: {long: {line: a line}}")
    assert one.locate(("templates", "long", "line", "")) == (1, 26)
