"""The key `private_networks`: its forms, what it becomes, and what is refused with its place."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from configs import read, refuse

from feedwatch.core.networks import NetworkPolicy
from feedwatch.reaching import make_networks

TEN, HOME = ip_network("10.0.0.0/8"), ip_network("192.168.1.7")

VALID = {
    "left out": ("log: info", NetworkPolicy()),
    "nothing under it": ("private_networks:", NetworkPolicy()),
    "a word": ("private_networks: deny", NetworkPolicy("deny")),
    "a word from elsewhere": ("private_networks: ${WORD}", NetworkPolicy("allow")),
    "a mapping": ("private_networks: {policy: allow}", NetworkPolicy("allow")),
    "exceptions to the default": ("private_networks: {except: 10.0.0.0/8}", NetworkPolicy(None, (TEN,))),
    "exceptions of every kind": (
        "private_networks:\n  policy: deny\n  except: [10.0.0.0/8, 192.168.1.7, NAS.local.]",
        NetworkPolicy("deny", (TEN, HOME), frozenset({"nas.local"})),
    ),
    "IPv6": (
        "private_networks: {except: ['fd00::/8', '::1', '[fe80::1]']}",
        NetworkPolicy(None, (ip_network("fd00::/8"), ip_network("::1"), ip_network("fe80::1"))),
    ),
    "a name that is not ASCII": (
        "private_networks: {except: [bücher.local, my_nas]}",
        NetworkPolicy(None, (), frozenset({"xn--bcher-kva.local", "my_nas"})),
    ),
}


@pytest.mark.parametrize("name", VALID)
def test_key_becomes_a_policy(tmp_path: Path, name: str) -> None:
    """Each form of the key means what the reference says."""
    text, policy = VALID[name]
    assert make_networks(read(tmp_path, text, {"HOME": "/h", "WORD": "allow"})) == policy


WANTED = "a network (10.0.0.0/8), an address or the name of a host is wanted, without port or path"

BAD = {
    "another word": ("private_networks: maybe", "1:19: one of these is wanted: allow, deny"),
    "another policy": ("private_networks:\n  policy: some", "2:11: one of these is wanted: allow, deny"),
    "a list": ("private_networks: [allow]", "1:1: a mapping is wanted here: lines of `key: value`"),
    "an unknown key": (
        "private_networks: {polcy: deny}",
        "1:20: unknown key; did you mean `policy`?",
    ),
    "a key like no other": (
        "private_networks: {zzz: deny}",
        "1:20: unknown key; known here are: policy, except",
    ),
    "no exceptions": (
        "private_networks: {except: []}",
        "1:20: this list is empty; leave the key out for the default",
    ),
    "an address with a port": ("private_networks:\n  except:\n    - 10.0.0.1:80", f"3:7: {WANTED}"),
    "a host with a port": ("private_networks: {except: 'nas.local:80'}", f"1:28: {WANTED}"),
    "a web address": ("private_networks: {except: ['http://nas.local']}", f"1:29: {WANTED}"),
    "half an address": ("private_networks: {except: 192.168}", f"1:28: {WANTED}"),
    "a pattern": ("private_networks: {except: '*.local'}", f"1:28: {WANTED}"),
    "too long a prefix": ("private_networks: {except: 10.0.0.0/33}", f"1:28: {WANTED}"),
    "an address in a network": (
        "private_networks: {except: 192.168.1.7/24}",
        "1:28: a network begins at its first address, as 10.0.0.0/8 does; this is one within it",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_value_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    """What cannot be meant is a problem that says where it stands."""
    text, problem = BAD[name]
    assert refuse(tmp_path, text) == [problem]
