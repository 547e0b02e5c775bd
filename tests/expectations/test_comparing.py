"""A report against expectations: every kind of difference, in one sentence that says what came and where."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import FINDING, answered_call, article_report, full_report, refused_call

from rpctrace.expectations.comparing import MOST_SHOWN, differences, outcomes
from rpctrace.expectations.reading import read_expectation
from rpctrace.report import Report

BY_HAND = """
failed = 1
[[call]]
kind = "alter_context"
interface = "IClassFactory"
status = "RPC_S_SEC_PACKAGE_ERROR"
realm = "child.domainA.COM"
sname = "novice"
user_to_user = true
[[absent]]
outcome = "unanswered"
"""


def report_of(*calls: object) -> Report:
    return replace(article_report(), calls=calls)


def texts(report: Report, toml: str) -> list[str]:
    return [difference.text for difference in differences(report, read_expectation(toml, "x.expect.toml"))]


def test_written_by_hand() -> None:
    """The article's case by its names; any spelling of the status."""
    report = report_of(refused_call(id="call-1"), answered_call(id="call-2"))
    assert texts(report, BY_HAND) == []
    for spelling in ('"0x721"', "1825", "0x721", '"RPC_S_SEC_PKG_ERROR"'):
        assert texts(report, BY_HAND.replace('"RPC_S_SEC_PACKAGE_ERROR"', spelling)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("failed = 1", "failed = 2"), ["expected 2 failed calls, found 1"]),
        (("failed = 1", "calls = 3"), ["expected 3 calls, found 2"]),
        (
            ('realm = "child.domainA.COM"', 'realm = "DOMAINB.COM"'),
            ["expected and not found"],
        ),
        (('outcome = "unanswered"', 'outcome = "answered"'), ["must not be there"]),
        (("[[absent]]", "count = 2\n[[absent]]"), ["expected 2 of these, found 1"]),
        (("failed = 1", "exact = true"), ["found and not expected"] * 3),  # the call that is fine, a finding, a ticket
        (("failed = 1", "complete = false"), ["expected a capture that ends early"]),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_differences(change: tuple[str, str], said: list[str]) -> None:
    """Each in one sentence that names what is wrong."""
    report = report_of(refused_call(id="call-1"), answered_call(id="call-2"))
    found = texts(report, BY_HAND.replace(*change))
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))


def test_the_nearest_call_is_shown() -> None:
    """One wrong key is found at a glance."""
    (missing,) = texts(report_of(refused_call()), BY_HAND.replace("novice", "expert"))
    assert "nearest: alter_context, call_id 2" in missing
    assert "novice@child.domainA.COM" in missing
    assert missing.endswith("frames 22 23 (sname is novice, not expert)")


def test_what_failed_instead_is_shown() -> None:
    """Where no call is like it."""
    (missing,) = texts(report_of(refused_call()), "[[call]]\nstatus = 5")
    assert missing.startswith("expected and not found: status 5; failed instead: alter_context, call_id 2")
    (missing,) = texts(report_of(answered_call()), "[[call]]\nstatus = 5")
    assert missing == "expected and not found: status 5; of 1 calls none failed"


def test_a_failure_that_nobody_expects() -> None:
    """Is tolerated, unless the file wants it counted or described."""
    report = report_of(refused_call())
    assert texts(report, "") == texts(report, "tolerate_extra = true") == []
    assert [text.split(":")[0] for text in texts(report, "tolerate_extra = false")] == ["found and not expected"]
    assert texts(report, "failed = 0") == ["expected 0 failed calls, found 1 (frame 23)"]
    assert texts(report_of(answered_call()), "tolerate_extra = false") == []


MET = """
[[finding]]
rule = "pac-*"
severity = "high"
least_confidence = 0.6
most_confidence = 0.7
calls = 1
count = 1
[[ticket]]
realm = "child.domainA.COM"
sname = ["novice"]
presented_in = "alter_context"
etype = 18
issued = false
[[kerberos]]
kind = "TGS"
error = "KDC_ERR_S_PRINCIPAL_UNKNOWN"
[require]
findings = ["pac-xforest-u2u"]
statuses = ["RPC_S_SEC_PACKAGE_ERROR"]
tickets = ["novice@*"]
realms = ["child.domainA.COM"]
kerberos_errors = [7]
[forbid]
findings = ["sec-pkg-*"]
statuses = [5]
tickets = ["*@DOMAINZ.COM"]
kerberos_errors = ["KRB_AP_ERR_SKEW"]
[[forbid.call]]
mechanism = "schannel"
[[forbid.finding]]
rule = "pac-*"
most_confidence = 0.2
"""


