"""Which network addresses deliveries may go to: public ones, and those that the operator allows.

A consumer names the host, and the platform connects from inside the house; without this it could be made
to ask the cloud's metadata service or a neighbour's database. Addresses are judged when they are connected to,
for a name may lead elsewhere a second later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from orchestration.settings import Settings

VARIABLE = "STRATA_DELIVERY_ALLOWED_NETWORKS"

# IANA's special-purpose registries, multicast and reserved space. Python's `is_global` of 3.11 takes ten of
# them for public. 168.63.129.16 is public by number, and answers inside Azure alone.
_INTERNAL_IPV4 = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15
    198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
"""
_PUBLIC_IPV6 = IPv6Network("2000::/3")
"""All that was ever given out; what lies outside is private, link-local, multicast, translated or of no one."""
# Within it: protocols and tunnels (Teredo, 6to4) that carry an IPv4 address past this check, and documentation.
_INTERNAL_IPV6 = "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"
_INTERNAL = tuple(ip_network(text) for text in (_INTERNAL_IPV4 + _INTERNAL_IPV6).split())


class ForbiddenAddress(OSError):
    """A connection that is not made; an ``OSError``, as event loops expect of what keeps them from connecting."""


@dataclass(frozen=True)
class AddressGuard:
    """Says where connections may go to."""

    allowed: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> AddressGuard:
        """Return the guard of an installation's settings."""
        return cls(settings.delivery_allowed_networks)

    def permits(self, address: str, *, encrypted: bool = True) -> bool:
        """Tell whether an IP address may be connected to; what is not encrypted stays in the allowed networks."""
        judged = _plain(ip_address(address))
        if any(judged in network for network in self.allowed):
            return True
        return encrypted and _is_public(judged)

    def require(self, addresses: Iterable[str], host: str, *, encrypted: bool = True) -> list[str]:
        """Return those of a host's addresses that may be connected to.

        Raises:
            ForbiddenAddress: there is none; names the host, not what it resolves to.
        """
        permitted = [address for address in addresses if self.permits(address, encrypted=encrypted)]
        if not permitted:
            why = "is not public" if encrypted else "is not in an allowed network, and http is not encrypted"
            raise ForbiddenAddress(f"The address of {host} {why}.")
        return permitted


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for on this machine, for that is where a packet goes."""
    return getattr(address, "ipv4_mapped", None) or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    return not any(address in network for network in _INTERNAL)
