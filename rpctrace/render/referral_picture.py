"""A ReferralPath -> a picture: from the ticket that the client held through the KDC of each realm to the service.

The same boxes are laid out in a row for a desk and in a column for a telephone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.drawing import BOLD, fitted
from rpctrace.render.places import frame_chip
from rpctrace.render.words import kerberos_error_words, principal_words
from rpctrace.report import KerberosExchange, ReferralPath, display_filter

WIDE, NARROW = 1080, 360
BOX_HEIGHT = 84
MOST_HOPS = 4
TITLE_SIZE = 12
LINE_SIZE = 11
_ARROW_ACROSS = 40
_ARROW_DOWN = 34
_WIDEST_BOX = 270
_OUTCOME_TONES = {"issued": "fine", "refused": "failure", "unanswered": "warning", "open": "warning"}


@record
class Box:
    """One station; `dashed`: the capture does not hold it. `chip` and `filter`: the answer's frame."""

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: tuple[str, ...]
    tone: str
    dashed: bool
    chip: str
    filter: str
    whole: str


@record
class Link:
    """The way from one box to the next."""

    x1: float
    y1: float
    x2: float
    y2: float
    dashed: bool
    tone: str


@record
class ReferralPicture:
    width: float
    height: float
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]


@record
class _Station:
    title: str
    lines: tuple[str, ...]
    tone: str = "plain"
    dashed: bool = False
    frame: int | None = None


def referral_picture(
    path: ReferralPath, exchanges: Mapping[str, KerberosExchange], captures: int, width: int = WIDE
) -> ReferralPicture:
    """In a row where `width` is a desk's, in a column where it is a telephone's."""
    stations = tuple(_stations(path, exchanges))
    down = width < 600
    count = len(stations)
    box_width = width if down else min((width - _ARROW_ACROSS * (count - 1)) / count, _WIDEST_BOX)
    boxes = tuple(
        _box(
            each,
            0 if down else place * (box_width + _ARROW_ACROSS),
            place * (BOX_HEIGHT + _ARROW_DOWN) if down else 0,
            box_width,
            path.capture,
            captures,
        )
        for place, each in enumerate(stations)
    )
    links = tuple(
        Link(a.x + a.width / 2, a.y + a.height + 4, b.x + b.width / 2, b.y - 4, a.dashed, b.tone)
        if down
        else Link(a.x + a.width + 5, a.y + a.height / 2, b.x - 5, b.y + b.height / 2, a.dashed, b.tone)
        for a, b in pairwise(boxes)
    )
    height = boxes[-1].y + BOX_HEIGHT
    return ReferralPicture(width, height, boxes, links)


def _stations(path: ReferralPath, exchanges: Mapping[str, KerberosExchange]) -> Iterator[_Station]:
    yield _start(path, exchanges)
    hops = [exchanges[each] for each in path.exchanges if each in exchanges]
    for hop in hops[:MOST_HOPS]:
        yield _hop(hop)
    if len(hops) > MOST_HOPS:
        yield _Station(f"{len(hops) - MOST_HOPS} more realms", ("not drawn",), dashed=True)
    yield _end(path, hops[-1] if hops else None)


def _start(path: ReferralPath, exchanges: Mapping[str, KerberosExchange]) -> _Station:
    who = principal_words(path.cname) or safe_text(path.client.address)
    issued = exchanges.get(path.as_exchange or "")
    if issued is not None:
        realm = safe_text(issued.realm or "?")
        return _Station(who, (f"logged on at {realm}", "ticket-granting ticket"), frame=issued.reply_frame)
    how = "from its cache" if path.from_cache else "origin not captured"
    return _Station(who, ("ticket-granting ticket", how), dashed=True)


def _hop(hop: KerberosExchange) -> _Station:
    kdc = f"KDC {safe_text(hop.server.name or hop.server.address)}"
    error = kerberos_error_words(hop.error, hop.error_name)
    if error:
        return _Station(safe_text(hop.realm or "?"), (kdc, error), "failure", frame=hop.reply_frame)
    if hop.outcome == "unanswered":
        return _Station(safe_text(hop.realm or "?"), (kdc, "no answer"), "warning", frame=hop.request_frame)
    said = f"refers to {safe_text(hop.referral_to)}" if hop.referral_to else "issues the ticket"
    if hop.reply_frame is None:
        said = "answer not captured"
    return _Station(safe_text(hop.realm or "?"), (kdc, said), "auth", frame=hop.reply_frame or hop.request_frame)


def _end(path: ReferralPath, last: KerberosExchange | None) -> _Station:
    words = {
        "issued": "ticket issued",
        "refused": "refused",
        "unanswered": "no answer",
        "open": "where it went on was not captured",
    }
    how = words.get(path.outcome, safe_text(path.outcome))
    if last is not None and last.user_to_user:
        how = f"{how}, user-to-user"
    etype = safe_text(last.ticket.etype_name or "") if last is not None and last.ticket and not last.referral_to else ""
    lines = tuple(filter(None, (how, etype)))
    return _Station(principal_words(path.sname) or "?", lines, _OUTCOME_TONES.get(path.outcome, "plain"))


def _box(station: _Station, x: float, y: float, width: float, capture: int, captures: int) -> Box:
    room = width - 20
    return Box(
        x=x,
        y=y,
        width=width,
        height=BOX_HEIGHT,
        title=fitted(station.title, room, TITLE_SIZE * BOLD),
        lines=tuple(fitted(line, room, LINE_SIZE) for line in station.lines),
        tone=station.tone,
        dashed=station.dashed,
        chip=frame_chip(station.frame, capture, captures),
        filter=display_filter((station.frame,)) if station.frame is not None else "",
        whole=", ".join((station.title, *station.lines)),
    )
