"""No secret leaves: in whatever spelling it stands in a text, and whatever else stands there."""

from __future__ import annotations

import base64
import html
import json
import re
import string
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from feedwatch.redact import MASK, Redactor, mask_url, secrets_of_url

SECRET = "T1/q+a=Zb&9~.é x-"
"""What a secret may be made of at worst: all that somebody encodes."""


def lower_escapes(text: str) -> str:
    """Percent-encoding in small letters."""
    pieces = text.split("%")
    return pieces[0] + "".join(f"%{piece[:2].lower()}{piece[2:]}" for piece in pieces[1:])


def encode_base64(before: int, after: int, *, url: bool = False) -> Callable[[str], str]:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    return lambda secret: encode(b"u" * before + secret.encode() + b"v" * after).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "URL-encoded": lambda secret: quote(secret, safe=""),
    "URL-encoded, slashes kept": quote,
    "URL-encoded as a form": quote_plus,
    "URL-encoded in small letters": lambda secret: lower_escapes(quote(secret, safe="")),
    "URL-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "URL-encoded with the tilde": lambda secret: quote(secret, safe="").replace("~", "%7E"),
    "in XML": html.escape,
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in a repr": lambda secret: repr(secret)[1:-1],
    "base64 in a URL": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    **{f"base64 {b} bytes behind": encode_base64(b, 0) for b in range(4)},
    **{f"base64 {a} bytes before": encode_base64(0, a) for a in range(1, 4)},
    **{f"base64 amid {b} and {a}": encode_base64(b, a) for b in range(3) for a in range(3)},
    **{
        f"URL-safe base64 amid {b} and {a}": encode_base64(b, a, url=True) for b in range(3) for a in range(3)
    },
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_secret_is_masked_in_any_spelling(name: str) -> None:
    """Wherever a secret stands, however it is spelled, the text around it stays and it does not."""
    spelled = SPELLINGS[name](SECRET)
    redacted = Redactor(SECRET).redact(f"before <{spelled}> behind")
    assert MASK in redacted
    assert redacted.startswith("before <")
    assert redacted.endswith("> behind")
    # Of base64 as much may stay as the bytes beside the secret have a part in.
    assert len(redacted) - len("before <> behind") - len(MASK) <= (6 if "base64" in name else 0)


@pytest.mark.parametrize("name", SPELLINGS)
def test_redactor_that_is_off_lets_everything_through(name: str) -> None:
    """With redaction switched off the same texts come through whole: it is what hides them."""
    text = f"before <{SPELLINGS[name](SECRET)}> and https://u:p@h/?token=abc"
    assert Redactor(SECRET, enabled=False).redact(text) == text


PLAIN = st.text(string.ascii_letters + string.digits + "+/=&%~._-:@ é!", min_size=6, max_size=60).map(
    str.strip
)


@given(PLAIN, st.text(max_size=30), st.text(max_size=30), st.sampled_from(sorted(SPELLINGS)))
def test_no_secret_survives_in_any_text(secret: str, before: str, after: str, spelling: str) -> None:
    """Law: whatever the secret, the text around it and the spelling, what comes out does not hold it."""
    assume(len(secret) >= 6 and any(map(str.isalnum, secret)))
    spelled = SPELLINGS[spelling](secret)
    redacted = Redactor(secret).redact(before + spelled + after)
    assert secret not in redacted
    assert spelled not in redacted
    assert Redactor(secret).redact(redacted) == redacted


@given(st.text(), st.lists(st.text(max_size=3)))
def test_text_without_a_secret_is_left_alone(text: str, too_short: list[str]) -> None:
    """A text that holds no secret and no address comes out as it went in; what is too short is no secret."""
    assume("://" not in text)
    assert Redactor("never-in-there-7f3a", *too_short).redact(text) == text


def test_longer_secret_goes_before_its_part() -> None:
    """Of two secrets, one a part of the other, nothing of the longer stays."""
    assert (
        Redactor("abcd1234", "abcd1234-efgh").redact("x abcd1234-efgh y abcd1234 z") == f"x {MASK} y {MASK} z"
    )


def test_secret_registered_later_is_masked_from_then_on() -> None:
    """A token that is found on the way is learnt, also after texts have been redacted."""
    redactor = Redactor("first-secret")
    assert redactor.redact("second-secret") == "second-secret"
    redactor.register("second-secret", " first-secret ", "", "abc")
    assert redactor.redact("first-secret second-secret abc") == f"{MASK} {MASK} abc"


def test_many_secrets_cost_little() -> None:
    """Five thousand tokens are learnt at once, and hardly slow a line of log."""
    redactor = Redactor()
    line = "INFO feedwatch.poll polled feed=jane/queue outcome=unchanged changes=3 entries=220 " * 2
    began = time.process_time()
    for number in range(5_000):
        redactor.register(f"token-{number:06d}-{'xyz' * 8}")
    learnt = time.process_time() - began
    for _ in range(200):
        redactor.redact(line)
    assert learnt < 3
    assert time.process_time() - began - learnt < 0.5
    assert redactor.redact(f"a token-004711-{'xyz' * 8} b") == f"a {MASK} b"


