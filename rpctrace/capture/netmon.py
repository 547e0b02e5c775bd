"""Microsoft Network Monitor files (1.x `RTSS`, 2.0 to 2.3 `GMBU`) -> frames.

The frame table says which records there are and in what order. Where it is missing, cut or wrong, records are walked one
after another instead; a single bad entry is left out and reported. The table and the records are read in pieces of fixed
size: memory does not grow with the file, and no length field allocates more than octets present.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from struct import Struct
from typing import NamedTuple

from rpctrace.capture.format import Notes, RandomAccess, ReadOptions
from rpctrace.capture.frame import Frame
from rpctrace.capture.netmon_comments import Comments, read_comments
from rpctrace.capture.netmon_media import NOT_NUMBERED, media_is_plausible, packet
from rpctrace.encoding.times import NS_PER_SECOND, filetime_to_ns
from rpctrace.errors import CaptureError

MAXIMUM_FRAME_OCTETS = 262_144  # the largest frame that Wireshark takes
MAXIMUM_RESYNC_OCTETS = 1 << 20  # how far behind damage the next record is looked for
MAXIMUM_REPEATED_OCTETS = 1 << 26  # records of one table may overlap by this much in all
TABLE_PIECE_ENTRIES = 16_384
WINDOW_OCTETS = 1 << 18
NEAR_OCTETS = 4_096  # what a jump out of the window reads

_MAGICS = {b"RTSS": 1, b"GMBU": 2}
_HEADER = Struct("<4sBBH8H10I")
_RECORD_1 = Struct("<IHH")  # delta in ms, length on the wire, octets captured
_RECORD_2 = Struct("<QII")  # delta in us, length on the wire, octets captured
_TRAILER_OCTETS = {0: 0, 1: 2, 2: 6, 3: 15}  # by minor version of 2.x
_FIRST_RECORD_OFFSETS = (128, 72)  # editcap's header and Microsoft's own
_FILETIME_AT = 6  # in the trailer, after u16 media and i32 process index
_ENTRY_OCTETS = 4
_CHAIN_RECORDS = 3
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
    """`media` and `filetime` are None where the version, or this record, has none. `end` is the next octet of the file."""

    offset: int
    delta: int
    original_length_octets: int
    octets: bytes
    media: int | None
    filetime: int | None
    end: int


def read_header(head: bytes) -> Header:
    """The file header. Raises CaptureError."""
    major_expected = _MAGICS.get(head[:4])
    if major_expected is None:
        reason = "the Network Monitor header is all zeros: its writer did not finish the file; capture again"
        raise CaptureError("", reason, 0)
    if len(head) < _HEADER.size:
        raise CaptureError("", f"Network Monitor header is cut: {len(head)} of {_HEADER.size} octets", len(head))
    fields = _HEADER.unpack_from(head)
    minor, major, network = fields[1:4]
    if major == 0 and not any(head[4 : _HEADER.size]):
        raise CaptureError("", "the Network Monitor header is empty: its writer did not finish the file", 4)
    if major != major_expected:
        raise CaptureError("", f"Network Monitor version {major}.{minor} is not supported (1.x and 2.x are)", 4)
    table_offset, table_octets, _, _, comments_offset, comments_octets = fields[12:18]
    if (major, minor) < (2, 2):  # [files before 2.2 leave these uninitialised]
        comments_offset = comments_octets = 0
    start_ns = _system_time_ns(fields[4:12])
    return Header(major, minor, network, start_ns, table_offset, table_octets, comments_offset, comments_octets)


def _system_time_ns(fields: tuple[int, ...]) -> int | None:
    """[MS-DTYP] 2.3.13 SYSTEMTIME: year, month, day of the week, day, hour, minute, second, millisecond."""
    year, month, _, day, hour, minute, second, millisecond = fields
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND + millisecond * 1_000_000


class _Window:
    """The file through one window: forward reads fill it, jumps read little. Gives octets that are the caller's."""

    def __init__(self, data: RandomAccess) -> None:
        self.data = data
        self.start = self.end = 0
        self.octets = b""

    def read(self, offset: int, count: int) -> bytes:
        if not (self.start <= offset and offset + count <= self.end):
            forward = self.start <= offset <= self.end + NEAR_OCTETS
            wanted = max(count, WINDOW_OCTETS if forward else NEAR_OCTETS)
            self.octets = self.data.read_at(offset, max(0, min(wanted, self.data.size - offset)))
            self.start, self.end = offset, offset + len(self.octets)
        return self.octets[offset - self.start : offset - self.start + count]


