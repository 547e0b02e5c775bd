"""Where something stands, in words."""

from __future__ import annotations

from dataclasses import replace

from report_values import ENDPOINT, article_report, full_report

from rpctrace.render.places import both_frames, endpoint_told, exchange_place, place_words, way_words
from rpctrace.render.words import ASCII_SIGNS


def test_frames_and_captures() -> None:
    """A capture is named where there are several."""
    assert both_frames(75, None, ASCII_SIGNS) == "75 -> ?"
    assert place_words(1, full_report()) == " of capture 2"
    assert place_words(0, article_report()) == ""
    exchange = full_report().kerberos[0]
    assert exchange_place(exchange, full_report(), ASCII_SIGNS) == (
        "frames 10 -> 11 of capture 2, KDC dc.child.domaina.com (10.2.0.10:88)"
    )


def test_ways_and_endpoints() -> None:
    """Hostile names stay text; an endpoint without a purpose is named by its interface."""
    assert way_words(("A", "B\n"), ASCII_SIGNS) == "A -> B\\x0a"
    told = replace(ENDPOINT, capture=0, purpose=None)
    assert endpoint_told(told, article_report()) == "ept_map (frame 7) had named samr"