def test_every_kind_of_record_by_its_keys() -> None:
    """Findings, tickets, exchanges; the short lists; what must not be there."""
    assert texts(full_report(), MET) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("least_confidence = 0.6", "least_confidence = 0.9"),
            "expected and not found: finding with rule pac-*, severity high, least_confidence 0.9, most_confidence "
            "0.7, calls 1; nearest: pac-xforest-u2u, severity high, confidence 0.65, The server could not have the "
            "ticket's PAC validated across the forest trust, frames 22 23 (least_confidence is 0.65, not 0.9)",
        ),
        (("count = 1", "count = 2"), "expected 2 of these, found 1 (frame 23): rule pac-*"),
        (('presented_in = "alter_context"', 'presented_in = "bind"'), "(presented_in is alter_context, not bind)"),
        (("kerberos_errors = [7]", "kerberos_errors = [37]"), "Kerberos exchange with error 37"),
        (('findings = ["sec-pkg-*"]', 'findings = ["pac-*"]'), "must not be there (rule pac-*): pac-xforest"),
        (("statuses = [5]", "statuses = [1825]"), "must not be there (status 1825): alter_context, call_id 2"),
        (("most_confidence = 0.2", "most_confidence = 0.9"), "must not be there (rule pac-*, most_confidence 0.9)"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_is_said_of_each_kind(change: tuple[str, str], said: str) -> None:
    """What was expected, what came, in which frame."""
    (text,) = texts(full_report(), MET.replace(*change))
    assert said in text


def test_every_expectation_has_its_outcome() -> None:
    """Met ones too, by name and line: the test cases of a CI server."""
    found = outcomes(full_report(), read_expectation(MET, "x"))
    assert len(found) == 3 + 5 + 4 + 2
    assert all(outcome.line and not outcome.differences for outcome in found)
    assert found[0].name == "finding: rule pac-*, severity high, least_confidence 0.6, most_confidence 0.7, calls 1"
    assert found[-1].name == "no finding: rule pac-*, most_confidence 0.2"


def test_exact_means_all_and_notes_are_no_findings() -> None:
    """Calls, findings above a note, tickets, exchanges with an error."""
    note = replace(FINDING, severity="note", rule="a-note")
    report = replace(full_report(), findings=(FINDING, note))
    found = differences(report, read_expectation("exact = true", "x"))
    assert {each.about.split(",")[0] for each in found} == {"call", "finding", "ticket", "kerberos"}
    assert not any("a-note" in each.text for each in found)


def test_a_count_of_none() -> None:
    """`count = 0` is another way to forbid."""
    assert texts(full_report(), "[[finding]]\nrule = 'clock-skew'\ncount = 0") == []
    assert texts(full_report(), "[[finding]]\nrule = 'pac-*'\ncount = 0")[0].startswith("expected 0 of these, found 1")


def test_what_a_difference_is_about_holds_no_frame_and_no_id() -> None:
    """So that a baseline still knows it in another recording of the same."""
    moved = refused_call(id="call-77", call_id=99, request_frames=(501,), reply_frames=(502,))
    expected = read_expectation("tolerate_extra = false\n[forbid]\nstatuses = [1825]", "x")
    before, after = (differences(report_of(call), expected) for call in (refused_call(), moved))
    assert [(each.code, each.about) for each in before] == [(each.code, each.about) for each in after]
    assert [each.frames for each in after] == [(501, 502)] * 2


def test_a_flood_is_counted() -> None:
    """Of thousands of alike differences the first few are told."""
    report = report_of(*(refused_call(id=f"call-{number}") for number in range(1000)))
    found = texts(report, "[forbid]\nstatuses = [1825]")
    assert len(found) == MOST_SHOWN + 1
    assert found[-1] == f"must not be there (status 1825): {1000 - MOST_SHOWN} more"


def test_a_note_is_no_claim() -> None:
    """Neither found nor forbidden, unless an entry names its severity or confidence."""
    report = replace(full_report(), findings=(replace(FINDING, severity="note", confidence=0.45),))
    assert texts(report, '[forbid]\nfindings = ["pac-*"]') == []
    (missing,) = texts(report, '[require]\nfindings = ["pac-*"]')
    assert missing.endswith("(severity is note, not above a note)")
    assert texts(report, '[[finding]]\nrule = "pac-*"\nleast_confidence = 0.4') == []
    assert len(texts(report, '[[forbid.finding]]\nrule = "pac-*"\nseverity = "note"')) == 1
