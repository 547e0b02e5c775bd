"""The rules by which SARIF is judged here find what breaks them: a table that lets everything pass proves nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from report_values import full_report
from sarif_structure import faults, run_faults

from rpctrace.render.rendering import RenderOptions
from rpctrace.render.sarif import render

Break = Callable[[dict[str, Any]], object]


def document() -> dict[str, Any]:
    out = io.StringIO(newline="")
    render(full_report(), out, RenderOptions())
    log: dict[str, Any] = json.loads(out.getvalue())
    return log


def result(log: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = log["runs"][0]["results"][0]
    return found


def artifact(log: dict[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = result(log)["locations"][0]["physicalLocation"]["artifactLocation"]
    return place


BREAKS: list[tuple[str, Break]] = [
    ("has no version", lambda log: log.pop("version")),
    ("log.version: '2.0.0'", lambda log: log.update(version="2.0.0")),
    ("has no driver", lambda log: log["runs"][0]["tool"].clear()),
    ("rules[0]: has no id", lambda log: log["runs"][0]["tool"]["driver"]["rules"][0].pop("id")),
    ("semanticVersion: 'one'", lambda log: log["runs"][0]["tool"]["driver"].update(semanticVersion="one")),
    ("has no message", lambda log: result(log).pop("message")),
    ("message.text: 'frames {1}'", lambda log: result(log)["message"].update(text="frames {1}")),
    ("message.text: ''", lambda log: result(log)["message"].update(text="")),
    ("level: 'bad'", lambda log: result(log).update(level="bad")),
    ("kind: 'failed'", lambda log: result(log).update(kind="failed")),
    ("severity: no property", lambda log: result(log).update(severity="high")),
    ("ruleIndex: -1", lambda log: result(log).update(ruleIndex=-1)),
    ("ruleIndex leads", lambda log: result(log).update(ruleIndex=7)),
    ("ruleIndex leads", lambda log: result(log).update(ruleId="another")),
    ("and yet no failure", lambda log: result(log).update(kind="review")),
    ("uri: '/etc/x'", lambda log: artifact(log).update(uri="/etc/x")),
    ("uri: 'c:/x'", lambda log: artifact(log).update(uri="c:/x")),
    ("uri: 'a b'", lambda log: artifact(log).update(uri="a b")),
    ("uri: 'a%zz'", lambda log: artifact(log).update(uri="a%zz")),
    ("uriBaseId is not among", lambda log: artifact(log).update(uriBaseId="ELSEWHERE")),
    ("startLine: 0", lambda log: result(log)["locations"][0]["physicalLocation"]["region"].update(startLine=0)),
    ("partialFingerprints: {}", lambda log: result(log)["partialFingerprints"].clear()),
    ("the same place and fingerprint", lambda log: log["runs"][0]["results"].append(result(log))),
    ("two with one id", lambda log: log["runs"][0]["tool"]["driver"]["rules"].append({"id": result(log)["ruleId"]})),
    ("suppressions[0]: has no kind", lambda log: result(log).update(suppressions=[{}])),
    ("a suppression twice", lambda log: result(log).update(suppressions=[{"kind": "external"}] * 2)),
    ("executionSuccessful: 1", lambda log: log["runs"][0]["invocations"][0].update(executionSuccessful=1)),
    ("no artifactLocation", lambda log: log["runs"][0]["originalUriBaseIds"].update(X={"path": "x"})),
    ("no array", lambda log: log["runs"][0].update(results={})),
]


def test_what_is_written_has_no_fault() -> None:
    assert list(faults(document())) == []
    assert [each for run in document()["runs"] for each in run_faults(run)] == []


@pytest.mark.parametrize(("told", "broken"), BREAKS, ids=[told for told, _ in BREAKS])
def test_what_breaks_a_rule_is_told(told: str, broken: Break) -> None:
    log = document()
    broken(log)
    found = list(faults(log))
    if not found:
        found = [each for run in log["runs"] for each in run_faults(run)]
    assert any(told in each for each in found)
