"""What a protocol must say for its connections to be found by their octets, on any port."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


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
