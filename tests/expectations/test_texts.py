"""Lines of TOML for records: each reads back as what the record holds, whatever that is."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from report_values import FINDING, HOSTILE_TEXTS, TICKET, refused_call

from rpctrace.encoding.text import safe_text
from rpctrace.expectations import texts


@pytest.mark.parametrize("text", [*HOSTILE_TEXTS, '"\\', "\n[[call]]", ""])
def test_text_stays_in_its_quotes(text: str) -> None:
    assert tomllib.loads(f"a = {texts.quoted(text)}") == {"a": safe_text(text)}
    ticket = replace(TICKET, realm=text, sname=(text, text))
    lines = texts.call_text([refused_call(ticket=ticket, operation=text, opnum=3, status_name=text)])
    read = tomllib.loads("\n".join(lines))
    assert (read["realm"], read["sname"]) == (safe_text(text), safe_text(f"{text}/{text}"))


def test_a_confidence_is_rounded_down() -> None:
    """The least of several, so that a rule that is weighed anew by a little still passes."""
    findings = [replace(FINDING, confidence=0.69), replace(FINDING, confidence=0.65)]
    assert tomllib.loads("\n".join(texts.finding_text(findings)))["least_confidence"] == 0.65
