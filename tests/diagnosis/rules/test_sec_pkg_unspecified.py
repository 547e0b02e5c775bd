"""0x721 is a refusal by a security package, and no more is claimed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import KERBEROS, article_report, refused_call

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Hypothesis
from rpctrace.diagnosis.rules.sec_pkg_unspecified import RULE
from rpctrace.report import Call


def found(call: Call) -> list[Hypothesis]:
    return list(RULE.find(Evidence(article_report(calls=(call,)))))


@pytest.mark.parametrize("changes", [{}, {"kind": "request"}, {"kind": "auth3"}])
def test_fires_on_0x721(changes: dict[str, str]) -> None:
    """Whatever PDU it answers."""
    assert len(found(refused_call(**changes))) == 1


@pytest.mark.parametrize("changes", [{"status": 5}, {"outcome": "answered"}])
def test_leaves_other_answers_alone(changes: dict[str, object]) -> None:
    """Another status is another rule's."""
    assert not found(refused_call(**changes))


def test_it_claims_neither_kerberos_nor_pac() -> None:
    """Title and summary name the refusal; what is missing names the server's side."""
    (said,) = found(refused_call())
    words = " ".join((RULE.title, said.summary, *said.missing, *RULE.next_steps))
    assert "PAC" not in words
    assert any("server" in each for each in said.missing)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "AcceptSecurityContext"),
        ({"kind": "request"}, "signature"),
        ({"auth": replace(KERBEROS, mechanism="ntlm")}, "NTLM"),
    ],
)
def test_it_says_what_the_status_leaves_open(changes: dict[str, object], word: str) -> None:
    """By the PDU that it answers, and the package."""
    (said,) = found(refused_call(**changes))
    assert word in said.required[-1].text
