"""Endpoint mapper (C706 Appendix O, [MS-RPCE] 2.2.1.2): stubs of ept_map and ept_lookup -> where interfaces listen."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.partial import FirstProblem
from rpctrace.encoding.text import decode_text
from rpctrace.protocols.dcerpc.pdu import SyntaxId
from rpctrace.protocols.interfaces.stub import NamedEndpoint, Stub, Telling, pipe_name
from rpctrace.protocols.interfaces.tower import Endpoint, parse_tower
from rpctrace.record import record

LAYER = "epm"
EPT_LOOKUP, EPT_MAP = 2, 3
NOT_REGISTERED = 0x16C9A0D6  # C706 Appendix E: ept_s_not_registered
MAXIMUM_ENTRIES = 500  # [MS-RPCE] 2.2.1.2.4: range of max_ents and max_towers
# C706 Appendix O: which of its other arguments an ept_lookup means; the rest may hold anything
_BY_INTERFACE, _BY_OBJECT = (1, 3), (2, 3)
_NIL = "00000000-0000-0000-0000-000000000000"
_THE_ANSWERING = ("0.0.0.0", "")  # the mapper does not know by which of its addresses it was reached


@record
class EndpointAnswer(Telling):
    """ept_map or ept_lookup. `asked` and `asked_protocol`: which interface, over what (None: any, or not captured).

    `entries`: what the mapper named, in its order; `more`: it handed out a handle, so another call goes on with the
    rest. `status`: 0, or `NOT_REGISTERED` where there is nothing (more) to name.
    """

    asked: SyntaxId | None = None
    asked_protocol: str | None = None
    asked_object: str | None = None
    entries: tuple[Endpoint, ...] = ()
    more: bool | None = None
    status: int | None = None

    def endpoints(self) -> Iterator[NamedEndpoint]:
        for entry in self.entries:
            if entry.protocol is not None and entry.interface is not None and (entry.port or entry.pipe):
                address = (entry.address or "").strip("\\")  # a NetBIOS name stands as \\\\HOST
                pipe = pipe_name(entry.pipe) if entry.pipe else None
                named = None if address in _THE_ANSWERING else address
                yield NamedEndpoint(entry.protocol, named, entry.port, pipe, interface=entry.interface)


_OPERATIONS = {EPT_LOOKUP: "ept_lookup", EPT_MAP: "ept_map"}


def read(stub: Stub) -> EndpointAnswer | None:
    """A call of the endpoint mapper; None for operations that name no endpoint."""
    operation = _OPERATIONS.get(stub.opnum)
    if operation is None:
        return None
    problems = FirstProblem()
    request, response = stub.readable_request, stub.readable_response
    read_request = _map_request if stub.opnum == EPT_MAP else _lookup_request
    asked: _Asked = (None, None, None)
    if request is not None:
        asked = problems.attempt(read_request, stub.reader(request, f"{LAYER}.{operation}")) or asked
    entries: list[Endpoint] = []
    more: bool | None = None
    if response is not None:
        ndr = stub.reader(response, f"{LAYER}.{operation}.response")
        more = problems.attempt(_handle, ndr)
        if more is not None:
            read_entries = _towers if stub.opnum == EPT_MAP else _lookup_entries
            problems.attempt(read_entries, ndr, entries, problems)
    interface, protocol, object_uuid = asked
    return EndpointAnswer(
        operation, interface, protocol, object_uuid, tuple(entries), more, stub.result, problem=problems.error
    )


_Asked = tuple[SyntaxId | None, str | None, str | None]


def _map_request(ndr: NdrReader) -> _Asked:
    object_uuid = ndr.guid() if ndr.pointer() else None
    wanted = _tower(ndr) if ndr.pointer() else None
    return (
        wanted.interface if wanted else None,
        wanted.protocol if wanted else None,
        None if object_uuid == _NIL else object_uuid,
    )


def _lookup_request(ndr: NdrReader) -> _Asked:
    inquiry = ndr.u32()
    object_uuid = ndr.guid() if ndr.pointer() else None
    interface = SyntaxId(ndr.guid(), ndr.u16(), ndr.u16()) if ndr.pointer() else None
    return interface if inquiry in _BY_INTERFACE else None, None, object_uuid if inquiry in _BY_OBJECT else None


def _handle(ndr: NdrReader) -> bool:
    return any(ndr.context_handle())


def _tower(ndr: NdrReader) -> Endpoint:
    """twr_t: its conformance stands before its length, and its octets behind."""
    ndr.wide()
    return parse_tower(ndr.octets(ndr.u32()))


def _entry_count(ndr: NdrReader, item_octets: int) -> int:
    """num_ents or num_towers, and the array's maximum, offset and actual count; the actual count is what is sent."""
    ndr.u32()
    ndr.wide(), ndr.wide()
    return ndr.count(item_octets, MAXIMUM_ENTRIES)


def _towers(ndr: NdrReader, found: list[Endpoint], problems: FirstProblem) -> None:
    pointers = [ndr.pointer() for _ in range(_entry_count(ndr, 4))]
    for _ in filter(None, pointers):
        entry = _lenient_tower(ndr, problems)
        if entry is not None:
            found.append(entry)


def _lenient_tower(ndr: NdrReader, problems: FirstProblem) -> Endpoint | None:
    """One tower; where its own octets do not read, the next one still stands behind it."""
    ndr.wide()
    return problems.attempt(parse_tower, ndr.octets(ndr.u32()))


def _lookup_entries(ndr: NdrReader, found: list[Endpoint], problems: FirstProblem) -> None:
    heads: list[tuple[str, bool, str]] = []
    for _ in range(_entry_count(ndr, 28)):
        ndr.align_wide()
        object_uuid, has_tower = ndr.guid(), ndr.pointer()
        annotation = decode_text(bytes(ndr.varying(1)).rstrip(b"\0"))
        heads.append((object_uuid, has_tower, annotation))
    for object_uuid, has_tower, annotation in heads:
        entry = _lenient_tower(ndr, problems) if has_tower else None
        if entry is not None:
            named = None if object_uuid == _NIL else object_uuid
            found.append(entry._replace(object_uuid=named, annotation=annotation or None))
