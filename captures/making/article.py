"""The support article's exchange: a Remote Assistance expert asks the novice's computer for a class factory, with a
user-to-user ticket, and is refused with 0x721 because the novice's computer cannot have the ticket's PAC validated.

The order is that of a DCOM activation followed by user-to-user Kerberos ([MS-RAI], [MS-DCOM] 3.1.2.5.2, RFC 4120 3.7,
draft-swift-win2k-krb-user2user). Everything is encrypted under the keys of `keys`; timing is plausible, no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, dns, kerberos, merged, spnego
from builders.dcerpc import Pfc, Result
from builders.kerberos import Principal

from making import activations, cast, credentials, keys
from making.cast import MILLISECOND_NS
from making.contexts import KerberosContext, SealedCall
from making.credentials import Credential, Issuer
from making.speech import ACCEPTED, ask_kdc, look_up, offered, say, talk


@dataclass(frozen=True, slots=True)
class Telling:
    """One way in which the story can go; as it stands, it is the article's."""

    realm: str = cast.ARTICLE_REALM  # as the ticket spells it
    account_realm: str = cast.CHILD_REALM
    kdc: Host = cast.DC_CHILD
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
    answer_ms: int = 163  # when the AP-REQ is answered; it comes at 156
    start_ns: int = cast.START_NS

    def at(self, milliseconds: float) -> int:
        return self.start_ns + round(milliseconds * MILLISECOND_NS)


ARTICLE = Telling()


def novice_tgt(telling: Telling) -> Credential:
    """The ticket-granting ticket that the novice hands out in the KERB-TGT-REPLY."""
    domain = "CHILD" if telling.account_realm == cast.CHILD_REALM else "RESOURCE"
    person = replace(keys.NOVICE, realm=telling.account_realm, domain=domain)
    return credentials.granting(person, telling.account_realm, telling.start_ns)


def expert_tgt(telling: Telling) -> Credential:
    """What the expert shows to the KDC of the novice's account: its own ticket, or the referral to the other forest."""
    if telling.account_realm == cast.CHILD_REALM:
        return credentials.granting(keys.EXPERT, cast.CHILD_REALM, telling.start_ns)
    return credentials.to_other_forest(telling.start_ns)


def user_to_user_ticket(telling: Telling) -> Credential:
    """The ticket of the article's trace: clear realm and sname, no kvno because its key is the session key of the
    novice's ticket-granting ticket; the PAC is signed with that and by the KDC of the account."""
    issuer = Issuer(novice_tgt(telling).session, None, keys.KRBTGT[telling.account_realm])
    return credentials.issue(keys.EXPERT, telling.realm, telling.sname, issuer, telling.start_ns)


def ask_for_ticket(telling: Telling) -> list[TimedFrame]:
    """The TGS exchange with ENC-TKT-IN-SKEY and the novice's ticket-granting ticket (RFC 4120 3.7)."""
    asked = credentials.exchange(
        expert_tgt(telling), telling.sname, user_to_user_ticket(telling), telling.at(150),
        realm=telling.account_realm, additional=novice_tgt(telling).ticket,
    )  # fmt: skip
    return ask_kdc((telling.expert, 50219), telling.kdc, telling.at(148), asked.request, asked.reply)


def ask_in_vain(telling: Telling) -> list[TimedFrame]:
    """The same question without user-to-user: the KDC says no ([MS-KILE] 3.3.5.7), with 27, or with 7 and the reason
    (STATUS_USER2USER_REQUIRED) in its extended error."""
    if telling.kdc_error is None:
        return []
    told_ns = telling.at(143)
    given = expert_tgt(telling)
    body = credentials.asked_body(telling.account_realm, telling.sname, told_ns, given.validity.end_ns)
    data = kerberos.extended_error_data(0xC0000408) if telling.kdc_error == 7 else None
    error = kerberos.krb_error(
        telling.kdc_error, telling.account_realm, telling.sname,
        server_time_ns=told_ns, server_microseconds=told_ns // 1000 % 1_000_000, data=data,
    )  # fmt: skip
    request = credentials.request(given, body, told_ns)
    return ask_kdc((telling.expert, 50218), telling.kdc, telling.at(141), request, error)


