"""SARIF: findings as results, rules with their documentation, fingerprints that outlive another recording."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_values import (
    EVENT,
    FINDING,
    HOSTILE_TEXTS,
    answered_call,
    article_report,
    capture,
    empty_report,
    full_report,
    hostile_report,
    refused_call,
)
from sarif_structure import check_sarif

from rpctrace.analysis import analyze
from rpctrace.expectations.words import call_identity
from rpctrace.render import sarif
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.sarif import render, uri_of
from rpctrace.report import Call, Report

CAPTURES = Path(__file__).parents[2] / "captures"


def log(report: Report) -> dict[str, Any]:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions())
    run: dict[str, Any] = check_sarif(out.getvalue())["runs"][0]
    return run


@pytest.mark.parametrize(
    "report", [empty_report(), article_report(), full_report(), *map(hostile_report, HOSTILE_TEXTS)]
)
def test_every_report_has_the_structure(report: Report) -> None:
    run = log(report)
    assert len(run["results"]) == len(report.findings)
    assert run["invocations"][0]["executionSuccessful"] is report.complete


def test_a_finding_as_a_result() -> None:
    (result,) = log(article_report())["results"]
    assert (result["ruleId"], result["level"]) == ("pac-xforest-u2u", "error")
    assert result["message"]["text"] == f"{FINDING.title}: {FINDING.summary} (frames 22 23)"
    assert result["properties"]["displayFilter"] == "frame.number in {22, 23}"
    assert result["properties"]["frames"] == [22, 23]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "expert.cap"


def test_braces_are_no_placeholders() -> None:
    """3.11.5: whoever shows a message would put an argument in their place."""
    finding = replace(FINDING, title="realm {0}", summary="of }name{")
    (result,) = log(replace(article_report(), findings=(finding,)))["results"]
    assert result["message"]["text"] == "realm {{0}}: of }}name{{ (frames 22 23)"


def test_rules_bring_their_documentation() -> None:
    (rule,) = log(article_report())["tool"]["driver"]["rules"]
    assert "What would refute it" in rule["help"]["text"]
    assert rule["defaultConfiguration"] == {"level": "error"}


def fingerprint(report: Report) -> str:
    (result,) = log(report)["results"]
    return str(result["partialFingerprints"]["rpctrace/v1"])


def of_call(**changes: Any) -> Report:
    call = refused_call(**changes)
    finding = replace(FINDING, calls=(call.id,), frames=(*call.request_frames, *call.reply_frames))
    return replace(article_report(), calls=(call,), findings=(finding,))


def test_a_fingerprint_outlives_another_recording() -> None:
    """Other frames, times, ids, ports: the same. Another status, ticket or host: another."""
    first = of_call()
    call = refused_call()
    moved = of_call(
        id="call-99", call_id=77, connection="tcp-9", request_frames=(900,), reply_frames=(901,), request_ns=1,
        reply_ns=2, client=replace(call.client, port=1), server=replace(call.server, port=2),
    )  # fmt: skip
    assert fingerprint(first) == fingerprint(moved)
    assert call.ticket is not None
    others = [
        of_call(status=5, status_hex="0x00000005", status_name="ERROR_ACCESS_DENIED"),
        of_call(ticket=replace(call.ticket, realm="OTHER")),
        of_call(server=replace(call.server, address="10.9.9.9")),
    ]
    assert len({fingerprint(report) for report in (first, *others)}) == 4


def test_words_are_made_of_what_findings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once of each; a report may hold a hundred thousand calls that no finding is about."""
    described: list[str] = []

    def counted(call: Call) -> str:
        described.append(call.id)
        return call_identity(call)

    monkeypatch.setattr(sarif, "call_identity", counted)
    calls = (refused_call(), *(answered_call(id=f"other-{number}") for number in range(9)))
    log(replace(article_report(), calls=calls, findings=(FINDING, FINDING)))
    assert described == list(FINDING.calls)


def test_two_alike_in_one_file_have_numbers() -> None:
    report = replace(article_report(), findings=(FINDING, FINDING))
    values = [each["partialFingerprints"]["rpctrace/v1"] for each in log(report)["results"]]
    assert [value.split(":")[1] for value in values] == ["1", "2"]


def test_a_finding_about_an_event_is_known_by_it() -> None:
    """It has no id; its frames lead to it and are not in the fingerprint."""
    def about(frame: int) -> Report:
        event = replace(EVENT, frames=(frame,), capture=0)
        finding = replace(FINDING, calls=(), concerns=(), capture=0, frames=(frame,))
        return replace(article_report(), calls=(), events=(event,), findings=(finding,))

    assert fingerprint(about(3)) == fingerprint(about(400))
    none = replace(about(3), events=())
    assert fingerprint(none) != fingerprint(about(3))


def test_the_same_findings_of_two_recordings() -> None:
    """The article's capture as pcapng and as Network Monitor file."""
    def found(name: str) -> set[str]:
        report = analyze(CAPTURES / "remote-assistance" / name)
        return {each["partialFingerprints"]["rpctrace/v1"] for each in log(report)["results"]}

    assert found("expert.pcapng") == found("expert.cap") != set()


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("captures/a b.pcap", "captures/a%20b.pcap"),
        ("./x#?.pcap", "x%23%3F.pcap"),
        ("caf\udce9.pcap", "caf%E9.pcap"),
        (os.path.join(os.getcwd(), "in", "x.pcap"), "in/x.pcap"),
    ],
)
def test_a_path_is_a_relative_reference(path: str, uri: str) -> None:
    assert uri_of(path) == uri


def test_a_log_without_a_capture() -> None:
    """What a log alone tells is located in the log."""
    finding = replace(FINDING, capture=None, frames=())
    (result,) = log(replace(article_report(), captures=(capture(),), findings=(finding,)))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "netlogon.log"
