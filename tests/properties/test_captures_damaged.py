"""Sample captures, mutated and cut: a report or a CaptureError, and nothing printed that should not be."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from shared_captures import OWN, captures_in, name_of

from rpctrace.analysis import Options, analyze
from rpctrace.diagnosis.failures import broken_off, is_failed_result
from rpctrace.errors import CaptureError

SAMPLES = [path for path in captures_in(OWN) if path.stat().st_size < 120_000]
MUTANTS_IN_ALL = 10_000


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_mutants(path: Path) -> None:
    """10 000 over all samples, octets changed, seeds fixed: no other exception, every failed call found out.

    Findings may also be about calls that were answered: with a code of failure, or by a client that then left. Only an
    interface that nobody missed (unk-if) leaves a failed call with notes alone.
    """
    octets = path.read_bytes()
    rng = random.Random(name_of(path))
    for _ in range(MUTANTS_IN_ALL // len(SAMPLES) + 1):
        mutant = bytearray(octets)
        for _ in range(rng.choice((1, 3, 20, 200))):
            mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        try:
            report = analyze(io.BytesIO(mutant), Options(pdus=True))
        except CaptureError:
            continue
        failed = {call.id for call in report.calls if call.failed}
        named = {identity for finding in report.findings for identity in finding.calls}
        beside = {call.id for call in filter(is_failed_result, report.calls)} | {each.id for each in broken_off(report)}
        assert failed <= named <= failed | beside
        above = [finding for finding in report.findings if finding.severity != "note" or finding.rule == "unk-if"]
        left = failed - {identity for finding in above for identity in finding.calls}
        assert not left, [(each.rule, each.severity, each.confidence) for each in report.findings]


@pytest.mark.parametrize("path", SAMPLES[:6], ids=name_of)
def test_cuts(path: Path) -> None:
    """Cut at 60 places: what was whole before the cut is reported as in the whole file."""
    octets = path.read_bytes()
    rng = random.Random(1)
    for length in sorted(rng.sample(range(len(octets)), 60)):
        try:
            report = analyze(io.BytesIO(octets[:length]))
        except CaptureError:
            assert length < 200
            continue
        assert len(report.captures) == 1
