"""A set of addresses that takes little memory: thousands are kept until the end of a capture of any length."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.sorted_numbers import SortedNumbers
from rpctrace.network.ip import address_octets, address_text

_IPV4_OCTETS = 4


class Addresses:
    """A set of addresses, known by their octets and as `address_text` writes them. Those of IPv4 are kept as numbers,
    of eight octets each."""

    __slots__ = ("_ipv4", "_ipv6")

    def __init__(self) -> None:
        self._ipv4 = SortedNumbers()
        self._ipv6: set[bytes] = set()

    def add(self, address: str) -> None:
        self.add_octets(address_octets(address))

    def add_octets(self, address: bytes) -> None:
        """As it stands in a packet."""
        if len(address) == _IPV4_OCTETS:
            self._ipv4.add(int.from_bytes(address, "big"))
        else:
            self._ipv6.add(address)

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, str):
            return False
        octets = address_octets(address)
        return int.from_bytes(octets, "big") in self._ipv4 if len(octets) == _IPV4_OCTETS else octets in self._ipv6

    def __len__(self) -> int:
        return len(self._ipv4) + len(self._ipv6)

    def __iter__(self) -> Iterator[str]:
        for number in self._ipv4:
            yield address_text(number.to_bytes(_IPV4_OCTETS, "big"))
        yield from map(address_text, self._ipv6)
