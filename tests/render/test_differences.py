"""Differences as a person and a program read them; text of a capture is safe in each form."""

from __future__ import annotations

import json

import pytest
from report_values import HOSTILE_TEXTS, article_report, refused_call

from rpctrace.comparison import compare
from rpctrace.render.differences import RENDERINGS
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report

ACCEPTED = refused_call(
    outcome="accepted", status=None, status_hex=None, status_name=None, reply="alter_context_resp"
)
GOOD = article_report(calls=(ACCEPTED,), findings=())
BAD = article_report(calls=(refused_call(),))
TEXT = """\
failing  expert.cap: Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s; 1 call, 1 failed
good     expert.cap: Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s; 1 call, 0 failed

First difference
  alter_context of IClassFactory: RPC_S_SEC_PKG_ERROR (frames 22 -> 23), in the good run accepted (frames 22 -> 23)

1 difference, 0 calls and exchanges agree

Failing    Good      What                            Failing | good
---------  --------  ------------------------------  -----------------------------------------------------------------
22 -> 23   22 -> 23  alter_context of IClassFactory  outcome: faulted | accepted; status: RPC_S_SEC_PKG_ERROR | -

Findings of the failing run alone: pac-xforest-u2u"""


def lines_of(form: str, bad: Report, good: Report) -> str:
    return "\n".join(RENDERINGS[form](compare(bad, good), bad, good, RenderOptions()))


def test_the_text() -> None:
    assert [line.rstrip() for line in lines_of("text", BAD, GOOD).split("\n") if "---" not in line] == [
        line for line in TEXT.split("\n") if "---" not in line
    ]
    assert "No difference: all 1 calls and exchanges agree." in lines_of("text", GOOD, GOOD)


def test_the_json() -> None:
    document = json.loads(lines_of("json", BAD, GOOD))
    assert document["schema"] == "rpctrace.diff/1"
    assert document["differences"][0]["changed"][0] == {"name": "outcome", "bad": "faulted", "good": "accepted"}
    assert document["findings_bad"] == ["pac-xforest-u2u"]


def test_the_markdown() -> None:
    text = lines_of("markdown", BAD, GOOD)
    assert "**First difference**" in text
    assert "| 22 -&gt; 23 | 22 -&gt; 23 | alter_context of IClassFactory | outcome: faulted \\| accepted;" in text


@pytest.mark.parametrize("form", sorted(RENDERINGS))
@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_text(form: str, text: str) -> None:
    """No control, no lone surrogate, in any form."""
    hostile = article_report(calls=(refused_call(status_name=text, operation=text),), findings=())
    told = lines_of(form, hostile, GOOD)
    assert all(line.isprintable() for line in told.split("\n"))
    told.encode()
