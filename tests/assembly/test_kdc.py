"""Exchanges with a KDC as the report shows them: who asked for what, what was issued or refused, with names."""

from __future__ import annotations

from builders import kerberos as write

from rpctrace.assembly import kdc
from rpctrace.assembly.calls import Assembler
from rpctrace.conversations.observations import ObservedExchange
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.kerberos.exchange import KdcExchange, KdcOutcome, kind_of, outcome_of, parse_exchanged
from rpctrace.report import KerberosExchange

CHILD, OTHER = "CHILD.DOMAINA.COM", "DOMAINB.COM"
CLIENT, KDC = Endpoint("10.77.0.50", 42480), Endpoint("10.77.0.11", 88)
ALICE, HOST = write.principal("alice"), write.principal("host", "dc1.domainb.com")
TGT = write.ticket(CHILD, write.ticket_granting(CHILD), kvno=1)
REFERRAL = write.ticket(CHILD, write.ticket_granting(OTHER), kvno=2)
TILL_NS = 1_800_000_000 * 1_000_000_000


def entry(request: bytes | None, reply: bytes | None, *, carried_in: str = "kdc_tcp") -> KerberosExchange:
    asked = None if request is None else parse_exchanged(request)
    answered = None if reply is None else parse_exchanged(reply)
    exchange = KdcExchange(
        kind_of(asked or answered),  # type: ignore[arg-type]
        carried_in,
        asked,  # type: ignore[arg-type]
        answered,  # type: ignore[arg-type]
        None if asked is None else Provenance((74, 75), 1_000, 0),
        None if answered is None else Provenance((79,), 2_000, 0),
        (Provenance((76,), 1_500, 0),),
        KdcOutcome.NOT_CAPTURED if answered is None else outcome_of(answered),  # type: ignore[arg-type]
        0,
        (),
    )
    return kdc.exchange(Assembler(0, {"10.77.0.11": "dc1"}), ObservedExchange(CLIENT, KDC, exchange))


def test_a_referral() -> None:
    """What was asked, presented and issued; the realm it leads to; the ticket known again by its fingerprint."""
    body = write.KdcRequest(CHILD, HOST, TILL_NS, options=0x40810000)
    told = entry(write.tgs_req(body, TGT), write.tgs_rep(CHILD, ALICE, REFERRAL))
    assert (told.kind, told.carried_in, told.realm, told.crealm, told.cname) == (
        "TGS", "kdc_tcp", CHILD, CHILD, ("alice",),
    )  # fmt: skip
    assert (told.sname, told.name_type_name, told.referral_to) == (("host", "dc1.domainb.com"), "NT-SRV-INST", OTHER)
    assert (told.request_frame, told.reply_frame, told.copies, told.reply) == (75, 79, (76,), "TGS-REP")
    assert told.options == ("forwardable", "renewable", "canonicalize")
    assert [each.name for each in told.etypes] == [
        "aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "rc4-hmac",
    ]  # fmt: skip
    assert [each.type for each in told.request_pa_data] == [1]
    assert told.ticket is not None
    assert told.presented is not None
    assert (told.ticket.sname, told.ticket.kvno) == (("krbtgt", OTHER), 2)
    assert (told.presented.sname, told.presented.realm) == (("krbtgt", CHILD), CHILD)
    again = entry(write.tgs_req(write.KdcRequest(OTHER, HOST, TILL_NS), REFERRAL), None)
    assert again.presented is not None
    assert again.presented.fingerprint == told.ticket.fingerprint != told.presented.fingerprint
    assert (again.reply, again.outcome, again.server.name) == (None, "not captured", "dc1")


def test_user_to_user_names_the_other_ticket() -> None:
    """ENC-TKT-IN-SKEY and the additional ticket."""
    novice = write.ticket(CHILD, write.ticket_granting(CHILD), cipher=b"novice's" * 9)
    body = write.KdcRequest(CHILD, write.principal("novice"), TILL_NS, options=0x8, additional_tickets=(novice,))
    told = entry(write.tgs_req(body, TGT), None)
    assert told.user_to_user
    assert told.options == ("enc-tkt-in-skey",)
    assert [each.sname for each in told.additional_tickets] == [("krbtgt", CHILD)]


def test_a_refusal() -> None:
    """Its code, NTSTATUS, text and time; an error alone still names service and realm."""
    error = write.krb_error(
        7, OTHER, HOST, server_time_ns=TILL_NS, text="no such", data=write.extended_error_data(0xC0000064)
    )
    told = entry(None, error, carried_in="kdc_udp")
    assert (told.kind, told.error_name, told.ntstatus_name) == (
        None, "KDC_ERR_S_PRINCIPAL_UNKNOWN", "STATUS_NO_SUCH_USER",
    )  # fmt: skip
    assert (told.realm, told.sname, told.reply, told.outcome) == (OTHER, HOST.components, "KRB-ERROR", "rejected")
    assert (told.request_frame, told.server_ns, told.e_text) == (None, TILL_NS, "no such")


def test_what_a_kdc_offers_instead() -> None:
    """ETYPE-INFO2 of a pre-authentication error."""
    offered = write.pa_etype_info2((18, "DOMAINB.COMalice"), (23, None))
    data = write.der.sequence(offered, write.padata(2, b""))
    body = write.KdcRequest(OTHER, write.ticket_granting(OTHER), TILL_NS, cname=ALICE)
    error = write.krb_error(25, OTHER, write.ticket_granting(OTHER), server_time_ns=TILL_NS, data=data)
    told = entry(write.as_req(body), error)
    assert [each.etype for each in told.offered_etypes] == [18, 23]
    assert [each.type for each in told.reply_pa_data] == [19, 2]
    assert (told.cname, told.error) == (("alice",), 25)


def test_a_refused_change_of_a_password() -> None:
    """The AP-REQ's ticket is what is presented; the result is a note."""
    ticket = write.ticket(OTHER, write.principal("kadmin", "changepw"), kvno=1)
    request = write.kpasswd(write.ap_req(ticket), write.krb_priv())
    error = write.krb_error(
        60, OTHER, write.principal("kadmin", "changepw"), server_time_ns=TILL_NS, data=write.kpasswd_result(4, "short")
    )
    told = entry(request, write.kpasswd(error))
    assert (told.kind, told.sname, told.reply) == ("KPASSWD", ("kadmin", "changepw"), "KRB-ERROR")
    assert told.presented is not None
    assert told.presented.sname == ("kadmin", "changepw")
    (note,) = told.notes
    assert note.startswith("password service: result 4 ")
    assert note.endswith(": short")


def test_a_password_change_names_the_realm_of_its_ticket() -> None:
    """Its messages name no realm (RFC 3244 2): the ticket presented does, answered or not."""
    ticket = write.ticket(OTHER, write.principal("kadmin", "changepw"), kvno=1)
    request = write.kpasswd(write.ap_req(ticket), write.krb_priv())
    for reply in (write.kpasswd(write.ap_rep(), write.krb_priv()), None):
        told = entry(request, reply)
        assert (told.kind, told.realm, told.sname) == ("KPASSWD", OTHER, ("kadmin", "changepw"))
