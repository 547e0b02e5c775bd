"""Microsoft Network Monitor files (1.x `RTSS`, 2.0 to 2.3 `GMBU`) -> frames.

The frame table says which records there are and in what order. Where it is missing, cut or wrong, records are walked
one after another instead; a single bad entry is left out and reported. Table and records are read in pieces of fixed
size: memory does not grow with the file, and no length field allocates more than octets present.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator
from struct import Struct

from rpctrace.capture.format import Notes, RandomAccess, ReadOptions
from rpctrace.capture.frame import Frame
from rpctrace.capture.netmon_comments import Comments, read_comments
from rpctrace.capture.netmon_media import NOT_NUMBERED, media_is_plausible, packet
from rpctrace.capture.netmon_records import (
    FIRST_RECORD_OFFSETS,
    HEADER,
    MAXIMUM_FRAME_OCTETS,
    Header,
    Record,
    Records,
    read_header,
)
from rpctrace.encoding.times import NS_PER_SECOND, filetime_to_ns

MAXIMUM_RESYNC_OCTETS = 1 << 20  # how far behind damage the next record is looked for: larger than the largest frame
MAXIMUM_REPEATED_OCTETS = 1 << 26  # by how much the records of one table may overlap, in all
TABLE_PIECE_ENTRIES = 16_384

_ENTRY_OCTETS = 4
_CHAIN_RECORDS = 3  # so many plausible records in a row are no accident
_SEARCH_OCTETS = 4_096
_DAY_MILLISECONDS = 86_400_000
_NO_TABLE = "the frame table is missing: records are read one after another"


def walk_file(data: RandomAccess, notes: Notes, options: ReadOptions) -> Iterator[Frame]:
    """All frames of the file. Raises CaptureError (path "") when nothing can be read."""
    header = read_header(data.read_at(0, HEADER.size))
    return _Walk(data, header, notes, options).frames()


class _Walk:
    """One reading of one file: what was read so far, and where its problems go."""

    def __init__(self, data: RandomAccess, header: Header, notes: Notes, options: ReadOptions) -> None:
        self.data = data
        self.size = data.size
        self.header = header
        self.notes = notes
        self.records = Records(data, header)
        self.frame_count = 0
        self.farthest = 0  # end of the record that ends last
        self.last_delta = 0  # of the record before, as the file counts: how late a plausible record may be
        self.octet_budget = data.size + MAXIMUM_REPEATED_OCTETS
        self.said: set[str] = set()
        self.utc_offset_minutes = options.netmon_utc_offset_minutes
        self.comments: dict[int, tuple[str, ...]] = {}

    def say_once(self, text: str, offset: int, frame_number: int | None = None) -> None:
        if text not in self.said:
            self.said.add(text)
            self.notes.problem(text, offset, frame_number, loses_octets=False)

    def lost(self, text: str, offset: int, frame_number: int | None = None) -> None:
        self.notes.problem(text, min(offset, self.size), frame_number, loses_octets=True)

    def frames(self) -> Iterator[Frame]:
        """By the table; behind what a damaged table still says, record by record."""
        if self.header.major == 2 and self.header.minor > 3:
            self.say_once(f"Network Monitor version 2.{self.header.minor} is read as 2.3", 4)
        self.comments = self.read_comments()
        count, is_whole = self.table_entries()
        for piece in self.table_pieces(count):
            if not (yield from self.by_table(piece, is_whole)):
                break
        if not is_whole:
            yield from self.by_walking()
        if self.comments:
            offset, texts = next(iter(self.comments.items()))
            first = texts[0].splitlines()[0][:80]
            text = f"records with comments and no frame: {len(self.comments)}; the first comment: {first}"
            self.notes.problem(text, min(offset, self.size), loses_octets=False)

    def read_comments(self) -> dict[int, tuple[str, ...]]:
        start, length = self.header.comments_offset, self.header.comments_octets
        if not length:
            return {}
        end = min(start + length, self.size)
        comments = Comments({}, self.size, "the comment section is not in the file")
        if start < end:
            comments = read_comments(self.records.window.read, start, end)
        if comments.damaged_at is None and end < start + length:
            comments = comments._replace(damaged_at=end, reason="the comment section is cut")
        if comments.damaged_at is not None:
            text = f"comments are read in part: {comments.reason}"
            self.notes.problem(text, comments.damaged_at, loses_octets=False)
        return dict(comments.by_record)

    # The frame table

    def table_entries(self) -> tuple[int, bool]:
        """How many entries are in the file, and whether those are all there ever were."""
        start, length = self.header.table_offset, self.header.table_octets
        present = max(0, min(length, self.size - start)) if start >= min(FIRST_RECORD_OFFSETS) else 0
        count = present // _ENTRY_OCTETS
        if length == 0 and start == self.size:  # a file without frames
            return 0, True
        if not count:
            self.notes.problem(_NO_TABLE, min(start, self.size), loses_octets=False)
        elif present < length:
            text = f"the frame table is cut: {count} of {length // _ENTRY_OCTETS} entries are in the file"
            self.notes.problem(text, self.size, loses_octets=True)
        elif length % _ENTRY_OCTETS:
            self.notes.problem(f"the frame table's length {length} is no multiple of 4", start, loses_octets=False)
        return count, 0 < count * _ENTRY_OCTETS == length

    def table_pieces(self, count: int) -> Iterator[tuple[int, ...]]:
        """The table's offsets in pieces, each with a look at the first entry of the next."""
        for first in range(0, count, TABLE_PIECE_ENTRIES):
            entries = min(TABLE_PIECE_ENTRIES + 1, count - first)
            octets = self.data.read_at(self.header.table_offset + first * _ENTRY_OCTETS, entries * _ENTRY_OCTETS)
            entries = len(octets) // _ENTRY_OCTETS
            yield Struct(f"<{entries}I").unpack(octets[: entries * _ENTRY_OCTETS])

    def by_table(self, piece: tuple[int, ...], is_whole: bool) -> Generator[Frame, None, bool]:
        """The frames of one piece of the table, in its order; returns whether the next piece is to be read."""
        ordered = sorted((*piece, self.header.table_offset, self.size))
        numbers: dict[int, int] = {}
        for entry in piece[:TABLE_PIECE_ENTRIES]:
            wrong = self.what_is_wrong(entry)
            if wrong and not is_whole:  # behind the true end of a table whose length is damaged
                return False
            record = None if wrong else self.record_before_next(entry, ordered)
            if wrong:
                self.lost(f"{wrong}: left out", entry)
            if record is None:
                continue
            self.octet_budget -= record.end - record.offset
            if self.octet_budget < 0:
                self.lost("the frame table names the same octets over and over: not read further", entry)
                return False
            self.farthest = max(self.farthest, record.end)
            self.last_delta = record.delta
            frame = self.frame_of(record)
            if frame is None:
                continue
            first = numbers.setdefault(entry, frame.number)
            if first != frame.number:
                text = f"frame {frame.number} repeats frame {first}"
                self.notes.problem(text, entry, frame.number, loses_octets=False)
            yield frame
        return True

    def what_is_wrong(self, offset: int) -> str:
        """Why a table entry cannot point to a record, "" when it can."""
        if offset < min(FIRST_RECORD_OFFSETS):
            return "frame table entry points into the file header"
        lengths = self.records.lengths_at(offset)
        if lengths is None:
            return f"frame table entry points to {offset}, beyond the end of the file"
        if lengths[1] > MAXIMUM_FRAME_OCTETS:
            return f"record of {lengths[1]} octets is larger than a frame can be"
        return ""

    def record_before_next(self, offset: int, ordered: list[int]) -> Record | None:
        """The record of an entry, ending where the next larger entry points at the latest; None if it is not whole."""
        bound = ordered[min(bisect_right(ordered, offset), len(ordered) - 1)]
        record = self.records.at(offset)
        if record is not None:
            # A record that ends where another begins is right, and whatever points into it is wrong.
            place = bisect_left(ordered, record.end)
            if record.end <= bound or (place < len(ordered) and ordered[place] == record.end):
                return record
        bounded = self.records.at(offset, bound)
        lengths = self.records.lengths_at(offset)
        if bounded is None:
            self.lost("record runs beyond its place in the file: left out", offset)
        elif lengths is not None and len(bounded.octets) < lengths[1]:
            text = "record claims more octets than there are before the next one: cut there"
            self.lost(text, offset, self.frame_count + 1)
        return bounded

    # Frames

    def frame_of(self, record: Record) -> Frame | None:
        """The frame of a record; none for the file's own records."""
        media = self.header.network if record.media is None else record.media
        if media in NOT_NUMBERED:
            return None
        self.frame_count += 1
        found = packet(media, record.octets, record.original_length_octets)
        if found.unread:
            self.say_once(f"{found.unread}: its frames are counted and not read", record.offset, self.frame_count)
        return Frame(
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
        if self.header.start_ns is None:
            self.say_once("the time of capture in the header is no date: frames have no time", 8)
            return None
        if self.utc_offset_minutes is None:
            self.say_once("time zone unknown: the file keeps local time, shown here as if it were UTC", 8)
        if self.header.major == 1:
            delta_ns = record.delta * 1_000_000
        else:  # signed 100 ns units behind a multiplication modulo 2^64: frames may precede the start
            delta = record.delta * 10 & 0xFFFF_FFFF_FFFF_FFFF
            delta_ns = (delta - (1 << 64) if delta >> 63 else delta) * 100
        return self.header.start_ns + delta_ns - (self.utc_offset_minutes or 0) * 60 * NS_PER_SECOND

    # Without a table

    def by_walking(self) -> Iterator[Frame]:
        """Records one after another, from behind the last known one to the table or the end of the file."""
        stop = self.stop_of_walk()
        offset = self.farthest or self.first_record(stop)
        while offset is not None and offset < stop:
            end = self.records.plausible_end(offset, stop)
            record = self.records.at(offset) if end is not None else None
            if record is None:
                found = None if self.is_cut(offset, stop) else self.resynchronised(offset, stop)
                what = "a damaged record" if found else "an incomplete or damaged record"
                self.lost(f"{(found or stop) - offset} octets of {what} are not read", offset)
                offset = found
                continue
            frame = self.frame_of(record)
            if frame is not None:
                yield frame
            self.last_delta = record.delta
            offset = record.end
        if offset == self.size < self.header.table_offset:
            self.lost("the file ends before its frame table", self.size)

    def stop_of_walk(self) -> int:
        """Where records have to end: the table or the comments, if they are in the file and leave room for records."""
        first = self.farthest or min(FIRST_RECORD_OFFSETS)
        starts = (self.header.table_offset, self.header.comments_offset if self.header.comments_octets else 0)
        return min([start for start in starts if first <= start <= self.size], default=self.size)

    def first_record(self, stop: int) -> int | None:
        """The first record behind one of the two headers that writers make."""
        lengths = {offset: self.chain_length(offset, stop) for offset in FIRST_RECORD_OFFSETS}
        best = max(FIRST_RECORD_OFFSETS, key=lambda offset: lengths[offset])
        if lengths[best]:
            return best
        if stop in FIRST_RECORD_OFFSETS and stop < self.size:  # nothing between header and an empty table
            return None
        self.lost("no whole record behind the header", min(self.size, best))
        return None

    def chain_length(self, offset: int, stop: int) -> int:
        """How many plausible records follow one another from here; `_CHAIN_RECORDS` too where they end at `stop`."""
        for length in range(_CHAIN_RECORDS):
            if offset == stop and length:
                return _CHAIN_RECORDS
            end = self.records.plausible_end(offset, stop)
            if end is None:
                return length
            media = self.records.media_at(end)
            if media is not None and not media_is_plausible(media):
                return length
            offset = end
        return _CHAIN_RECORDS

    def is_cut(self, offset: int, stop: int) -> bool:
        """Whether this is a sound record that the end of the file cuts: what is in it is no record."""
        head = self.data.read_at(offset, self.records.layout.size)
        return stop == self.size and (len(head) < self.records.layout.size or self.is_near(head, 0))

    def is_near(self, octets: bytes, at: int) -> bool:
        """Whether a record may start here: sound lengths, and no more than a day away from the record before it."""
        fields: tuple[int, ...] = self.records.layout.unpack_from(octets, at)
        delta, original, captured = fields
        if not 0 < captured <= original or captured > MAXIMUM_FRAME_OCTETS:
            return False
        if self.header.major == 1:
            return -_DAY_MILLISECONDS <= delta - self.last_delta <= _DAY_MILLISECONDS
        ahead = (delta - self.last_delta + _DAY_MILLISECONDS * 1000) & 0xFFFF_FFFF_FFFF_FFFF
        return ahead <= 2 * _DAY_MILLISECONDS * 1000

    def resynchronised(self, offset: int, stop: int) -> int | None:
        """The next place from which records follow one another."""
        last = min(offset + MAXIMUM_RESYNC_OCTETS, stop - self.records.layout.size)
        for start in range(offset + 1, last + 1, _SEARCH_OCTETS):  # in small steps: most damage is short
            candidates = min(_SEARCH_OCTETS, last + 1 - start)
            block = self.data.read_at(start, candidates - 1 + self.records.layout.size)
            for at in range(len(block) - self.records.layout.size + 1):
                if self.is_near(block, at) and self.chain_length(start + at, stop) == _CHAIN_RECORDS:
                    return start + at
        return None
