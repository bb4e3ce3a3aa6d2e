"""The one place that knows what is secret: known values in any spelling, and what URLs carry.

It is asked at every way out: logs, tables, JSON, error texts, the database, messages.
"""

from __future__ import annotations

import base64
import functools
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

MASK = "•••"
_SHORTEST = 4
"""A shorter "secret" would mask half of every text, and could be guessed anyway."""
_SHORTEST_IN_BASE64 = 6
"""Of a shorter secret the bytes around it leave too little: a piece so short is in any text."""
_SHORTEST_WORD = 8
"""A shorter value of an address without a digit (`auth=true`) is a word, and stands in other texts too."""

_FEW_ANCHORS = 100
"""So many are looked for one by one; of more, those are looked up that stand in a text at all."""

_NAMES_KEPT = 256
"""Of parameters: the same few stand in the links of nearly all feeds."""
_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|api_?key|auth(?!or)|signature|session|\bsig\b|\bkey\b", re.IGNORECASE
)
_URL = re.compile(r"://[^\s<>\"'`]+")
"""An address from behind its scheme: looked for with it, a long word would be gone through once a letter."""
_PARAMETER = re.compile(r"(?P<lead>[?&;#])(?P<name>[^=&;#\s]{1,64})=(?P<value>[^&;#\s\"'<>]+)")
_USERINFO = re.compile(r"(?<=://)[^/?#\s]+@")
_PLAIN = re.compile(r"[A-Za-z0-9]{4}")
_WORD = re.compile(r"[A-Za-z0-9]{4,}")
_TAIL_OF_BASE64 = r"[A-Za-z0-9+/_-]{0,3}(?:=|%(?:25)?3[dD]){0,2}"


def _may_carry_secrets(text: str) -> bool:
    """Whether a user or a parameter may be in an address, or in those within a text: most have neither."""
    return "=" in text or "@" in text


def mask_url(url: str) -> str:
    """An address without its user, password, and the values of parameters that sound secret."""
    if not _may_carry_secrets(url):
        return url
    masked = _USERINFO.sub(f"{MASK}@", url) if "@" in url else url
    return _PARAMETER.sub(_mask_parameter, masked) if "=" in url else masked


def secrets_of_url(url: str) -> tuple[str, ...]:
    """The secret values that an address carries, to register them."""
    if not _may_carry_secrets(url):
        return ()
    found = [m["value"] for m in _PARAMETER.finditer(url) if _sounds_secret(m["name"])]
    secrets = [unquote(value) for value in (*found, *_find_password(url))]
    return tuple(dict.fromkeys(secret for secret in secrets if not _is_word(secret)))


