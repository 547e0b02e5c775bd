"""GSS-API framing: octets -> the mechanism's object identifier and the octets of its token.

A framed token whose tail is cut gives the octets at hand. `ParseError` where no mechanism can be told.
"""

from __future__ import annotations

from enum import StrEnum

from rpctrace.encoding import der
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets
from rpctrace.protocols.kerberos.messages import MessageType
from rpctrace.record import record

_LAYER = "gssapi.InitialContextToken"
FRAME_TAG = der.application_tag(0)


class Mechanism(StrEnum):
    """Who speaks in a token, under the names of the report."""

    KERBEROS = "kerberos"
    NTLM = "ntlm"
    NETLOGON = "netlogon"
    SCHANNEL = "schannel"
    SPNEGO = "spnego"
    NEGOEX = "negoex"
    IAKERB = "iakerb"
    PKU2U = "pku2u"
    UNKNOWN = "unknown"


SPNEGO_OID = "1.3.6.1.5.5.2"

# RFC 4121 1, RFC 4178 1, [MS-SPNG] 1.9, [MS-NEGOEX] 1.9; the second is RFC 4121's with its third arc cut to 16 bits
MECHANISMS: dict[str, Mechanism] = {
    "1.2.840.113554.1.2.2": Mechanism.KERBEROS,
    "1.2.840.48018.1.2.2": Mechanism.KERBEROS,
    "1.2.840.113554.1.2.2.3": Mechanism.KERBEROS,
    "1.3.6.1.4.1.311.2.2.10": Mechanism.NTLM,
    "1.3.6.1.4.1.311.2.2.30": Mechanism.NEGOEX,
    "1.3.6.1.5.2.5": Mechanism.IAKERB,
    "1.3.6.1.5.2.7": Mechanism.PKU2U,
    SPNEGO_OID: Mechanism.SPNEGO,
}

# RFC 4121 4.1; 04 00 and 04 01: draft-swift-win2k-krb-user2user-03
TOKEN_IDS: dict[bytes, MessageType] = {
    b"\x01\x00": MessageType.AP_REQ,
    b"\x02\x00": MessageType.AP_REP,
    b"\x03\x00": MessageType.ERROR,
    b"\x04\x00": MessageType.TGT_REQ,
    b"\x04\x01": MessageType.TGT_REP,
}


# RFC 2743 3.1
@record
class GssFrame(Partial):
    """InitialContextToken: `mechanism_oid` is thisMech, `token` what is there of innerContextToken."""

    mechanism_oid: str
    token: memoryview


def parse_frame(octets: Octets) -> GssFrame:
    """[APPLICATION 0] IMPLICIT SEQUENCE { thisMech, innerContextToken } -> value."""
    outer = der.expect(octets, FRAME_TAG, _LAYER)
    problems = FirstProblem()
    problems.attempt(der.whole, outer)
    mechanism = der.inner(outer, der.OBJECT_IDENTIFIER)
    oid = der.object_identifier(mechanism)
    return GssFrame(oid, outer.value[mechanism.end - outer.value_offset :], problem=problems.error)
