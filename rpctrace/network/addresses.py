"""A set of addresses that takes little memory: thousands are kept until the end of a capture of any length."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.sorted_numbers import SortedNumbers
from rpctrace.network.ip import address_octets, address_text


class Addresses:
    """A set of addresses as `address_text` writes them. Those of IPv4 are kept as numbers, of eight octets each."""

    __slots__ = ("_ipv4", "_ipv6")

    def __init__(self) -> None:
        self._ipv4 = SortedNumbers()
        self._ipv6: set[str] = set()

    def add(self, address: str) -> None:
        if ":" in address:
            self._ipv6.add(address)
        else:
            self._ipv4.add(_number(address))

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, str):
            return False
        return address in self._ipv6 if ":" in address else _number(address) in self._ipv4

    def __len__(self) -> int:
        return len(self._ipv4) + len(self._ipv6)

    def __iter__(self) -> Iterator[str]:
        for number in self._ipv4:
            yield address_text(number.to_bytes(4, "big"))
        yield from self._ipv6


def _number(address: str) -> int:
    return int.from_bytes(address_octets(address), "big")
