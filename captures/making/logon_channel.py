"""The secure channel between the novice's computer and its domain controller: set up with challenges that the machine
password proves, then NetrLogonSamLogonEx really sealed ([MS-NRPC] 3.1.4, 3.3.4.2, [MS-APDS] 3.2.5). Only opnum, sizes
and times show to a reader without the password."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import pack
from typing import NamedTuple

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, filler, merged, netlogon_rpc
from builders.dcerpc import Context, Head, Result, Security
from builders.ndr import Ndr
from builders.pac import verify_request
from builders.sealing import (
    NetlogonSealer,
    cfb8,
    netlogon_credential,
    netlogon_session_key,
    sealed_request,
    sealed_response,
)
from builders.tcp import ACK, PSH, RST, SYN, SYN_OPTIONS

from making import cast, keys
from making.article import Telling, user_to_user_ticket
from making.cast import DC_A, DC_B, NOVICE
from making.domain_member import COMPUTER, NEGOTIATE_FLAGS, RELATIVE_ID, WORKSTATION_CHANNEL
from making.endpoints import mapped
from making.everyday import web
from making.speech import ACCEPTED, offered, say, talk

NO_SUCH_USER, LOGON_FAILURE, NO_LOGON_SERVERS = 0xC0000064, 0xC000006D, 0xC000005E  # [MS-ERREF] 2.3.1
CLIENT_CHALLENGE, SERVER_CHALLENGE = filler("client challenge", 8), filler("server challenge", 8)
SET_UP_MS, BOUND_MS, ASKED_MS = -1500, -1470, 157


def session_key() -> bytes:
    return netlogon_session_key(keys.computer_nt_hash().contents, CLIENT_CHALLENGE, SERVER_CHALLENGE)


class Channel(NamedTuple):
    """Between whom, under which key."""

    client: Host
    server: Host
    computer: str
    key: bytes


def of_member() -> Channel:
    return Channel(NOVICE, DC_B, COMPUTER, session_key())


ACROSS_THE_TRUST = Channel(DC_B, DC_A, "DC1", filler("session key of the trust", 16))


def set_up(telling: Telling) -> list[TimedFrame]:
    """The port is asked for; NetrServerReqChallenge (4) and NetrServerAuthenticate3 (26), in clear."""
    asked = mapped((NOVICE, 50018), telling.at(SET_UP_MS), dcerpc.NETLOGON_INTERFACE, cast.LOGON_PORT)
    conversation = talk((NOVICE, 50019), (DC_B, cast.LOGON_PORT), telling.at(SET_UP_MS + 4))
    conversation.connect()
    conversation.send(CLIENT, dcerpc.bind([Context(0, dcerpc.NETLOGON_INTERFACE)], Head(1)))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], Head(1), secondary_address=str(cast.LOGON_PORT)))
    ours, theirs = (netlogon_credential(session_key(), each) for each in (CLIENT_CHALLENGE, SERVER_CHALLENGE))
    channel = (f"{COMPUTER}$", WORKSTATION_CHANNEL, COMPUTER, NEGOTIATE_FLAGS)
    calls = (
        (
            4,
            netlogon_rpc.challenge(Ndr(), r"\\DC1", COMPUTER, CLIENT_CHALLENGE),
            netlogon_rpc.authenticated(Ndr(), None, None, 0, SERVER_CHALLENGE),
        ),
        (
            26,
            netlogon_rpc.authenticate(Ndr(), *channel, ours),
            netlogon_rpc.authenticated(Ndr(), NEGOTIATE_FLAGS, RELATIVE_ID, 0, theirs),
        ),
    )
    for call_id, (opnum, question, answer) in enumerate(calls, 2):
        conversation.send(CLIENT, dcerpc.request(question, Head(call_id), opnum=opnum))
        conversation.send(SERVER, dcerpc.response(answer, Head(call_id)))
    conversation.close()
    return merged(asked.frames, conversation.frames)


def verification(telling: Telling, channel: Channel) -> bytes:
    """The stub of NetrLogonSamLogonEx: generic logon of the account's domain to Kerberos, both signatures of the PAC,
    which are encrypted once more under the channel's key ([MS-NRPC] 3.4.5.3.2)."""
    data = verify_request(user_to_user_ticket(telling).pac)
    hidden = cfb8(channel.key, bytes(16), data)
    return netlogon_rpc.generic_pass_through(
        Ndr(), r"\\DC1", channel.computer, telling.account_realm, "Kerberos", hidden
    )


