"""The SAX parser that feedparser is given: Python's own, but for text, which it hands over in long pieces.

Else each line and each entity of a text is an event of its own, and feedparser takes 150 bytes and
four microseconds for each: a text of nothing but `&lt;` was 150 MB and six seconds.
"""

from __future__ import annotations

from pyexpat import XMLParserType
from typing import cast
from xml.sax.expatreader import ExpatParser

_PIECE = 65_536


class _PatientParser(ExpatParser):
    def reset(self) -> None:
        super().reset()
        expat = cast("XMLParserType", vars(self)["_parser"])
        expat.buffer_text = True
        expat.buffer_size = _PIECE


def create_parser() -> ExpatParser:
    """Make a parser: what `xml.sax.make_parser` looks for in a module."""
    return _PatientParser()
