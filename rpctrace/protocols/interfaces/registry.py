"""Which interfaces' stubs are read, and by what; what a value tells of other connections. A reader is loaded with the
first call of its interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rpctrace.knowledge.tables import ENDPOINT_MAPPER_UUID
from rpctrace.protocols.interfaces.stub import (
    ACTIVATION,
    IREMUNKNOWN,
    IREMUNKNOWN2,
    NETLOGON,
    OBJECT_RESOLVER,
    REMOTE_SCM_ACTIVATOR,
    ObjectFacts,
    Stub,
)

if TYPE_CHECKING:
    from rpctrace.protocols.interfaces.activation import Activation
    from rpctrace.protocols.interfaces.epm import EndpointAnswer
    from rpctrace.protocols.interfaces.netlogon import NetlogonCall
    from rpctrace.protocols.interfaces.orpc import OrpcCall
    from rpctrace.protocols.interfaces.oxid import OxidAnswer
    from rpctrace.protocols.interfaces.remunknown import RemUnknownCall

    StubValue = EndpointAnswer | Activation | OxidAnswer | RemUnknownCall | NetlogonCall | OrpcCall


def _endpoint_mapper(stub: Stub) -> EndpointAnswer | None:
    from rpctrace.protocols.interfaces import epm

    return epm.read(stub)


def _object_resolver(stub: Stub) -> OxidAnswer | None:
    from rpctrace.protocols.interfaces import oxid

    return oxid.read(stub)


def _activation(stub: Stub) -> Activation | None:
    from rpctrace.protocols.interfaces import activation

    return activation.read(stub)


def _netlogon(stub: Stub) -> NetlogonCall | None:
    from rpctrace.protocols.interfaces import netlogon

    return netlogon.read(stub)


def _rem_unknown(stub: Stub) -> RemUnknownCall | None:
    from rpctrace.protocols.interfaces import remunknown

    return remunknown.read(stub)


def _object(stub: Stub) -> OrpcCall | None:
    from rpctrace.protocols.interfaces import orpc

    return orpc.read(stub)


_READERS: dict[str, Callable[[Stub], StubValue | None]] = {
    ENDPOINT_MAPPER_UUID: _endpoint_mapper,
    OBJECT_RESOLVER: _object_resolver,
    REMOTE_SCM_ACTIVATOR: _activation,
    ACTIVATION: _activation,
    NETLOGON: _netlogon,
    IREMUNKNOWN: _rem_unknown,
    IREMUNKNOWN2: _rem_unknown,
}
# Whose stubs an association keeps. Of calls on any other object the head and the last four octets do (`orpc`).
STUBS_READ: frozenset[str] = frozenset(_READERS)


def read_stub(stub: Stub) -> StubValue | None:
    """What a call says; None for an interface that is not read. Never raises: what did not read is in `problem`."""
    return _READERS.get(stub.uuid, _object)(stub)


def objects(value: StubValue) -> tuple[ObjectFacts, ...]:
    """Every interface pointer that changed hands in this call: later calls name it by its IPID."""
    from rpctrace.protocols.interfaces import activation, orpc, oxid, remunknown

    match value:
        case activation.Activation():
            return tuple(activation.objects(value))
        case oxid.OxidAnswer():
            return tuple(oxid.objects(value))
        case remunknown.RemUnknownCall():
            return tuple(remunknown.objects(value))
        case orpc.OrpcCall():
            return (*value.objects, *value.passed)
        case _:
            return ()
