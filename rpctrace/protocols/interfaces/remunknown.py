"""IRemUnknown and IRemUnknown2 ([MS-DCOM] 3.1.1.5.6, 3.1.1.5.7): more interfaces of an object, and their references."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.interfaces.objref import parse_std_objref
from rpctrace.protocols.interfaces.orpc import read_that, read_this
from rpctrace.protocols.interfaces.properties import (
    MAXIMUM_INTERFACES,
    ActivatedInterface,
    Fields,
    activated,
    interface_pointers,
)
from rpctrace.protocols.interfaces.stub import ObjectFacts, Stub
from rpctrace.record import record

LAYER = "dcom.remunknown"


class InterfaceReference(NamedTuple):
    """[MS-DCOM] 2.2.24 REMINTERFACEREF: how many references on an interface are taken or given back."""

    ipid: str
    public: int
    private: int


@record
class RemUnknownCall(Partial):
    """`ipid`: the interface pointer of which RemQueryInterface asks for others (`iids`, answered by `results`).
    `references` and `reference_results`: of RemAddRef and RemRelease. `rem_unknown`: the IPID that was called."""

    operation: str
    rem_unknown: str | None = None
    cid: str | None = None
    ipid: str | None = None
    iids: tuple[str, ...] = ()
    results: tuple[ActivatedInterface, ...] = ()
    references: tuple[InterfaceReference, ...] = ()
    reference_results: tuple[int, ...] = ()
    hresult: int | None = None


def read(stub: Stub) -> RemUnknownCall | None:
    """A call of IRemUnknown or IRemUnknown2; None for an operation that neither has."""
    if stub.opnum not in _OPERATIONS:
        return None
    operation, read_request, read_response = _OPERATIONS[stub.opnum]
    problems = FirstProblem()
    found: Fields = {"rem_unknown": stub.object_uuid, "hresult": stub.result}
    request, response = stub.readable_request, stub.readable_response
    if request is not None:
        problems.attempt(read_request, stub.reader(request, f"{LAYER}.{operation}"), found)
    if response is not None:
        problems.attempt(read_response, stub.reader(response, f"{LAYER}.{operation}.response"), found)
    found["results"] = tuple(found.get("results", ()))
    return replace(RemUnknownCall(operation, problem=problems.error), **found)


def _query(ndr: NdrReader, found: Fields) -> None:
    found["cid"], found["ipid"] = read_this(ndr).cid, ndr.guid()
    ndr.u32(), ndr.u16()  # references that are wanted, number of interfaces
    _iids(ndr, found)


def _query_2(ndr: NdrReader, found: Fields) -> None:
    found["cid"], found["ipid"] = read_this(ndr).cid, ndr.guid()
    ndr.u16()
    _iids(ndr, found)


def _iids(ndr: NdrReader, found: Fields) -> None:
    found["iids"] = tuple(ndr.guid() for _ in range(ndr.count(16, MAXIMUM_INTERFACES)))


def _queried(ndr: NdrReader, found: Fields) -> None:
    """REMQIRESULT of each interface: an HRESULT, and a STDOBJREF that counts where it is a success."""
    read_that(ndr)
    if not ndr.pointer():
        return
    asked = found.get("iids", ())
    results: list[ActivatedInterface] = []
    found["results"] = results  # so that a cut leaves those before it
    for place in range(ndr.count(0, MAXIMUM_INTERFACES)):
        ndr.align(8)
        hresult, standard = ndr.u32(), parse_std_objref(ndr)
        iid = asked[place] if place < len(asked) else None
        if hresult & 0x80000000:
            results.append(ActivatedInterface(iid, hresult, None, None, None))
        else:
            results.append(ActivatedInterface(iid, hresult, standard.ipid, standard.oxid, standard.oid))


def _queried_2(ndr: NdrReader, found: Fields) -> None:
    read_that(ndr)
    results = [ndr.u32() for _ in range(ndr.count(4, MAXIMUM_INTERFACES))]
    pointers = interface_pointers(ndr)
    asked = found.get("iids", ())
    found["results"] = tuple(
        activated(asked[place] if place < len(asked) else None, result, pointer)
        for place, (result, pointer) in enumerate(zip(results, pointers, strict=False))
    )


def _references(ndr: NdrReader, found: Fields) -> None:
    found["cid"] = read_this(ndr).cid
    ndr.u16()
    count = ndr.count(24, MAXIMUM_INTERFACES)
    found["references"] = tuple(InterfaceReference(ndr.guid(), ndr.u32(), ndr.u32()) for _ in range(count))


def _added(ndr: NdrReader, found: Fields) -> None:
    read_that(ndr)
    found["reference_results"] = tuple(ndr.u32() for _ in range(ndr.count(4, MAXIMUM_INTERFACES)))


def _released(ndr: NdrReader, _found: Fields) -> None:
    read_that(ndr)


_Read = Callable[[NdrReader, Fields], None]
_OPERATIONS: dict[int, tuple[str, _Read, _Read]] = {
    3: ("RemQueryInterface", _query, _queried),
    4: ("RemAddRef", _references, _added),
    5: ("RemRelease", _references, _released),
    6: ("RemQueryInterface2", _query_2, _queried_2),
}


def objects(call: RemUnknownCall) -> Iterator[ObjectFacts]:
    """The interface pointers that were handed out."""
    for result in call.results:
        if result.ipid is not None:
            yield ObjectFacts(result.ipid, result.iid, result.oxid, result.oid)
