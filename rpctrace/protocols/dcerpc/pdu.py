"""The connection-oriented DCE/RPC PDUs as values: C706 chapter 12 with the extensions of [MS-RPCE] 2.2.2.

A PDU is what one fragment says, in numbers; names of interfaces and codes are looked up far above. Octet fields are
views of the capture. A field that a cut PDU did not reach is None, and `Pdu.complete` tells. What a capture holds by
the million is a named tuple, which costs a third of a frozen dataclass.
"""

from __future__ import annotations

from enum import IntFlag

from rpctrace.encoding.numbers import OpenEnum
from rpctrace.errors import ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.record import record

HEADER_LENGTH_OCTETS = 16
SEC_TRAILER_LENGTH_OCTETS = 8


class PduType(OpenEnum):
    """PTYPE, C706 12.6.3.2 and [MS-RPCE] 2.2.2.1 (auth3), [MS-RPCH] 2.2.3.6 (rts)."""

    REQUEST = 0
    PING = 1
    RESPONSE = 2
    FAULT = 3
    WORKING = 4
    NOCALL = 5
    REJECT = 6
    ACK = 7
    CL_CANCEL = 8
    FACK = 9
    CANCEL_ACK = 10
    BIND = 11
    BIND_ACK = 12
    BIND_NAK = 13
    ALTER_CONTEXT = 14
    ALTER_CONTEXT_RESP = 15
    AUTH3 = 16
    SHUTDOWN = 17
    CO_CANCEL = 18
    ORPHANED = 19
    RTS = 20


class PfcFlags(IntFlag):
    """pfc_flags, C706 12.6.3.1 and [MS-RPCE] 2.2.2.3. Bit 2 has two meanings, which the PDU type tells apart."""

    FIRST_FRAG = 0x01
    LAST_FRAG = 0x02
    PENDING_CANCEL_OR_HEADER_SIGN = 0x04
    RESERVED_1 = 0x08
    CONC_MPX = 0x10
    DID_NOT_EXECUTE = 0x20
    MAYBE = 0x40
    OBJECT_UUID = 0x80


_FIRST_FRAG, _LAST_FRAG = PfcFlags.FIRST_FRAG.value, PfcFlags.LAST_FRAG.value
_HEADER_SIGN = PfcFlags.PENDING_CANCEL_OR_HEADER_SIGN.value
# The types whose bit 2 is PFC_SUPPORT_HEADER_SIGN instead of PFC_PENDING_CANCEL ([MS-RPCE] 2.2.2.3).
HEADER_SIGN_TYPES = frozenset(
    (PduType.BIND, PduType.BIND_ACK, PduType.ALTER_CONTEXT, PduType.ALTER_CONTEXT_RESP, PduType.AUTH3)
)


class Header(NamedTuple):
    """The common header, C706 12.6.3.1. `data_representation` is the four octets of C706 14.1."""

    version: int
    version_minor: int
    pdu_type: PduType
    flags: PfcFlags
    data_representation: bytes
    fragment_length: int
    auth_length: int
    call_id: int

    @property
    def little_endian(self) -> bool:
        return bool(self.data_representation[0] & 0x10)

    # Bits are tested on the plain number: `&` of two flags makes a third one each time.

    @property
    def first(self) -> bool:
        return self.flags._value_ & _FIRST_FRAG != 0

    @property
    def last(self) -> bool:
        return self.flags._value_ & _LAST_FRAG != 0

    @property
    def supports_header_sign(self) -> bool:
        return self.pdu_type in HEADER_SIGN_TYPES and self.flags._value_ & _HEADER_SIGN != 0


class SyntaxId(NamedTuple):
    """p_syntax_id_t, C706 12.6.3.1: `uuid` lower case, version major.minor."""

    uuid: str
    version: int
    version_minor: int

    @property
    def version_text(self) -> str:
        return f"{self.version}.{self.version_minor}"


class PresentationContext(NamedTuple):
    """p_cont_elem_t: one abstract syntax (interface) and the transfer syntaxes offered for it."""

    context_id: int
    abstract_syntax: SyntaxId
    transfer_syntaxes: tuple[SyntaxId, ...]


class PresentationResult(NamedTuple):
    """p_result_t: the answer to the context at the same place. result 0 acceptance, 1 user and 2 provider rejection,
    3 negotiate_ack ([MS-RPCE] 2.2.2.4), where `reason` holds the feature bits."""

    result: int
    reason: int
    transfer_syntax: SyntaxId


class SecTrailer(NamedTuple):
    """sec_trailer, [MS-RPCE] 2.2.2.11. `token` is the auth_value; `token_length_octets` its length on the wire."""

    auth_type: int
    auth_level: int
    pad_length_octets: int
    context_id: int
    token: memoryview
    token_length_octets: int


class Request(NamedTuple):
    """C706 12.6.4.9. `stub` excludes padding and trailer."""

    alloc_hint: int | None
    context_id: int | None
    opnum: int | None
    object_uuid: str | None
    stub: memoryview


class Response(NamedTuple):
    """C706 12.6.4.10."""

    alloc_hint: int | None
    context_id: int | None
    cancel_count: int | None
    stub: memoryview


@record
class Fault:
    """C706 12.6.4.7 and [MS-RPCE] 2.2.2.8. `extended_error` is the [MS-EERR] blob, empty where there is none."""

    alloc_hint: int | None
    context_id: int | None
    cancel_count: int | None
    has_extended_error: bool
    status: int | None
    extended_error: memoryview


@record
class Bind:
    """bind (C706 12.6.4.3) or alter_context (12.6.4.1); the header tells which."""

    max_xmit_frag: int | None
    max_recv_frag: int | None
    association_group_id: int | None
    contexts: tuple[PresentationContext, ...]


@record
class BindAck:
    """bind_ack (C706 12.6.4.4) or alter_context_resp (12.6.4.2). `secondary_address` is the port or pipe as text."""

    max_xmit_frag: int | None
    max_recv_frag: int | None
    association_group_id: int | None
    secondary_address: bytes | None
    results: tuple[PresentationResult, ...]


@record
class BindNak:
    """bind_nak, C706 12.6.4.5 and [MS-RPCE] 2.2.2.9."""

    reason: int | None
    versions: tuple[tuple[int, int], ...]
    extended_error: memoryview


@record
class Bare:
    """auth3, shutdown, co_cancel, orphaned and every type this reader does not know: the body as it came."""

    body: memoryview


Body = Request | Response | Fault | Bind | BindAck | BindNak | Bare


class Pdu(NamedTuple):
    """One fragment. `complete` is False where the capture does not hold all of it; `problem` says what did not read."""

    header: Header
    body: Body
    trailer: SecTrailer | None
    complete: bool
    problem: ParseError | None = None
