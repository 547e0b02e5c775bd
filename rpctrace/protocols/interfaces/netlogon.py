"""Netlogon ([MS-NRPC] 3.5.4): who sets up a secure channel, and whose logon a server passes through.

Most of it is sealed; then the operation and the sizes tell that a logon was passed through, and nothing of whose.
Challenges, credentials, hashes and responses are never kept.
"""

from __future__ import annotations

from collections.abc import Callable

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.knowledge.tables import operations
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.interfaces.properties import Fields
from rpctrace.protocols.interfaces.stub import NETLOGON, Stub
from rpctrace.record import record

LAYER = "netlogon"
_CREDENTIAL_OCTETS = 8  # [MS-NRPC] 2.2.1.1.4
_AUTHENTICATOR_OCTETS = 12  # [MS-NRPC] 2.2.1.1.5
_REQ_CHALLENGE, _AUTHENTICATE, _AUTHENTICATE_2, _AUTHENTICATE_3 = 4, 5, 15, 26
_SAM_LOGON, _SAM_LOGOFF, _SAM_LOGON_EX, _SAM_LOGON_WITH_FLAGS = 2, 3, 39, 45
LOGONS = frozenset((_SAM_LOGON, _SAM_LOGOFF, _SAM_LOGON_EX, _SAM_LOGON_WITH_FLAGS))


class SecureChannelType(OpenEnum):
    """[MS-NRPC] 2.2.1.3.13 NETLOGON_SECURE_CHANNEL_TYPE."""

    NULL = 0
    MSV_AP = 1
    WORKSTATION = 2
    TRUSTED_DNS_DOMAIN = 3
    TRUSTED_DOMAIN = 4
    UAS_SERVER = 5
    SERVER = 6
    CDC_SERVER = 7


class LogonLevel(OpenEnum):
    """[MS-NRPC] 2.2.1.4.16 NETLOGON_LOGON_INFO_CLASS."""

    INTERACTIVE = 1
    NETWORK = 2
    SERVICE = 3
    GENERIC = 4
    INTERACTIVE_TRANSITIVE = 5
    NETWORK_TRANSITIVE = 6
    SERVICE_TRANSITIVE = 7
    TICKET = 8


class LogonIdentity(NamedTuple):
    """[MS-NRPC] 2.2.1.4.15 NETLOGON_LOGON_IDENTITY_INFO, and of a GENERIC logon the security package it is for
    (Kerberos: the PAC that a server has validated). A name whose pointer is null is None."""

    domain: str | None
    user: str | None
    workstation: str | None
    package: str | None


@record
class NetlogonCall(Partial):
    """One call. `operation` is its name, `opnum N` where it has none. `status`: the NTSTATUS returned. Of a sealed call
    the fields behind `response_octets` are None."""

    operation: str
    is_logon: bool
    sealed: bool
    request_octets: int | None
    response_octets: int | None
    computer_name: str | None = None
    account_name: str | None = None
    channel_type: SecureChannelType | None = None
    asked_flags: int | None = None
    negotiated_flags: int | None = None
    logon_level: LogonLevel | None = None
    logon: LogonIdentity | None = None
    validation_level: int | None = None
    status: int | None = None


def read(stub: Stub) -> NetlogonCall:
    """Any call of Netlogon, sealed or not."""
    fact = operations().get((NETLOGON, stub.opnum))
    name = fact.name if fact is not None else f"opnum {stub.opnum}"
    problems = FirstProblem()
    found: Fields = {"status": stub.result}
    request, response = stub.readable_request, stub.readable_response
    read_request, read_response = _READERS.get(stub.opnum, (None, None))
    if request is not None and read_request is not None:
        problems.attempt(read_request, stub.reader(request, f"{LAYER}.{name}"), found)
    if response is not None and read_response is not None:
        problems.attempt(read_response, stub.reader(response, f"{LAYER}.{name}.response"), found)
    lengths = stub.request_octets, stub.response_octets
    return NetlogonCall(name, stub.opnum in LOGONS, stub.sealed, *lengths, **found, problem=problems.error)


def _challenge(ndr: NdrReader, found: Fields) -> None:
    ndr.optional_text()  # the server's name
    found["computer_name"] = ndr.text()


def _authenticate(ndr: NdrReader, found: Fields) -> None:
    ndr.optional_text()
    found["account_name"] = ndr.text()
    found["channel_type"] = SecureChannelType(ndr.enumeration())
    found["computer_name"] = ndr.text()


def _authenticate_with_flags(ndr: NdrReader, found: Fields) -> None:
    _authenticate(ndr, found)
    ndr.octets(_CREDENTIAL_OCTETS)
    found["asked_flags"] = ndr.u32()


def _authenticated_with_flags(ndr: NdrReader, found: Fields) -> None:
    ndr.octets(_CREDENTIAL_OCTETS)
    found["negotiated_flags"] = ndr.u32()


