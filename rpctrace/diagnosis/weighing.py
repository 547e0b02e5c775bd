"""Clues -> confidence -> severity, and hypotheses -> findings: one way for all rules.

A hypothesis begins with the rule's base. Every clue for it takes its share of the doubt that remains, every clue
against it its share of the belief; so clues add up without passing certainty, their order does not matter, and one that
refutes (weight 1) ends it. What has not been looked at sets a ceiling, which the finding names.
"""

from __future__ import annotations

from collections.abc import Iterable

from rpctrace.diagnosis.failures import Failure
from rpctrace.diagnosis.observed import CONTESTED, frames_of
from rpctrace.diagnosis.rule import Ceiling, Hypothesis, Rule
from rpctrace.report import SEVERITIES, EvidenceItem, Finding, Rival, display_filter

HYPOTHESIS_UP_TO = 0.3  # the JSON promise: no more than a note
LEAST_TO_EXPLAIN = 0.5  # more likely than not: the failure needs no last resort
SUREST = 0.99
# The share of the belief that a contested connection takes. A last resort says no more than the frames do, and is what
# keeps a failed call from being a mere note: it loses less, and stays above a hypothesis.
_CONTESTED, _CONTESTED_RESORT = 0.5, 0.3
# With less confidence than this a finding is at most so severe.
_SEVERITY_STEPS = ((HYPOTHESIS_UP_TO, "note"), (0.5, "low"), (0.7, "medium"))


def confidence(base: float, clues: Iterable[EvidenceItem], ceilings: Iterable[Ceiling] = ()) -> float:
    """From 0 to `SUREST`, to two decimals."""
    doubt, kept = 1 - base, 1.0
    for clue in clues:
        if clue.supports:
            doubt *= 1 - clue.weight
        else:
            kept *= 1 - clue.weight
    value = min([(1 - doubt) * kept, SUREST, *(ceiling.value for ceiling in ceilings)])
    return round(value, 2)


def severity(worst: str, sure: float) -> str:
    """The rule's own severity, or less where it is not sure."""
    for up_to, most in _SEVERITY_STEPS:
        if sure <= up_to if most == "note" else sure < up_to:
            return max(worst, most, key=SEVERITIES.index)
    return worst


class Weighed:
    """A hypothesis of a rule with its confidence."""

    __slots__ = ("clues", "confidence", "hypothesis", "rule")

    def __init__(self, rule: Rule, hypothesis: Hypothesis) -> None:
        self.rule = rule
        self.hypothesis = hypothesis
        self.clues = hypothesis.clues + _contested(hypothesis.about, rule)
        self.confidence = confidence(rule.base, self.clues, hypothesis.ceilings)

    @property
    def title(self) -> str:
        return self.hypothesis.title or self.rule.title

    def finding(self, rivals: Iterable[Weighed] = (), *, runner_up: bool = False) -> Finding:
        """`rivals`: weaker hypotheses about the same failure. `runner_up`: this is one of these itself."""
        rule, said, about = self.rule, self.hypothesis, self.hypothesis.about
        held = [ceiling for ceiling in said.ceilings if ceiling.value <= self.confidence]
        worst = "note" if runner_up else said.severity or rule.severity
        capture = capture_of(about)
        frames = frames_of(about) or _frames_shown(said.required, capture)  # a path has none of its own
        times = f" ({about.count} times)" if about.count > 1 else ""
        return Finding(
            rule=rule.name,
            title=self.title,
            severity=severity(worst, self.confidence),
            confidence=self.confidence,
            summary=f"{said.summary}{times}.",
            calls=tuple(call.id for call in about.calls),
            capture=capture,
            frames=frames,
            display_filter=display_filter(frames),
            evidence=(*said.required, *self.clues),
            missing=tuple(dict.fromkeys((*(ceiling.missing for ceiling in said.ceilings), *said.missing))),
            next_steps=rule.next_steps if said.next_steps is None else said.next_steps,
            references=rule.references,
            limited_by=tuple(f"no more than {ceiling.value:.2f}: {ceiling.why}" for ceiling in held),
            rivals=tuple(Rival(each.rule.name, each.title, each.confidence) for each in rivals),
            concerns=concerns(about),
        )


def _frames_shown(items: Iterable[EvidenceItem], capture: int | None) -> tuple[int, ...]:
    """The frames of one capture in which evidence was seen."""
    return tuple(sorted({each.frame for each in items if each.frame is not None and each.capture == capture}))


def capture_of(failure: Failure) -> int | None:
    for records in (failure.calls, failure.exchanges, failure.authentications, failure.events, failure.endpoints,
                    failure.paths):  # fmt: skip
        for record in records:
            return record.capture
    return None


def concerns(failure: Failure) -> tuple[str, ...]:
    """Ids of what failed beside calls."""
    beside = (failure.exchanges, failure.authentications, failure.endpoints, failure.paths)
    return tuple(record.id for records in beside for record in records)


def _contested(failure: Failure, rule: Rule) -> tuple[EvidenceItem, ...]:
    contested = any(note.startswith("contested") for call in failure.calls for note in call.notes)
    weight = _CONTESTED_RESORT if rule.last_resort else _CONTESTED
    return (EvidenceItem(False, CONTESTED, capture_of(failure), None, None, weight),) if contested else ()
