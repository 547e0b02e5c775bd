"""Where something stands, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import ENDPOINT, article_report, full_report

from rpctrace.render.places import (
    both_frames,
    capture_chip,
    endpoints_told,
    exchanges_place,
    frame_chip,
    listed,
    place_words,
    way_words,
)
from rpctrace.render.words import ASCII_SIGNS


def test_frames_and_captures() -> None:
    """A capture is named where there are several."""
    assert both_frames(75, None, ASCII_SIGNS) == "75 -> ?"
    assert place_words(1, full_report()) == " of capture 2"
    assert place_words(0, article_report()) == ""
    exchange = full_report().kerberos[0]
    assert exchanges_place((exchange,), full_report(), ASCII_SIGNS) == (
        "frames 10 -> 11 of capture 2, KDC dc.child.domaina.com (10.2.0.10:88)"
    )


def test_ways_and_endpoints() -> None:
    """Hostile names stay text; an endpoint without a purpose is named by its interface."""
    assert way_words(("A", "B\n"), ASCII_SIGNS) == "A -> B\\x0a"
    told = replace(ENDPOINT, capture=0, purpose=None)
    assert endpoints_told((told,), article_report()) == "ept_map (frame 7) had named samr"
    again = replace(told, frame=9)
    assert endpoints_told((told, again, told), article_report()) == "ept_map (frames 7, 9) had named samr"


def test_what_is_told_together() -> None:
    """The first three, each once, and how many more; of exchanges with one KDC their frames."""
    assert listed("1223") == "1, 2, 3"
    assert listed("12345") == "1, 2, 3 and 2 more"
    same = [replace(full_report().kerberos[0], request_frame=n, reply_frame=None) for n in range(4)]
    assert exchanges_place(same, article_report(), ASCII_SIGNS).startswith("frames 0 -> ?, 1 -> ?, 2 -> ? and 1 more, ")


@pytest.mark.parametrize(
    ("frame", "capture", "captures", "text"),
    [(7, 0, 1, "#7"), (7, 1, 2, "[2] #7"), (None, 0, 1, ""), (7, None, 2, "#7")],
)
def test_a_frame_says_in_which_capture_it_is(frame: int, capture: int, captures: int, text: str) -> None:
    assert frame_chip(frame, capture, captures) == text
    assert (capture_chip(1, 2), capture_chip(1, 1)) == ("[2] ", "")
