"""How sure findings say they are against how often they are right, on every capture whose cause is known.

Known are the lab's captures (their README says what was done), the scenario's (INDEX.toml says what must and must not
be found) and one capture for each cause with a near miss. The figures are those of the README; the bounds leave room
for one error more than there is today.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import pytest
from shared_captures import OWN
from test_causes import EXPECTED, LAB

from rpctrace.analysis import analyze
from rpctrace.diagnosis.registry import RULES
from rpctrace.report import Finding

LAST_RESORTS = {rule.name for rule in RULES if rule.last_resort}
# What the lab's clients did next, and got for it, stands in no README; findings about that are not judged.
BESIDE_THE_CAUSE = {"call-unanswered", "bad-stub"}
pytestmark = pytest.mark.skipif(not LAB.is_dir(), reason="the shared captures are not beside the checkout")


class Judged(NamedTuple):
    confidence: float
    right: bool
    rule: str
    capture: str


def _judged(
    name: str, findings: Iterable[Finding], true: set[str], false: set[str] | None = None
) -> Iterator[Judged]:
    """Findings whose rule is known to be true or false of the capture; without `false`, all that are not true are."""
    for finding in findings:
        known = finding.rule in true or false is None or finding.rule in false
        if known and finding.rule not in LAST_RESORTS and finding.severity != "note":
            yield Judged(finding.confidence, finding.rule in true, finding.rule, name)


def _of_the_lab() -> Iterator[Judged]:
    for name, causes in EXPECTED.items():
        findings = analyze(LAB / f"{name}.pcap").findings
        told_of = [each for each in findings if each.rule in causes or each.rule not in BESIDE_THE_CAUSE]
        yield from _judged(name, told_of, set(causes))


def _of_the_scenario() -> Iterator[Judged]:
    index = tomllib.loads((OWN / "INDEX.toml").read_text(encoding="utf-8"))
    for kind in ("capture", "log"):
        for entry in index[kind]:
            if "must" in entry:
                path = OWN / entry["path"]
                captures = [path.parent / each for each in entry.get("with", ())]
                logs = [path.parent / each for each in entry.get("logs", ())]
                (captures if kind == "capture" else logs).insert(0, path)
                findings = analyze(captures, netlogon=logs).findings
                yield from _judged(path.name, findings, set(entry["must"]), set(entry["must_not"]))


def _of_single_causes() -> Iterator[Judged]:
    for path in sorted((OWN / "causes").glob("*.pcap")):
        rule = path.stem.removesuffix("-not").removesuffix("-recovered")
        is_near_miss = path.stem.endswith("-not")
        true, false = (set(), {rule}) if is_near_miss else ({rule}, set())
        yield from _judged(path.name, analyze(path).findings, true, false)


@cache
def everything() -> tuple[Judged, ...]:
    return (*_of_the_lab(), *_of_the_scenario(), *_of_single_causes())


@pytest.mark.parametrize(
    ("above", "up_to", "least_right"), [(0.3, 0.5, 0.5), (0.5, 0.7, 0.9), (0.7, 0.9, 0.9), (0.9, 1.0, 0.95)]
)
def test_findings_are_right_as_often_as_they_say(above: float, up_to: float, least_right: float) -> None:
    """In each range of confidence, of what is told above a note."""
    told = [each for each in everything() if above < each.confidence <= up_to]
    right = sum(each.right for each in told)
    assert len(told) >= 2
    assert right >= least_right * len(told), [each for each in told if not each.right]


def test_nothing_is_judged_by_a_single_kind_of_capture() -> None:
    """Enough of them that the figures mean something."""
    assert len({each.rule for each in everything()}) >= 40
    assert len({each.capture for each in everything()}) >= 90
