"""The door to authentication tokens: an auth type and the octets of a security trailer -> what token this is.

The octets decide, the auth type only where they cannot (Netlogon and TLS have no signature of their own, and a token
that is nothing known is ascribed to its auth type): NTLM and Kerberos without SPNEGO are met under auth type 9 too.
`read_token` never raises. No ticket cipher, challenge, response or key is in what it returns, nor any reference to the
octets that were read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from rpctrace.encoding import der
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, detached
from rpctrace.encoding.reader import Octets
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.gssapi.framing import FRAME_TAG, MECHANISMS, TOKEN_IDS, GssFrame, Mechanism, parse_frame
from rpctrace.protocols.gssapi.netlogon import NlAuthMessage, parse_nl_auth_message
from rpctrace.protocols.gssapi.schannel import TlsRecord, parse_record
from rpctrace.protocols.gssapi.spnego import NegTokenInit, NegTokenResp, SpnegoToken, parse_negotiation_token
from rpctrace.protocols.kerberos import messages as kerberos
from rpctrace.protocols.ntlm import messages as ntlm

_LAYER = "token"


# [MS-RPCE] 2.2.1.1.7
class AuthType(OpenEnum):
    NONE = 0
    SPNEGO = 9
    NTLM = 10
    TLS = 14
    KERBEROS = 16
    NETLOGON = 68
    DEFAULT = 255


class TokenKind(StrEnum):
    """Under the names of the report."""

    AP_REQ = "AP-REQ"
    AP_REP = "AP-REP"
    KRB_ERROR = "KRB-ERROR"
    TGT_REQ = "TGT-REQ"
    TGT_REP = "TGT-REP"
    NEGOTIATE = "NEGOTIATE"
    CHALLENGE = "CHALLENGE"
    AUTHENTICATE = "AUTHENTICATE"
    NEG_TOKEN_INIT = "NegTokenInit"
    NEG_TOKEN_RESP = "NegTokenResp"
    NL_AUTH_MESSAGE = "NL_AUTH_MESSAGE"
    TLS = "TLS"
    WRAP = "Wrap"
    UNKNOWN = "unknown"


Message = kerberos.KerberosMessage | ntlm.NtlmMessage | NlAuthMessage | TlsRecord


class Token(NamedTuple):
    """What a token is and says.

    `kind` is the innermost one that could be told: NegTokenInit and NegTokenResp where SPNEGO carries no token that is
    read. `mechanism` is the inner one too, or the one that SPNEGO chose; "spnego" while nothing is chosen. `spnego`
    comes without the octets of the token in it. `gss_wrapped`: the mechanism's token is in a GSS-API frame of its own,
    which DCE style leaves out ([MS-KILE] 3.4.5.1). `complete`: all was there and readable, else `problem` says why not.
    """

    kind: TokenKind
    mechanism: Mechanism
    spnego: SpnegoToken | None
    message: Message | None
    gss_wrapped: bool
    problem: ParseError | None

    @property
    def complete(self) -> bool:
        return self.problem is None


def read_token(auth_type: int, octets: Octets) -> Token:
    """The token of a bind, alter_context, auth3 or of their answers."""
    try:
        return _read(auth_type, memoryview(octets))
    except ParseError as error:
        mechanism = _MECHANISM_OF_AUTH_TYPE.get(auth_type, Mechanism.UNKNOWN)
        return Token(TokenKind.UNKNOWN, mechanism, None, None, False, detached(error))


def _read(auth_type: int, octets: memoryview) -> Token:
    if not octets:
        raise Truncated(_LAYER, 0, 1, 0)
    first = octets[0]
    if first in _NEGOTIATION_TAGS:
        return _spnego(octets, FirstProblem())
    if first == FRAME_TAG:
        return _framed(octets)
    if first in _FIRST_OCTETS:
        return _plain(octets)
    if re.match(_WRAP_HEADER, octets) is not None:
        return _WRAPPED
    if auth_type in _BY_AUTH_TYPE:
        kind, mechanism, read = _BY_AUTH_TYPE[auth_type]
        message = read(octets)
        return Token(kind, mechanism, None, message, False, message.problem)
    raise Malformed(_LAYER, 0, f"octet 0x{first:02x} opens no token")


# RFC 2743 3.1
def _framed(octets: memoryview) -> Token:
    frame = parse_frame(octets)
    if MECHANISMS.get(frame.mechanism_oid) is not Mechanism.SPNEGO:
        return _framed_mechanism(frame)
    problems = FirstProblem()
    if frame.problem is not None:
        problems.note(frame.problem)
    try:
        return _spnego(frame.token, problems)
    except ParseError as error:
        return Token(TokenKind.UNKNOWN, Mechanism.SPNEGO, None, None, False, frame.problem or detached(error))


def _framed_mechanism(frame: GssFrame) -> Token:
    """Kerberos or NTLM in a frame; of other mechanisms the name alone. Not SPNEGO: it is not nested in itself."""
    mechanism = MECHANISMS.get(frame.mechanism_oid, Mechanism.UNKNOWN)
    try:
        if mechanism is Mechanism.KERBEROS:
            token = _kerberos_with_token_id(frame.token)
        elif mechanism is Mechanism.NTLM:
            token = _plain(frame.token)
        else:
            raise Malformed(_LAYER, 0, f"frame of mechanism {frame.mechanism_oid}")
    except ParseError as error:
        return Token(TokenKind.UNKNOWN, mechanism, None, None, True, frame.problem or detached(error))
    return token._replace(gss_wrapped=True, problem=frame.problem or token.problem)


# RFC 4121 4.1
def _kerberos_with_token_id(octets: memoryview) -> Token:
    if octets[: len(_OLD_WRAP_TOKEN_ID)] == _OLD_WRAP_TOKEN_ID:
        return _WRAPPED
    promised = TOKEN_IDS.get(bytes(octets[:2]))
    if promised is None:
        raise Malformed(_LAYER, 0, f"token id {bytes(octets[:2]).hex()}")
    message = kerberos.parse_message(octets[2:])
    problem = message.problem
    if message.message_type != promised:
        problem = problem or Malformed(_LAYER, 0, f"{message.message_type.name} under the id of {promised.name}")
    return Token(_KINDS[type(message)], Mechanism.KERBEROS, None, message, False, problem)


def _plain(octets: memoryview) -> Token:
    """NTLM, or Kerberos in DCE style: [MS-KILE] 3.4.5.1."""
    if octets[:1] == ntlm.SIGNATURE[:1]:
        ntlm_message = ntlm.parse_message(octets)
        return Token(_KINDS[type(ntlm_message)], Mechanism.NTLM, None, ntlm_message, False, ntlm_message.problem)
    message = kerberos.parse_message(octets)
    return Token(_KINDS[type(message)], Mechanism.KERBEROS, None, message, False, message.problem)


# RFC 4178 4.2
def _spnego(octets: memoryview, problems: FirstProblem) -> Token:
    spnego = parse_negotiation_token(octets, problems)
    kept: SpnegoToken
    if isinstance(spnego, NegTokenInit):
        kind, inside = TokenKind.NEG_TOKEN_INIT, spnego.mech_token
        kept = spnego if inside is None else NegTokenInit(
            spnego.mech_types, spnego.req_flags, None, spnego.neg_hints, spnego.mech_list_mic, problem=spnego.problem
        )
        chosen = spnego.mech_types[0] if spnego.mech_types and inside else None
    else:
        kind, inside = TokenKind.NEG_TOKEN_RESP, spnego.response_token
        kept = spnego if inside is None else NegTokenResp(
            spnego.state, spnego.supported_mech, None, spnego.mech_list_mic, problem=spnego.problem
        )
        chosen = spnego.supported_mech
    mechanism = Mechanism.SPNEGO if chosen is None else MECHANISMS.get(chosen, Mechanism.UNKNOWN)
    outer = Token(kind, mechanism, kept, None, False, kept.problem)
    return _with_inner(outer, inside) if inside else outer


def _with_inner(outer: Token, inside: memoryview) -> Token:
    """SPNEGO with what it carries, or SPNEGO alone where that is not read."""
    if bytes(inside[: len(_NEGOEX_SIGNATURE)]) == _NEGOEX_SIGNATURE:
        return outer._replace(mechanism=Mechanism.NEGOEX)
    try:
        inner = _framed_mechanism(parse_frame(inside)) if inside[0] == FRAME_TAG else _plain(inside)
    except ParseError as error:
        return outer._replace(problem=outer.problem or detached(error))
    if inner.kind is TokenKind.UNKNOWN:
        return outer._replace(mechanism=inner.mechanism, problem=outer.problem or inner.problem)
    return inner._replace(spnego=outer.spnego, problem=outer.problem or inner.problem)


# What a SASL bind of LDAP negotiates its security layers in (RFC 4752 3.1): RFC 4121 4.2.6.2, RFC 1964 1.2.2
_WRAP_HEADER = rb"(?s)\x05\x04[\x00-\x07]\xff.{12}"
_OLD_WRAP_TOKEN_ID = b"\x02\x01"
_WRAPPED = Token(TokenKind.WRAP, Mechanism.KERBEROS, None, None, False, None)
_NEGOEX_SIGNATURE = b"NEGOEXTS"  # [MS-NEGOEX] 2.2.6.2
_NEGOTIATION_TAGS = frozenset({der.context_tag(0), der.context_tag(1)})
_FIRST_OCTETS = frozenset(
    {
        ntlm.SIGNATURE[0],
        der.SEQUENCE,  # KERB-TGT-REQUEST and KERB-TGT-REPLY have no application tag
        der.application_tag(kerberos.MessageType.AP_REQ),
        der.application_tag(kerberos.MessageType.AP_REP),
        der.application_tag(kerberos.MessageType.ERROR),
    }
)
_KINDS: dict[type[Message], TokenKind] = {
    kerberos.ApReq: TokenKind.AP_REQ,
    kerberos.ApRep: TokenKind.AP_REP,
    kerberos.KrbError: TokenKind.KRB_ERROR,
    kerberos.TgtReq: TokenKind.TGT_REQ,
    kerberos.TgtRep: TokenKind.TGT_REP,
    ntlm.Negotiate: TokenKind.NEGOTIATE,
    ntlm.Challenge: TokenKind.CHALLENGE,
    ntlm.Authenticate: TokenKind.AUTHENTICATE,
}
_BY_AUTH_TYPE: dict[int, tuple[TokenKind, Mechanism, Callable[[Octets], NlAuthMessage | TlsRecord]]] = {
    AuthType.NETLOGON: (TokenKind.NL_AUTH_MESSAGE, Mechanism.NETLOGON, parse_nl_auth_message),
    AuthType.TLS: (TokenKind.TLS, Mechanism.SCHANNEL, parse_record),
}
# [MS-RPCE] 2.2.1.1.7
_MECHANISM_OF_AUTH_TYPE: dict[int, Mechanism] = {
    AuthType.SPNEGO: Mechanism.SPNEGO,
    AuthType.NTLM: Mechanism.NTLM,
    AuthType.TLS: Mechanism.SCHANNEL,
    AuthType.KERBEROS: Mechanism.KERBEROS,
    AuthType.NETLOGON: Mechanism.NETLOGON,
    AuthType.DEFAULT: Mechanism.NTLM,
}
