"""The command `annotate`: a capture -> a pcapng file of it with comments on the evidence, whole or the evidence alone.

A pcapng file is copied block by block, octet for octet; only the packet blocks that get a comment change, and they keep
their options. Frames of other formats are written as packet blocks, their times to the nanosecond. Frame numbers of the
whole copy are those of the original. The file is read again for each step, so it has to be one that can be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import replace
from struct import unpack_from
from typing import BinaryIO

from rpctrace.annotation import Ends, Extract, comments_of, extract_of
from rpctrace.capture import pcapng_writing as writing
from rpctrace.capture.format import MAXIMUM_RECORD_OCTETS
from rpctrace.capture.frame import LinkType
from rpctrace.capture.pcapng import BLOCK_OVERHEAD, Block
from rpctrace.capture.signatures import PCAPNG_BYTE_ORDERS
from rpctrace.capture.storage import open_capture
from rpctrace.capture.stored import open_octets
from rpctrace.capture.window import Window
from rpctrace.console import output_files, streams
from rpctrace.console.analyzing import read_captures
from rpctrace.console.exit_status import ExitStatus
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import UsageError
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, TcpFlags, Transport
from rpctrace.reading import Options
from rpctrace.record import record
from rpctrace.report import Report
from rpctrace.version import __version__

APPLICATION = f"rpctrace {__version__}"
HANDSHAKE_FRAMES = 3  # SYN, SYN/ACK, ACK
WHOLE_CONNECTION_FRAMES = 64
_ANSWER = TcpFlags.SYN | TcpFlags.ACK
_CLOSING = TcpFlags.FIN | TcpFlags.RST
_KEPT_BLOCKS = (Block.SECTION, Block.INTERFACE, Block.NAMES)  # of a file reduced to its evidence; no secrets
_COPIED_OCTETS = 1 << 18


@record
class _Plan:
    """What is to be done: comments by frame, and the frames to keep (None: all)."""

    comments: Mapping[int, tuple[str, ...]]
    kept: frozenset[int] | None


class _Waiting:
    """Of clients that waited in vain: the first answer that one got from anybody (a capture may be of one direction
    alone), and its last frame, up to which it waited; where there is a choice, one without octets of others' talk."""

    def __init__(self, addresses: frozenset[str]) -> None:
        self._addresses = addresses
        self._heard: dict[str, Segment] = {}
        self._last: dict[str, Segment] = {}
        self._last_bare: dict[str, Segment] = {}

    def see(self, segment: Segment) -> None:
        for address in self._addresses.intersection((segment.source.address, segment.destination.address)):
            self._last[address] = segment
            if segment.transport is Transport.TCP:
                if segment.flags & _ANSWER == _ANSWER and segment.destination.address == address:
                    self._heard.setdefault(address, segment)
                if not segment.length_octets:
                    self._last_bare[address] = segment

    def frames(self) -> Iterator[int]:
        for heard in self._heard.values():
            yield from heard.frames
        for address, last in self._last.items():
            bare = self._last_bare.get(address)
            late = bare is not None and (last.timestamp_ns or 0) - (bare.timestamp_ns or 0) <= NS_PER_SECOND
            yield from bare.frames if bare is not None and late else last.frames


class _Found(NamedTuple):
    """A block of a pcapng file, its type and length in its own byte order."""

    kind: int
    length: int


def annotate_command(
    path: str,
    output: str,
    *,
    only_evidence: bool,
    netmon_utc_offset_minutes: int | None,
    redact_key: bytes | None,
    force: bool,
    quiet: bool,
) -> ExitStatus:
    if path == "-":
        raise UsageError("annotate reads its capture more than once: standard input will not do")
    output_files.check_output(output, (path,), force)
    options = Options(netmon_utc_offset_minutes=netmon_utc_offset_minutes)
    report, status = read_captures((path,), options, quiet)
    if not report.captures:
        return status
    comments = comments_of(report if redact_key is None else _with_other_names(path, options, redact_key), 0)
    kept = None
    if only_evidence:
        kept = _kept(path, options, extract_of(report, 0)) if comments else frozenset()
    plan = _Plan(comments, kept)
    written = [0, 0]

    def produce(out: BinaryIO) -> None:
        copy = _copied if report.captures[0].format == "pcapng" else _converted
        written[:] = copy(path, options, plan, out)

    output_files.write_octets(output, produce)
    if not quiet:
        left = len(comments) - written[1]
        without = f"; {left} frames to comment are in blocks that hold no comment" if left else ""
        streams.tell(f"wrote {output}: {written[0]} frames, comments on {written[1]}{without}")
        if only_evidence and not comments:
            streams.tell(f"{path}: nothing was found, so there is no evidence: {output} is a capture without frames")
        if redact_key is not None:
            streams.tell(f"{output}: only our comments are redacted; the packets hold all names as captured")
    return status if report.complete else ExitStatus.UNREAD


def _with_other_names(path: str, options: Options, key: bytes) -> Report:
    """The report from which comments are made with --redact. Which frames are evidence, the true one says: it has the
    addresses of the packets."""
    from rpctrace.analysis import analyze

    return analyze(path, replace(options, redact_key=key))


