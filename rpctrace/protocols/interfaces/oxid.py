"""The object resolver ([MS-DCOM] 3.1.2.5.1, IObjectExporter): which bindings an OXID has, and who is still alive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.partial import FirstProblem
from rpctrace.protocols.interfaces.bindings import (
    SecurityBinding,
    StringBinding,
    endpoints_of,
    parse_bindings,
)
from rpctrace.protocols.interfaces.properties import Fields, requested
from rpctrace.protocols.interfaces.stub import NamedEndpoint, ObjectFacts, Stub, Telling, exporter_object
from rpctrace.record import record

LAYER = "dcom.oxid"
MAXIMUM_OIDS = 0x10000  # cAddToSet and cDelFromSet are 16-bit counts


@record
class OxidAnswer(Telling):
    """A call of the object resolver. `bindings` are those of the exporter `oxid` (ResolveOxid, ResolveOxid2), or of the
    resolver itself (ServerAlive2). `set_id`, `added` and `deleted`: of a ping. `status`: 0, or OR_INVALID_OXID and the
    like."""

    oxid: int | None = None
    requested_protocols: tuple[str, ...] = ()
    bindings: tuple[StringBinding, ...] = ()
    security_bindings: tuple[SecurityBinding, ...] = ()
    ipid_rem_unknown: str | None = None
    authn_hint: int | None = None
    server_version: tuple[int, int] | None = None
    set_id: int | None = None
    added: tuple[int, ...] = ()
    deleted: tuple[int, ...] = ()
    status: int | None = None

    def endpoints(self) -> Iterator[NamedEndpoint]:
        """Where the resolved exporter listens; the resolver's own bindings name no endpoint."""
        return endpoints_of(self.bindings, self.oxid, self.ipid_rem_unknown)


def read(stub: Stub) -> OxidAnswer | None:
    """A call of the object resolver; None for an operation that it does not have."""
    if stub.opnum not in _OPERATIONS:
        return None
    operation, read_request, read_response = _OPERATIONS[stub.opnum]
    problems = FirstProblem()
    found: Fields = {"status": stub.result}
    for octets, reads, what in (
        (stub.readable_request, read_request, ""),
        (stub.readable_response, read_response, ".response"),
    ):
        if octets is not None and reads is not None:
            problems.attempt(reads, stub.reader(octets, f"{LAYER}.{operation}{what}"), found)
    return replace(OxidAnswer(operation, problem=problems.error), **found)


def _resolve(ndr: NdrReader, found: Fields) -> None:
    found["oxid"] = ndr.u64()
    ndr.u16()
    found["requested_protocols"] = requested(ndr)


def _bindings(ndr: NdrReader, found: Fields) -> None:
    if ndr.pointer():
        ndr.wide()
        bindings = parse_bindings(ndr.reader)
        found.update(bindings=bindings.strings, security_bindings=bindings.securities)


def _resolved(ndr: NdrReader, found: Fields) -> None:
    _bindings(ndr, found)
    found["ipid_rem_unknown"], found["authn_hint"] = ndr.guid(), ndr.u32()


def _resolved_with_version(ndr: NdrReader, found: Fields) -> None:
    _resolved(ndr, found)
    found["server_version"] = ndr.u16(), ndr.u16()


def _alive(ndr: NdrReader, found: Fields) -> None:
    found["server_version"] = ndr.u16(), ndr.u16()
    _bindings(ndr, found)


def _simple_ping(ndr: NdrReader, found: Fields) -> None:
    found["set_id"] = ndr.u64()


def _complex_ping(ndr: NdrReader, found: Fields) -> None:
    set_id = ndr.u64()
    ndr.u16(), ndr.u16(), ndr.u16()  # sequence number, how many are added and deleted
    found["set_id"] = set_id
    for name in ("added", "deleted"):
        if ndr.pointer():
            found[name] = tuple(ndr.u64() for _ in range(ndr.count(8, MAXIMUM_OIDS)))


def _pinged(ndr: NdrReader, found: Fields) -> None:
    found["set_id"] = ndr.u64()  # the set that a first ping, of set 0, was given


_Read = Callable[[NdrReader, Fields], None]
_OPERATIONS: dict[int, tuple[str, _Read | None, _Read | None]] = {
    0: ("ResolveOxid", _resolve, _resolved),
    1: ("SimplePing", _simple_ping, None),
    2: ("ComplexPing", _complex_ping, _pinged),
    3: ("ServerAlive", None, None),
    4: ("ResolveOxid2", _resolve, _resolved_with_version),
    5: ("ServerAlive2", None, _alive),
}


def objects(answer: OxidAnswer) -> Iterator[ObjectFacts]:
    """The resolved exporter's own object."""
    if answer.status == 0:
        yield from exporter_object(answer.oxid, answer.ipid_rem_unknown)
