"""The article's refused alter_context and one that met a skewed clock, as calls."""

from __future__ import annotations

from builders import dcerpc as write
from builders import extended_error, kerberos
from dcerpc_talk import CONTEXT, Talk, head
from tokens import SKEW, U2U_AP_REQ

from rpctrace.conversations.observations import ConversationFacts, ObservedCall
from rpctrace.kept_calls import KeptCalls
from rpctrace.network.flow import Endpoint
from rpctrace.stream.stream import Connection

FACTS = ConversationFacts(
    Connection(0, Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 49170), False), 1, 9, 1, 9, False
)
ERROR = extended_error.extended_error(extended_error.ErrorRecord(0x721, 130, 3, "WS2", 7))


def observed() -> list[ObservedCall]:
    talk = Talk()
    talk.client(write.alter_context([CONTEXT], head(2, token=U2U_AP_REQ, auth_type=16, level=6)))
    talk.server(write.fault(0x721, head(2), extended_error=ERROR))
    talk.client(write.alter_context([CONTEXT], head(3, token=U2U_AP_REQ, auth_type=16)))
    framed = kerberos.gss_frame(kerberos.TOKEN_ERROR, SKEW)
    talk.server(write.alter_context_resp([write.Result()], head(3, token=framed, auth_type=16)))
    calls = KeptCalls()
    for call in talk.end():
        calls.add(ObservedCall(FACTS, call))
    return list(calls.taken())