class _Walk:
    """One reading of one file: what was read so far, and where its frames and problems go."""

    def __init__(self, data: RandomAccess, header: Header, notes: Notes, options: ReadOptions) -> None:
        self.data = data
        self.header = header
        self.notes = notes
        self.window = _Window(data)
        self.frame_count = 0
        self.farthest = 0  # end of the record that ends last
        self.octet_budget = data.size + MAXIMUM_REPEATED_OCTETS
        self.said: set[str] = set()
        self.utc_offset_ns = (options.netmon_utc_offset_minutes or 0) * 60 * NS_PER_SECOND
        self.zone_is_known = options.netmon_utc_offset_minutes is not None
        self.comments: dict[int, tuple[str, ...]] = {}

    def say_once(self, text: str, offset: int, frame_number: int | None = None) -> None:
        if text not in self.said:
            self.said.add(text)
            self.notes.problem(text, offset, frame_number, loses_octets=False)

    def frames(self) -> Iterator[Frame]:
        """By the table, and behind what the table still says, record by record."""
        if self.header.major == 2 and self.header.minor > 3:
            self.say_once(f"Network Monitor version 2.{self.header.minor} is read as 2.3", 4)
        self.comments = self.read_comments()
        table_is_whole = True
        for piece in self.table_pieces():
            if piece is None:
                table_is_whole = False
                break
            yield from self.by_table(piece)
        if not table_is_whole:
            yield from self.by_walking()
        for offset, texts in self.comments.items():
            self.notes.problem(f"comment on no frame: {texts[0].splitlines()[0][:80]}", offset, loses_octets=False)

    def read_comments(self) -> dict[int, tuple[str, ...]]:
        start, length = self.header.comments_offset, self.header.comments_octets
        if not length:
            return {}
        end = min(start + length, self.data.size)
        comments = read_comments(self.window.read, start, end) if start < end else Comments({}, start, "not in the file")
        if comments.damaged_at is not None:
            text = f"comments are read in part: {comments.reason}"
            self.notes.problem(text, comments.damaged_at, loses_octets=False)
        elif end < start + length:
            self.notes.problem("the comment section is cut", end, loses_octets=False)
        return dict(comments.by_record)

    # The frame table

    def table_pieces(self) -> Iterator[array[int] | None]:
        """The table's offsets, each piece with a look at the entry behind it; None last where the table is not whole."""
        start, length = self.header.table_offset, self.header.table_octets
        present = max(0, min(length, self.data.size - start))
        if length == 0 and start == self.data.size:
            return  # a file without frames
        count = present // _ENTRY_OCTETS if start >= _HEADER.size - 8 else 0
        for first in range(0, count, TABLE_PIECE_ENTRIES):
            entries = min(TABLE_PIECE_ENTRIES + 1, count - first)
            octets = self.data.read_at(start + first * _ENTRY_OCTETS, entries * _ENTRY_OCTETS)
            yield array("Q", Struct(f"<{len(octets) // _ENTRY_OCTETS}I").unpack(octets[: len(octets) & ~3]))
        if not count:
            self.notes.problem("the frame table is missing: records are read one after another", start, loses_octets=False)
            yield None
        elif present < length:
            text = f"the frame table is cut: {count} of {length // _ENTRY_OCTETS} entries are in the file"
            self.notes.problem(text, self.data.size, loses_octets=True)
            yield None
        elif length % _ENTRY_OCTETS:
            self.notes.problem(f"the frame table's length {length} is no multiple of 4", start, loses_octets=False)

    def by_table(self, piece: array[int]) -> Iterator[Frame]:
        """The frames of one piece of the table, in its order."""
        ordered = sorted((*piece, self.header.table_offset, self.data.size))
        numbers: dict[int, int] = {}
        for entry in piece[:TABLE_PIECE_ENTRIES]:
            record = self.record_in_table(entry, ordered)
            if record is None:
                continue
            self.octet_budget -= record.end - record.offset
            if self.octet_budget < 0:
                text = "the frame table names the same octets over and over: not read further"
                self.notes.problem(text, entry, loses_octets=True)
                return
            if entry in numbers:
                text = f"frame {self.frame_count + 1} repeats frame {numbers[entry]}"
                self.notes.problem(text, entry, self.frame_count + 1, loses_octets=False)
            self.farthest = max(self.farthest, record.end)
            for frame in self.frame_of(record):
                numbers[entry] = frame.number
                yield frame

    def record_in_table(self, offset: int, ordered: list[int]) -> Record | None:
        """The record of an entry, no longer than to where the next one starts; None, and a problem, if it is none."""
        problem = self.what_is_wrong(offset)
        if problem:
            self.lost(f"{problem}: left out", offset)
            return None
        bound = ordered[min(bisect_right(ordered, offset), len(ordered) - 1)]
        record = self.record_at(offset)
        # A record that ends where another begins is right, and whatever points into it is wrong.
        if record is not None and (record.end <= bound or record.end in ordered[bisect_right(ordered, bound) - 1 :][:64]):
            return record
        bounded = self.record_at(offset, bound)
        if bounded is None:
            self.lost("record runs beyond the end of the file: left out", offset)
        elif len(bounded.octets) < self.captured_length(offset):
            self.lost("record claims more octets than there are before the next one: cut there", offset)
        return bounded

    def lost(self, text: str, offset: int) -> None:
        self.notes.problem(text, min(offset, self.data.size), self.frame_count + 1, loses_octets=True)

    def what_is_wrong(self, offset: int) -> str:
        if offset < _HEADER.size - 8:
            return "frame table entry points into the file header"
        if offset + self.header.record.size > self.data.size:
            return f"frame table entry points to {offset}, beyond the end of the file"
        captured = self.captured_length(offset)
        if captured > MAXIMUM_FRAME_OCTETS:
            return f"record of {captured} octets is larger than a frame can be"
        return ""

    def captured_length(self, offset: int) -> int:
        length: int = self.header.record.unpack(self.window.read(offset, self.header.record.size))[2]
        return length

    # One record

    def record_at(self, offset: int, bound: int | None = None) -> Record | None:
        """The record at `offset` by its own length, or with `bound` what fits before that; None where it is not whole."""
        layout = self.header.record
        head = self.window.read(offset, layout.size)
        if len(head) < layout.size:
            return None
        delta, original, captured = layout.unpack(head)
        if captured > MAXIMUM_FRAME_OCTETS:
            return None
        start = offset + layout.size
        trailer_octets = self.header.trailer_octets
        if bound is not None:
            captured, trailer_octets = self.fitted(start, captured, bound)
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

    def fitted(self, start: int, captured: int, bound: int) -> tuple[int, int]:
        """Octets of data and trailer of a record that has to end before `bound`; -1 octets if that cannot be."""
        trailer_octets = self.header.trailer_octets
        if start + captured <= bound:
            return captured, 0  # [some writers leave the trailer out]
        if bound >= self.data.size:
            return -1, 0
        return bound - trailer_octets - start, trailer_octets

    def frame_of(self, record: Record) -> Iterator[Frame]:
        """The frame of a record; none for the file's own records."""
        media = self.header.network if record.media is None else record.media
        if media in NOT_NUMBERED:
            return
        self.frame_count += 1
        found = packet(media, record.octets, record.original_length_octets)
        if found.unread:
            self.say_once(f"{found.unread}: its frames are counted and not read", record.offset, self.frame_count)
        yield Frame(
            self.frame_count,
            self.timestamp_ns(record),
            found.link_type,
            memoryview(found.octets),
            found.original_length_octets,
            record.offset,
            0,
            self.comments.pop(record.offset, ()),
        )

    def timestamp_ns(self, record: Record) -> int | None:
        if record.filetime is not None:
            return filetime_to_ns(record.filetime)
        start_ns = self.header.start_ns
        if start_ns is None:
            self.say_once("the time of capture in the header is no date: frames have no time", 8)
            return None
        if not self.zone_is_known:
            self.say_once("time zone unknown: the file keeps local time, shown here as if it were UTC", 8)
        if self.header.major == 1:
            delta_ns = record.delta * 1_000_000
        else:  # signed 100 ns units behind a multiplication modulo 2^64: frames may precede the start
            delta = record.delta * 10 & 0xFFFF_FFFF_FFFF_FFFF
            delta_ns = (delta - (1 << 64) if delta >> 63 else delta) * 100
        return start_ns + delta_ns - self.utc_offset_ns

    # Without a table

    def by_walking(self) -> Iterator[Frame]:
        """Records one after another, from behind the last known one to the table or the end of the file."""
        stop = self.stop_of_walk()
        offset: int | None = self.farthest or self.first_record(stop)
        while offset is not None and offset < stop:
            record = self.plausible_record(offset, stop)
            if record is None:
                found = self.resynchronised(offset, stop)
                reason = "not a record" if found else "end of the file in a record, or not a record"
                skipped = (found or stop) - offset
                self.notes.problem(f"{reason}: {skipped} octets are not read", offset, loses_octets=True)
                offset = found
                continue
            yield from self.frame_of(record)
            offset = record.end
        if offset is not None and offset >= self.data.size and self.header.table_offset > self.data.size:
            self.notes.problem("the file ends before its frame table", self.data.size, loses_octets=True)

    def stop_of_walk(self) -> int:
        """Where records have to end: the table or the comments if they are in the file and leave room for records."""
        starts = (self.header.table_offset, self.header.comments_offset if self.header.comments_octets else 0)
        return min([start for start in starts if start >= self.data_start], default=self.data.size)

    @property
    def data_start(self) -> int:
        return self.farthest or min(_FIRST_RECORD_OFFSETS)

    def first_record(self, stop: int) -> int | None:
        lengths = {offset: self.chain_length(offset, stop) for offset in _FIRST_RECORD_OFFSETS}
        best = max(_FIRST_RECORD_OFFSETS, key=lambda offset: lengths[offset])
        if lengths[best]:
            return best
        if self.data.size > max(_FIRST_RECORD_OFFSETS):
            self.notes.problem("no record where the first one should be", best, loses_octets=True)
        else:
            self.notes.problem("the file ends behind its header", self.data.size, loses_octets=True)
        return None

    def plausible_record(self, offset: int, stop: int) -> Record | None:
        if self.header.record.size > stop - offset:
            return None
        record = self.record_at(offset)
        if record is None or not record.octets or record.end > stop:
            return None
        if len(record.octets) > record.original_length_octets:
            return None
        return record

    def chain_length(self, offset: int, stop: int) -> int:
        """How many plausible records follow one another from here; as many as are asked for where they reach `stop`."""
        for length in range(_CHAIN_RECORDS):
            if offset == stop and length:
                return _CHAIN_RECORDS
            record = self.plausible_record(offset, stop)
            if record is None or not (record.media is None or media_is_plausible(record.media)):
                return length
            offset = record.end
        return _CHAIN_RECORDS

    def resynchronised(self, offset: int, stop: int) -> int | None:
        """The next place from which records follow one another."""
        for candidate in range(offset + 1, min(offset + MAXIMUM_RESYNC_OCTETS, stop)):
            if self.chain_length(candidate, stop) == _CHAIN_RECORDS:
                return candidate
        return None


class NetworkMonitor:
    """The format, as the registry lists it."""

    name = "netmon"

    def recognises(self, head: bytes) -> bool:
        """By magic; or the zeros that a writer leaves who puts its header in last, with a record behind them."""
        if bytes(head[:4]) in _MAGICS:
            return True
        first = max(_FIRST_RECORD_OFFSETS)
        if len(head) < first + _RECORD_2.size or any(head[:first]):
            return False
        _, original, captured = _RECORD_2.unpack_from(head, first)
        return 0 < captured <= original <= MAXIMUM_FRAME_OCTETS

    def walk_file(self, data: RandomAccess, notes: Notes, options: ReadOptions) -> Iterator[Frame]:
        """All frames of the file. Raises CaptureError (path "") when nothing can be read."""
        header = read_header(data.read_at(0, _HEADER.size))
        return _Walk(data, header, notes, options).frames()


NETMON = NetworkMonitor()
