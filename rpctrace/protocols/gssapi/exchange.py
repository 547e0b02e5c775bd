"""What an authentication says of itself, wherever its tokens travel: the ticket presented, the names of NTLM, and the
legs of an exchange that a protocol other than DCE/RPC carries (session setup of SMB, bind of LDAP, header of HTTP).
"""

from __future__ import annotations

from dataclasses import replace

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.kerberos.messages import ApOptions, ApReq, KrbError
from rpctrace.protocols.ntlm.messages import Authenticate, Challenge, NtlmMessage, TargetInfo
from rpctrace.record import record
from rpctrace.stream.stream import Direction


@record
class PresentedTicket:
    """The clear text of the ticket in an AP-REQ. `presented_in` is the leg: the kind of RPC PDU (bind, alter_context,
    auth3), or what carried it else (session_setup, ldap_bind, http). `options` None where the cut was."""

    realm: str | None
    sname: tuple[str, ...]
    name_type: int | None
    etype: int | None
    authenticator_etype: int | None
    kvno: int | None
    options: ApOptions | None
    presented_in: str
    frame: int
    fingerprint: str | None = None


# RFC 4120 5.5.1, 5.3: what an AP-REQ says in clear
def presented_ticket(request: ApReq, presented_in: str, frame: int) -> PresentedTicket:
    ticket = request.ticket
    sname = ticket.sname if ticket else None
    return PresentedTicket(
        ticket.realm if ticket else None,
        sname.components if sname else (),
        sname.name_type if sname else None,
        ticket.etype if ticket else None,
        request.authenticator_etype,
        ticket.kvno if ticket else None,
        request.options,
        presented_in,
        frame,
        ticket.fingerprint if ticket else None,
    )


@record
class NtlmNames:
    """Who an NTLM exchange speaks for, which target and which `computer` the server named itself, and the flags of the
    three messages as far as they were seen."""

    domain: str | None = None
    user: str | None = None
    workstation: str | None = None
    target: str | None = None
    negotiate_flags: int | None = None
    challenge_flags: int | None = None
    authenticate_flags: int | None = None
    computer: str | None = None


def learned_names(names: NtlmNames | None, message: NtlmMessage) -> NtlmNames:
    """What one more message adds."""
    names = names or NtlmNames()
    if isinstance(message, Authenticate):
        return replace(
            names,
            domain=message.domain,
            user=message.user,
            workstation=message.workstation,
            authenticate_flags=message.flags,
            computer=names.computer or _computer(message.target_info),  # an NTLMv2 response repeats the challenge's
        )
    if isinstance(message, Challenge):
        computer = _computer(message.target_info)
        return replace(names, target=message.target_name, challenge_flags=message.flags, computer=computer)
    return replace(names, negotiate_flags=message.flags)


def _computer(info: TargetInfo | None) -> str | None:
    return None if info is None else info.dns_computer or info.netbios_computer


class Leg(NamedTuple):
    """One message of an authentication outside DCE/RPC.

    `carried_in`: smb, ldap, http. `session` tells the authentications of one connection apart (session id of SMB, 0
    before the server gave one; a number of the dissector's own else). `octets` is the token, empty where the message
    has none. An answer has `status` in the words of its protocol (NTSTATUS, LDAP result code, HTTP status) and
    `outcome`: None while it goes on, True once the server took it, False once it refused. `target`: what the client
    asked for (host of HTTP). `note`: what the answer says in words (the diagnosticMessage of LDAP).
    """

    carried_in: str
    session: int
    direction: Direction
    octets: memoryview
    status: int | None
    outcome: bool | None
    target: str | None
    provenance: Provenance
    note: str | None = None


class AuthenticationExchange(NamedTuple):
    """An authentication outside DCE/RPC from its first token to its outcome (None: not in the capture).

    `request` is the leg of the AP-REQ or else the first one, `reply` the last answer and `reply_token` the kind of the
    token in it. `tokens` are the kinds of all tokens in order, as `TokenKind` names them. `notes`: what a refusal says
    in words. `session` is that of its last leg.
    """

    carried_in: str
    mechanism: str
    tokens: tuple[str, ...]
    ticket: PresentedTicket | None
    ntlm: NtlmNames | None
    kerberos_error: KrbError | None
    reply_token: str | None
    status: int | None
    outcome: bool | None
    target: str | None
    request: Provenance | None
    reply: Provenance | None
    notes: tuple[str, ...]
    session: int = 0
