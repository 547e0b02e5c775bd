"""The last resort for what a KDC refused: certain, and silent about the cause."""

from __future__ import annotations

from causes import asked, fired, judged, stays_silent, unanswered


def test_it_names_the_error_and_where_to_look() -> None:
    finding = fired("kdc-refused")
    assert (finding.severity, finding.confidence) == ("low", 0.5)
    assert finding.next_steps == ("rpctrace explain KDC_ERR_BADOPTION",)
    assert "Delegation" in finding.summary


def test_what_was_made_good_is_none() -> None:
    assert stays_silent("kdc-refused").findings == ()


def test_an_error_that_a_rule_explains_is_the_rules() -> None:
    assert judged(asked("krb-1", 1, 7), rule="kdc-refused") == []


def test_silence_is_no_refusal() -> None:
    assert judged(unanswered("krb-1", 1), rule="kdc-refused") == []


def test_an_unknown_error_is_told_by_its_number() -> None:
    (finding,) = judged(asked("krb-1", 1, 4711), rule="kdc-refused")
    assert "4711" in finding.title
