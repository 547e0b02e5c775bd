"""Which interfaces' stubs are read, and by what; what a value tells of other connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rpctrace.protocols.interfaces import activation, epm, netlogon, orpc, oxid, remunknown
from rpctrace.protocols.interfaces.activation import Activation
from rpctrace.protocols.interfaces.epm import EndpointAnswer
from rpctrace.protocols.interfaces.netlogon import NetlogonCall
from rpctrace.protocols.interfaces.orpc import OrpcCall
from rpctrace.protocols.interfaces.oxid import OxidAnswer
from rpctrace.protocols.interfaces.remunknown import RemUnknownCall
from rpctrace.protocols.interfaces.stub import NamedEndpoint, ObjectFacts, Stub

StubValue = EndpointAnswer | Activation | OxidAnswer | RemUnknownCall | NetlogonCall | OrpcCall

_READERS: dict[str, Callable[[Stub], StubValue | None]] = {
    epm.UUID: epm.read,
    oxid.UUID: oxid.read,
    activation.REMOTE_SCM_ACTIVATOR: activation.read,
    activation.ACTIVATION: activation.read,
    netlogon.UUID: netlogon.read,
    **dict.fromkeys(remunknown.UUIDS, remunknown.read),
}
TELLING = (EndpointAnswer, Activation, OxidAnswer)  # of endpoints
# Whose stubs an association keeps. Of calls on any other object the head and the last four octets do (`orpc`).
STUBS_READ: frozenset[str] = frozenset(_READERS)


def read_stub(stub: Stub) -> StubValue | None:
    """What a call says; None for an interface that is not read. Never raises: what did not read is in `problem`."""
    return _READERS.get(stub.uuid, orpc.read)(stub)


def endpoints(value: StubValue) -> tuple[NamedEndpoint, ...]:
    """Every place where, as this answer says, something listens."""
    return tuple(_endpoints(value))


def _endpoints(value: StubValue) -> Iterator[NamedEndpoint]:
    match value:
        case EndpointAnswer():
            yield from epm.endpoints(value)
        case Activation():
            yield from activation.endpoints(value)
        case OxidAnswer():
            yield from oxid.endpoints(value)


def objects(value: StubValue) -> tuple[ObjectFacts, ...]:
    """Every interface pointer that changed hands in this call: later calls name it by its IPID."""
    match value:
        case Activation():
            return tuple(activation.objects(value))
        case OxidAnswer():
            return tuple(oxid.objects(value))
        case RemUnknownCall():
            return tuple(remunknown.objects(value))
        case OrpcCall():
            return (*value.objects, *value.passed)
        case _:
            return ()
