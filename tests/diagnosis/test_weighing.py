"""Confidence: clues add up without passing certainty, refutations end it, ceilings hold; severity follows."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_values import article_report, refused_call

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, required
from rpctrace.diagnosis.weighing import SUREST, Weighed, confidence, severity
from rpctrace.report import SEVERITIES

FOR, AGAINST = Clue(0.5, "for"), Clue(0.5, "against", against=True)
REFUTES = Clue(1.0, "refutes", against=True)
UNSEEN = Ceiling(0.65, "the server was not captured", "a capture on the server")
weights = st.floats(0, 1)


def rule(**changes: object) -> Rule:
    values: dict[str, object] = {
        "name": "a-rule", "title": "A title", "documentation": "", "severity": "high", "base": 0.5,
        "requires": (), "find": lambda _: iter(()), "next_steps": ("look",), "references": ("RFC 4120 3.7",),
    }  # fmt: skip
    return Rule(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("clues", "expected"),
    [((), 0.5), ((FOR,), 0.75), ((FOR, FOR), 0.88), ((AGAINST,), 0.25), ((FOR, AGAINST), 0.38), ((FOR, REFUTES), 0.0)],
)
def test_clues_take_their_share(clues: tuple[Clue, ...], expected: float) -> None:
    """Of the doubt that remains, or of the belief."""
    assert confidence(0.5, [clue.seen("") for clue in clues]) == expected


@given(st.lists(st.tuples(weights, st.booleans()), max_size=4), weights)
def test_order_does_not_matter_and_certainty_is_not_reached(clues: list[tuple[float, bool]], base: float) -> None:
    """Any clues in any order give one figure between 0 and `SUREST`."""
    items = [Clue(weight, "", against).seen("") for weight, against in clues]
    figures = {confidence(base, order) for order in permutations(items)}
    assert max(figures) - min(figures) <= 0.011  # two decimals
    assert all(0 <= figure <= SUREST for figure in figures)


@pytest.mark.parametrize(
    ("worst", "sure", "expected"),
    [
        ("high", 0.9, "high"), ("high", 0.7, "high"), ("high", 0.65, "medium"), ("high", 0.45, "low"),
        ("high", 0.3, "note"), ("low", 0.9, "low"), ("low", 0.1, "note"), ("note", 0.9, "note"),
    ],
)  # fmt: skip
def test_severity_follows_confidence(worst: str, sure: float, expected: str) -> None:
    """What is not sure is not shouted; what is a hypothesis is a note."""
    assert severity(worst, sure) == expected
    assert SEVERITIES.index(severity(worst, sure)) >= SEVERITIES.index(worst)


def weighed(**changes: object) -> Weighed:
    (about,) = Evidence(article_report(calls=(refused_call(),))).failures
    said = Hypothesis(about, "It was so", (required("seen", 0, 23),), (FOR.seen("more", 0, 22),))
    return Weighed(rule(), said._replace(**changes))


def test_a_finding_names_what_holds_it() -> None:
    """The ceiling that was met is in `limited_by`, what would lift it in `missing`; one above is only missing."""
    finding = weighed(ceilings=(UNSEEN, UNSEEN._replace(value=0.97, missing="an event log")), missing=("a keytab",))
    said = finding.finding()
    assert (said.confidence, said.severity) == (0.65, "medium")
    assert said.limited_by == ("no more than 0.65: the server was not captured",)
    assert said.missing == ("a capture on the server", "an event log", "a keytab")


def test_a_finding_holds_everything() -> None:
    """Frames, filter, evidence, steps; the rule's words where the hypothesis has none of its own."""
    said = weighed().finding()
    assert (said.rule, said.title, said.summary) == ("a-rule", "A title", "It was so.")
    assert (said.calls, said.capture, said.frames) == (("call-3",), 0, (22, 23))
    assert said.display_filter == "frame.number in {22, 23}"
    assert [(item.supports, item.frame) for item in said.evidence] == [(True, 23), (True, 22)]
    assert said.next_steps == ("look",)
    assert weighed(title="Own", next_steps=("do",), severity="low").finding().severity == "low"
    assert weighed(title="Own").finding().title == "Own"


def test_rivals_are_named_and_runners_up_are_notes() -> None:
    """The weaker hypothesis is in the first finding, and a note of its own."""
    weaker = weighed(clues=())
    assert [(rival.rule, rival.confidence) for rival in weighed().finding([weaker]).rivals] == [("a-rule", 0.5)]
    assert weaker.finding(runner_up=True).severity == "note"


def test_contested_octets_halve_what_is_believed_of_them() -> None:
    """Two differing copies in the capture: said as evidence against."""
    call = refused_call(notes=("contested: frames 3, 4",))
    (about,) = Evidence(article_report(calls=(call,))).failures
    said = Weighed(rule(), Hypothesis(about, "It was so", ()))
    assert [item.supports for item in said.finding().evidence] == [False]
    assert said.confidence == 0.25
