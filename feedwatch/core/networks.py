"""Which addresses everybody can reach, and who may be asked at one of the others. Pure.

A private address is whatever is not public: at home, on this machine, on the link, shared by a provider,
to many at once, or to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that has been given to anybody as public; what lies outside is special in some way."""
_EMBEDDING: Final = (
    (IPv6Network("::/96"), 0),  # IPv4-compatible, and with it `::` and `::1`
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
)
"""Networks of IPv6 that stand for IPv4, and how far from the right the address in them is."""


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What the configuration says about private networks.

    `word` is None for the default: only the hosts that the configuration names may be there. `networks`
    and `hosts` are exceptions: from `allow` what is denied, from anything else what is allowed.
    """

    word: Literal["allow", "deny"] | None = None
    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    def allows(self, host: str, address: str, *, named: bool) -> bool:
        """Whether a host (in the form of `canonical_host`) may be asked at an address of its.

        `named` says that the configuration names the host. What is no address at all is not public.
        """
        read = _read_address(address)
        if read is not None and is_public(read):
            return True
        excepted = host in self.hosts or (read is not None and self._holds(read))
        if self.word == "allow":
            return not excepted
        return excepted or (named and self.word is None)

    def _holds(self, address: Address) -> bool:
        """Whether an exception holds an address, or the one that it stands for."""
        seen = (address, unwrap_address(address))
        return any(each in network for network in self.networks for each in seen)


def is_public(address: Address) -> bool:
    """Whether an address is one that everybody reaches the same host at."""
    real = unwrap_address(address)
    if isinstance(real, IPv4Address):
        return real.is_global and not real.is_multicast
    return real in _UNICAST and real.is_global


def unwrap_address(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 address stands for; any other as it is."""
    if isinstance(address, IPv6Address):
        for network, shift in _EMBEDDING:
            if address in network:
                return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return address


_USUAL_PORTS = {"http": ":80", "https": ":443"}


def host_of(address: str) -> str:
    """Give the host and port that an address is asked at; it is empty where that is no address.

    The port that the scheme means anyway is left out: with it and without it is one host.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return parts.netloc.rpartition("@")[2].lower().removesuffix(_USUAL_PORTS.get(parts.scheme, ""))


def canonical_host(host: str) -> str:
    """Give a host, in ASCII, in the one form in which hosts are compared."""
    name = host.lower().rstrip(".")
    # Most hosts have a name, and there may be thousands of them.
    read = _read_address(name.replace("%25", "%", 1)) if ":" in name or name[-1:].isdigit() else None
    return name if read is None else read.compressed


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address says that it is the machine we are on."""
    name = canonical_host(host)
    read = _read_address(name)
    if read is not None:
        return read.is_loopback or unwrap_address(read).is_loopback
    return name == "localhost" or name.endswith(".localhost")


def _read_address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
