"""One call of an interface: the octets of its stubs, and what of it other connections may be told."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.partial import Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.pdu import SyntaxId
from rpctrace.record import record

# Interfaces whose stubs are read: [MS-DCOM] 1.9, [MS-NRPC] 1.9, and that of knowledge/ for the endpoint mapper.
ACTIVATION = "4d9f4ab8-7d1c-11cf-861e-0020af6e7c57"
REMOTE_SCM_ACTIVATOR = "000001a0-0000-0000-c000-000000000046"
OBJECT_RESOLVER = "99fcfec4-5260-101b-bbcb-00aa0021347a"
IREMUNKNOWN = "00000131-0000-0000-c000-000000000046"
IREMUNKNOWN2 = "00000143-0000-0000-c000-000000000046"
NETLOGON = "12345678-1234-abcd-ef00-01234567cffb"


class Stub(NamedTuple):
    """A request and its response, each joined over its fragments.

    `uuid`: the interface, lower case. `object_uuid`: the object of the request (of ORPC, an IPID). `request` and
    `response`: stub data without padding and trailer, None where there is none or it is `sealed` (packet privacy);
    `request_octets` and `response_octets` count what there was, also then. `cut`: not all octets are at hand.
    """

    uuid: str
    opnum: int
    object_uuid: str | None
    request: memoryview | None
    response: memoryview | None
    little_endian: bool
    ndr64: bool
    sealed: bool
    request_octets: int | None
    response_octets: int | None
    cut: bool

    def reader(self, octets: Octets, layer: str) -> NdrReader:
        """Over one of the stubs, in the byte order and transfer syntax of the call."""
        return NdrReader(Reader(octets, layer, little_endian=self.little_endian), ndr64=self.ndr64)

    @property
    def readable_request(self) -> memoryview | None:
        return None if self.sealed else self.request

    @property
    def readable_response(self) -> memoryview | None:
        return None if self.sealed else self.response

    @property
    def result(self) -> int | None:
        """The last four octets of a whole response: what an operation returns (HRESULT, NTSTATUS, error_status_t)."""
        response = self.readable_response
        if response is None or self.cut or len(response) < 4:
            return None
        return int.from_bytes(response[-4:], "little" if self.little_endian else "big")


class NamedEndpoint(NamedTuple):
    """What a call said that another connection is for.

    `protocol`: the protocol sequence (ncacn_ip_tcp). `address`: host name or address as it stands, None where the
    server that answered is meant. `port` of TCP, UDP or HTTP; `pipe` of SMB as `pipe_name` writes it. Where the
    endpoint mapper names it, `interface` is what listens there; where DCOM does, `oxid` is the object exporter,
    `ipid_rem_unknown` its IRemUnknown and `clsid` the class that was activated. An exporter lives on the server that
    answered, by whatever names its bindings call that.
    """

    protocol: str
    address: str | None
    port: int | None
    pipe: str | None
    interface: SyntaxId | None = None
    oxid: int | None = None
    ipid_rem_unknown: str | None = None
    clsid: str | None = None


@record
class Telling(Partial):
    """The answer of an operation that tells where something listens."""

    operation: str

    def endpoints(self) -> Iterator[NamedEndpoint]:
        """Every place that the answer names."""
        raise NotImplementedError


class ObjectFacts(NamedTuple):
    """What an interface pointer is: `ipid` names it on the wire, `iid` is its interface, `oxid` the exporter where it
    lives, `oid` the object. None where the call does not tell."""

    ipid: str
    iid: str | None
    oxid: int | None
    oid: int | None


def exporter_object(oxid: int | None, ipid_rem_unknown: str | None) -> Iterator[ObjectFacts]:
    """The IRemUnknown of an object exporter, where a call told both."""
    if oxid is not None and ipid_rem_unknown is not None:
        yield ObjectFacts(ipid_rem_unknown, IREMUNKNOWN, oxid, None)


def pipe_name(text: str) -> str:
    r"""`\PIPE\lsass`, or `\\PIPE\\lsass` with the escapes of string bindings -> `\pipe\lsass`; other names stay.

    The name behind the prefix keeps its case; names of pipes are equal in any case."""
    parts = [part for part in text.split("\\") if part]
    if len(parts) < 2 or parts[0].lower() != "pipe":
        return text
    return "\\".join(("", "pipe", *parts[1:]))
