"""The rules explain themselves, each of them is complete, and an incomplete one is caught."""

from __future__ import annotations

import pytest

from rpctrace.diagnosis.registry import RULES
from rpctrace.diagnosis.rule import Ceiling, Clue, Rule
from rpctrace.diagnosis.rules import rc4_2026, skew_kdc
from rpctrace.rule_explanation import complaints, render_list, render_rule, rule_named, sections


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_complete(rule: Rule) -> None:
    assert list(complaints([rule])) == []


def test_no_two_rules_have_one_name() -> None:
    assert list(complaints(RULES)) == []
    assert any("two of this name" in each for each in complaints([skew_kdc.RULE, skew_kdc.RULE]))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_everything_that_a_rule_knows_is_shown(rule: Rule) -> None:
    """Each paragraph, clue, ceiling, step and reference; in lines that fit but for what cannot be broken."""
    text = render_rule(rule)
    flat = " ".join(text.split())
    assert text.startswith(f"{rule.name}\n  title ")
    for said in (rule.title, *sections(rule).values(), *rule.requires, *rule.next_steps, *rule.references):
        assert " ".join(said.split()) in flat
    for clue in rule.clues:
        assert f"{clue.weight:.2f} {clue.what}" in flat
    for ceiling in rule.ceilings:
        assert f"{ceiling.value:.2f} {ceiling.why}" in flat
    assert f"{rule.base:.2f}" in flat
    assert all(len(line) <= 100 or "http" in line for line in text.splitlines())


def test_paragraphs_are_found_by_their_headings() -> None:
    documentation = "x-y: one\nsentence.\n\nWhat it means: a\nb.\nHow we know: c: d.\n"
    rule = skew_kdc.RULE._replace(name="x-y", documentation=documentation)
    assert sections(rule) == {"": "one sentence.", "What it means": "a b.", "How we know": "c: d."}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "skew-dkc"}, "its file is called skew_kdc"),
        ({"documentation": "other: what"}, "does not begin with its name"),
        ({"documentation": "skew-kdc: what.\nWhat it means: a.\nHow we know: b."}, "'What would refute it'"),
        ({"severity": "grave"}, "no severity"),
        ({"base": 1.0}, "not between 0 and 1"),
        ({"base": 0.0}, "not between 0 and 1"),
        ({"next_steps": ()}, "next steps: empty"),
        ({"requires": (" ",)}, "requires: empty"),
        ({"references": ()}, "references: empty"),
        ({"references": ("RFC4120",)}, "not written as a reference"),
        ({"references": ("RFC 9999 1",)}, "not in knowledge/documents.csv"),
        ({"clues": ()}, "FAR_FROM_CAPTURE is not listed"),
        ({"clues": (*skew_kdc.RULE.clues, Clue(1.5, "too much"))}, "the weight 1.5"),
        ({"ceilings": (Ceiling(1.0, "why", "what"),)}, "the ceiling 1.0"),
        ({"ceilings": (Ceiling(0.5, "why", ""),)}, "does not say what is missing"),
    ],
)
def test_what_is_missing_is_said(changes: dict[str, object], complaint: str) -> None:
    found = list(complaints([skew_kdc.RULE._replace(**changes)]))
    assert any(complaint in each for each in found), found


def test_a_ceiling_of_the_file_is_listed_too() -> None:
    assert any("NO_EVENTS" in each for each in complaints([rc4_2026.RULE._replace(ceilings=())]))


def test_names_and_the_list() -> None:
    assert rule_named("SKEW-KDC") is skew_kdc.RULE
    assert rule_named("skew") is None
    lines = render_list().splitlines()
    assert [line.split()[0] for line in lines] == [rule.name for rule in RULES]
    assert len({line.index(rule.severity) for line, rule in zip(lines, RULES, strict=True)}) == 1
    assert render_list(()) == ""


def test_a_document_is_told_once() -> None:
    text = render_rule(skew_kdc.RULE)
    assert text.count("rfc-editor.org/rfc/rfc4120") == 1
