"""pcap files (draft-ietf-opsawg-pcap) -> frames: micro- and nanoseconds, both byte orders, and two old relatives.

A record whose header cannot be right ends the reading there, unless two records in a row that can be are found behind
it. A header of another capture file at a record's place ends this file; the caller goes on with that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from rpctrace.capture.format import Notes, ReadOptions, Source
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import CaptureError

HEADER_OCTETS = 24
MAXIMUM_CAPTURED_OCTETS = 262_144  # what libpcap and Wireshark take; snaplen in the header is not to be believed
MAXIMUM_ORIGINAL_OCTETS = 1 << 24
RESYNC_OCTETS = 65_536
RESYNC_TIME_SECONDS = 86_400
_ZERO_TAIL_OCTETS = 32


class _Variant(NamedTuple):
    """What a magic says: byte order, units of the fraction in nanoseconds, octets of a record's header."""

    order: str
    fraction_ns: int
    record_octets: int


_MAGICS = {
    0xA1B2C3D4: (1000, 16),
    0xA1B23C4D: (1, 16),
    0xA1B2CD34: (1000, 24),  # "modified": interface, protocol and packet type behind the lengths
}
_VARIANTS = {
    magic.to_bytes(4, "little" if order == "<" else "big"): _Variant(order, *rest)
    for magic, rest in _MAGICS.items()
    for order in "<>"
}
_NOKIA_RECORD_OCTETS = 20
_LAYOUT = {order: Struct(order + "IIII") for order in "<>"}
_FILE = {order: Struct(order + "4xHH8xII") for order in "<>"}


class Record(NamedTuple):
    seconds: int
    fraction: int
    captured: int
    original: int


class Pcap:
    """The format, as the registry lists it."""

    name = "pcap"

    def recognises(self, head: bytes) -> bool:
        return head[:4] in _VARIANTS

    def walk(self, source: Source, notes: Notes, options: ReadOptions, first_number: int) -> Iterator[Frame]:  # noqa: ARG002
        """The frames of one file; stops at a header of another capture file."""
        start = source.position
        head = bytes(source.peek(HEADER_OCTETS))
        if len(head) < HEADER_OCTETS:
            raise CaptureError("", f"pcap header cut: {len(head)} of {HEADER_OCTETS} octets", start)
        variant = _VARIANTS[head[:4]]
        major, minor, _snapshot_octets, network = _FILE[variant.order].unpack(head)
        if (major, minor) not in ((2, 4), (2, 3)):
            notes.problem(f"pcap version {major}.{minor} is read as 2.4", start + 4, loses_octets=False)
        source.skip(HEADER_OCTETS)
        if variant.record_octets == 16 and _is_nokia(source, variant):
            variant = variant._replace(record_octets=_NOKIA_RECORD_OCTETS)
        return _records(source, notes, variant, LinkType(network & 0xFFFF), first_number, minor == 3)


PCAP = Pcap()


def _records(
    source: Source, notes: Notes, variant: _Variant, link_type: LinkType, number: int, may_be_swapped: bool
) -> Iterator[Frame]:
    seconds: int | None = None
    while True:
        at = source.position
        head = source.peek(variant.record_octets)
        if len(head) < variant.record_octets:
            if len(head):
                notes.problem(f"{len(head)} octets of an incomplete record", at, loses_octets=True)
            return
        if bytes(head[:4]) in _STARTS and number > 1:
            return
        record = Record(*_LAYOUT[variant.order].unpack_from(head))
        if not any(record) and _is_zero_tail(source):
            notes.problem("zero padding at the end of the file", at, loses_octets=False)
            return
        if not _can_be(record):
            if not _resynchronise(source, notes, variant, seconds, number):
                return
            continue
        whole = source.peek(variant.record_octets + record.captured)
        if len(whole) < variant.record_octets + record.captured:
            notes.problem(f"{len(whole)} octets of an incomplete record", at, number, loses_octets=True)
            return
        octets = source.take(variant.record_octets + record.captured)[variant.record_octets :]
        original = record.original
        if may_be_swapped and record.captured > record.original:
            octets, original = octets[: record.original], record.captured
        timestamp_ns = record.seconds * NS_PER_SECOND + record.fraction * variant.fraction_ns
        yield Frame(number, timestamp_ns, link_type, octets, max(original, len(octets)), at)
        seconds = record.seconds
        number += 1


def _can_be(record: Record) -> bool:
    return record.captured <= MAXIMUM_CAPTURED_OCTETS and record.original <= MAXIMUM_ORIGINAL_OCTETS


def _is_zero_tail(source: Source) -> bool:
    """A record of nothing but zeros may be a frame; more zeros behind it are padding."""
    return not any(source.peek(_ZERO_TAIL_OCTETS))


def _is_nokia(source: Source, variant: _Variant) -> bool:
    """Nokia's files have the ordinary magic and four more octets in each record: told by three records in a row."""
    return not _chain(source, variant, 16, 3) and _chain(source, variant, _NOKIA_RECORD_OCTETS, 3)


def _chain(source: Source, variant: _Variant, record_octets: int, count: int) -> bool:
    """Whether `count` records, or those up to the end, follow each other with headers of this length."""
    view = source.peek(count * 4096)
    at = 0
    for _ in range(count):
        if len(view) - at < record_octets:
            return at > 0 and at == len(view)
        record = Record(*_LAYOUT[variant.order].unpack_from(view, at))
        if not 0 < record.captured <= min(record.original, MAXIMUM_CAPTURED_OCTETS):
            return False
        if record.fraction * variant.fraction_ns >= NS_PER_SECOND:
            return False
        at += record_octets + record.captured
    return True


def _resynchronise(source: Source, notes: Notes, variant: _Variant, seconds: int | None, number: int) -> bool:
    """Steps to the next place where two records in a row are plausible; False where there is none near."""
    start = source.position
    view = bytes(source.peek(RESYNC_OCTETS + 2 * MAXIMUM_CAPTURED_OCTETS))
    for at in range(1, min(RESYNC_OCTETS, len(view) - variant.record_octets + 1)):
        first = _near(view, at, variant, seconds)
        if first is None:
            continue
        behind = at + variant.record_octets + first.captured
        if behind == len(view) or _near(view, behind, variant, seconds) is not None:
            text = f"a record header that cannot be right; {at} octets were passed over"
            notes.problem(text, start, number, loses_octets=True)
            source.skip(at)
            return True
    notes.problem("a record header that cannot be right, and no other behind it", start, number, loses_octets=True)
    return False


def _near(view: bytes, at: int, variant: _Variant, seconds: int | None) -> Record | None:
    """A header at `at` that looks like the records before it."""
    if len(view) - at < variant.record_octets:
        return None
    record = Record(*_LAYOUT[variant.order].unpack_from(view, at))
    fits = 0 < record.captured <= record.original <= MAXIMUM_CAPTURED_OCTETS
    fits = fits and record.fraction * variant.fraction_ns < NS_PER_SECOND
    fits = fits and (seconds is None or abs(record.seconds - seconds) <= RESYNC_TIME_SECONDS)
    return record if fits else None


# What starts another file at a record's place: a pcap magic or a pcapng section.
_STARTS = frozenset((*_VARIANTS, b"\x0a\x0d\x0d\x0a"))