class Redactor:
    """Masks registered secrets, raw, URL-encoded or in base64, and what URLs carry.

    `enabled=False` lets everything through: only to prove that it is needed.
    """

    def __init__(self, *secrets: str, enabled: bool = True) -> None:
        self._enabled = enabled
        self._known: set[str] = set()
        # By four characters of each that stand in a text whatever the spelling: however many secrets
        # there are, few have to be looked for.
        self._spellings: dict[str, list[_Spelling]] = {}
        self._always: list[_Spelling] = []
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Learn secrets; what is too short to be one is ignored."""
        for secret in map(str.strip, secrets):
            if len(secret) < _SHORTEST or secret in self._known:
                continue
            self._known.add(secret)
            for spelling in _spell(secret):
                anchor = self._choose_anchor(spelling.text)
                of_anchor = self._always if anchor is None else self._spellings.setdefault(anchor, [])
                of_anchor.append(spelling)

    def _choose_anchor(self, text: str) -> str | None:
        """Four characters that tell a secret from the others: `http` stands in every address."""
        pieces = _PLAIN.findall(text)
        # The last of those that as few share: what is particular of an address is at its end.
        return min(reversed(pieces), key=lambda piece: len(self._spellings.get(piece, ())), default=None)

    def redact(self, text: str) -> str:
        """The text without secrets."""
        if not self._enabled or len(text) < _SHORTEST:
            return text
        if self._known and (candidates := self._candidates(text)):
            for spelling in sorted(candidates, key=_longest_first):
                text = spelling.pattern.sub(MASK, text)
        if "://" not in text or not _may_carry_secrets(text):
            return text
        return _URL.sub(lambda match: mask_url(match.group()), text)

    def _candidates(self, text: str) -> list[_Spelling]:
        """The spellings that may stand in a text."""
        if len(self._spellings) <= min(len(text), _FEW_ANCHORS):
            found = [anchor for anchor in self._spellings if anchor in text]
        else:
            fours = {word[at : at + 4] for word in _WORD.findall(text) for at in range(len(word) - 3)}
            found = list(self._spellings.keys() & fours)
        return [*self._always, *(each for anchor in found for each in self._spellings[anchor])]


class _Spelling:
    """One way in which a secret may stand in a text; `tail` is a pattern of what may go with it."""

    __slots__ = ("_pattern", "_tail", "text")

    def __init__(self, text: str, tail: str = "") -> None:
        self.text = text
        self._tail = tail
        self._pattern: re.Pattern[str] | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        """What to look for: every character raw or encoded, for no two programs encode the same ones."""
        if self._pattern is None:
            self._pattern = re.compile("".join(map(_match_character, self.text)) + self._tail)
        return self._pattern


def _longest_first(spelling: _Spelling) -> int:
    """A secret may be a part of another."""
    return -len(spelling.text)


def _mask_parameter(match: re.Match[str]) -> str:
    return f"{match['lead']}{match['name']}={MASK}" if _sounds_secret(match["name"]) else match.group()


@functools.lru_cache(maxsize=_NAMES_KEPT)
def _sounds_secret(name: str) -> bool:
    """Whether a parameter of this name has a secret for a value, as far as one can tell."""
    return _SECRET_NAME.search(unquote(name)) is not None


def _find_password(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    # A user without a password is a token where it is long; `jane` is only a name.
    alone = parts.username if parts.password is None and len(parts.username or "") >= 16 else None
    yield from filter(None, (parts.password, alone))


def _is_word(text: str) -> bool:
    return len(text) < _SHORTEST_WORD and text.isalpha()


# ── the ways in which a secret may stand in a text ────────────────────────────────────────────────


def _spell(secret: str) -> Iterator[_Spelling]:
    yield _Spelling(secret)
    raw = secret.encode(errors="surrogatepass")
    if len(raw) < _SHORTEST_IN_BASE64:
        yield _Spelling(base64.b64encode(raw).decode().rstrip("="))
        return
    for text in sorted(set(_spell_base64(raw))):
        yield _Spelling(text, _TAIL_OF_BASE64)


def _spell_base64(raw: bytes) -> Iterator[str]:
    """What stays the same of a secret's base64, whatever stands before and behind it."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            text = encode(b"\0" * before + raw).decode()
            start = (0, 2, 3)[before]  # characters that the bytes before take part in
            padding = text.count("=")
            yield text[start : len(text) - (padding + 1 if padding else 0)]


def _match_character(character: str) -> str:
    """A character raw, percent-encoded once or twice, or escaped as XML, JSON or a repr would."""
    if character.isascii() and character.isalnum():
        return character
    raw = character.encode(errors="surrogatepass")
    percent = "".join(f"%(?:25)?{_any_case(f'{byte:02X}')}" for byte in raw)
    ways = {re.escape(character), percent, re.escape(html.escape(character))}
    if character == " ":
        ways.add(r"\+")
    if character in "\"'\\/":
        ways.add(re.escape("\\" + character))
    if not character.isascii():
        ways.add("".join(rf"\\u{_any_case(unit)}" for unit in _utf16(character)))
    return f"(?:{'|'.join(sorted(ways, key=len, reverse=True))})"


def _any_case(digits: str) -> str:
    return "".join(f"[{each}{each.lower()}]" if each.isalpha() else each for each in digits)


def _utf16(character: str) -> Iterator[str]:
    raw = character.encode("utf-16-be", errors="surrogatepass")
    return (raw[at : at + 2].hex().upper() for at in range(0, len(raw), 2))
