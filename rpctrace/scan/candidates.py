"""What a protocol must say for its connections to be found by their octets, on any port."""

from __future__ import annotations

from collections.abc import Callable

from rpctrace.named_tuple import NamedTuple


class Recogniser(NamedTuple):
    """One protocol over TCP.

    `begins(octets)`: whether the first octets of a direction can be its own; fewer than `head_octets` of them can.
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
