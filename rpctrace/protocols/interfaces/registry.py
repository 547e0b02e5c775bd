"""Which interfaces' stubs are read, and by what. A reader is loaded with the first call of its interface."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from rpctrace.knowledge.tables import ENDPOINT_MAPPER_UUID
from rpctrace.protocols.interfaces.stub import (
    ACTIVATION,
    IREMUNKNOWN,
    IREMUNKNOWN2,
    NETLOGON,
    OBJECT_RESOLVER,
    REMOTE_SCM_ACTIVATOR,
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

# The file of this folder whose `read` takes a stub.
_READERS = {
    ENDPOINT_MAPPER_UUID: "epm",
    OBJECT_RESOLVER: "oxid",
    REMOTE_SCM_ACTIVATOR: "activation",
    ACTIVATION: "activation",
    NETLOGON: "netlogon",
    IREMUNKNOWN: "remunknown",
    IREMUNKNOWN2: "remunknown",
}
_OF_ANY_OBJECT = "orpc"
# Whose stubs an association keeps. Of calls on any other object the head and the last four octets do (`orpc`).
STUBS_READ: frozenset[str] = frozenset(_READERS)


def read_stub(stub: Stub) -> StubValue | None:
    """What a call says; None for an interface that is not read. Never raises: what did not read is in `problem`."""
    return _reader(_READERS.get(stub.uuid, _OF_ANY_OBJECT))(stub)


@cache
def _reader(name: str) -> Callable[[Stub], StubValue | None]:
    read: Callable[[Stub], StubValue | None] = import_module(f"{__package__}.{name}").read
    return read
