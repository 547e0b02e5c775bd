"""Activation of DCOM objects ([MS-DCOM] 3.1.2.5.2.3): which class on which server, and where the object now lives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.partial import FirstProblem
from rpctrace.protocols.interfaces.bindings import (
    SecurityBinding,
    StringBinding,
    endpoints_of,
    parse_bindings,
)
from rpctrace.protocols.interfaces.objref import read_interface_pointer
from rpctrace.protocols.interfaces.orpc import read_that, read_this
from rpctrace.protocols.interfaces.properties import (
    MAXIMUM_INTERFACES,
    ActivatedInterface,
    Fields,
    activated,
    interface_pointers,
    read_properties,
    requested,
)
from rpctrace.protocols.interfaces.stub import (
    ACTIVATION,
    REMOTE_SCM_ACTIVATOR,
    NamedEndpoint,
    ObjectFacts,
    Stub,
    Telling,
    exporter_object,
)
from rpctrace.record import record

LAYER = "dcom.activation"
_REMOTE_ACTIVATION, _GET_CLASS_OBJECT, _CREATE_INSTANCE = 0, 3, 4
_OPERATIONS = {
    (ACTIVATION, _REMOTE_ACTIVATION): "RemoteActivation",
    (REMOTE_SCM_ACTIVATOR, _GET_CLASS_OBJECT): "RemoteGetClassObject",
    (REMOTE_SCM_ACTIVATOR, _CREATE_INSTANCE): "RemoteCreateInstance",
}
_NO_SESSION = 0xFFFFFFFF  # [MS-DCOM] 2.2.22.2.2: the client names none


@record
class Activation(Telling):
    """RemoteGetClassObject (`results` hold the class factory), RemoteCreateInstance or RemoteActivation.

    `server_name`: the name by which the client means to reach the server. `session_id`: of the terminal session where
    the object is to live, where the client names one. `oxid`: the exporter that now holds the object, listening at
    `bindings`, with IRemUnknown `ipid_rem_unknown` and the authentication level `authn_hint` at least. `hresult`: what
    the activation returned. None is what was not said, or not readable.
    """

    cid: str | None = None
    clsid: str | None = None
    iids: tuple[str, ...] = ()
    class_context: int | None = None
    session_id: int | None = None
    remote_session: bool | None = None
    default_authn_level: int | None = None
    impersonation_level: int | None = None
    server_name: str | None = None
    machine_name: str | None = None
    requested_protocols: tuple[str, ...] = ()
    client_version: tuple[int, int] | None = None
    server_version: tuple[int, int] | None = None
    results: tuple[ActivatedInterface, ...] = ()
    oxid: int | None = None
    ipid_rem_unknown: str | None = None
    bindings: tuple[StringBinding, ...] = ()
    security_bindings: tuple[SecurityBinding, ...] = ()
    authn_hint: int | None = None
    hresult: int | None = None

    def endpoints(self) -> Iterator[NamedEndpoint]:
        """Where the object's exporter listens."""
        return endpoints_of(self.bindings, self.oxid, self.ipid_rem_unknown, self.clsid)


def read(stub: Stub) -> Activation | None:
    """A call of IRemoteSCMActivator or IActivation; None for any other operation."""
    operation = _OPERATIONS.get((stub.uuid, stub.opnum))
    if operation is None:
        return None
    problems = FirstProblem()
    found: Fields = {}
    request, response = stub.readable_request, stub.readable_response
    classic = stub.uuid == ACTIVATION
    if request is not None:
        ndr = stub.reader(request, f"{LAYER}.{operation}")
        problems.attempt(_classic_request if classic else _request, ndr, stub.opnum, found, problems)
    if response is not None:
        ndr = stub.reader(response, f"{LAYER}.{operation}.response")
        problems.attempt(_classic_response if classic else _response, ndr, found, problems)
    result = stub.result
    if result is not None and (not classic or result):
        found["hresult"] = result
    if found.get("session_id") == _NO_SESSION:
        found["session_id"] = None
    return replace(Activation(operation, problem=problems.error), **found)


def _request(ndr: NdrReader, opnum: int, found: Fields, problems: FirstProblem) -> None:
    found["cid"] = read_this(ndr).cid
    if opnum == _CREATE_INSTANCE and ndr.pointer():
        read_interface_pointer(ndr)  # the object that aggregates the new one
    if ndr.pointer():
        found.update(read_properties(read_interface_pointer(ndr), problems))


def _response(ndr: NdrReader, found: Fields, problems: FirstProblem) -> None:
    read_that(ndr)
    if ndr.pointer():
        found.update(read_properties(read_interface_pointer(ndr), problems))


def _classic_request(ndr: NdrReader, _opnum: int, found: Fields, _problems: FirstProblem) -> None:
    """[MS-DCOM] 3.1.2.5.2.3.1 RemoteActivation."""
    found["cid"] = read_this(ndr).cid
    found["clsid"] = ndr.guid()
    ndr.optional_text()  # the name of a file that holds the object
    if ndr.pointer():
        read_interface_pointer(ndr)
    found["impersonation_level"] = ndr.u32()
    ndr.u32(), ndr.u32()  # mode, number of interfaces
    if ndr.pointer():
        found["iids"] = tuple(ndr.guid() for _ in range(ndr.count(16, MAXIMUM_INTERFACES)))
    ndr.u16()
    found["requested_protocols"] = requested(ndr)


def _classic_response(ndr: NdrReader, found: Fields, _problems: FirstProblem) -> None:
    read_that(ndr)
    found["oxid"] = ndr.u64()
    if ndr.pointer():
        ndr.wide()
        bindings = parse_bindings(ndr.reader)
        found.update(bindings=bindings.strings, security_bindings=bindings.securities)
    found["ipid_rem_unknown"], found["authn_hint"] = ndr.guid(), ndr.u32()
    found["server_version"] = ndr.u16(), ndr.u16()
    found["hresult"] = ndr.u32()
    pointers = interface_pointers(ndr)
    results = [ndr.u32() for _ in range(ndr.count(4, MAXIMUM_INTERFACES))]
    asked = found.get("iids", ())
    found["results"] = tuple(
        activated(asked[place] if place < len(asked) else pointer.iid if pointer else None, result, pointer)
        for place, (result, pointer) in enumerate(zip(results, pointers, strict=False))
    )


def objects(value: Activation) -> Iterator[ObjectFacts]:
    """The interface pointers that were handed out, and the exporter's own."""
    yield from exporter_object(value.oxid, value.ipid_rem_unknown)
    for result in value.results:
        if result.ipid is not None:
            yield ObjectFacts(result.ipid, result.iid, result.oxid, result.oid)
