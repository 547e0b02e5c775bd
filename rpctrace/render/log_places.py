"""Where a line of netlogon.log stands among calls: its clock has whole seconds, and a logon takes milliseconds.

A line that is joined to a call was written while that call ran. Where the call and the second of the line overlap, the
line is placed into the overlap; elsewhere it stays at the start of its second.
"""

from __future__ import annotations

from collections.abc import Sequence

SECOND = 1_000_000_000
Span = tuple[int, int]  # first and last nanosecond
_ALWAYS: Span = (-(1 << 80), 1 << 80)


def overlap(second_ns: int | None, call: Span | None, logons: Sequence[Span]) -> Span | None:
    """The part of the second from `second_ns` (None: not known) in which a line's calls ran; None where there is none.

    `call`: the one that a story is about, if the line is joined to it; `logons`: calls on a secure channel that the
    line is joined to. Which of several logons wrote it nobody knows, so from the first to the last of them is taken.
    """
    moment = _ALWAYS if second_ns is None else (second_ns, second_ns + SECOND - 1)
    part = _common(moment, _ALWAYS if call is None else call)
    if part is None:
        return None
    near = [each for each in (_common(part, logon) for logon in logons) if each is not None]
    if near:
        return min(start for start, _ in near), max(end for _, end in near)
    return None if call is None else part


def placed(span: Span, returns: bool) -> int:
    """A nanosecond after its start, or for a line that tells of the end one before its end."""
    start, end = span
    middle = (start + end) // 2
    return max(end - 1, middle) if returns else min(start + 1, middle)


def _common(one: Span, other: Span) -> Span | None:
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start <= end else None