def _kept(path: str, options: Options, extract: Extract) -> frozenset[int]:
    """The evidence; SYN, SYN/ACK and ACK before its first frame of each connection, and its end behind the last; of
    some connections also what lies between, up to a bound; and what proves that a client waited in vain. Where a frame
    is named alone, as that of a ticket, and completed a datagram of fragments, the other fragments come with it."""
    connections, whole = extract.connections, extract.whole
    kept = set(extract.frames)
    opening: dict[Ends, list[int]] = {}
    open_ends: set[Ends] = set()
    waiting = _Waiting(extract.waiting)
    decoder = Decoder()
    with open_capture(path, netmon_utc_offset_minutes=options.netmon_utc_offset_minutes) as capture:
        for frame in capture:
            segment = decoder.decode(frame)
            if segment is None:
                continue
            waiting.see(segment)
            if segment.frame_number in extract.frames:
                kept.update(segment.frames)
            if segment.transport is not Transport.TCP:
                continue
            ends = segment.flow.low, segment.flow.high
            if not extract.channels.isdisjoint(((ends[0].address, ends[1]), (ends[1].address, ends[0]))):
                kept.update(segment.frames)
            if ends not in connections:
                continue
            if segment.frame_number in extract.frames:
                kept.update(opening.pop(ends, ()))
                open_ends.add(ends)
            elif segment.flags & TcpFlags.SYN and not segment.flags & TcpFlags.ACK:
                opening[ends] = [*segment.frames]
            elif ends in opening:
                most = WHOLE_CONNECTION_FRAMES if ends in whole else 0 if _says_more(segment) else HANDSHAKE_FRAMES
                if len(opening[ends]) < most:
                    opening[ends].extend(segment.frames)
            elif ends in open_ends and (segment.flags & _CLOSING or ends in whole):
                kept.update(segment.frames)
    return frozenset(kept.union(waiting.frames()))


def _says_more(segment: Segment) -> bool:
    return segment.length_octets > 0 or bool(segment.flags & _CLOSING)


def _converted(path: str, options: Options, plan: _Plan, out: BinaryIO) -> tuple[int, int]:
    """Frames of any format as packet blocks; (frames, those with comments)."""
    out.write(writing.section(APPLICATION))
    interfaces: dict[tuple[LinkType, int], int] = {}
    frames = commented = 0
    with open_capture(path, netmon_utc_offset_minutes=options.netmon_utc_offset_minutes) as capture:
        for frame in capture:
            if plan.kept is not None and frame.number not in plan.kept:
                continue
            key = (frame.link_type, frame.interface)
            if key not in interfaces:
                interfaces[key] = len(interfaces)
                out.write(writing.interface(frame.link_type))
            comments = (*frame.comments, *plan.comments.get(frame.number, ()))
            out.write(
                writing.packet(
                    interfaces[key], frame.timestamp_ns or 0, frame.octets, frame.original_length_octets, comments
                )
            )
            frames += 1
            commented += frame.number in plan.comments
    return frames, commented


def _copied(path: str, options: Options, plan: _Plan, out: BinaryIO) -> tuple[int, int]:
    """The blocks of a pcapng file; (frames kept, those with comments)."""
    wanted: dict[int, int] = {}  # where the block of a frame begins -> the frame
    frames = 0
    with open_capture(path, netmon_utc_offset_minutes=options.netmon_utc_offset_minutes) as capture:
        for frame in capture:
            frames += 1
            if frame.number in (plan.comments if plan.kept is None else plan.kept):
                wanted[frame.file_offset] = frame.number
    with open_octets(path) as window:
        pieces = _whole(window, wanted) if plan.kept is None else _reduced(window, wanted)
        commented = 0
        for octets, number in pieces:
            comments = () if number is None else plan.comments.get(number, ())
            changed = writing.commented(octets, comments)
            commented += changed is not None
            out.write(octets if changed is None else changed)
    return frames if plan.kept is None else len(wanted), commented


def _whole(window: Window, wanted: Mapping[int, int]) -> Iterator[tuple[bytes, int | None]]:
    """Every octet of the file; the blocks of wanted frames by themselves, with their number."""
    for offset, number in sorted(wanted.items()):
        while window.position < offset:
            yield bytes(window.take(min(offset - window.position, _COPIED_OCTETS))), None
        found = _block_here(window)
        if found is not None:
            yield bytes(window.take(found.length)), number
    while octets := bytes(window.take(_COPIED_OCTETS)):
        yield octets, None


def _reduced(window: Window, wanted: Mapping[int, int]) -> Iterator[tuple[bytes, int | None]]:
    """Section headers, interfaces and names, and the blocks of wanted frames; what is damaged is stepped over."""
    places = sorted(wanted)
    while len(window.peek(BLOCK_OVERHEAD)) >= BLOCK_OVERHEAD:
        position, found = window.position, _block_here(window)
        if found is None:
            following = bisect_right(places, position)
            if following == len(places):
                return
            window.skip(places[following] - position)
        elif position in wanted:
            yield bytes(window.take(found.length)), wanted[position]
        elif found.kind in _KEPT_BLOCKS:
            octets = bytes(window.take(found.length))
            yield (_without_length(octets) if found.kind == Block.SECTION else octets), None
        else:  # most of a capture: passed over without a copy
            window.skip(found.length)


def _block_here(window: Window) -> _Found | None:
    """The block at the cursor, by whichever byte order makes its two lengths agree; None where neither does."""
    head = window.peek(BLOCK_OVERHEAD)
    for order in ("<II", ">II") if len(head) == BLOCK_OVERHEAD else ():
        found = _Found(*unpack_from(order, head))
        if BLOCK_OVERHEAD <= found.length <= MAXIMUM_RECORD_OCTETS and not found.length & 3:
            block = window.peek(found.length)
            if len(block) == found.length and unpack_from(order[:2], block, found.length - 4)[0] == found.length:
                return found
    return None


def _without_length(section: bytes) -> bytes:
    """A section header whose length, which no longer holds, is `not specified`."""
    known = PCAPNG_BYTE_ORDERS.get(section[8:12]) is not None and len(section) >= 28
    return section[:16] + b"\xff" * 8 + section[24:] if known else section