def _sam_logon(ndr: NdrReader, found: Fields) -> None:
    _authenticated_logon(ndr, found)
    found["validation_level"] = ndr.enumeration()


def _authenticated_logon(ndr: NdrReader, found: Fields) -> None:
    ndr.optional_text()
    found["computer_name"] = ndr.optional_text()
    for _ in range(2):  # the authenticator, and the one that is returned
        if ndr.pointer():
            ndr.align(4)
            ndr.octets(_AUTHENTICATOR_OCTETS)
    _logon(ndr, found)


def _sam_logon_ex(ndr: NdrReader, found: Fields) -> None:
    ndr.optional_text()
    found["computer_name"] = ndr.optional_text()
    _logon(ndr, found)
    found["validation_level"] = ndr.enumeration()


def _logon(ndr: NdrReader, found: Fields) -> None:
    """LogonLevel, and the union NETLOGON_LEVEL that it selects ([MS-NRPC] 2.2.1.4.6)."""
    level = found["logon_level"] = LogonLevel(ndr.enumeration())
    ndr.align_union()
    ndr.enumeration()  # the union's own discriminant
    ndr.align_wide()
    if level.is_known and ndr.pointer():
        if level is LogonLevel.TICKET:
            ndr.align(8)  # for its 64-bit options
        _LEVELS[level](ndr, found)


def _counted(ndr: NdrReader) -> bool:
    """RPC_UNICODE_STRING or STRING: two lengths and a pointer."""
    ndr.align_wide()
    ndr.u16(), ndr.u16()
    return ndr.pointer()


def _identity(ndr: NdrReader) -> tuple[bool, bool, bool]:
    """Which of the domain, user and workstation have a text behind the structure."""
    ndr.align_wide()
    domain = _counted(ndr)
    ndr.u32(), ndr.u32(), ndr.u32()  # parameter control, and a 64-bit number in two halves
    return domain, _counted(ndr), _counted(ndr)


def _named(ndr: NdrReader, present: tuple[bool, bool, bool], found: Fields) -> LogonIdentity:
    domain, user, workstation = (ndr.text() if here else None for here in present)
    found["logon"] = identity = LogonIdentity(domain, user, workstation, None)
    return identity


def _password(ndr: NdrReader, found: Fields) -> None:
    """Interactive and service: two encrypted hashes."""
    present = _identity(ndr)
    ndr.octets(32)
    _named(ndr, present, found)


def _network(ndr: NdrReader, found: Fields) -> None:
    present = _identity(ndr)
    ndr.octets(_CREDENTIAL_OCTETS)
    responses = _counted(ndr), _counted(ndr)
    _named(ndr, present, found)
    for here in responses:
        if here:
            ndr.wide()
            ndr.varying(1)


def _generic(ndr: NdrReader, found: Fields) -> None:
    present = _identity(ndr)
    has_package = _counted(ndr)
    ndr.u32()
    has_data = ndr.pointer()
    identity = _named(ndr, present, found)
    if has_package:
        found["logon"] = identity._replace(package=ndr.text())
    if has_data:
        ndr.octets(ndr.count(1, ndr.reader.remaining))


def _ticket(ndr: NdrReader, found: Fields) -> None:
    """[MS-NRPC] NETLOGON_TICKET_LOGON_INFO: a service ticket that the domain controller is to validate."""
    present = _identity(ndr)
    ndr.u64()
    tickets = []
    for _ in range(2):
        ndr.u32()
        tickets.append(ndr.pointer())
    _named(ndr, present, found)
    for here in tickets:
        if here:
            ndr.octets(ndr.count(1, ndr.reader.remaining))


_Read = Callable[[NdrReader, Fields], None]
_LEVELS: dict[LogonLevel, _Read] = {
    LogonLevel.INTERACTIVE: _password,
    LogonLevel.NETWORK: _network,
    LogonLevel.SERVICE: _password,
    LogonLevel.GENERIC: _generic,
    LogonLevel.INTERACTIVE_TRANSITIVE: _password,
    LogonLevel.NETWORK_TRANSITIVE: _network,
    LogonLevel.SERVICE_TRANSITIVE: _password,
    LogonLevel.TICKET: _ticket,
}
_READERS: dict[int, tuple[_Read, _Read | None]] = {
    _REQ_CHALLENGE: (_challenge, None),
    _AUTHENTICATE: (_authenticate, None),
    _AUTHENTICATE_2: (_authenticate_with_flags, _authenticated_with_flags),
    _AUTHENTICATE_3: (_authenticate_with_flags, _authenticated_with_flags),
    _SAM_LOGON: (_sam_logon, None),
    _SAM_LOGOFF: (_authenticated_logon, None),
    _SAM_LOGON_EX: (_sam_logon_ex, None),
    _SAM_LOGON_WITH_FLAGS: (_sam_logon, None),
}
