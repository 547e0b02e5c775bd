"""Activations that are answered with a failing HRESULT."""

from __future__ import annotations

from dataclasses import replace

from judging import ACTIVATOR, activation, answered, cause, faulted, findings, has, interface, judged, only

from rpctrace.diagnosis.rules import dcom_activation_failed as rule
from rpctrace.report import Dcom

RULE = rule.RULE


def test_it_names_class_and_cause() -> None:
    """Class not registered; access denied and success are others' matters."""
    finding = cause("dcom-activation-failed")[RULE.name]
    assert "MMC20.Application" in finding.summary
    assert "not registered" in finding.summary
    assert RULE.name not in cause("dcom-activation-failed-not")
    assert RULE.name not in findings("built/activation.pcap")


def test_a_code_without_a_row_is_less_sure() -> None:
    """But it is told."""
    assert has(only(RULE, activation(2, 0x80080005)), rule.KNOWN_CODE)
    weighed = only(RULE, activation(2, 0x8001FFFF))
    assert weighed.confidence == 0.9
    assert (weighed.hypothesis.next_steps or ("",))[0] == "rpctrace explain 0x8001ffff"


def test_a_fault_may_bring_the_hresult() -> None:
    """As the status; other faults are not about the class."""
    said = {"opnum": 4, "interfaces": (interface(ACTIVATOR),)}
    assert only(RULE, faulted(0x80040154, **said)).confidence == 0.95
    assert not judged(RULE, faulted(5, **said))


def test_activated_later_is_low_and_other_calls_of_dcom_do_not_count() -> None:
    """E_NOINTERFACE of RemQueryInterface is ordinary."""
    first, later = activation(2, 0x80080005), activation(3, 0, "later")
    assert only(RULE, first, later).hypothesis.severity == "low"
    assert has(only(RULE, first, later), rule.LATER)
    other = activation(2.5, 0, "other", dcom=replace(first.dcom, hresult=0, clsid="another class"))
    failed = activation(2.7, 0x80080005, "failed", dcom=replace(first.dcom, clsid="another class"))
    assert has(only(RULE, first, other, later), rule.LATER)  # another class in between does not hide it
    assert not has(only(RULE, first, other), rule.LATER)
    assert not any(has(each, rule.LATER) for each in judged(RULE, first, other, failed))
    assert not judged(RULE, answered(2, dcom=Dcom(None, None, 0x80004002, None, None)))
