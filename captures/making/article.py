"""The support article's exchange: a Remote Assistance expert asks the novice's computer for a class factory, with a
user-to-user ticket, and is refused with 0x721 because the novice's computer cannot have the ticket's PAC validated.

The order is that of a DCOM activation followed by user-to-user Kerberos ([MS-RAI], [MS-DCOM] 3.1.2.5.2, RFC 4120 3.7,
draft-swift-win2k-krb-user2user). Ciphertext is filler; timing is plausible and no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, dns, filler, kerberos, merged, spnego
from builders.dcerpc import Head, Pfc, Result, Security
from builders.kerberos import KdcRequest, Principal, principal

from making import cast
from making.cast import MILLISECOND_NS
from making.speech import (
    ACCEPTED,
    HEADER_SIGNING,
    ask_kdc,
    authenticated_bind,
    look_up,
    offered,
    say,
    sealed_call,
    talk,
)


@dataclass(frozen=True, slots=True)
class Telling:
    """One way in which the story can go; as it stands, it is the article's."""

    realm: str = cast.ARTICLE_REALM  # as the ticket spells it
    account_realm: str = cast.CHILD_REALM
    kdc: Host = cast.DC_CHILD
    expert_tgt: bytes = cast.CHILD_TGT
    sname: Principal = cast.NOVICE_USER
    expert: Host = cast.EXPERT
    novice: Host = cast.NOVICE
    auth_type: int = dcerpc.SPNEGO
    kdc_error: int | None = 27  # KDC_ERR_MUST_USE_USER2USER; None: not asked without user-to-user
    cached: bool = False  # no word with the KDC at all
    status: int | None = 0x721  # None: the server accepts
    extended_error: bytes = b""
    fault_flags: Pfc = dcerpc.WHOLE
    segment_size: int | None = None
    ap_options: int = kerberos.USE_SESSION_KEY | kerberos.MUTUAL_REQUIRED


ARTICLE = Telling()


def _head(telling: Telling, token: bytes) -> Head:
    return Head(2, HEADER_SIGNING, Security(telling.auth_type, dcerpc.PRIVACY, token))


def _first_leg(telling: Telling) -> bytes:
    token = kerberos.gss_tgt_request(telling.sname, telling.account_realm)
    return spnego.neg_token_init(mech_token=token) if telling.auth_type == dcerpc.SPNEGO else token


def _answer(telling: Telling, token: bytes, mechanism: str | None = None) -> bytes:
    if telling.auth_type != dcerpc.SPNEGO:
        return token
    return spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, mechanism, token)


def novice_tgt(telling: Telling) -> bytes:
    """The ticket-granting ticket that the novice hands out in the KERB-TGT-REPLY."""
    name = kerberos.ticket_granting(telling.account_realm)
    return kerberos.ticket(telling.account_realm, name, kvno=2, cipher=filler("novice tgt", 1048))


def user_to_user_ticket(telling: Telling) -> bytes:
    """The ticket of the article's trace: clear realm and sname, no kvno because its key is a session key."""
    return kerberos.ticket(telling.realm, telling.sname, cipher=filler("user-to-user", 1130))


def ask_for_ticket(telling: Telling, start_ns: int) -> list[TimedFrame]:
    """The TGS exchange with ENC-TKT-IN-SKEY and the novice's ticket-granting ticket (RFC 4120 3.7)."""
    options = kerberos.WINDOWS_TGS_OPTIONS | kerberos.ENC_TKT_IN_SKEY
    body = KdcRequest(
        telling.account_realm, telling.sname, cast.TILL_NS, options, additional_tickets=(novice_tgt(telling),)
    )
    reply = kerberos.tgs_rep(cast.CHILD_REALM, cast.EXPERT_USER, user_to_user_ticket(telling))
    request = kerberos.tgs_req(body, telling.expert_tgt)
    return ask_kdc((telling.expert, 50219), telling.kdc, start_ns + 148 * MILLISECOND_NS, request, reply)


def ask_in_vain(telling: Telling, start_ns: int) -> list[TimedFrame]:
    """The same question without user-to-user: the KDC says no ([MS-KILE] 3.3.5.7), with 27, or with 7 and the reason
    (STATUS_USER2USER_REQUIRED) in its extended error."""
    if telling.kdc_error is None:
        return []
    body = KdcRequest(telling.account_realm, telling.sname, cast.TILL_NS)
    told_ns = start_ns + 143 * MILLISECOND_NS
    data = kerberos.extended_error_data(0xC0000408) if telling.kdc_error == 7 else None
    error = kerberos.krb_error(
        telling.kdc_error, telling.account_realm, telling.sname,
        server_time_ns=told_ns, server_microseconds=told_ns // 1000 % 1_000_000, data=data,
    )  # fmt: skip
    request = kerberos.tgs_req(body, telling.expert_tgt)
    return ask_kdc((telling.expert, 50218), telling.kdc, start_ns + 141 * MILLISECOND_NS, request, error)


