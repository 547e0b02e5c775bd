"""The password change protocol (RFC 3244, port 464): octets -> requests and replies, their clear fields.

A message is length, version and the length of an AP-REQ or AP-REP, that message, and a KRB-PRIV; or in a reply, where
the length of the AP-REP is 0, a KRB-ERROR with a result code and a text in its e-data. As everywhere in Kerberos a cut
message gives what could be read. Over TCP it stands behind the mark of RFC 4120 7.2.2.
"""

from __future__ import annotations

from rpctrace.encoding import der
from rpctrace.encoding.der import Fields
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.encoding.text import decode_text
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.kerberos.elements import ApReq, MessageType
from rpctrace.protocols.kerberos.messages import ApRep, KrbError, parse_message
from rpctrace.record import record

_LAYER = "kpasswd"
HEAD_LENGTH_OCTETS = 6
CHANGE_PASSWORD, SET_PASSWORD = 0x0001, 0xFF80  # RFC 3244 2: protocol version numbers; replies have the first
_FOLLOWING = frozenset(map(der.application_tag, (MessageType.AP_REQ, MessageType.AP_REP, MessageType.ERROR)))
_ERROR_TAG = der.application_tag(MessageType.ERROR)


# RFC 3244 2
class ResultCode(OpenEnum):
    SUCCESS = 0
    MALFORMED = 1
    HARD_ERROR = 2
    AUTH_ERROR = 3
    SOFT_ERROR = 4
    ACCESS_DENIED = 5
    BAD_VERSION = 6
    INITIAL_FLAG_NEEDED = 7


@record
class KpasswdReq(Partial):
    """`version` tells whose password: 1 the client's own, 0xff80 also another one's. The rest is encrypted."""

    version: int
    ap_req: ApReq | None


@record
class KpasswdRep(Partial):
    """With `ap_rep` the result is encrypted; with `error` it is in clear where the server gave one."""

    version: int
    ap_rep: ApRep | None
    error: KrbError | None
    result_code: ResultCode | None
    result_text: str | None


def kpasswd_length(octets: Octets, at: int = 0) -> int | None:
    """The length that a message starting at `at` declares, None where none starts. Needs seven octets."""
    length, version, inner = (int.from_bytes(octets[at + place : at + place + 2], "big") for place in (0, 2, 4))
    tag = octets[at + HEAD_LENGTH_OCTETS]
    if version not in (CHANGE_PASSWORD, SET_PASSWORD) or tag not in _FOLLOWING:
        return None
    fits = inner == 0 if tag == _ERROR_TAG else 0 < inner <= length - HEAD_LENGTH_OCTETS
    return length if fits and length > HEAD_LENGTH_OCTETS else None


def parse_kpasswd(octets: Octets) -> KpasswdReq | KpasswdRep:
    """One message -> value. Raises `ParseError` where it cannot be told whether it is a request or a reply."""
    reader = Reader(octets, _LAYER, little_endian=False)
    declared, version, inner_length = reader.u16(), reader.u16(), reader.u16()
    problems = FirstProblem()
    if reader.consumed + reader.remaining < declared:
        problems.note(Truncated(_LAYER, 0, declared, reader.consumed + reader.remaining))
    inner = reader.take(min(inner_length or reader.remaining, reader.remaining))
    try:
        message = parse_message(inner)
    except ParseError as error:
        raise Malformed(_LAYER, HEAD_LENGTH_OCTETS, f"no AP-REQ, AP-REP or KRB-ERROR: {error}") from None
    if message.problem is not None:
        problems.note(message.problem)
    if isinstance(message, ApReq):
        return KpasswdReq(version, message, problem=problems.error)
    if isinstance(message, ApRep):
        return KpasswdRep(version, message, None, None, None, problem=problems.error)
    if isinstance(message, KrbError):
        return KpasswdRep(version, None, message, *_result(inner), problem=problems.error)
    raise Malformed(_LAYER, HEAD_LENGTH_OCTETS, f"{message.message_type.name} in a password change")


def _result(error: memoryview) -> tuple[ResultCode | None, str | None]:
    """The result in the e-data of a KRB-ERROR: a code of 16 bits and a text. Octets that are none say nothing."""
    fields = Fields.inside(der.read_element(error, _LAYER), FirstProblem())
    data = fields.value(12, der.whole, der.OCTET_STRING, optional=True)
    if data is None or len(data) < 2:
        return None, None
    return ResultCode(int.from_bytes(data[:2], "big")), decode_text(data[2:]) or None
