"""Which leg of an authentication a failed call was: a rule keys on the PDU that carried the token.

A refused AP-REQ shows as a bind_nak where it was in the bind, as a fault where it was in an alter_context, and on the
first request where it was in an auth3 ([MS-RPCE] 3.3.1.5.2.1). An AP-REP from the client is the third leg of DCE style
([MS-KILE] 3.4.5.1): the server had accepted the ticket before.
"""

from __future__ import annotations

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.report import Call

SEC_PKG_ERROR = 0x721  # RPC_S_SEC_PKG_ERROR, [MS-ERREF] 2.2
ACCESS_DENIED = 0x5
PROTOCOL_ERROR = 0x1C01000B  # nca_proto_error, C706 Appendix N
REFUSALS = frozenset((SEC_PKG_ERROR, ACCESS_DENIED))  # what a security package's refusal shows as
LOCATIONS_OF_ACCEPTANCE = frozenset((70, 71, 72, 73, 74))  # AcceptSecurityContext; extended error detection locations
LOCATIONS_OF_VERIFICATION = frozenset((130,))  # a signature, or unsealing


def presents_ticket(call: Call) -> bool:
    """Whether this very call carried the AP-REQ."""
    ticket = call.ticket
    return ticket is not None and (ticket.frame in call.request_frames or _token(call) == "AP-REQ")


def is_refused_ticket(call: Call) -> bool:
    """A fault 0x721 to an alter_context that carried an AP-REQ."""
    return call.kind == "alter_context" and call.status == SEC_PKG_ERROR and presents_ticket(call)


def is_user_to_user(call: Call, evidence: Evidence) -> bool:
    """By the ap-options of the ticket, by the tokens of earlier legs, or by how the ticket was issued."""
    if call.ticket is not None and call.ticket.user_to_user:
        return True
    legs = {_token(leg) for leg in evidence.context_legs(call)}
    issuer = evidence.issuer(call)
    return "TGT-REQ" in legs or (issuer is not None and issuer.user_to_user)


def is_third_leg(call: Call) -> bool:
    """Whether the client answered the server's AP-REP with its own: the ticket had been accepted."""
    return _token(call) == "AP-REP"


def was_accepted(call: Call, evidence: Evidence) -> bool:
    """Whether the server had answered the ticket of this security context with an AP-REP before this call."""
    return any(
        leg.id != call.id and leg.auth is not None and leg.auth.reply_token == "AP-REP"
        for leg in evidence.context_legs(call)
    )


def extended_status(call: Call, locations: frozenset[int] | None = None) -> int | None:
    """The innermost status of the fault's extended error records, at these detection locations if given."""
    records = [each for each in call.extended_error or () if locations is None or each.location in locations]
    return records[-1].status if records else None


def _token(call: Call) -> str | None:
    return call.auth.token if call.auth is not None else None
