"""Calls come out as they went in, in the order of their frames, however many frames a PDU had and whatever its time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_tally import talked

from rpctrace import kept_calls
from rpctrace.conversations.observations import ObservedCall
from rpctrace.kept_calls import KeptCalls
from rpctrace.network.flow import CompletingFrame
from rpctrace.protocols.dissector import Provenance


def seen(observed: ObservedCall, request: Provenance | None, reply: Provenance | None) -> ObservedCall:
    return observed._replace(call=observed.call._replace(request=request, reply=reply))


CALL = talked()[1]


@pytest.fixture(autouse=True)
def _packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_calls, "PACKED_FROM", 0)


FORMS = [
    seen(CALL, Provenance((9,), 900, 0), Provenance((10,), 1_000, 0)),
    seen(CALL, Provenance((7, 8), 800, 50), Provenance((11,), 1_100, 60)),  # a request in two segments
    seen(CALL, None, Provenance((3,), None, 4)),
    seen(CALL, Provenance((1,), 2**80, 0), None),  # a forged time
    seen(CALL, Provenance((2,), -5, 2**40), None),
    seen(CALL, None, None),
]


def test_each_form_comes_back() -> None:
    calls = KeptCalls()
    for each in FORMS:
        calls.add(each)
    assert len(calls) == len(FORMS)
    assert list(calls.taken()) == [FORMS[place] for place in (5, 3, 4, 2, 1, 0)]
    assert len(calls) == 0


def test_all_frames_of_fragments_come_back() -> None:
    calls = KeptCalls()
    calls.add(seen(CALL, Provenance((4, CompletingFrame((5, 6, 7))), 700, 0), None))
    (taken,) = calls.taken()
    assert taken.call.request is not None
    assert taken.call.request.all_frames == (4, 5, 6, 7)


def test_equal_places_stay_in_the_order_in_which_they_came() -> None:
    calls = KeptCalls()
    one, two = (observed._replace(sequence=number) for number, observed in enumerate((CALL, CALL)))
    first = seen(CALL, Provenance((1,), 1, 0), None)
    for each in (one, two, first):
        calls.add(each)
    assert [each.sequence for each in calls.taken()] == [None, 0, 1]


def test_who_is_known_elsewhere_stays_the_same() -> None:
    calls = KeptCalls()
    calls.add(CALL, whole=True)
    (taken,) = calls.taken()
    assert taken is CALL


def test_conversations() -> None:
    other = CALL._replace(conversation=replace(CALL.conversation))
    calls = KeptCalls()
    for each in (CALL, other, CALL):
        calls.add(each)
    assert [id(facts) for facts in calls.conversations()] == [
        id(each.conversation) for each in (CALL, other, CALL)
    ]


def test_what_is_equal_is_one_value() -> None:
    first, second = talked()[0], talked()[0]
    assert first.call.contexts is not second.call.contexts
    calls = KeptCalls()
    for each in (first, second):
        calls.add(each)
    one, other = calls.taken()
    assert (one.call, other.call) == (first.call, second.call)
    assert one.call.contexts is other.call.contexts


def test_the_first_calls_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_calls, "PACKED_FROM", 1)
    calls = KeptCalls()
    for each in (CALL, CALL):
        calls.add(each)
    one, other = calls.taken()
    assert one is CALL
    assert other == CALL
    assert other is not CALL