def presented(telling: Telling) -> KerberosContext:
    """The context that the expert wants."""
    return KerberosContext(
        user_to_user_ticket(telling), telling.at(156), telling.ap_options, auth_type=telling.auth_type
    )


def _token(telling: Telling, token: bytes, mechanism: str | None = None) -> bytes:
    if telling.auth_type != dcerpc.SPNEGO:
        return token
    return spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, mechanism, token)


def _accepted(conversation: TcpConversation, telling: Telling, context: KerberosContext) -> None:
    """What follows on a server that can validate the ticket: AP-REP, the third leg, CreateInstance."""
    at_ns = telling.at(telling.answer_ms)
    second, third, done = context.legs_after_ap_req()
    say(conversation, at_ns, SERVER, dcerpc.alter_context_resp([Result()], context.head(second)))
    say(conversation, at_ns, CLIENT, dcerpc.alter_context(offered(dcerpc.ICLASSFACTORY)[:1], context.head(third)))
    say(conversation, at_ns, SERVER, dcerpc.alter_context_resp([Result()], context.head(done)))
    call = SealedCall(3, *activations.create_instance(), 2, object_uuid=activations.FACTORY_IPID)
    call.speak(conversation, conversation.now_ns, context)


def class_factory(telling: Telling = ARTICLE) -> TcpConversation:
    """The connection that fails: bind with KERB-TGT-REQUEST, bind_ack with KERB-TGT-REPLY, alter_context with the
    AP-REQ, all on call id 2; then the fault, and the client leaves."""
    conversation = talk((telling.expert, 50217), (telling.novice, cast.CLASS_FACTORY_PORT), telling.at(138))
    conversation.connect()
    contexts, context, size = offered(dcerpc.ICLASSFACTORY), presented(telling), telling.segment_size
    asked = kerberos.gss_tgt_request(telling.sname, telling.account_realm)
    first = spnego.neg_token_init(mech_token=asked) if telling.auth_type == dcerpc.SPNEGO else asked
    reply = _token(telling, kerberos.gss_tgt_reply(novice_tgt(telling).ticket), kerberos.MS_KRB5)
    acknowledged = dcerpc.bind_ack(
        ACCEPTED, context.head(reply), association_group=0x2A31, secondary_address=str(cast.CLASS_FACTORY_PORT)
    )
    altered = dcerpc.alter_context(contexts, context.head(_token(telling, context.ap_req())))
    say(conversation, telling.at(145), CLIENT, dcerpc.bind(contexts, context.head(first)), size)
    say(conversation, telling.at(147), SERVER, acknowledged, size)
    say(conversation, telling.at(156), CLIENT, altered, size)
    if telling.status is None:
        _accepted(conversation, telling, context)
    else:
        head = dcerpc.Head(2, telling.fault_flags)
        refused = dcerpc.fault(telling.status, head, extended_error=telling.extended_error)
        say(conversation, telling.at(telling.answer_ms), SERVER, refused)
    conversation.now_ns = max(conversation.now_ns, telling.at(telling.answer_ms + 1))
    conversation.close()
    return conversation


def exchange(telling: Telling = ARTICLE) -> list[TimedFrame]:
    """The failing connection, and between its legs what is said to the KDC."""
    if telling.cached:
        return class_factory(telling).frames
    return merged(class_factory(telling).frames, ask_in_vain(telling), ask_for_ticket(telling))


def resolution(telling: Telling = ARTICLE) -> list[TimedFrame]:
    """Where a KDC of the novice's account is."""
    kdc = [dns.service_record(f"dc1.{telling.account_realm.lower()}", 88)]
    where = f"_kerberos._tcp.dc._msdcs.{telling.account_realm}"
    return look_up((cast.EXPERT, 50220), cast.DC_B, telling.at(139), where, kdc, dns.SRV)