@pytest.mark.parametrize("many", [1, 10, 1_000])
def test_secret_is_found_however_many_there_are_and_however_long_the_text(many: int) -> None:
    """Few secrets are looked for otherwise than many: both ways find all that is there."""
    redactor = Redactor(*(f"token-{number:06d}-{'xyz' * 8}" for number in range(many)))
    last = f"token-{many - 1:06d}-{'xyz' * 8}"
    for room in (0, 50, 5_000):
        assert redactor.redact(f"{'a ' * room}{last}{' b' * room}") == f"{'a ' * room}{MASK}{' b' * room}"


def test_many_secret_addresses_cost_little() -> None:
    """All of them begin alike, and so does the link in a text: still hardly one has to be looked for."""
    redactor = Redactor()
    for number in range(2_000):
        redactor.register(f"https://h{number}.example.org/feeds/{number * 7919:08d}/all.rss")
    text = "Heat (1995): https://example.com/films/1995/heat"
    began = time.process_time()
    for _ in range(2_000):
        assert redactor.redact(text) == text
    assert time.process_time() - began < 1
    assert redactor.redact("at https://h7.example.org/feeds/00055433/all.rss") == f"at {MASK}"


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://h/f?feed_token=abc&sort=date", f"https://h/f?feed_token={MASK}&sort=date"),
        ("https://h/f?oauth_consumer_key=k&api_key=x", f"https://h/f?oauth_consumer_key={MASK}&api_key={MASK}"),
        ("https://h/f?Access%5FToken=abc", f"https://h/f?Access%5FToken={MASK}"),
        ("https://h/f#access_token=abc", f"https://h/f#access_token={MASK}"),
        ("https://h/f?a=1;sig=abc", f"https://h/f?a=1;sig={MASK}"),
        ("https://user:pa@ss@h/f", f"https://{MASK}@h/f"),
        ("https://token@h/f", f"https://{MASK}@h/f"),
        ("https://h/@user/f?author=me&monkey=1&design=x", "https://h/@user/f?author=me&monkey=1&design=x"),
        ("https://h/f?q=a@b", "https://h/f?q=a@b"),
        ("no address", "no address"),
    ],
)  # fmt: skip
def test_address_is_shown_without_what_sounds_secret(url: str, masked: str) -> None:
    """User, password and the values of telling parameters are masked; all the rest is readable."""
    assert mask_url(url) == masked
    assert mask_url(masked) == masked
    assert Redactor().redact(f"see {url} there") == f"see {masked} there"


USER = re.compile(r"(?<=://)[^/?#\s]+@")
PARAMETER = re.compile(r"(?P<lead>[?&;#])(?P<name>[^=&;#\s]{1,64})=(?P<value>[^&;#\s\"'<>]+)")
SOUNDS_SECRET = re.compile(
    r"token|secret|passw|pwd|api_?key|auth(?!or)|signature|session|\bsig\b|\bkey\b", re.IGNORECASE
)


def mask_slowly(match: re.Match[str]) -> str:
    """The same, and nothing is known of an address before it is gone through."""

    def mask(found: re.Match[str]) -> str:
        sounds = SOUNDS_SECRET.search(unquote(found["name"]))
        return f"{found['lead']}{found['name']}={MASK}" if sounds else found.group()

    return PARAMETER.sub(mask, USER.sub(f"{MASK}@", match.group()))


ADDRESSES = st.lists(
    st.sampled_from(
        (
            *(
                "https://",
                "://",
                "jane",
                ":",
                "pw",
                "@",
                "h.example",
                "/",
                "?",
                "&",
                ";",
                "#",
                "=",
                " ",
                '"',
                "\n",
            ),
            *(
                "token",
                "to%6Ben",
                "Api_Key",
                "author",
                "auth",
                "sig",
                "design",
                "%26",
                "%3D",
                "abc",
                "\u212aey",
            ),
        )
    ),
    max_size=14,
).map("".join)


@given(ADDRESSES | st.text())
@example("https://h.example/?to%6Ben=abc")
def test_addresses_are_masked_the_same_whatever_is_known_of_them_before(text: str) -> None:
    """Law: that nothing is to be masked is seen only where it is so."""
    masked = re.sub(r"://[^\s<>\"'`]+", mask_slowly, text)
    assert Redactor().redact(text) == (masked if len(text) >= 4 else text)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("https://h/f?feed_token=T1%2Fabc-99&x=1", ("T1/abc-99",)),
        ("https://h/f?Access%5FToken=abcdefgh", ("abcdefgh",)),
        ("https://jane:pa%40ss-word@h/f", ("pa@ss-word",)),
        ("https://ghp0123456789abcdef@h/f", ("ghp0123456789abcdef",)),
        ("https://jane@h/f", ()),
        ("https://h/f?auth=true&session_key=date", ()),
        ("https://[h/f?token=abcdefgh1", ("abcdefgh1",)),
        ("https://h/f", ()),
    ],
)
def test_secrets_of_an_address_are_found(url: str, secrets: tuple[str, ...]) -> None:
    """What an address hides is learnt, decoded; words and names that stand in every text are not."""
    assert secrets_of_url(url) == secrets


def test_secret_in_json_with_escaped_slashes_is_hidden() -> None:
    """Some writers of JSON escape a slash, and servers repeat what they are asked."""
    assert Redactor("a/secret+of-mine").redact(r'{"token": "a\/secret+of-mine"}') == '{"token": "•••"}'
