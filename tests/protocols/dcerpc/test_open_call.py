"""An open call becomes a value; what was never learned is not claimed."""

from __future__ import annotations

from rpctrace.protocols.dcerpc.call import CallKind, Outcome
from rpctrace.protocols.dcerpc.open_call import OpenCall
from rpctrace.protocols.dissector import Provenance


def test_without_an_outcome_it_is_not_captured() -> None:
    """And without its last fragment it is partial."""
    call = OpenCall(CallKind.REQUEST, 0, 5, [Provenance((1,), 1, 0)], complete=False, maybe=True)
    value = call.value()
    assert (value.outcome, value.partial, value.answer_expected) == (Outcome.NOT_CAPTURED, True, False)


def test_a_value_does_not_change_with_its_call() -> None:
    """Notes are copied."""
    call = OpenCall(CallKind.BIND, 0, 5)
    value = call.value()
    call.notes.append("later")
    assert value.notes == ()
