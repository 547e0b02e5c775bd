"""Differences as a person and a program read them; text of a capture is safe in each form."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from report_values import HOSTILE_TEXTS, answered_call, article_report, capture, refused_call

from rpctrace.comparison import compare
from rpctrace.render.differences import render
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Call, Report

FORMS = ("text", "markdown", "json")

ACCEPTED = refused_call(
    outcome="accepted", status=None, status_hex=None, status_name=None, reply="alter_context_resp"
)
GOOD = article_report(calls=(ACCEPTED,), findings=())
BAD = article_report(calls=(refused_call(),))
TEXT = """\
failing  expert.cap: Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s; 1 call, 1 failed
good     expert.cap: Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s; 1 call, 0 failed

First difference
  alter_context of IClassFactory: RPC_S_SEC_PKG_ERROR (frames 22 → 23), in the good run accepted (frames 22 → 23)

1 difference, no calls and exchanges agree
Nothing agrees: the two captures may not show the same scenario, or not the same part of it.

Failing    Good     What                            Failing | good
---------  -------  ------------------------------  -----------------------------------------------------------------
22 → 23    22 → 23  alter_context of IClassFactory  outcome: faulted | accepted; status: RPC_S_SEC_PKG_ERROR | -

Findings of the failing run alone: pac-xforest-u2u"""


def lines_of(form: str, bad: Report, good: Report) -> str:
    out = io.StringIO(newline="")
    render(form, compare(bad, good), bad, good, out, RenderOptions())
    return out.getvalue().removesuffix("\n")


def test_the_text() -> None:
    assert [line.rstrip() for line in lines_of("text", BAD, GOOD).split("\n") if "---" not in line] == [
        line for line in TEXT.split("\n") if "---" not in line
    ]


def other(number: int) -> Call:
    return answered_call(id=f"call-{number}", opnum=number)


@pytest.mark.parametrize(
    ("count", "same", "differs"),
    [
        (0, "No difference: neither holds a call or an exchange.", "no calls and exchanges agree"),
        (1, "No difference: the only call or exchange agrees.", "1 call or exchange agrees"),
        (2, "No difference: all 2 calls and exchanges agree.", "2 calls and exchanges agree"),
    ],
)
def test_how_many_agree(count: int, same: str, differs: str) -> None:
    calls = tuple(map(other, range(count)))
    alike = article_report(calls=calls, findings=())
    assert same in lines_of("text", alike, alike)
    assert same in lines_of("markdown", alike, alike)
    failed = replace(alike, calls=(*calls, refused_call()))
    assert f"1 difference, {differs}\n" in lines_of("text", failed, alike)
    assert ("Nothing agrees" in lines_of("text", failed, alike)) is (count == 0)


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_the_wrong_order(form: str) -> None:
    """The failing capture is the first."""
    hint = "the failing one is given first"
    assert hint in lines_of(form, GOOD, BAD)
    assert hint not in lines_of(form, BAD, GOOD)


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_that_is_not_utf_8(form: str) -> None:
    """Words of ours in ASCII, and JSON that stays JSON whatever a name is made of."""
    bad = article_report(calls=(refused_call(operation="日本語"),), captures=(capture(path="日本.cap"),))
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace", newline="")
    render(form, compare(bad, GOOD), bad, GOOD, out, RenderOptions(encoding_is_utf8=False))
    out.flush()
    text = out.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert form == "json" or "22 -> 23" in text or "22 -&gt; 23" in text
    if form == "json":
        assert json.loads(text)["bad"] == ["日本.cap"]
        assert "日本語" in json.loads(text)["differences"][0]["about"]


def test_the_json() -> None:
    document = json.loads(lines_of("json", BAD, GOOD))
    assert document["schema"] == "rpctrace.diff/1"
    assert document["differences"][0]["changed"][0] == {"name": "outcome", "bad": "faulted", "good": "accepted"}
    assert document["findings_bad"] == ["pac-xforest-u2u"]


def test_the_markdown() -> None:
    text = lines_of("markdown", BAD, GOOD)
    assert "**First difference**" in text
    assert "| 22 → 23 | 22 → 23 | alter_context of IClassFactory | outcome: faulted \\| accepted;" in text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_text(form: str, text: str) -> None:
    """No control, no lone surrogate, in any form."""
    hostile = article_report(calls=(refused_call(status_name=text, operation=text),), findings=())
    told = lines_of(form, hostile, GOOD)
    assert all(line.isprintable() for line in told.split("\n"))
    told.encode()
