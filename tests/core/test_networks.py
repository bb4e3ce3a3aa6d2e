"""Which addresses are public, and what a policy makes of the others."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from feedwatch.core.networks import NetworkPolicy, canonical_host, host_of, is_public

PUBLIC = ["1.1.1.1", "192.88.99.1", "172.15.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808",
          "2002:808:808::1"]  # fmt: skip
PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1",
    "192.0.2.1", "192.168.1.7", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:c0a8:107::1", "2001::1", "2001:db8::1",
    "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "100::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_address_reached_from_everywhere_is_public(address: str) -> None:
    """What anybody reaches may be asked by anybody, whatever the policy."""
    assert is_public(ip_address(address))
    assert NetworkPolicy("deny").allows("h.example", address, named=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_any_other_address_is_not(address: str) -> None:
    """Local, shared, special and multicast addresses are not public, nor IPv6 that stands for one of IPv4."""
    assert not is_public(ip_address(address))
    assert not NetworkPolicy().allows("h.example", address, named=False)


TEN = NetworkPolicy(None, (ip_network("10.0.0.0/8"),))
NAS = frozenset({"nas.local"})
CASES = {
    "default": (NetworkPolicy(), [False, False, True]),
    "default and a network": (TEN, [True, False, True]),
    "default and a host": (NetworkPolicy(None, (), NAS), [False, True, True]),
    "allow": (NetworkPolicy("allow"), [True, True, True]),
    "allow but a network": (NetworkPolicy("allow", TEN.networks), [False, True, True]),
    "allow but a host": (NetworkPolicy("allow", (), NAS), [True, False, True]),
    "deny": (NetworkPolicy("deny"), [False, False, False]),
    "deny but a network": (NetworkPolicy("deny", TEN.networks), [True, False, False]),
    "deny but a host": (NetworkPolicy("deny", (), NAS), [False, True, False]),
}


@pytest.mark.parametrize("name", CASES)
def test_policy_decides_by_word_and_exceptions(name: str) -> None:
    """A stranger in 10/8, nas.local, and a host that the configuration names: each as the policy has it."""
    policy, expected = CASES[name]
    asked = [("x.example", "10.1.2.3", False), ("nas.local", "192.168.1.7", False), ("mine", "fd00::1", True)]
    assert [policy.allows(host, address, named=named) for host, address, named in asked] == expected


@pytest.mark.parametrize("address", ["::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::1"])
def test_exception_holds_for_what_stands_for_its_address(address: str) -> None:
    """IPv4 within IPv6 is the same machine: no way around what `allow` excepts, and none of its own."""
    assert TEN.allows("x.example", address, named=False)
    assert not NetworkPolicy("allow", TEN.networks).allows("x.example", address, named=False)


@pytest.mark.parametrize("address", ["", "nas.local", "127.1", "010.0.0.1", "1.1.1.1 "])
def test_what_is_no_address_is_not_public(address: str) -> None:
    """Whatever cannot be read is treated as the worst it could be."""
    assert not NetworkPolicy().allows("h.example", address, named=False)
    assert NetworkPolicy().allows("h.example", address, named=True)


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("NAS.Local", "nas.local"),
        ("nas.local.", "nas.local"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("FE80::1%25eth0", "fe80::1%eth0"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.1"),
        ("", ""),
    ],
)
def test_host_has_one_form(host: str, form: str) -> None:
    """However a host is spelled, it is compared in one form."""
    assert canonical_host(host) == form


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Example.org/x?y", "example.org"),
        ("http://me:secret@example.org:8080/x", "example.org:8080"),
        ("http://[::1]:81/", "[::1]:81"),
        ("http://[::1]:80/", "[::1]"),
        ("https://example.org:443/x", "example.org"),
        ("https://example.org:80/x", "example.org:80"),
        ("http://[oops/", ""),
        ("", ""),
    ],
)
def test_host_is_read_from_any_address(address: str, host: str) -> None:
    """Who is asked is known without user, password, case and the usual port; a bad address has no host."""
    assert host_of(address) == host
