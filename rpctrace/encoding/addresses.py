"""Text that may be an address of IPv4 or IPv6."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address


@lru_cache(4096)
def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text spells; None where it is a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_address(text: str) -> bool:
    """Whether a text is no name of a host."""
    return address_of(text) is not None
