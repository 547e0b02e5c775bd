"""The values of expectations: entries as they are written, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rpctrace.errors import UsageError
from rpctrace.named_tuple import NamedTuple
from rpctrace.record import record
from rpctrace.report import Report


class NotMeant(UsageError):
    """A file of expectations says what cannot be meant: `where` in it, and `why`, which may name what is written."""

    def __init__(self, name: str, where: str, why: str) -> None:
        super().__init__(name, where, why)
        self.name = name
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.name, self.where, self.why)))


class Wanted(NamedTuple):
    """Whether a record agrees with what is written. `values`: the ones that it may hold under the key, where that alone
    decides."""

    agrees: Callable[[Any], bool]
    values: frozenset[Any] | None = None


class Key(NamedTuple):
    """A key of an entry. `wanted`: what is written -> what agrees with it (`UsageError` where it cannot be meant);
    `shown`: what a record has there, in words; `held`: the same as a value that is compared."""

    wanted: Callable[[Any], Wanted]
    shown: Callable[[Any], str]
    held: Callable[[Any], Any] | None = None


class Kind(NamedTuple):
    """One kind of record that entries describe: `table` is its name in a file, `words` a record on one line, `identity`
    the same without what changes from run to run, `frames` where it is. `is_written`: whether `--update` describes it
    in a file that does not say `exact`; `is_demanded`: whether one that does must describe it. `shared` and `single`:
    lines of TOML for records that are alike, and what a single one has besides; `group`: what makes them alike."""

    table: str
    noun: str
    records: Callable[[Report], Sequence[Any]]
    keys: dict[str, Key]
    words: Callable[[Any], str]
    identity: Callable[[Any], str]
    frames: Callable[[Any], tuple[int, ...]]
    is_written: Callable[[Any], bool]
    is_demanded: Callable[[Any], bool]
    shared: Callable[[Sequence[Any]], Iterator[str]]
    single: Callable[[Any], Iterator[str]]
    group: Callable[[Any], object]


class Check(NamedTuple):
    """One key of one entry: what is wanted in words, what a record has there, and whether it agrees, as in `Wanted`.
    `is_written`: the entry says it; otherwise it goes without saying."""

    name: str
    wanted: str
    shown: Callable[[Any], str]
    agrees: Callable[[Any], bool]
    values: frozenset[Any] | None = None
    is_written: bool = True


@record
class Entry:
    """One entry of a file: its line, and how many records it describes (None: at least one). `forbidden`: none of them
    may be there."""

    kind: Kind
    line: int
    checks: tuple[Check, ...]
    count: int | None = None
    forbidden: bool = False

    @property
    def words(self) -> str:
        """What it says."""
        said = ", ".join(f"{check.name} {check.wanted}" for check in self.checks if check.is_written)
        return said or f"any {self.kind.noun}"

    def describes(self, record: Any) -> bool:
        return all(check.agrees(record) for check in self.checks)


@record
class Expectation:
    """`None` leaves a count unchecked; `complete` False expects a capture that cannot be read to its end. `lines`:
    where the keys at the top stand."""

    failed: int | None
    calls: int | None
    complete: bool
    exact: bool
    tolerate_extra: bool
    entries: tuple[Entry, ...]
    lines: dict[str, int]


@record
class Difference:
    """One thing that is not as expected: `line` of the expectations (None: none of them says it), a sentence, and the
    frames in which what came is. `code` and `about` name it without frames, times and ids: in two runs over captures
    that show the same they are the same."""

    line: int | None
    text: str
    code: str
    about: str
    frames: tuple[int, ...] = ()


@record
class Outcome:
    """One expectation in words, where it stands, and its differences (none: it is met)."""

    name: str
    line: int | None
    differences: tuple[Difference, ...]
