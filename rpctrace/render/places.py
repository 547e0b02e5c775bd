"""Where something stands -> words: frames, captures, KDCs, realms on the way, answers that told an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rpctrace.encoding.text import safe_text
from rpctrace.render.words import Signs, endpoint_words, unique
from rpctrace.report import Endpoint, KerberosExchange, Report

MOST_PLACES = 3  # of what happened several times; how many more there are is said


def place_words(capture: int, report: Report) -> str:
    return f" of capture {capture + 1}" if len(report.captures) > 1 else ""


def capture_chip(capture: int | None, captures: int) -> str:
    """`[1] ` where the report has several captures."""
    return f"[{capture + 1}] " if capture is not None and captures > 1 else ""


def frame_chip(frame: int | None, capture: int | None, captures: int) -> str:
    """`#290`, and with several captures `[1] #290`."""
    return "" if frame is None else f"{capture_chip(capture, captures)}#{frame}"


def both_frames(request: int | None, reply: int | None, signs: Signs) -> str:
    return f"{'?' if request is None else request} {signs.arrow} {'?' if reply is None else reply}"


def listed(texts: Iterable[str]) -> str:
    """`8, 20, 31 and 2 more`: the first of what is told together, each once."""
    different = unique(texts)
    told = ", ".join(different[:MOST_PLACES])
    return f"{told} and {len(different) - MOST_PLACES} more" if len(different) > MOST_PLACES else told


def exchanges_place(same: Sequence[KerberosExchange], report: Report, signs: Signs) -> str:
    """`frames 75 -> 79, KDC 10.77.0.11:88` of exchanges with one KDC in one capture."""
    frames = listed(both_frames(each.request_frame, each.reply_frame, signs) for each in same)
    return f"frames {frames}{place_words(same[0].capture, report)}, KDC {endpoint_words(same[0].server)}"


def way_words(realms: Sequence[str], signs: Signs) -> str:
    return f" {signs.arrow} ".join(map(safe_text, realms))


def endpoint_named(endpoint: Endpoint) -> str:
    """What an answer told the endpoint of."""
    return safe_text(endpoint.purpose or endpoint.interface_name or endpoint.interface_uuid or "an endpoint")


def endpoints_told(same: Sequence[Endpoint], report: Report) -> str:
    """`ept_map (frame 7) had named samr`; answers of one capture that named the same."""
    frames = unique(str(each.frame) for each in same if each.frame is not None)
    word = "frames" if len(frames) > 1 else "frame"
    where = f" ({word} {listed(frames)}{place_words(same[0].capture, report)})" if frames else ""
    return f"{safe_text(same[0].source)}{where} had named {endpoint_named(same[0])}"
