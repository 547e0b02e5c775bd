"""A member computer's secure channel to its domain controller ([MS-NRPC] 3.1.4.1, 1.3)."""

from __future__ import annotations

from builders import CLIENT, SERVER, TimedFrame, dcerpc, merged, netlogon_rpc
from builders.dcerpc import Context, Head, Result
from builders.ndr import Ndr

from making import cast
from making.cast import DC_B, MILLISECOND_NS, NOVICE, START_NS
from making.endpoints import mapped
from making.others import secure_channel
from making.speech import talk

COMPUTER = "RESOURCE-WIN73"
WORKSTATION_CHANNEL = 2  # [MS-NRPC] 2.2.1.3.13
NEGOTIATE_FLAGS = 0x612F_FFFF  # [MS-NRPC] 3.1.4.2, with AES
RELATIVE_ID = 1104


def secure_channel_set_up() -> list[TimedFrame]:
    """The port is asked for, challenges are exchanged and proved in clear (opnums 4 and 26), then a second connection
    carries NetrLogonSamLogonEx under auth type 68, sealed."""
    asked = mapped((NOVICE, 50018), START_NS, dcerpc.NETLOGON_INTERFACE, cast.LOGON_PORT)
    conversation = talk((NOVICE, 50019), (DC_B, cast.LOGON_PORT), START_NS + 4 * MILLISECOND_NS)
    conversation.connect()
    conversation.send(CLIENT, dcerpc.bind([Context(0, dcerpc.NETLOGON_INTERFACE)], Head(1)))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], Head(1), secondary_address=str(cast.LOGON_PORT)))
    account = f"{COMPUTER}$"
    calls = (
        (4, netlogon_rpc.challenge(Ndr(), r"\\DC1", COMPUTER), netlogon_rpc.authenticated(Ndr(), None, None, 0)),
        (
            26,
            netlogon_rpc.authenticate(Ndr(), account, WORKSTATION_CHANNEL, COMPUTER, NEGOTIATE_FLAGS),
            netlogon_rpc.authenticated(Ndr(), NEGOTIATE_FLAGS, RELATIVE_ID, 0),
        ),
    )
    for call_id, (opnum, question, answer) in enumerate(calls, 2):
        conversation.send(CLIENT, dcerpc.request(question, Head(call_id), opnum=opnum))
        conversation.send(SERVER, dcerpc.response(answer, Head(call_id)))
    conversation.close()
    return merged(asked.frames, conversation.frames, secure_channel(32))
