"""Records of a Report -> the blocks of TOML that `check --update` writes for them, alike ones as one block."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from rpctrace.expectations.described import Described
from rpctrace.expectations.reading import entry_of
from rpctrace.named_tuple import NamedTuple

MOST_BLOCKS = 200  # of one kind: more nobody reads, and `failed` counts all


class Generated(NamedTuple):
    """A block, and the places of the records that it was made for among those of its kind."""

    lines: tuple[str, ...]
    places: tuple[int, ...]


class Alike:
    """Records that are told by one block: their places, and the keys that they share or that the only one has."""

    def __init__(self, described: Described, places: list[int]) -> None:
        self._described = described
        self.places = places
        self._values: dict[str, Any] | None = None

    @property
    def first(self) -> Any:
        return self._described.records[self.places[0]]

    def _keys(self) -> list[str]:
        kind = self._described.kind
        group = [self._described.records[place] for place in self.places]
        return [*kind.shared(group), *(kind.single(group[0]) if len(group) == 1 else ())]

    @property
    def values(self) -> dict[str, Any]:
        """The block's keys but for its count."""
        if self._values is None:
            self._values = tomllib.loads("\n".join(self._keys()))
        return self._values

    def block(self) -> Generated:
        kind, lines = self._described.kind, self._keys()
        if len(self.places) > 1:  # the count is also of those that have something besides, such as a ticket
            lines.append(f"count = {len(self._described.places_of(entry_of(self.values, kind, 0)))}")
        return Generated((f"[[{kind.table}]]", *lines), tuple(self.places))


def alike(described: Described, places: Iterable[int]) -> Iterator[Alike]:
    """The records at these places, in the order of the first of each."""
    group, records = described.kind.group, described.records
    groups: dict[object, list[int]] = {}
    for place in places:
        groups.setdefault(group(records[place]), []).append(place)
    return (Alike(described, together) for together in groups.values())


def generated(described: Described, is_wanted: Callable[[int, Any], bool]) -> list[Generated]:
    """Blocks for the records of a kind that are wanted (by place and value), in the order of their first records."""
    places = [place for place, record in enumerate(described.records) if is_wanted(place, record)]
    return [group.block() for group in islice(alike(described, places), MOST_BLOCKS)]
