"""Proves: failures that read the same are one group and every frame of them is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import CLIENT, SERVER, TICKET, answered_call, refused_call

from rpctrace.render.grouping import Failure, failures, group_frames_words
from rpctrace.render.words import ASCII_SIGNS
from rpctrace.report import Call


def test_answered_calls_are_no_failures() -> None:
    assert failures([answered_call(), answered_call(outcome="not captured"), answered_call(outcome="accepted")]) == ()


def test_ports_of_the_client_and_frames_do_not_part_a_group() -> None:
    again = refused_call(
        request_frames=(40, 41),
        reply_frames=(42,),
        client=replace(CLIENT, port=50000),
        ticket=replace(TICKET, frame=41),
    )
    (group,) = failures([refused_call(), answered_call(), again])
    assert group.calls == (refused_call(), again)
    assert group.frames == (22, 23, 40, 41, 42)
    assert group_frames_words(group, ASCII_SIGNS) == "22 -> 23 ...\n41 -> 42"


@pytest.mark.parametrize(
    "other",
    [
        refused_call(kind="bind"),
        refused_call(status=5, status_hex="0x00000005", status_name="ERROR_ACCESS_DENIED"),
        refused_call(ticket=replace(TICKET, realm="other.COM")),
        refused_call(ticket=replace(TICKET, user_to_user=False)),
        refused_call(server=replace(SERVER, port=135)),
        refused_call(client=replace(CLIENT, address="10.2.0.22")),
        refused_call(capture=1),
        refused_call(interfaces=()),
        refused_call(ticket=None),
    ],
)
def test_what_reads_differently_is_a_group_of_its_own(other: Call) -> None:
    assert failures([refused_call(), other]) == (Failure((refused_call(),)), Failure((other,)))


def test_the_frame_that_presented_the_ticket_is_among_the_frames() -> None:
    call = refused_call(request_frames=(30,), reply_frames=(31,), ticket=replace(TICKET, frame=22))
    assert Failure((call,)).frames == (22, 30, 31)


def test_the_filter_of_a_group_shows_its_frames_unless_nobody_could_paste_it() -> None:
    few = Failure((refused_call(), refused_call(request_frames=(40,), reply_frames=())))
    assert few.display_filter == "frame.number in {22, 23, 40}"
    many = Failure(tuple(refused_call(request_frames=(n,), reply_frames=()) for n in range(100, 9000, 2)))
    assert len(many.frames) == 4450 + 1
    assert many.display_filter is None
    assert Failure((refused_call(request_frames=tuple(range(100, 9000))),)).display_filter == (
        "frame.number in {22, 23, 100..8999}"
    )