def _accepted(conversation: TcpConversation, telling: Telling, start_ns: int) -> None:
    """What follows on a server that can validate the ticket: AP-REP, the third leg, a call."""
    at_ns = start_ns + 163 * MILLISECOND_NS
    second = _head(telling, _answer(telling, kerberos.ap_rep()))
    third = _head(telling, _answer(telling, kerberos.ap_rep(cipher=filler("third leg", 68))))
    done = spnego.neg_token_resp(spnego.ACCEPT_COMPLETED) if telling.auth_type == dcerpc.SPNEGO else b""
    say(conversation, at_ns, SERVER, dcerpc.alter_context_resp([Result()], second))
    say(conversation, at_ns, CLIENT, dcerpc.alter_context(offered(dcerpc.ICLASSFACTORY)[:1], third))
    say(conversation, at_ns, SERVER, dcerpc.alter_context_resp([Result()], _head(telling, done)))
    sealed_call(conversation, conversation.now_ns, 3, 2, (120, 260))


def class_factory(telling: Telling = ARTICLE, start_ns: int = cast.START_NS) -> TcpConversation:
    """The connection that fails: bind with KERB-TGT-REQUEST, bind_ack with KERB-TGT-REPLY, alter_context with the
    AP-REQ, all on call id 2; then the fault, and the client leaves."""
    conversation = talk(
        (telling.expert, 50217), (telling.novice, cast.CLASS_FACTORY_PORT), start_ns + 138 * MILLISECOND_NS
    )
    conversation.connect()
    contexts = offered(dcerpc.ICLASSFACTORY)
    reply = _answer(telling, kerberos.gss_tgt_reply(novice_tgt(telling)), kerberos.MS_KRB5)
    presented = _answer(telling, kerberos.ap_req(user_to_user_ticket(telling), ap_options=telling.ap_options))
    acknowledged = dcerpc.bind_ack(
        ACCEPTED, _head(telling, reply), association_group=0x2A31, secondary_address=str(cast.CLASS_FACTORY_PORT)
    )
    size = telling.segment_size
    say(
        conversation,
        start_ns + 145 * MILLISECOND_NS,
        CLIENT,
        dcerpc.bind(contexts, _head(telling, _first_leg(telling))),
        size,
    )
    say(conversation, start_ns + 147 * MILLISECOND_NS, SERVER, acknowledged, size)
    altered = dcerpc.alter_context(contexts, _head(telling, presented))
    say(conversation, start_ns + 156 * MILLISECOND_NS, CLIENT, altered, size)
    if telling.status is None:
        _accepted(conversation, telling, start_ns)
    else:
        refused = dcerpc.fault(telling.status, Head(2, telling.fault_flags), extended_error=telling.extended_error)
        say(conversation, start_ns + 163 * MILLISECOND_NS, SERVER, refused)
    conversation.now_ns = max(conversation.now_ns, start_ns + 164 * MILLISECOND_NS)
    conversation.close()
    return conversation


def exchange(telling: Telling = ARTICLE, start_ns: int = cast.START_NS) -> list[TimedFrame]:
    """The failing connection, and the KDC's part in it unless tickets are cached."""
    frames = class_factory(telling, start_ns).frames
    if telling.cached:
        return frames
    return merged(frames, ask_in_vain(telling, start_ns), ask_for_ticket(telling, start_ns))


def activation(start_ns: int = cast.START_NS) -> list[TimedFrame]:
    """What comes before on port 135: the activator is bound with a ticket for RPCSS of the novice's computer, which is
    where the capture shows the server's own realm; then RemoteCreateInstance and RemoteGetClassObject, sealed."""
    service = principal("RPCSS", cast.NOVICE_NAME)
    ticket = kerberos.ticket(cast.SERVER_REALM, service, kvno=4)
    request = kerberos.tgs_req(KdcRequest(cast.SERVER_REALM, service, cast.TILL_NS), cast.SERVER_TGT)
    reply = kerberos.tgs_rep(cast.CHILD_REALM, cast.EXPERT_USER, ticket)
    asked = ask_kdc((cast.EXPERT, 50215), cast.DC_B, start_ns + 24 * MILLISECOND_NS, request, reply)
    conversation = talk((cast.EXPERT, 50214), (cast.NOVICE, 135), start_ns + 20 * MILLISECOND_NS)
    conversation.connect()
    authenticated_bind(conversation, start_ns + 60 * MILLISECOND_NS, dcerpc.ISYSTEMACTIVATOR, ticket)
    sealed_call(conversation, start_ns + 66 * MILLISECOND_NS, 4, 2, (720, 620))
    sealed_call(conversation, start_ns + 110 * MILLISECOND_NS, 3, 3, (640, 560))
    return merged(conversation.frames, asked)


def resolution(telling: Telling = ARTICLE, start_ns: int = cast.START_NS) -> list[TimedFrame]:
    """The names that the second half needs: the novice's computer, and a KDC of the novice's account."""
    host = [dns.address_record(cast.NOVICE.address)]
    kdc = [dns.service_record(f"dc1.{telling.account_realm.lower()}", 88)]
    where = f"_kerberos._tcp.dc._msdcs.{telling.account_realm}"
    return merged(
        look_up((cast.EXPERT, 50216), cast.DC_B, start_ns + 130 * MILLISECOND_NS, cast.NOVICE_NAME, host),
        look_up((cast.EXPERT, 50220), cast.DC_B, start_ns + 139 * MILLISECOND_NS, where, kdc, dns.SRV),
    )


def whole_story(telling: Telling = ARTICLE, start_ns: int = cast.START_NS) -> list[TimedFrame]:
    """Activation, names, the failing exchange, as the expert's computer sees them."""
    return merged(activation(start_ns), resolution(telling, start_ns), exchange(telling, start_ns))
