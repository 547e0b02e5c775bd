"""Codes of failure inside answers."""

from __future__ import annotations

from incident_records import report
from judging import activation, answered, channel

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind, is_activation, is_failed_result
from rpctrace.diagnosis.results import result_items, result_text


def test_which_answers_are_failures() -> None:
    """Activations, denied calls of DCOM, the secure channel; success is none."""
    assert is_failed_result(activation(1, 0x80040154))
    assert is_failed_result(activation(1, 0x80070005, interfaces=()))
    assert is_failed_result(answered(1, secure_channel=channel("NetrLogonSamLogonEx", 0xC000006A)))
    assert not is_failed_result(activation(1, 0))
    assert not is_failed_result(activation(1, 0x80004002, interfaces=()))
    assert not is_failed_result(answered(1))
    assert is_activation(activation(1, 0))
    assert not is_activation(answered(1, opnum=4))


def test_they_are_grouped_by_their_code() -> None:
    """Two alike are one failure; another code is another."""
    codes = (0x80040154, 0x80040154, 0x80080005)
    calls = [activation(at, code, f"call-{at}") for at, code in enumerate(codes)]
    failures = list(Evidence(report(*calls)).of(FailureKind.RESULT))
    assert [failure.count for failure in failures] == [2, 1]
    items = result_items(failures[0])
    assert [item.frame for item in items] == [
        frame for call in calls[:2] for frame in (call.request_frames[-1], call.reply_frames[-1])
    ]


def test_the_words() -> None:
    """Number and name as far as known."""
    assert result_text(activation(1, 0x80040154)) == "0x80040154"
    assert result_text(answered(1, secure_channel=channel("NetrLogonSamLogonEx", 0xC000006A))) == "0xc000006a"
    assert result_text(answered(1)) == "response"
