"""Network Monitor octets -> file header and records: the layouts of all versions, and what fits before a bound.

`read_header` raises CaptureError; reading a record gives None where it is not whole. No length field allocates more
than octets present.
"""

from __future__ import annotations

from datetime import UTC, datetime
from struct import Struct

from rpctrace.capture.format import RandomAccess
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import CaptureError
from rpctrace.named_tuple import NamedTuple

MAXIMUM_FRAME_OCTETS = 262_144  # the largest frame that Wireshark takes
WINDOW_OCTETS = 1 << 18
NEAR_OCTETS = 4_096  # what a jump out of the window reads
FIRST_RECORD_OFFSETS = (128, 72)  # editcap's header and Microsoft's own

MAGICS = {b"RTSS": 1, b"GMBU": 2}
HEADER = Struct("<4sBBH8H10I")
_RECORD_1 = Struct("<IHH")  # delta in ms, length on the wire, octets captured
_RECORD_2 = Struct("<QII")  # delta in us, length on the wire, octets captured
_TRAILER_OCTETS = {0: 0, 1: 2, 2: 6, 3: 15}  # by minor version of 2.x
_FILETIME_AT = 6  # in the trailer, after u16 media and i32 process index
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Header(NamedTuple):
    """`start_ns` is the local time of the capturing host, None when the header holds no date."""

    major: int
    minor: int
    network: int
    start_ns: int | None
    table_offset: int
    table_octets: int
    comments_offset: int
    comments_octets: int

    @property
    def record(self) -> Struct:
        return _RECORD_1 if self.major == 1 else _RECORD_2

    @property
    def trailer_octets(self) -> int:
        return 0 if self.major == 1 else _TRAILER_OCTETS[min(self.minor, 3)]


class Record(NamedTuple):
    """`media` and `filetime` are None where the version, or this record, has none; `end` is the octet behind it."""

    offset: int
    delta: int
    original_length_octets: int
    octets: bytes
    media: int | None
    filetime: int | None
    end: int


def recognises(head: bytes) -> bool:
    """By magic; or by the zeros of a writer that puts its header in last, with a record behind them."""
    if bytes(head[:4]) in MAGICS:
        return True
    first = max(FIRST_RECORD_OFFSETS)
    if len(head) < first + _RECORD_2.size or any(head[:first]):
        return False
    lengths: tuple[int, ...] = _RECORD_2.unpack_from(head, first)
    return 0 < lengths[2] <= lengths[1] <= MAXIMUM_FRAME_OCTETS


def read_header(head: bytes) -> Header:
    """The file header. Raises CaptureError."""
    if head and not any(head):
        reason = "the Network Monitor header is all zeros: its writer was interrupted before it closed the file"
        raise CaptureError("", reason, 0)
    major_expected = MAGICS.get(head[:4])
    if major_expected is None:
        raise CaptureError("", "not a Network Monitor file", 0)
    if len(head) < HEADER.size:
        raise CaptureError("", f"Network Monitor header is cut: {len(head)} of {HEADER.size} octets", len(head))
    fields = HEADER.unpack_from(head)
    minor, major, network = fields[1:4]
    if not any(head[4 : HEADER.size]):
        reason = "the Network Monitor header is empty: its writer was interrupted before it closed the file"
        raise CaptureError("", reason, 4)
    if major != major_expected:
        raise CaptureError("", f"Network Monitor version {major}.{minor} is not supported (1.x and 2.x are)", 4)
    table_offset, table_octets, _, _, comments_offset, comments_octets = fields[12:18]
    if (major, minor) < (2, 2):  # uninitialised there
        comments_offset = comments_octets = 0
    start_ns = _system_time_ns(fields[4:12])
    return Header(major, minor, network, start_ns, table_offset, table_octets, comments_offset, comments_octets)


def _system_time_ns(fields: tuple[int, ...]) -> int | None:
    """[MS-DTYP] 2.3.13 SYSTEMTIME: year, month, day of the week, day, hour, minute, second, millisecond."""
    year, month, _, day, hour, minute, second, millisecond = fields
    try:
        since = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    except ValueError:
        return None
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND + millisecond * 1_000_000


class Window:
    """The file through one window: forward reads fill it, jumps read little. Gives octets that are the caller's."""

    def __init__(self, data: RandomAccess) -> None:
        self.data = data
        self.start = self.end = 0
        self.octets = b""

    def read(self, offset: int, count: int) -> bytes:
        """`count` octets from `offset`, fewer where the file ends."""
        if not (self.start <= offset and offset + count <= self.end):
            forward = self.start <= offset <= self.end + NEAR_OCTETS
            wanted = max(count, WINDOW_OCTETS if forward else NEAR_OCTETS)
            self.octets = self.data.read_at(offset, max(0, min(wanted, self.data.size - offset)))
            self.start, self.end = offset, offset + len(self.octets)
        return self.octets[offset - self.start : offset - self.start + count]


class Records:
    """Records of one file by their offsets."""

    def __init__(self, data: RandomAccess, header: Header) -> None:
        self.size = data.size
        self.header = header
        self.layout = header.record
        self.trailer_octets = header.trailer_octets
        self.window = Window(data)

    def lengths_at(self, offset: int) -> tuple[int, int] | None:
        """Length on the wire and octets captured, as the record says; None where the file ends before."""
        head = self.window.read(offset, self.layout.size)
        if len(head) < self.layout.size:
            return None
        fields: tuple[int, ...] = self.layout.unpack(head)
        return fields[1], fields[2]

    def at(self, offset: int, bound: int | None = None) -> Record | None:
        """The record at `offset` by its own length, or what fits before `bound`; None where that is not whole."""
        head = self.window.read(offset, self.layout.size)
        if len(head) < self.layout.size:
            return None
        delta, original, captured = self.layout.unpack(head)
        if captured > MAXIMUM_FRAME_OCTETS:
            return None
        start = offset + self.layout.size
        trailer_octets = self.trailer_octets
        if bound is not None:
            captured, trailer_octets = self._fitted(start, captured, bound)
            if captured < 0:
                return None
        octets = self.window.read(start, captured + trailer_octets)
        if len(octets) < captured + trailer_octets:
            return None
        trailer = octets[captured:]
        media = int.from_bytes(trailer[:2], "little") if len(trailer) >= 2 else None
        filetime = int.from_bytes(trailer[_FILETIME_AT:14], "little") if len(trailer) >= 14 else None
        end = start + captured + trailer_octets
        return Record(offset, delta, original, octets[:captured], media, filetime, end)

    def _fitted(self, start: int, captured: int, bound: int) -> tuple[int, int]:
        """Octets of data and of trailer of a record that has to end before `bound`; -1 of data if that cannot be."""
        if start + captured <= bound:  # only the trailer does not fit: some writers leave it out
            return captured, 0
        if bound >= self.size:
            return -1, 0
        return bound - self.trailer_octets - start, self.trailer_octets

    def plausible_end(self, offset: int, stop: int) -> int | None:
        """Where the record at `offset` ends if its lengths can be right, None if not. Reads no octets of the frame."""
        lengths = self.lengths_at(offset)
        if lengths is None or not 0 < lengths[1] <= lengths[0] or lengths[1] > MAXIMUM_FRAME_OCTETS:
            return None
        end = offset + self.layout.size + lengths[1] + self.trailer_octets
        return end if end <= stop else None

    def media_at(self, end: int) -> int | None:
        """Media type of the record that ends at `end`; None where the version has none."""
        if not self.trailer_octets:
            return None
        return int.from_bytes(self.window.read(end - self.trailer_octets, 2), "little")
