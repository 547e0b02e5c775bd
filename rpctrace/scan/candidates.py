"""What a protocol must say for its connections to be found by their octets, on any port."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rpctrace.named_tuple import NamedTuple

TELLING_OCTETS = 16  # fewer may be the beginning of anything


class Recogniser(NamedTuple):
    """One protocol over TCP.

    `begins(octets)`: whether the first octets of a direction can be its own; fewer than `head_octets` of them can.
    `first_octets`: the first of them, where there are `TELLING_OCTETS` or more; None: any.
    `occurs(octets)`: whether one of its headers stands anywhere in octets from the middle of a connection;
    `is_other(octets)`: whether they show that the connection is none of its own. A connection of which the
    start was not captured is searched for `search_octets` a direction, and never on `ports_not_searched`.
    """

    name: str
    head_octets: int
    begins: Callable[[bytes], bool]
    occurs: Callable[[bytes], bool]
    is_other: Callable[[bytes], bool]
    search_octets: int
    ports_not_searched: frozenset[int]
    first_octets: bytes | None = None


class Shortlist:
    """Some recognisers, asked about the first octets of a direction: the very first leaves few of them."""

    def __init__(self, recognisers: Sequence[Recogniser]) -> None:
        self._head_octets = max((each.head_octets for each in recognisers), default=0)
        self._recognisers = tuple(recognisers)
        self._by_first_octet: dict[int, tuple[Recogniser, ...]] = {}

    def may_begin(self, octets: memoryview) -> bool:
        """Whether a direction that begins so may be of one of them."""
        wanted = self._recognisers
        if len(octets) >= TELLING_OCTETS:
            found = self._by_first_octet.get(octets[0])
            wanted = self._of(octets[0]) if found is None else found
        head = bytes(octets[: self._head_octets])
        for each in wanted:  # noqa: SIM110 - a generator costs as much as a recogniser
            if each.begins(head):
                return True
        return False

    def _of(self, first: int) -> tuple[Recogniser, ...]:
        found = tuple([each for each in self._recognisers if each.first_octets is None or first in each.first_octets])
        self._by_first_octet[first] = found
        return found


class DatagramRecogniser(NamedTuple):
    """One protocol over UDP.

    A datagram may be its own when it comes from one of `ports` or goes to one, or, whatever the ports, when it begins
    with `first_octet` (None: ports alone tell), has `head_octets` or more, and `begins` says so of these first ones.
    """

    name: str
    ports: frozenset[int]
    first_octet: int | None
    head_octets: int
    begins: Callable[[bytes], bool]
