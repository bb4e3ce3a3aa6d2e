"""Where secrets come from, when they are looked up, and that no error ever shows one."""

# ruff: noqa: E501 — a row of these tables is read as one line
from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from configs import NETFLIX, read, refuse, write
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import feedwatch.config
from feedwatch.config import FeedsAccount, NetflixAccount, load_config
from feedwatch.errors import ConfigError


def jane_with(consumer_key: str) -> str:
    return NETFLIX.replace("key-of-the-app", consumer_key)


def reveal_key(folder: Path, written: str, **environ: str) -> str:
    account = read(folder, jane_with(written), environ).accounts["jane"]
    assert isinstance(account, NetflixAccount)
    return account.consumer_key.reveal()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "alpha"),
        ("x-${A}-${B}-y", "x-alpha-b$-y"),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("$$", "$$"),
        ("'${A}'", "alpha"),
        ('"${A}"', "alpha"),
    ],
)
def test_variables_are_put_in(tmp_path: Path, written: str, value: str) -> None:
    """`${NAME}` takes a variable anywhere within a text, once; `$${` stands for the characters."""
    assert reveal_key(tmp_path, written, A="alpha", B="b$") == value


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"abc", "abc"), (b"abc\n", "abc"), (b"abc\r\n", "abc"), (b" a b \n", " a b "), ("é".encode(), "é")],
)
def test_file_gives_its_content_without_the_last_line_break(
    tmp_path: Path, content: bytes, value: str
) -> None:
    """`!file` takes what a file holds, from the folder of the configuration or from anywhere."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "key").write_bytes(content)
    assert reveal_key(tmp_path, "!file sub/key") == value
    assert reveal_key(tmp_path, f"!file {tmp_path}/sub/key") == value
    assert reveal_key(tmp_path, "!file ~/sub/key", HOME=str(tmp_path)) == value
    assert reveal_key(tmp_path, "!file ${D}/key", D="sub") == value


def test_credential_is_what_systemd_hands_over(tmp_path: Path) -> None:
    """`!credential` takes the file of that name in `$CREDENTIALS_DIRECTORY`."""
    (tmp_path / "feedwatch_key").write_text("from systemd\n")
    directory = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert reveal_key(tmp_path, "!credential feedwatch_key", **directory) == "from systemd"


MISSING = {
    "a variable": ("${NOT_SET}", {}, "the environment variable NOT_SET is not set"),
    "a variable in a name of its own": ("${Not_set}", {}, "the environment variable is not set"),
    "an empty variable": ("${A}", {"A": ""}, "what stands here is empty"),
    "a variable of two lines": ("${A}", {"A": "a\nb"}, "a line break or control character in a value of one line"),
    "a variable that is not UTF-8": ("${A}", {"A": "a\udcff"}, "this is not UTF-8"),
    "a file": ("!file gone", {}, "the file (looked for from {folder}) does not exist"),
    "a file elsewhere": ("!file /nowhere/gone", {}, "the file does not exist"),
    "a folder": ("!file .", {}, "the file (looked for from {folder}) is no plain file"),
    "a file of bytes": ("!file bytes", {}, "the file (looked for from {folder}) is not UTF-8"),
    "a file too large": ("!file large", {}, "the file (looked for from {folder}) is larger than 64 KiB: no secret is"),
    "an empty file": ("!file empty", {}, "what stands here is empty"),
    "a credential elsewhere": ("!credential x", {}, "no credentials here: systemd gives them to a service (LoadCredential=)"),
    "a credential that was not loaded": (
        "!credential x",
        {"CREDENTIALS_DIRECTORY": "/nowhere"},
        "the credential does not exist: one that is new takes a restart",
    ),
    "a credential outside": ("!credential ../x", {"CREDENTIALS_DIRECTORY": "/"}, "this is no name of a credential: letters, digits, `_`, `-`, `.` and `@`"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_missing_secret_is_told_when_it_is_wanted(tmp_path: Path, name: str) -> None:
    """A secret that cannot be had hinders no reading; whoever wants it is told where and why."""
    written, environ, message = MISSING[name]
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (tmp_path / "empty").write_bytes(b"\n")
    config = read(tmp_path, jane_with(written), environ)
    account = config.accounts["jane"]
    assert isinstance(account, NetflixAccount)
    with pytest.raises(ConfigError) as caught:
        account.consumer_key.reveal()
    expected = f"{config.path}:5:19: {message.format(folder=tmp_path)}"
    assert str(caught.value) == expected
    assert [str(problem) for problem in config.verify_secrets()] == [expected]
    assert caught.value.__context__ is None


def test_every_missing_secret_is_told_at_once(tmp_path: Path) -> None:
    """Looking all secrets up names each that is missing, in the order of the file."""
    config = read(
        tmp_path,
        "targets: {phone: 'ntfy://x/${A}'}\n"
        "accounts:\n  n: {service: feeds, feeds: {a: '${B}'}}\n  r: {service: opml, url: !file gone}\n",
        {},
    )
    assert [(problem.line, problem.column) for problem in config.verify_secrets()] == [
        (1, 18),
        (3, 34),
        (4, 27),
    ]


def test_secret_is_read_once_and_kept(tmp_path: Path) -> None:
    """A secret that was had stays what it was, even if its file goes."""
    (tmp_path / "key").write_text("first")
    account = read(tmp_path, jane_with("!file key")).accounts["jane"]
    assert isinstance(account, NetflixAccount)
    assert account.consumer_key.reveal() == "first"
    (tmp_path / "key").unlink()
    assert account.consumer_key.reveal() == "first"


def test_address_from_elsewhere_must_still_be_one(tmp_path: Path) -> None:
    """What a variable holds is judged when it is looked up, and not shown."""
    config = read(tmp_path, "accounts: {n: {service: feeds, feeds: {a: '${A}'}}}", {"A": "sesame-open"})
    (problem,) = config.verify_secrets()
    assert str(problem) == f"{config.path}:1:43: an address is wanted: https://…"
    account = config.accounts["n"]
    assert isinstance(account, FeedsAccount)
    assert repr(account.feeds["a"].url) == "•••"


def test_keys_that_are_no_secret_resolve_at_once(tmp_path: Path) -> None:
    """A variable in any other key must be there when the file is read."""
    assert read(tmp_path, "log: ${LEVEL}", {"LEVEL": "debug"}).log == "debug"
    assert refuse(tmp_path, "log: ${LEVEL}", {}) == ["1:6: the environment variable LEVEL is not set"]
    assert refuse(tmp_path, "log: ${LEVEL", {}) == [
        "1:6: `${` starts the name of an environment variable, as in ${NAME}; for the characters themselves write $${"
    ]


def test_configuration_gives_its_secrets_to_the_redactor(tmp_path: Path) -> None:
    """Credentials, target addresses, and what of them comes from elsewhere are told; plain addresses are not."""
    config = read(
        tmp_path,
        "targets: {phone: 'ntfy://ntfy.example/${TOPIC}'}\n"
        f"{NETFLIX}"
        "  n: {service: feeds, feeds: {a: 'https://a.example/open', b: 'https://${HOST}/${PART}/feed'}}\n",
        {"TOPIC": "my-topic", "HOST": "b.example", "PART": "hidden-part"},
    )
    assert {secret.reveal() for secret in config.secrets()} == {
        "key-of-the-app",
        "secret-of-the-app",
        "ntfy://ntfy.example/my-topic",
        "my-topic",
        "https://b.example/hidden-part/feed",
        "hidden-part",
    }


def test_repr_of_a_configuration_shows_no_secret(tmp_path: Path) -> None:
    """However a configuration is printed, no secret is in it, written or resolved."""
    config = read(
        tmp_path,
        f"{NETFLIX}    access_token: ${{T}}\n    access_token_secret: literal-token-secret\n"
        "targets: {phone: 'json://user:pass-word@host'}",
        {"T": "from-elsewhere"},
    )
    assert config.verify_secrets() == ()
    for secret in (
        "key-of-the-app",
        "secret-of-the-app",
        "literal-token-secret",
        "pass-word",
        "from-elsewhere",
    ):
        assert secret not in repr(config)
        assert secret not in repr(config.accounts) + repr(config.targets)


OUR_WORDS = "".join(file.read_text() for file in Path(feedwatch.config.__file__).parent.glob("*.py")).lower()


def test_misspelt_name_is_answered_with_names_alone(tmp_path: Path) -> None:
    """Among the names there are, none is shown that cannot be one: it may be a token put there by mistake."""
    problems = refuse(
        tmp_path, "targets: {phone: 'json://x', S3cretToken: 'json://y'}\nroutes: [{to: somebody}]"
    )
    assert problems == [
        "1:30: a name is made of lower-case letters, digits, - and _",
        "2:15: no target has this name; there are: phone",
    ]


SECRET = st.text(
    string.ascii_letters + string.digits + "$%&=?/:@!{}[]#'\"\\ ~*|>`-_.,;<^+é", min_size=8, max_size=40
)
PLACES = [
    "{}: 1", "log: {}", "state: {}/", "keep: {}", "poll: {}", "poll: {{every: {}}}", "poll: {{{}: 1h}}",
    "accounts: {}", "accounts: {{{}: 1}}", "accounts: {{jane: {}}}", "accounts: {{jane: {{service: {}}}}}",
    "accounts: {{jane: {{service: netflix, {}: x}}}}", "accounts: {{jane: {{service: netflix, url: {}}}}}",
    "accounts: {{jane: {{service: netflix, consumer_key: [{}]}}}}",
    "accounts: {{jane: {{service: netflix, feeds: [{}, '/']}}}}",
    "accounts: {{jane: {{service: feeds, feeds: {{a: {}, b: 1}}}}}}",
    "accounts: {{jane: {{service: feeds, feeds: {{{}/x: 1}}}}}}",
    "targets: {}", "targets: {{{}/: 'json://x'}}\nroutes: [{{to: nobody}}]", "targets: {{phone: {}}}\nkeep: 1",
    "targets: {{phone: {{{}: 1}}}}", "routes: [{{to: {}}}]", "routes: [{{to: x, feeds: [{}]}}]", "notices: [{}]",
    "retry: {{first: {}}}", "log: &{} info\nkeep: 1", "log: *{}", "log: !{} info", "# {}\nkeep: 1", "'{}: 1",
    "log: !file [{}]", "log: !file {}", "log: !credential {}", "log: ${{{}}}", "? {}\n: 1", "- {}",
]  # fmt: skip


@given(SECRET, st.sampled_from(PLACES), st.sampled_from(["{}", "'{}'", '"{}"']))
@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_secret_in_a_wrong_place_is_in_no_error(tmp_path: Path, secret: str, place: str, quotes: str) -> None:
    """Wherever a secret is put by mistake, quoted or not, no problem shows it or a piece of it."""
    secret = secret.strip()
    # What feedwatch itself says is no secret, nor is the well-formed name of a variable.
    assume(len(secret) >= 8 and secret.lower() not in OUR_WORDS)
    assume("${" not in place or not re.fullmatch(r"[A-Z][A-Z0-9_]*", secret))
    text = place.format(quotes.format(secret))
    try:
        config = load_config(write(tmp_path, text), environ={"HOME": str(tmp_path)})
    except ConfigError as error:
        shown = " ".join(problem.message for problem in error.problems).replace(str(tmp_path), "")
        long_words = (piece for piece in secret.split() if len(piece) >= 8 and piece.lower() not in OUR_WORDS)
        pieces = [secret, *long_words]
        assert not any(piece in shown for piece in pieces)
    else:
        assert not config.warnings or secret not in " ".join(each.message for each in config.warnings)
