"""How questions and answers are framed between the daemon and its parser process."""

from __future__ import annotations

import struct

HEADER = struct.Struct(">II")
"""Lengths of the two parts of a question: what is said about the document, and the document."""
LENGTH = struct.Struct(">I")
"""The length of an answer."""
