"""SPNEGO: octets -> NegTokenInit or NegTokenResp, bare or inside a GSS-API frame.

A mechanism's token is a view of the octets at hand, also when the capture cut it; fields that could not be read are
None or (), `complete` and `problem` say so. `ParseError` only where not even the kind of token could be told.
"""

from __future__ import annotations

from collections.abc import Callable

from rpctrace.encoding import der
from rpctrace.encoding.der import Fields
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets
from rpctrace.errors import Malformed
from rpctrace.protocols.gssapi.framing import FRAME_TAG, SPNEGO_OID, parse_frame
from rpctrace.record import record

_LAYER = "spnego"
_INIT, _RESP = der.context_tag(0), der.context_tag(1)


# RFC 4178 4.2.2
class NegState(OpenEnum):
    ACCEPT_COMPLETED = 0
    ACCEPT_INCOMPLETE = 1
    REJECT = 2
    REQUEST_MIC = 3


# [MS-SPNG] 2.2.1
@record
class NegHints:
    """What marks a NegTokenInit2, the token of a server that speaks first. Older Windows names its principal here."""

    hint_name: str | None
    hint_address: bytes | None


# RFC 4178 4.2.1, [MS-SPNG] 2.2.1
@record
class NegTokenInit(Partial):
    """The mechanisms offered, best first, and the first one's token. With `neg_hints` it is a NegTokenInit2."""

    mech_types: tuple[str, ...]
    req_flags: int | None
    mech_token: memoryview | None
    neg_hints: NegHints | None
    mech_list_mic: bytes | None


# RFC 4178 4.2.2
@record
class NegTokenResp(Partial):
    """An answer, and every later leg of both sides."""

    state: NegState | None
    supported_mech: str | None
    response_token: memoryview | None
    mech_list_mic: bytes | None


SpnegoToken = NegTokenInit | NegTokenResp


def parse_spnego(octets: Octets) -> SpnegoToken:
    """One negotiation token -> value."""
    problems = FirstProblem()
    if len(octets) and octets[0] == FRAME_TAG:
        frame = parse_frame(octets)
        if frame.mechanism_oid != SPNEGO_OID:
            raise Malformed(_LAYER, 0, f"frame of mechanism {frame.mechanism_oid}")
        if frame.problem is not None:
            problems.note(frame.problem)
        octets = frame.token
    return parse_negotiation_token(octets, problems)


def parse_negotiation_token(octets: Octets, problems: FirstProblem) -> SpnegoToken:
    """RFC 4178 4.2 NegotiationToken without its frame; `problems` may hold what was wrong with the frame."""
    choice = der.open_explicit(octets, _LAYER)
    if choice.tag not in _READERS:
        raise Malformed(_LAYER, 0, f"tag 0x{choice.tag:02x} opens no negotiation token")
    name, read = _READERS[choice.tag]
    choice = choice.under(f"{_LAYER}.{name}")
    if not choice.complete:
        problems.attempt(der.whole, choice)
    return read(Fields.inside(choice, problems))


def _neg_token_init(fields: Fields) -> NegTokenInit:
    mech_types = fields.repeated_items(0, der.object_identifier, optional=True)
    req_flags = fields.value(1, der.bit_string_32, der.BIT_STRING, optional=True)
    mech_token = fields.octets(2, optional=True)
    third = fields.element(3, der.SEQUENCE, der.OCTET_STRING, optional=True)
    # [MS-SPNG] 2.2.1 puts its hints where RFC 4178 4.2.1 has mechListMIC, and moves that to [4]; the inner tag tells.
    hints = _neg_hints(fields) if third is not None and third.tag == der.SEQUENCE else None
    mic = _copied(fields, 4 if hints else 3)
    return NegTokenInit(mech_types, req_flags, mech_token, hints, mic, problem=fields.problems.error)


def _copied(fields: Fields, number: int) -> bytes | None:
    octets = fields.octets(number, optional=True)
    return None if octets is None else bytes(octets)


def _neg_hints(parent: Fields) -> NegHints | None:
    fields = parent.nested(3)
    if fields is None:
        return None
    return NegHints(fields.text(0, optional=True), _copied(fields, 1))


def _neg_token_resp(fields: Fields) -> NegTokenResp:
    state = fields.integer(0, optional=True)
    supported_mech = fields.value(1, der.object_identifier, der.OBJECT_IDENTIFIER, optional=True)
    response_token, mic = fields.octets(2, optional=True), _copied(fields, 3)
    return NegTokenResp(
        None if state is None else NegState(state), supported_mech, response_token, mic, problem=fields.problems.error
    )


_READERS: dict[int, tuple[str, Callable[[Fields], SpnegoToken]]] = {
    _INIT: ("NegTokenInit", _neg_token_init),
    _RESP: ("NegTokenResp", _neg_token_resp),
}
