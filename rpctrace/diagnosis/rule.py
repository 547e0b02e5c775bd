"""The contract of a rule: what it requires, which clues it weighs, and the hypotheses that it forms.

A rule file holds its knowledge as data (`Clue`, `Ceiling`, steps, references) so that `rpctrace explain RULE` can print
it, and one pure function `Evidence -> Iterator[Hypothesis]`. How clues become a confidence is in `weighing.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import EvidenceItem, LogEntry, LogLine


class Clue(NamedTuple):
    """Something that may be seen beside what a rule requires. `weight` from 0 to 1: for the rule, the share of the
    remaining doubt that it takes; `against` it, the share of the belief. 1 against refutes."""

    weight: float
    what: str
    against: bool = False

    def seen(
        self, text: str, capture: int | None = None, frame: int | None = None, entry: LogEntry | None = None
    ) -> EvidenceItem:
        """This clue as it was found: in a frame of a capture, or in a line of a log."""
        line = LogLine(entry.file, entry.line) if entry is not None else None
        return EvidenceItem(not self.against, text, capture, frame, line, self.weight)


class Ceiling(NamedTuple):
    """No more confidence than `value` as long as `missing` has not been looked at; `why` in a few words."""

    value: float
    why: str
    missing: str


class Hypothesis(NamedTuple):
    """What a rule makes of one failure. `required` shows that what the rule requires is there; `clues` were found
    beside it. What is None is said in the rule's own words."""

    about: Failure
    summary: str
    required: tuple[EvidenceItem, ...]
    clues: tuple[EvidenceItem, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    missing: tuple[str, ...] = ()
    title: str | None = None
    next_steps: tuple[str, ...] | None = None
    severity: str | None = None


class Rule(NamedTuple):
    """`name` is what reports and `explain` use, `documentation` the file's docstring. `base`: how sure the rule is of
    its statement when it has seen what it requires and nothing else. `severity`: that of a sure finding.
    `last_resort`: only where no other rule explains the failure well enough."""

    name: str
    title: str
    documentation: str
    severity: str
    base: float
    requires: tuple[str, ...]
    find: Callable[[Evidence], Iterator[Hypothesis]]
    clues: tuple[Clue, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    next_steps: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    last_resort: bool = False


def required(
    text: str, capture: int | None = None, frame: int | None = None, entry: LogEntry | None = None
) -> EvidenceItem:
    """An observation without which the rule says nothing."""
    return Clue(1.0, text).seen(text, capture, frame, entry)


def found(*clues: EvidenceItem | None) -> tuple[EvidenceItem, ...]:
    """Those that were seen."""
    return tuple(clue for clue in clues if clue is not None)
