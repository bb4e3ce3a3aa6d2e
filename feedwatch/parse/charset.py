"""In which charset a document is read: settled once, before anything looks at it, so that all see the same.

A charset in which `<` is not one byte hides from every look at the bytes what the parser will find.
UTF-16, which some feeds come in, is therefore written anew; any other is refused by its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from feedwatch.core.model import ParseFailed, Reason

_IN_CONTENT_TYPE = re.compile(r"charset\s*+=\s*+[\"']?([\w.:-]++)", re.IGNORECASE)
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?+\s*+(<\?xml\s[^<>]{0,500}+>)")
_USUAL_DECLARATIONS = {
    b'<?xml version="1.0" encoding="utf-8"?>': "utf-8",
    b'<?xml version="1.0" encoding="UTF-8"?>': "UTF-8",
}
"""What nearly every document begins with, all of one length: nothing has to be looked for in it."""
_USUAL_LENGTH = len(next(iter(_USUAL_DECLARATIONS)))
_DECLARED = re.compile(rb"\sencoding\s*+=\s*+[\"']([\w.:-]{1,40}+)[\"']")
_PLAIN = re.compile(
    # Those in which every byte below 128 that XML is made of is itself.
    r"utf-?8|(?:us-)?ascii|ansi_x3\.4-19\d\d|iso[-_]?8859-?\d{1,2}(?:-[ei])?|latin-?\d|l\d|"
    r"(?:windows|cp)-?(?:125\d|874|437|850|852|866|949|936|932|1252)|ibm(?:437|850|852|866)|"
    r"koi8-?[rut]u?|macintosh|mac-?(?:roman|cyrillic)|tis-?620|viscii|"
    r"gb_?2312(?:-80)?|gbk|gb-?18030|big5(?:-hkscs)?|euc-?(?:jp|kr|cn|tw)|ks_c_5601-1987|"
    r"shift[-_]?jis|s-?jis|windows-31j|x-sjis|iso-2022-jp",
    re.IGNORECASE,
)
_WIDE = re.compile(r"utf-?16(?:-?[lb]e)?|ucs-2|iso-10646-ucs-2", re.IGNORECASE)
_OTHER_STARTS = (
    b"\x00\x00\xfe\xff",
    b"\xff\xfe\x00\x00",
    b"\x00\x00\x00<",
    b"<\x00\x00\x00",
    b"\x4c\x6f\xa7\x94",
)
"""UTF-32 in its four ways, and EBCDIC."""
_UTF_16_STARTS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Settled:
    """A document whose every `<` is a byte; the charset it does not name itself, and the one it does."""

    body: bytes = field(repr=False)
    charset: str | None
    declared: str | None = None


def settle_charset(body: bytes, content_type: str | None) -> Settled | ParseFailed:
    """Settle in which charset a document is read, or refuse the one it names."""
    if usual := _USUAL_DECLARATIONS.get(body[:_USUAL_LENGTH]):
        return Settled(body, None, usual)
    return _look_for_charset(body, content_type)


def _look_for_charset(body: bytes, content_type: str | None) -> Settled | ParseFailed:
    if body.startswith(_OTHER_STARTS):
        return _UNKNOWN
    if wide := _UTF_16_STARTS.get(body[:2]):
        return _write_anew(body, wide)
    declaration = _DECLARATION.match(body)
    declared = _DECLARED.search(declaration[1]) if declaration else None
    if declaration and declared:
        name = declared[1].decode("ascii", "replace")
        if _WIDE.fullmatch(name):  # it is not, or its first bytes had said so: some servers' mistake
            return Settled(body[declaration.end() :], None)
        return _settle_named(body, name, inside=True)
    outer = _IN_CONTENT_TYPE.search(content_type) if content_type else None
    if outer is None or body.startswith(b"\xef\xbb\xbf"):
        return Settled(body, None)
    return _settle_named(body, outer[1], inside=False)


def _settle_named(body: bytes, name: str, *, inside: bool) -> Settled | ParseFailed:
    if _WIDE.fullmatch(name) and not inside:
        return Settled(body, None)
    if not _PLAIN.fullmatch(name):
        return _UNKNOWN
    return Settled(body, None, name) if inside else Settled(body, name)


def _write_anew(body: bytes, wide: str) -> Settled | ParseFailed:
    try:
        text = body.decode(wide)
    except UnicodeDecodeError:
        return _UNKNOWN
    plain = text.lstrip("\ufeff").encode("utf-8")
    declaration = _DECLARATION.match(plain)
    return Settled(plain[declaration.end() :] if declaration else plain, "utf-8")


_UNKNOWN = ParseFailed(Reason.MALFORMED, "in a charset that is not known")
