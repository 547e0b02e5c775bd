"""pcapng files -> frames: sections of either byte order, interfaces, all kinds of packet blocks, comments, host names.

Frames are numbered as Wireshark does: custom, journal and system-call blocks have numbers too. A block with a wrong
length costs itself at most: the walk goes on at the next block whose two lengths agree. Linear in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from struct import Struct

from rpctrace.capture import pcapng_options as options_of
from rpctrace.capture.format import MAXIMUM_HOST_NAMES, MAXIMUM_RECORD_OCTETS, Notes, Source
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.pcapng_options import MICROSECONDS, Clock, Overrun, clock, read_names, read_options
from rpctrace.capture.signatures import PCAPNG_BYTE_ORDERS, PCAPNG_SECTION, find_capture, starts_pcap, starts_pcapng
from rpctrace.encoding.text import decode_text
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import CaptureError
from rpctrace.named_tuple import NamedTuple

MAXIMUM_INTERFACES = 65_536  # of one section; packet blocks of the old kind can name no more
MAXIMUM_RESYNC_OCTETS = 1 << 18  # how far behind damage the next block is looked for: larger than the largest frame
MAXIMUM_JOURNAL_SEARCH_OCTETS = 4096

BLOCK_OVERHEAD = 12  # type, length, length again
_SECTION_OCTETS = 28
_DEFAULT_RESOLUTION = 6


class Block(IntEnum):
    """draft-ietf-opsawg-pcapng 11.1"""

    INTERFACE = 1
    OLD_PACKET = 2
    SIMPLE_PACKET = 3
    NAMES = 4
    STATISTICS = 5
    ENHANCED_PACKET = 6
    JOURNAL = 9
    SECRETS = 10
    CUSTOM = 0x0BAD
    CUSTOM_NOT_COPIED = 0x4000_0BAD
    SECTION = 0x0A0D_0D0A


# Blocks of system calls (Sysdig): no packets, and Wireshark numbers them.
_SYSTEM_EVENTS = (0x204, 0x216, 0x221)
_KNOWN_BLOCKS = frozenset((*Block, *_SYSTEM_EVENTS))


class _Order(NamedTuple):
    """The integers of one byte order, as blocks group them."""

    name: str
    head: Struct
    u32: Struct
    three: Struct
    interface: Struct
    enhanced: Struct
    old: Struct
    time_offset: Struct
    counter: Struct

    @classmethod
    def of(cls, name: str) -> _Order:
        return cls(name, *(Struct(name + each) for each in ("II", "I", "III", "HHI", "IIIII", "HHIIII", "q", "Q")))


_ORDERS = {name: _Order.of(name) for name in "<>"}


class Interface(NamedTuple):
    link_type: LinkType
    snapshot_octets: int
    clock: Clock | None


class PcapngWalk:
    """One walk over one file: the section it is in, its interfaces, the next frame's number.

    A faster reader may walk ordinary packet blocks itself, if it leaves the cursor at a block, and `number` right.
    """

    def __init__(self, source: Source, notes: Notes, first_number: int) -> None:
        self.source = source
        self.notes = notes
        self.number = first_number
        self.interfaces: list[Interface] = []
        self.said: set[str] = set()
        self.done = False
        self.order = self.section_order(source.peek(_SECTION_OCTETS), source.position)
        self.readers: dict[int, Callable[[memoryview, int], Frame | None]] = {
            Block.ENHANCED_PACKET: self.enhanced_packet,
            Block.OLD_PACKET: self.old_packet,
            Block.SIMPLE_PACKET: self.simple_packet,
            Block.INTERFACE: self.interface,
            Block.NAMES: self.names,
            Block.STATISTICS: self.statistics,
            Block.JOURNAL: self.journal,
            Block.CUSTOM: self.custom,
            Block.CUSTOM_NOT_COPIED: self.custom,
            Block.SECTION: self.section,
            **dict.fromkeys(_SYSTEM_EVENTS, self.system_event),
        }

    def frames(self) -> Iterator[Frame]:
        while not self.done:
            frame = self.step()
            if frame is not None:
                yield frame

    def step(self) -> Frame | None:
        """Reads the block at the cursor; the frame in it, if it holds one. `done` at the end of what can be read."""
        source = self.source
        head = source.peek(_SECTION_OCTETS)
        start = source.position
        if len(head) < BLOCK_OVERHEAD or starts_pcap(head):
            if 0 < len(head) < BLOCK_OVERHEAD:
                self.cut(head, start)
            self.done = True
            return None
        if head[:4] == PCAPNG_SECTION:
            try:
                self.order = self.section_order(head, start)
            except CaptureError as error:
                self.notes.problem(f"{error.reason}: the rest is not read", start, self.number, loses_octets=True)
                self.done = True
                return None
        kind, length = self.order.head.unpack_from(head)
        block = self.whole_block(length, start)
        if block is None:
            self.done = True
            return None
        frame = self.read_block(kind, block, start)
        self.number += frame is not None
        return frame

    def read_block(self, kind: int, block: memoryview, start: int) -> Frame | None:
        reader = self.readers.get(kind)
        return reader(block, start) if reader is not None else None

    def say_once(self, text: str, offset: int) -> None:
        if text not in self.said:
            self.said.add(text)
            self.notes.problem(text, offset, self.number, loses_octets=False)

    # ---- lengths: where a block ends

    def whole_block(self, length: int, start: int) -> memoryview | None:
        """Takes the block at the cursor, without its second length; None at the end of what can be read."""
        total = length + (-length & 3)
        if not BLOCK_OVERHEAD <= length <= MAXIMUM_RECORD_OCTETS:
            return self.after_wrong_length(length, start)
        view = self.source.peek(total)
        if len(view) < total:
            return self.cut_block(length, start)
        second = self.order.u32.unpack_from(view, total - 4)[0]
        if second == length == total:
            return self.source.take(total)[: total - 4]
        if self.is_block(self.source.peek(total + MAXIMUM_RESYNC_OCTETS), total):
            text = f"the two lengths of a block differ ({length} and {second})"
            if second in (length, total):
                text = f"a block length of {length} is no multiple of 4"
            self.notes.problem(text, start, self.number, loses_octets=False)
            return self.source.take(total)[: total - 4]
        return self.after_wrong_length(length, start)

    def is_block(self, view: memoryview, at: int) -> bool:
        """Whether the file ends at `at`, or a block of a kind that we know begins there and its two lengths agree."""
        if at == len(view) or starts_pcapng(view[at : at + BLOCK_OVERHEAD]):
            return True
        if at + BLOCK_OVERHEAD > len(view):
            return False
        kind, length = self.order.head.unpack_from(view, at)
        if kind not in _KNOWN_BLOCKS or length < BLOCK_OVERHEAD or length & 3:
            return False
        end = at + length
        return end <= len(view) and bool(self.order.u32.unpack_from(view, end - 4)[0] == length)

    def find_block(self, view: memoryview) -> int | None:
        """The next place, at a multiple of 4 from the cursor, where a block or another capture begins."""
        end = min(len(view), MAXIMUM_RESYNC_OCTETS)
        capture = find_capture(view, 4, end)
        for at in range(4, end if capture is None else capture, 4):
            if len(view) - at > BLOCK_OVERHEAD and self.is_block(view, at):
                return at
        return capture

    def cut_block(self, length: int, start: int) -> memoryview | None:
        """A block longer than the rest of the file: its length is wrong, or it is the last one and cut."""
        view = self.source.peek(2 * MAXIMUM_RESYNC_OCTETS)
        if self.find_block(view) is not None:
            return self.after_wrong_length(length, start)
        view = self.source.take(length)
        self.cut(view, start)
        kind = self.order.head.unpack_from(view)[0]
        # a cut packet block still holds its frame when only what is behind the frame is missing
        return view if self.holds_its_frame(kind, view) else None

    def holds_its_frame(self, kind: int, view: memoryview) -> bool:
        has_room = kind in (Block.ENHANCED_PACKET, Block.OLD_PACKET) and len(view) >= 28
        return has_room and bool(self.order.u32.unpack_from(view, 20)[0] <= len(view) - 28)

    def cut(self, view: memoryview, start: int) -> None:
        text = f"the file ends inside a block: {len(view)} octets of it are there"
        self.notes.problem(text, start, self.number, loses_octets=True)

    def after_wrong_length(self, length: int, start: int) -> memoryview | None:
        """The block itself where its second length tells where it ends; otherwise an empty one up to the next block."""
        view = self.source.peek(2 * MAXIMUM_RESYNC_OCTETS)
        place = self.find_block(view)
        why = f"a block of {length} octets cannot be"
        if place is None:
            text = f"{why}, and no block in the next {MAXIMUM_RESYNC_OCTETS} octets: the rest is not read"
            self.notes.problem(text, start, self.number, loses_octets=True)
            return None
        block = self.source.take(place)
        if place >= BLOCK_OVERHEAD and self.order.u32.unpack_from(block, place - 4)[0] == place:
            self.notes.problem(f"{why}: its second length is taken", start, self.number, loses_octets=True)
            return block[: place - 4]
        self.notes.problem(f"{why}: {place} octets left out", start, self.number, loses_octets=True)
        return memoryview(b"")

    # ---- blocks, in the order of draft-ietf-opsawg-pcapng 4

    def section_order(self, head: memoryview, start: int) -> _Order:
        """4.1: byte-order magic, version. Raises CaptureError for what cannot be read."""
        if len(head) < _SECTION_OCTETS:
            raise CaptureError("", f"the pcapng section header is cut: {len(head)} octets", start)
        order = _ORDERS.get(PCAPNG_BYTE_ORDERS.get(bytes(head[8:12]), ""))
        if order is None:
            text = f"the pcapng byte-order magic is {bytes(head[8:12]).hex()}, which is none"
            raise CaptureError("", text, start + 8)
        major, minor = Struct(order.name + "HH").unpack_from(head, 12)
        if major != 1:
            raise CaptureError("", f"pcapng version {major}.{minor} is not supported", start + 12)
        return order

    def section(self, block: memoryview, start: int) -> None:  # noqa: ARG002 - the table's
        self.interfaces = []

    def interface(self, block: memoryview, start: int) -> None:
        """4.2 Interface Description Block."""
        if len(self.interfaces) >= MAXIMUM_INTERFACES:
            self.say_once(f"more than {MAXIMUM_INTERFACES} interfaces in a section", start)
            return
        if len(block) < 16:
            self.too_short(start)
            return
        link, _reserved, snapshot_octets = self.order.interface.unpack_from(block, 8)
        resolution, offset_seconds = _DEFAULT_RESOLUTION, 0
        for code, value in self.options(block, 16, start):
            if code == options_of.INTERFACE_TIME_RESOLUTION and len(value):
                resolution = value[0]
            elif code == options_of.INTERFACE_TIME_OFFSET and len(value) == 8:
                offset_seconds = self.order.time_offset.unpack(value)[0]
        ticks = clock(resolution, offset_seconds * NS_PER_SECOND)
        if ticks is None:
            text = f"interface {len(self.interfaces)} has a time resolution out of range ({resolution}): no times"
            self.notes.problem(text, start, loses_octets=False)
        self.interfaces.append(Interface(LinkType(link), snapshot_octets, ticks))

    def enhanced_packet(self, block: memoryview, start: int) -> Frame | None:
        """4.3 Enhanced Packet Block."""
        if len(block) < 28:
            self.too_short(start)
            return None
        index, high, low, captured, original = self.order.enhanced.unpack_from(block, 8)
        return self.packet(block, start, index, high << 32 | low, captured, original)

    def old_packet(self, block: memoryview, start: int) -> Frame | None:
        """Appendix A, Packet Block (obsolete)."""
        if len(block) < 28:
            self.too_short(start)
            return None
        index, _drops, high, low, captured, original = self.order.old.unpack_from(block, 8)
        return self.packet(block, start, index, high << 32 | low, captured, original)

    def packet(self, block: memoryview, start: int, index: int, units: int, captured: int, original: int) -> Frame:
        interfaces = self.interfaces
        interface = interfaces[index] if index < len(interfaces) else self.missing_interface(index, start)
        room = len(block) - 28
        if captured > room:
            text = f"a frame of {captured} octets in a block with room for {room}: cut to that"
            self.notes.problem(text, start, self.number, loses_octets=False)
            captured = room
        comments: tuple[str, ...] = ()
        options_at = 28 + captured + (-captured & 3)
        if len(block) - options_at >= 4:
            comments = self.comments(block, options_at, start)
        return Frame(
            self.number,
            interface.clock.timestamp_ns(units) if interface.clock is not None else None,
            interface.link_type,
            block[28 : 28 + captured],
            original if original >= captured else captured,
            start,
            index,
            comments,
        )

    def missing_interface(self, index: int, start: int) -> Interface:
        if self.interfaces:
            self.say_once(f"no interface {index} in this section: its frames are counted, not read", start)
            return Interface(LinkType.NOT_A_PACKET, 0, MICROSECONDS)
        self.say_once("frames before any interface: Ethernet and microseconds assumed", start)
        return Interface(LinkType.ETHERNET, 0, MICROSECONDS)

    def comments(self, block: memoryview, at: int, start: int) -> tuple[str, ...]:
        values = [value for code, value in self.options(block, at, start) if code == options_of.COMMENT]
        if len(values) > options_of.MAXIMUM_COMMENTS:
            self.say_once(f"more than {options_of.MAXIMUM_COMMENTS} comments on a frame: the first are kept", start)
        # some writers end a comment with a NUL
        return tuple(decode_text(value).rstrip("\0") for value in values[: options_of.MAXIMUM_COMMENTS])

    def options(self, block: memoryview, at: int, start: int) -> Iterator[tuple[int, memoryview]]:
        for option in read_options(block[at:], self.order.name):
            if isinstance(option, Overrun):
                text = f"an option of {option.length_octets} octets runs over its block: left out"
                self.notes.problem(text, start, self.number, loses_octets=False)
                return
            yield option

    def too_short(self, start: int) -> None:
        self.notes.problem("a block is too short for its kind: left out", start, self.number, loses_octets=True)

    def simple_packet(self, block: memoryview, start: int) -> Frame | None:
        """4.4 Simple Packet Block: no time, no captured length, always the section's first interface."""
        if len(block) < 12:
            self.too_short(start)
            return None
        original = self.order.u32.unpack_from(block, 8)[0]
        interface = self.interfaces[0] if self.interfaces else self.missing_interface(0, start)
        captured = min(original, len(block) - 12, interface.snapshot_octets or original)
        return Frame(self.number, None, interface.link_type, block[12 : 12 + captured], original, start)

    def names(self, block: memoryview, start: int) -> None:
        """4.5 Name Resolution Block."""
        names = self.notes.host_names
        for entry in read_names(block[8:], self.order.name):
            if isinstance(entry, Overrun):
                text = f"a name record of {entry.length_octets} octets runs over its block: left out"
                self.notes.problem(text, start, loses_octets=False)
            elif len(names) < MAXIMUM_HOST_NAMES:
                names.setdefault(*entry)
            else:
                self.say_once(f"more than {MAXIMUM_HOST_NAMES} host names: the first are kept", start)

    def statistics(self, block: memoryview, start: int) -> None:
        """4.6 Interface Statistics Block."""
        if len(block) < 20:
            return
        dropped = 0
        for code, value in self.options(block, 20, start):
            wanted = code in (options_of.STATISTICS_DROPPED_BY_INTERFACE, options_of.STATISTICS_DROPPED_BY_SYSTEM)
            if wanted and len(value) == 8:
                dropped += self.order.counter.unpack(value)[0]
        if dropped:
            index = self.order.u32.unpack_from(block, 8)[0]
            text = f"the capturing host dropped {dropped} packets on interface {index}"
            self.notes.problem(text, start, self.number, loses_octets=False)

    def no_packet(self, octets: memoryview, start: int, timestamp_ns: int | None) -> Frame:
        return Frame(self.number, timestamp_ns, LinkType.NOT_A_PACKET, octets, len(octets), start)

    def custom(self, block: memoryview, start: int) -> Frame | None:
        """4.8 Custom Block: a Private Enterprise Number, then what only its owner knows."""
        return self.no_packet(block[12:], start, None) if len(block) >= 12 else None

    def journal(self, block: memoryview, start: int) -> Frame | None:
        """4.9 systemd Journal Export Block; its time is a field of the entry, in microseconds."""
        head = bytes(block[8 : 8 + MAXIMUM_JOURNAL_SEARCH_OCTETS])
        digits = head.partition(b"__REALTIME_TIMESTAMP=")[2].partition(b"\n")[0]
        timestamp_ns = int(digits) * 1000 if digits.isdigit() and len(digits) <= 19 else None
        length = 8 + len(bytes(block[8:]).rstrip(b"\0"))
        return self.no_packet(block[8:length], start, timestamp_ns)

    def system_event(self, block: memoryview, start: int) -> Frame | None:
        return self.no_packet(block[8:], start, None)
