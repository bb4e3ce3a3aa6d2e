"""What fuzzing has found: each a line, with what broke."""

from __future__ import annotations

import pytest

from feedwatch.fetch.addresses import wire_url


@pytest.mark.parametrize("host", ["127.0.0.1\0n", "127.0.0.1 x", "a\x01b", "*\x7f", "\x0b127.0.0.1"])
def test_host_with_what_no_name_holds_is_none(host: str) -> None:
    """It was sent as it came, and behind a NUL the system read no further: another host was asked."""
    with pytest.raises(UnicodeError):
        wire_url(f"http://{host}/")
