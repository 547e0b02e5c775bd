"""What is a refused ticket, bare or with the server's error."""

from __future__ import annotations

from dataclasses import replace

import pytest
import refusal_records as records
from refusal_records import HOST_TICKET

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.refusals import Refusal, refusals, refused_token
from rpctrace.report import Call

NAK = {"kind": "bind", "reply": "bind_nak", "outcome": "rejected", "status": None, "reject_reason": 0}


def of(*said: object) -> list[Refusal]:
    return list(refusals(Evidence(records.report(*said))))


def test_a_call() -> None:
    """Its place, its answer and its frames in words."""
    (bare,) = of(records.refused("call-3", 5))
    assert (bare.error, bare.recovered, bare.ticket is not None) == (None, False, True)
    assert bare.where.startswith("alter_context of ")
    assert bare.said == "fault 0x00000721 RPC_S_SEC_PKG_ERROR"
    assert bare.reply_frame == bare.items[-1].frame
    assert bare.call == bare.record


def test_an_error_of_the_server() -> None:
    """With or without a ticket that could be read."""
    (told,) = of(records.told("call-3", 5, 37, None))
    assert (told.error, told.ticket) == (37, None)


def test_an_authentication() -> None:
    """Of SMB; one that ended with the KRB-ERROR is one even where no last status was captured."""
    (bare,) = of(records.session("auth-1", 5, HOST_TICKET))
    assert bare.where == "authentication over SMB"
    assert bare.call is None
    assert bare.reply_frame == bare.items[-1].frame
    open_end = records.session("auth-1", 5, HOST_TICKET, outcome="not captured", kerberos_error=32, status=0xC0000016)
    assert [each.error for each in of(open_end)] == [32]
    assert of(replace(open_end, outcome="accepted")) == []


@pytest.mark.parametrize(
    ("call", "refused"),
    [
        (records.refused("call-3", 5), True),
        (records.refused("call-3", 5, status=5), True),
        (records.refused("call-3", 5, status=0x1C01000B), False),
        (records.refused("call-3", 5, **NAK), True),
        (records.refused("call-3", 5, **{**NAK, "reject_reason": 9}), True),
        (records.refused("call-3", 5, **{**NAK, "reject_reason": 4}), False),
        (records.refused("call-3", 5, auth=None), False),
        (records.refused("call-3", 5, auth=records.auth("AP-REQ", level=1)), False),
        (records.refused("call-3", 5, kind="request"), False),
    ],
)
def test_a_token_is_refused_by_the_package(call: Call, refused: bool) -> None:
    """[MS-RPCE] 3.3.1.5.2.1; another status or reason is about something else."""
    assert refused_token(call) is refused


def test_several_alike_are_one_and_the_last_counts() -> None:
    """Whether it was made good is asked of the last."""
    again = records.accepted("call-9", 9, replace(HOST_TICKET, fingerprint="h9"))
    (one,) = of(records.refused("call-3", 5), records.refused("call-4", 6), again)
    assert one.later == again
    (unhealed,) = of(records.refused("call-3", 5), again, records.refused("call-10", 10))
    assert not unhealed.recovered
