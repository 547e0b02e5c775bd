"""What answers tell of other connections -> endpoints of the Report: where an interface or object is to be reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rpctrace import report
from rpctrace.assembly.calls import Assembler
from rpctrace.assembly.codes import hexadecimal, identifier
from rpctrace.conversations.observations import ObservedCall
from rpctrace.encoding.times import iso_8601
from rpctrace.knowledge import tables
from rpctrace.protocols.dcerpc.pdu import SyntaxId
from rpctrace.protocols.interfaces.epm import EndpointAnswer
from rpctrace.protocols.interfaces.stub import NamedEndpoint, Telling


def told(assembler: Assembler, observed: ObservedCall) -> Iterator[report.Endpoint]:
    """Every endpoint in the answer of a call; of one without any, that there is none."""
    said = observed.said
    if not isinstance(said, Telling) or observed.call.reply is None:
        return
    named = tuple(said.endpoints())
    for each in named:
        yield _entry(assembler, observed, said.operation, each, each.interface, None)
    if not named and isinstance(said, EndpointAnswer) and said.status:
        yield _entry(assembler, observed, said.operation, None, said.asked, said.status)


def _entry(
    assembler: Assembler,
    observed: ObservedCall,
    operation: str,
    named: NamedEndpoint | None,
    interface: SyntaxId | None,
    status: int | None,
) -> report.Endpoint:
    reply = observed.call.reply
    time_ns = reply.timestamp_ns if reply else None
    fact = tables.interface(interface.uuid, interface.version_text) if interface else None
    server = observed.conversation.server.address
    return report.Endpoint(
        id="",
        capture=assembler.capture,
        source=operation,
        call=None,
        frame=int(reply.frame) if reply else None,
        time_ns=time_ns,
        time=iso_8601(time_ns),
        teller=server,
        server=named.address if named and named.address else None,
        protocol=named.protocol if named else None,
        port=named.port if named else None,
        pipe=named.pipe if named else None,
        interface_uuid=interface.uuid if interface else None,
        interface_version=interface.version_text if interface else None,
        interface_name=fact.name if fact else None,
        purpose=_purpose(named, fact.name if fact else None),
        status=status,
        status_hex=hexadecimal(status),
        status_name=tables.status_name(status) if status is not None else None,
    )


def _purpose(named: NamedEndpoint | None, interface_name: str | None) -> str | None:
    """What a connection there is for, in words."""
    if named is None:
        return None
    if named.clsid is not None:
        fact = tables.interface(named.clsid)
        return f"objects of class {fact.name if fact else named.clsid}"
    if named.oxid is not None:
        return f"objects of exporter {identifier(named.oxid)}"
    return interface_name


def numbered(
    entries: Sequence[tuple[report.Endpoint, ObservedCall]], calls: dict[int, str], before: int
) -> tuple[report.Endpoint, ...]:
    """In the order of their frames, with the ids `endpoint-N`; `calls`: the ids of kept calls, by
    identity of what was observed; `before`:
    how many other captures hold."""
    in_order = sorted(entries, key=lambda each: each[0].frame or 0)
    return tuple(
        replace(entry, id=f"endpoint-{number}", call=calls.get(id(observed)))
        for number, (entry, observed) in enumerate(in_order, before + 1)
    )
