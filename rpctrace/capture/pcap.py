"""pcap files -> frames: microseconds and nanoseconds, both byte orders, the "modified" and the Nokia record headers.

Records are walked in runs; a record whose successor does not look like one is looked at twice. A wrong length costs
the records it hides and no more: the walk goes on at the next two headers that fit each other. Linear in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from rpctrace.capture.format import Notes, ReadOptions, Source
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.signatures import PCAP_MAGICS, find_capture, starts_capture
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import CaptureError
from rpctrace.named_tuple import NamedTuple

MAXIMUM_FRAME_OCTETS = 262_144  # what libpcap and Wireshark take for the longest frame, whatever the snapshot length
MAXIMUM_RESYNC_OCTETS = 65_536  # how far behind damage the next record is looked for
RUN_OCTETS = 1 << 20  # holds a record, a search behind it and two records more
NEIGHBOUR_SECONDS = 86_400  # two records of one capture seldom lie further apart
PROBED_RECORDS = 4

FILE_HEADER_OCTETS = 24
_ZEROS = bytes(64)
# Octets of a record header: draft-ietf-opsawg-pcap 5; Nokia adds 4, the modified kind (A. Kuznetsov's) adds 8.
_PLAIN, _NOKIA, _MODIFIED = 16, 20, 24


class Layout(NamedTuple):
    """How the records of one file are written. `captured` and `original` are places in the record header's tuple."""

    record: Struct
    captured: int
    original: int
    ns_per_unit: int
    link_type: LinkType

    def fits(self, header: tuple[int, ...], seconds: int | None) -> bool:
        """Whether a header looks like that of a frame, captured near `seconds`."""
        return (
            header[self.captured] <= header[self.original] <= MAXIMUM_FRAME_OCTETS
            and header[self.original] > 0
            and header[1] * self.ns_per_unit < NS_PER_SECOND
            and (seconds is None or abs(header[0] - seconds) <= NEIGHBOUR_SECONDS)
        )


class Pcap:
    """The format, as the registry lists it."""

    name = "pcap"

    def recognises(self, head: bytes) -> bool:
        return head[:4] in PCAP_MAGICS

    def walk(self, source: Source, notes: Notes, options: ReadOptions, first_number: int) -> PcapWalk:  # noqa: ARG002 - the contract's
        return PcapWalk(source, notes, _read_header(source, notes), first_number)


PCAP = Pcap()


def _read_header(source: Source, notes: Notes) -> Layout:
    """draft-ietf-opsawg-pcap 4: magic, version, two obsolete fields, snapshot length, link type."""
    start = source.position
    head = bytes(source.take(FILE_HEADER_OCTETS))
    if len(head) < FILE_HEADER_OCTETS:
        raise CaptureError("", f"the pcap file header is cut: {len(head)} of {FILE_HEADER_OCTETS} octets", start)
    order, nanoseconds, modified = PCAP_MAGICS[head[:4]]
    major, minor, _zone, _accuracy, _snapshot, link = Struct(order + "HHIIII").unpack_from(head, 4)
    if (major, minor) not in ((2, 3), (2, 4)):
        notes.problem(f"pcap version {major}.{minor} is read as 2.4", start + 4, loses_octets=False)
    # the upper half of the link type says how long a frame check sequence is
    link_type = LinkType(link & 0xFFFF)
    sizes = (_MODIFIED, _PLAIN) if modified else (_PLAIN, _NOKIA, _MODIFIED)
    # before 2.4 some writers swapped the two lengths
    places = ((2, 3), (3, 2)) if (major, minor) <= (2, 3) and major == 2 else ((2, 3),)
    layouts = [
        Layout(Struct(f"{order}IIII{size - _PLAIN}x"), captured, original, 1 if nanoseconds else 1000, link_type)
        for size in sizes
        for captured, original in places
    ]
    view = source.peek(RUN_OCTETS)
    return max(layouts, key=lambda layout: _plausible_records(view, layout))


def _plausible_records(view: memoryview, layout: Layout) -> int:
    """How many of the first records fit each other, one more where at least two do and the file then ends."""
    at, count, seconds = 0, 0, None
    size = layout.record.size
    while count < PROBED_RECORDS and at + size <= len(view):
        header = layout.record.unpack_from(view, at)
        if not layout.fits(header, seconds):
            return count
        seconds = header[0]
        at += size + header[layout.captured]
        count += 1
    return count + (count > 1 and at == len(view))


