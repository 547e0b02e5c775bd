"""Where something stands -> words: frames, captures, KDCs, realms on the way, answers that told an endpoint."""

from __future__ import annotations

from collections.abc import Sequence

from rpctrace.encoding.text import safe_text
from rpctrace.render.words import Signs, endpoint_words
from rpctrace.report import Endpoint, KerberosExchange, Report


def place_words(capture: int, report: Report) -> str:
    return f" of capture {capture + 1}" if len(report.captures) > 1 else ""


def both_frames(request: int | None, reply: int | None, signs: Signs) -> str:
    return f"{'?' if request is None else request} {signs.arrow} {'?' if reply is None else reply}"


def exchange_place(exchange: KerberosExchange, report: Report, signs: Signs) -> str:
    """`frames 75 -> 79, KDC 10.77.0.11:88`."""
    frames = both_frames(exchange.request_frame, exchange.reply_frame, signs)
    return f"frames {frames}{place_words(exchange.capture, report)}, KDC {endpoint_words(exchange.server)}"


def way_words(realms: Sequence[str], signs: Signs) -> str:
    return f" {signs.arrow} ".join(map(safe_text, realms))


def endpoint_told(endpoint: Endpoint, report: Report) -> str:
    """`ept_map (frame 7) had named samr`."""
    frame = f" (frame {endpoint.frame}{place_words(endpoint.capture, report)})" if endpoint.frame is not None else ""
    what = endpoint.purpose or endpoint.interface_name or endpoint.interface_uuid or "an endpoint"
    return f"{safe_text(endpoint.source)}{frame} had named {safe_text(what)}"
