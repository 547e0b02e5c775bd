"""Conclusions, the evidence for and against them, and the filter that shows their frames."""

from __future__ import annotations

from dataclasses import field

from rpctrace.record import record

WHOLE = 1.0  # the weight of what a rule requires


@record
class LogLine:
    """A line of a log file."""

    file: str
    line: int


@record
class EvidenceItem:
    """What speaks for (`supports`, written `for` in JSON) or against a finding, and in which frame or log line."""

    supports: bool = field(metadata={"name": "for"})
    text: str
    capture: int | None
    frame: int | None
    log_line: LogLine | None
    weight: float

    @property
    def side(self) -> str:
        """`seen`: what the rule requires; `fits`: a clue for it; or `against`."""
        if not self.supports:
            return "against"
        return "seen" if self.weight == WHOLE else "fits"


@record
class Rival:
    """A weaker hypothesis about the same failure; it is a finding of its own, of severity note."""

    rule: str
    title: str
    confidence: float


@record
class Finding:
    """A conclusion: the rule that drew it, the calls and every frame of the failure, and how sure it is (0 to 1).

    `concerns`: ids of what failed beside calls (exchanges, authentications, endpoints, paths). `capture`: where
    `frames` are; None of what a log alone tells. `limited_by`: why it is not surer. `weight` of a piece of evidence:
    the share of the remaining doubt that it takes, or, against, of the belief; of what the rule requires, 1.
    """

    rule: str
    title: str
    severity: str
    confidence: float
    summary: str
    calls: tuple[str, ...]
    capture: int | None
    frames: tuple[int, ...]
    display_filter: str
    evidence: tuple[EvidenceItem, ...]
    missing: tuple[str, ...]
    next_steps: tuple[str, ...]
    references: tuple[str, ...]
    limited_by: tuple[str, ...] = ()
    rivals: tuple[Rival, ...] = ()
    concerns: tuple[str, ...] = ()


SEVERITIES = ("high", "medium", "low", "note")


def display_filter(frames: tuple[int, ...]) -> str:
    """The Wireshark display filter that shows exactly these frames; three or more in a row become a range."""
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    parts = [f"{a}..{b}" if b - a > 1 else f"{a}, {b}" if b > a else f"{a}" for a, b in runs]
    return f"frame.number in {{{', '.join(parts)}}}" if parts else ""