class PcapWalk:
    """One walk over one file from behind its header.

    A faster reader may take the place of `run`, if it stops before a record whose successor does not fit it, leaves
    `number` and `seconds` as `run` does, and has `look_twice` read that record.
    """

    def __init__(self, source: Source, notes: Notes, layout: Layout, first_number: int) -> None:
        self.source = source
        self.notes = notes
        self.layout = layout
        self.number = first_number
        self.trusted_until = 0  # up to this offset, odd neighbours were looked at and are how the file is
        self.seconds: int | None = None  # of the last good record
        self.done = False

    def frames(self) -> Iterator[Frame]:
        while not self.done:
            yield from self.run()
            yield from self.look_twice()

    def run(self) -> Iterator[Frame]:
        """Records as long as each is followed by one that fits it."""
        record, captured_at, original_at, ns_per_unit, link_type = self.layout
        size = record.size
        start = self.source.position
        view = self.source.peek(RUN_OCTETS)
        end = len(view)
        units = NS_PER_SECOND // ns_per_unit
        found = []
        at = 0
        header = record.unpack_from(view) if end >= size else None
        while header is not None:
            captured = header[captured_at]
            following = at + size + captured
            if captured > MAXIMUM_FRAME_OCTETS or following + size > end:
                break
            successor = record.unpack_from(view, following)
            if (
                not successor[captured_at] <= successor[original_at] <= MAXIMUM_FRAME_OCTETS
                or not successor[original_at]
                or successor[1] >= units
                or not -NEIGHBOUR_SECONDS <= successor[0] - header[0] <= NEIGHBOUR_SECONDS
            ):
                break
            found.append((at, header))
            at = following
            header = successor
        view = self.source.take(at)
        number = self.number
        for at, header in found:
            captured, original = header[captured_at], header[original_at]
            yield Frame(
                number,
                header[0] * NS_PER_SECOND + header[1] * ns_per_unit,
                link_type,
                view[at + size : at + size + captured],
                original if original >= captured else captured,
                start + at,
            )
            number += 1
        self.number = number
        if found:
            self.seconds = found[-1][1][0]

    def look_twice(self) -> Iterator[Frame]:
        """The one record at the cursor, or the end of the walk."""
        view = self.source.peek(RUN_OCTETS)
        size = self.layout.record.size
        if not view or starts_capture(view[:FILE_HEADER_OCTETS]):
            self.done = True
        elif view[: 2 * size] == _ZEROS[: min(2 * size, len(view))]:
            self.step_over_zeros()
        elif len(view) < size:
            self.cut(view, "header of a record")
        else:
            header = self.layout.record.unpack_from(view)
            if header[self.layout.captured] > MAXIMUM_FRAME_OCTETS:
                yield from self.wrong_length(view, header)
            else:
                yield from self.odd_neighbour(view, header)

    def cut(self, view: memoryview, what: str) -> None:
        text = f"the file ends inside the {what}: {len(view)} octets of it are there"
        self.notes.problem(text, self.source.position, self.number, loses_octets=True)
        self.source.skip(len(view))
        self.done = True

    def step_over_zeros(self) -> None:
        start = self.source.position
        size = self.layout.record.size
        while True:
            view = self.source.peek(MAXIMUM_RESYNC_OCTETS + size)
            if any(view):
                break
            # the last zeros may belong to the header that follows
            if len(view) <= MAXIMUM_RESYNC_OCTETS:
                self.source.skip(len(view))
                count = self.source.position - start
                self.notes.problem(f"{count} zeros at the end", start, loses_octets=False)
                self.done = True
                return
            self.source.skip(MAXIMUM_RESYNC_OCTETS)
        place = self.find_record(self.source.peek(RUN_OCTETS), 1, self.seconds)
        self.lose(place, start, "zeros instead of records")

    def lose(self, place: int | None, start: int, why: str) -> None:
        """Goes on at `place` of the window, or ends the walk."""
        if place is None:
            self.done = True
            text = f"{why}, and no record in the next {MAXIMUM_RESYNC_OCTETS} octets: the rest is not read"
        else:
            self.source.skip(place)
            text = f"{why}: {self.source.position - start} octets left out"
        self.notes.problem(text, start, self.number, loses_octets=True)

    def wrong_length(self, view: memoryview, header: tuple[int, ...]) -> Iterator[Frame]:
        size = self.layout.record.size
        start = self.source.position
        place = self.find_record(view, size, self.seconds)
        why = f"a record of {header[self.layout.captured]} octets cannot be"
        if place is not None and place - size == header[self.layout.original]:
            # the other length tells where the record ends, and a record follows there
            self.notes.problem(f"{why}: its other length is taken", start, self.number, loses_octets=True)
            yield self.frame(place, header)
        else:
            self.lose(place, start, why)

    def odd_neighbour(self, view: memoryview, header: tuple[int, ...]) -> Iterator[Frame]:
        """A record whose successor does not fit it: how this file is, or a wrong length."""
        size = self.layout.record.size
        start = self.source.position
        following = size + header[self.layout.captured]
        place = None
        if start + following >= self.trusted_until and not self.is_followed_well(view, following, header):
            place = self.find_record(view, size, header[0], following)
            is_aligned = place is not None and self.leads_to(view, following, place)
            self.trusted_until = start + (following + MAXIMUM_RESYNC_OCTETS if place is None else place)
            place = None if is_aligned else place
        if place is not None and self.seconds is not None and abs(header[0] - self.seconds) > NEIGHBOUR_SECONDS:
            self.lose(place, start, "no record")
        elif place is not None and place < following:
            text = f"a record of {following - size} octets runs over the next one: cut to {place - size}"
            self.notes.problem(text, start, self.number, loses_octets=True)
            yield self.frame(place, header)
        elif following > len(view):
            self.cut(view, "record")
        else:
            yield self.frame(following, header)

    def is_followed_well(self, view: memoryview, following: int, header: tuple[int, ...]) -> bool:
        """Whether the file goes on behind a record as files do, with a record far off in time too."""
        layout = self.layout
        rest = view[following:]
        if following > len(view):
            return False
        if len(rest) < layout.record.size or starts_capture(rest[:FILE_HEADER_OCTETS]):
            return True
        if rest[: 2 * layout.record.size] == _ZEROS[: min(2 * layout.record.size, len(rest))]:
            return True
        successor = layout.record.unpack_from(rest)
        return layout.fits(successor, header[0]) or (
            layout.fits(successor, None) and self.is_pair(view, following, successor)
        )

    def is_pair(self, view: memoryview, at: int, header: tuple[int, ...]) -> bool:
        """Whether the record at `at` is followed by one that fits it, or ends the file."""
        layout = self.layout
        after = at + layout.record.size + header[layout.captured]
        if after + layout.record.size > len(view):
            return after == len(view)
        return layout.fits(layout.record.unpack_from(view, after), header[0])

    def leads_to(self, view: memoryview, at: int, place: int) -> bool:
        """Whether a walk from `at`, by lengths alone, comes upon `place`."""
        layout = self.layout
        while at < place and at + layout.record.size <= len(view):
            at += layout.record.size + layout.record.unpack_from(view, at)[layout.captured]
        return at == place

    def find_record(self, view: memoryview, start: int, seconds: int | None, known_end: int = 0) -> int | None:
        """The next place with two records that fit each other, or where a capture begins."""
        layout = self.layout
        unpack = layout.record.unpack_from
        captured_at, original_at = layout.captured, layout.original
        end = min(len(view) - layout.record.size + 1, max(start, known_end) + MAXIMUM_RESYNC_OCTETS)
        capture = find_capture(view, start, max(start, end))
        for at in range(start, end if capture is None else capture):
            header = unpack(view, at)
            if 0 < header[captured_at] <= header[original_at] <= MAXIMUM_FRAME_OCTETS and (
                layout.fits(header, seconds) and self.is_pair(view, at, header)
            ):
                return at
        return capture

    def frame(self, end: int, header: tuple[int, ...]) -> Frame:
        """Takes the record up to `end` of the window."""
        start = self.source.position
        octets = self.source.take(end)[self.layout.record.size :]
        number = self.number
        self.number += 1
        self.seconds = header[0]
        original = header[self.layout.original]
        timestamp_ns = header[0] * NS_PER_SECOND + header[1] * self.layout.ns_per_unit
        return Frame(number, timestamp_ns, self.layout.link_type, octets, max(original, len(octets)), start)
