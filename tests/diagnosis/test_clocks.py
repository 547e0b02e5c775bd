"""Clocks of servers and KDCs by the times in their errors."""

from __future__ import annotations

from typing import Any

import pytest
import refusal_records as records
from incident_records import SECOND, at, exchange, refused

from rpctrace.diagnosis.clocks import Clockwork
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.report import KerberosExchange

CALL = records.told("call-3", 5, 37)


def kdc(identity: str, second: float, ahead: float, **changes: Any) -> KerberosExchange:
    return exchange(identity, second, server_ns=at(second + 0.01 + ahead), **{**refused(25, "PREAUTH"), **changes})


def clocks(*said: Any) -> Clockwork:
    return Clockwork(Evidence(records.report(CALL, *said)))


def test_the_servers_clock() -> None:
    """Its time in the error less the frame's; without either it is not known."""
    inside = exchange("krb-1", 5, kind="AP", carried_in="dcerpc", call="call-3", server_ns=at(1205.01))
    assert clocks(inside).ahead_of_capture(CALL) == 1200 * SECOND
    assert clocks().ahead_of_capture(CALL) is None
    assert clocks(exchange("krb-1", 5, call="call-3")).ahead_of_capture(CALL) is None


def test_the_nearest_kdc() -> None:
    """In time, before or after, of the same capture; errors without a time are no clock."""
    first, near, last = kdc("krb-1", 1, 10), kdc("krb-2", 4, 20), kdc("krb-3", 60, 30)
    told = clocks(last, first, near).nearest_kdc(CALL)
    assert told == (near, 20 * SECOND)
    assert clocks(last).nearest_kdc(CALL) == (last, 30 * SECOND)
    for other in (kdc("krb-1", 1, 0, capture=1), kdc("krb-1", 1, 0, carried_in="dcerpc"), exchange("krb-1", 1)):
        assert clocks(other).nearest_kdc(CALL) is None


@pytest.mark.parametrize(
    ("seconds", "words", "matters"),
    [(0.4, "agrees to the second with", False), (-90, "is 90 s behind", False), (1200, "is 1200 s ahead of", True)],
)
def test_words(seconds: float, words: str, matters: bool) -> None:
    """With a direction; half of what is allowed is no accident."""
    assert Clockwork.words(round(seconds * SECOND)) == words
    assert Clockwork.matters(round(seconds * SECOND)) is matters