@dataclass(slots=True)
class LogonChannel:
    """The connection that carries the calls, bound under auth type 68. `asked_ms`: when it is used."""

    telling: Telling
    channel: Channel
    asked_ms: int = ASKED_MS
    conversation: TcpConversation = field(init=False)
    sealer: NetlogonSealer = field(init=False)

    def __post_init__(self) -> None:
        ends = (self.channel.client, 50021), (self.channel.server, cast.LOGON_PORT)
        self.conversation = talk(*ends, self.telling.at(BOUND_MS))
        self.sealer = NetlogonSealer(self.channel.key)
        self.conversation.connect()
        negotiate = pack("<II", 0, 3) + b"RESOURCE\0" + self.channel.computer.encode() + b"\0"
        asked, agreed = (
            Head(2, security=Security(dcerpc.NETLOGON, dcerpc.PRIVACY, token))
            for token in (negotiate, pack("<III", 1, 0, 0))
        )
        self.conversation.send(CLIENT, dcerpc.bind(offered(dcerpc.NETLOGON_INTERFACE), asked))
        acknowledged = dcerpc.bind_ack(ACCEPTED, agreed, secondary_address=str(cast.LOGON_PORT))
        self.conversation.send(SERVER, acknowledged)

    def ask(self) -> bytes:
        """The PAC is sent for validation; the octets of the request."""
        octets = sealed_request(self.sealer, verification(self.telling, self.channel), 3, opnum=39)
        say(self.conversation, self.telling.at(self.asked_ms), CLIENT, octets)
        return octets

    def answer(self, status: int, after_ms: int = 4) -> None:
        told = sealed_response(self.sealer, netlogon_rpc.logged_on(Ndr(), status, validation=5), 3)
        say(self.conversation, self.telling.at(self.asked_ms + after_ms), SERVER, told)


def _asked_and_answered(
    telling: Telling, channel: Channel, status: int, after_ms: int, asked_ms: int = ASKED_MS
) -> list[TimedFrame]:
    opened = LogonChannel(telling, channel, asked_ms)
    opened.ask()
    opened.answer(status, after_ms)
    return opened.conversation.frames


def validated(telling: Telling, status: int = NO_SUCH_USER, after_ms: int = 4) -> list[TimedFrame]:
    """Set-up, question and answer."""
    return merged(set_up(telling), _asked_and_answered(telling, of_member(), status, after_ms))


def passed_on(telling: Telling) -> list[TimedFrame]:
    """The domain controller that is asked asks the next one, of the forest that issued the ticket, and passes on its
    answer: the PAC is good."""
    next_asked = _asked_and_answered(telling, ACROSS_THE_TRUST, 0, 4, ASKED_MS + 1)
    return merged(validated(telling, 0, 6), next_asked)


def silent(telling: Telling) -> list[TimedFrame]:
    """The question goes out, is sent again and again (RFC 6298 5.5: each time after twice as long), and nobody answers;
    then the connection is given up."""
    channel = LogonChannel(telling, of_member())
    octets, conversation = channel.ask(), channel.conversation
    number = conversation.sequence[CLIENT]
    for later_ms in (300, 900, 2100, 4500, 9300):
        conversation.now_ns = telling.at(ASKED_MS + later_ms)
        conversation.sequence[CLIENT] = (number - len(octets)) & 0xFFFF_FFFF
        conversation.segment(CLIENT, octets, flags=PSH | ACK)
    conversation.now_ns = telling.at(ASKED_MS + 18_900)
    conversation.segment(CLIENT, flags=RST | ACK)
    return merged(set_up(telling), conversation.frames)


def no_domain_controller(telling: Telling) -> list[TimedFrame]:
    """There is no channel, and nobody answers on port 135: SYN, again after three seconds and after nine. That the
    capture would have an answer shows in another conversation."""
    conversation = talk((NOVICE, 50018), (DC_B, 135), telling.at(ASKED_MS))
    first = conversation.sequence[CLIENT]
    for later_ms in (0, 3_000, 9_000):
        conversation.now_ns = telling.at(ASKED_MS + later_ms)
        conversation.sequence[CLIENT] = first
        conversation.segment(CLIENT, flags=SYN, options=SYN_OPTIONS)
    return merged(web(NOVICE, 8, telling.at(-900)), conversation.frames)
