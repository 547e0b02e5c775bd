"""What a KDC refuses, each in the fewest frames that show it, and beside each what looks alike and is another thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from builders import Host, TimedFrame, der, filler, kerberos, merged, udp_frame
from builders.kerberos import KdcRequest, Principal, principal

from making import cast
from making.cast import DC_A, DC_B, DC_CHILD, EXPERT, MILLISECOND_NS, START_NS
from making.speech import ask_kdc

SECOND_NS = 1_000_000_000
REALM = cast.CHILD_REALM
GRANTING = kerberos.ticket_granting(REALM)
HOST = principal("host", cast.NOVICE_NAME)
WEB = principal("HTTP", "intranet.child.domaina.com")
DAY_2026 = 1_778_580_000 * SECOND_NS  # 2026-05-12 10:00 UTC: the updates of April 2026 are out
DAY_2025 = DAY_2026 - 365 * 86_400 * SECOND_NS
AES = (kerberos.AES256, kerberos.AES128)


def short(realm: str, sname: Principal, etype: int = kerberos.AES256) -> bytes:
    """A ticket of few octets."""
    return kerberos.ticket(realm, sname, etype=etype, kvno=2, cipher=filler(f"{realm} {sname} {etype}", 160))


TGT = short(REALM, GRANTING)
TO_PARENT = short(REALM, kerberos.ticket_granting(cast.PARENT_REALM))


def by_udp(number: int, kdc: Host, at_ns: int, request: bytes, reply: bytes | None) -> list[TimedFrame]:
    """A question in a datagram, and its answer if there is one (RFC 4120 7.2.1)."""
    asked, told = (EXPERT, 50500 + number), (kdc, 88)
    frames = [TimedFrame(at_ns, udp_frame(asked, told, request))]
    if reply is not None:
        frames.append(TimedFrame(at_ns + MILLISECOND_NS, udp_frame(told, asked, reply, padded=True)))
    return frames


def error(
    code: int, sname: Principal = GRANTING, realm: str = REALM, *, at_ns: int = START_NS, ntstatus: int | None = None,
    text: str | None = None, data: bytes | None = None,
) -> bytes:  # fmt: skip
    """A KRB-ERROR, with the NTSTATUS of a Windows KDC in its e-data."""
    extended = kerberos.extended_error_data(ntstatus) if ntstatus is not None else data
    return kerberos.krb_error(code, realm, sname, server_time_ns=at_ns, text=text, data=extended)


def logon(
    *shown: bytes, cname: Principal = cast.EXPERT_USER, sname: Principal = GRANTING,
    etypes: tuple[int, ...] = (*AES, kerberos.RC4),
) -> bytes:  # fmt: skip
    """An AS-REQ, by default with the encrypted time that proves the password."""
    body = KdcRequest(REALM, sname, cast.TILL_NS, cname=cname, etypes=etypes)
    return kerberos.as_req(body, shown or [kerberos.pa_enc_timestamp(etypes[0])])


def granted(cname: Principal = cast.EXPERT_USER, ticket: bytes = TGT) -> bytes:
    return kerberos.as_rep(REALM, cname, ticket)


def service(
    sname: Principal, realm: str = REALM, tgt: bytes = TGT, *, etypes: tuple[int, ...] = (*AES, kerberos.RC4),
    options: int = kerberos.WINDOWS_TGS_OPTIONS, additional: Sequence[bytes] = (),
) -> bytes:  # fmt: skip
    """A TGS-REQ."""
    body = KdcRequest(
        realm, sname, cast.TILL_NS, options=options, etypes=etypes, additional_tickets=tuple(additional)
    )
    return kerberos.tgs_req(body, tgt)


def issued(ticket: bytes) -> bytes:
    return kerberos.tgs_rep(REALM, cast.EXPERT_USER, ticket)


Exchange = tuple[bytes, bytes | None]


def told(*exchanges: Exchange, kdcs: Sequence[Host] = (), start_ns: int = START_NS) -> list[TimedFrame]:
    """Questions and answers, a second apart, to the child domain's KDC unless others are given in turn."""
    frames: list[TimedFrame] = []
    for number, (request, reply) in enumerate(exchanges):
        kdc = kdcs[number] if number < len(kdcs) else DC_CHILD
        frames += by_udp(number, kdc, start_ns + number * SECOND_NS, request, reply)
    return frames


def skew() -> list[TimedFrame]:
    """The KDC's clock is twenty minutes ahead of the capture's, which was taken on the client."""
    return told((logon(), error(37, at_ns=START_NS + 1200 * SECOND_NS)))


def no_skew() -> list[TimedFrame]:
    """The same difference of clocks in an ordinary error 25, and then a ticket: it is the capture's clock."""
    needed = error(25, at_ns=START_NS + 1200 * SECOND_NS)
    return told((logon(kerberos.pa_pac_request(True)), needed), (logon(), granted()))


def user_to_user() -> list[TimedFrame]:
    """Error 27 for an account without a service principal name, then the user-to-user ticket for it."""
    novice = cast.NOVICE_USER
    options = kerberos.WINDOWS_TGS_OPTIONS | kerberos.ENC_TKT_IN_SKEY
    again = service(novice, options=options, additional=[TGT])
    return told((service(novice), error(27, novice)), (again, issued(short(REALM, novice))))


def etypes(asked: tuple[int, ...], reply: bytes) -> list[TimedFrame]:
    return told((logon(etypes=asked), reply))


def rc4_ends(day_ns: int) -> list[TimedFrame]:
    """A ticket in RC4 for a service, and a moment later none at all (14)."""
    asked = service(WEB)
    in_rc4 = issued(short(REALM, WEB, kerberos.RC4))
    return told((asked, in_rc4), (asked, error(14, WEB, at_ns=day_ns)), start_ns=day_ns)


def over_the_trust(last: bytes) -> list[TimedFrame]:
    """A referral to the parent realm, and what its KDC says."""
    return told(
        (service(HOST), issued(TO_PARENT)), (service(HOST, cast.PARENT_REALM, TO_PARENT), last), kdcs=(DC_CHILD, DC_A)
    )


def refused_on_the_way(code: int, text: str | None = None, ntstatus: int | None = None) -> list[TimedFrame]:
    return over_the_trust(error(code, HOST, cast.PARENT_REALM, text=text, ntstatus=ntstatus))


def other_realm() -> list[TimedFrame]:
    """A name with the suffix of another domain: error 68 names its realm, whose KDC gives the ticket (RFC 6806 7)."""
    name = principal("expert@domainB.com", name_type=kerberos.NT_ENTERPRISE)
    wrong = kerberos.krb_error(
        68, REALM, GRANTING, server_time_ns=START_NS, client_realm=cast.SERVER_REALM, cname=name
    )
    there = kerberos.ticket_granting(cast.SERVER_REALM)
    body = KdcRequest(cast.SERVER_REALM, there, cast.TILL_NS, cname=name)
    ticket = kerberos.as_rep(cast.SERVER_REALM, name, short(cast.SERVER_REALM, there))
    return told(
        (logon(cname=name), wrong), (kerberos.as_req(body, [kerberos.pa_enc_timestamp()]), ticket),
        kdcs=(DC_CHILD, DC_B),
    )  # fmt: skip


def certificate() -> bytes:
    """PA-PK-AS-REQ (16) whose ContentInfo holds made-up data instead of a signature (RFC 4556 3.2.1, RFC 5652 3)."""
    data = der.context(0, der.octet_string(filler("auth pack", 120)))
    content = der.sequence(der.object_identifier("1.2.840.113549.1.7.1"), data)
    return kerberos.padata(16, der.sequence(der.tagged(0x80, content)))


def too_big_then_tcp() -> list[TimedFrame]:
    """Error 52 over UDP, and the ticket over TCP."""
    return merged(
        told((logon(), error(52))), ask_kdc((EXPERT, 50520), DC_CHILD, START_NS + SECOND_NS, logon(), granted())
    )


def made_good(code: int) -> list[TimedFrame]:
    """Refused, and a second later not."""
    return told((service(WEB), error(code, WEB)), (service(WEB), issued(short(REALM, WEB))))


REFUSALS: dict[str, Callable[[], list[TimedFrame]]] = {
    "skew-kdc": skew,
    "skew-kdc-not": no_skew,
    "spn-unknown": lambda: told((service(WEB), error(7, WEB))),
    "spn-unknown-not": user_to_user,
    "spn-duplicate": lambda: told((service(WEB), error(8, WEB))),
    "spn-duplicate-not": lambda: told((service(WEB), issued(short(REALM, WEB)))),
    "etype-nosupp": partial(etypes, AES, error(14, data=der.sequence(kerberos.pa_etype_info2((kerberos.RC4, None))))),
    "etype-nosupp-not": partial(etypes, (kerberos.RC4,), granted()),
    "rc4-2026": partial(rc4_ends, DAY_2026),
    "rc4-2026-not": partial(rc4_ends, DAY_2025),
    "transited-rejected": partial(refused_on_the_way, 28),
    "transited-rejected-not": partial(refused_on_the_way, 12),
    "kdc-policy": lambda: told((logon(), error(12, ntstatus=0xC0000070))),
    "kdc-policy-not": partial(refused_on_the_way, 12, "KDC policy rejects transited path"),
    "client-unknown": lambda: told((logon(cname=principal("exprt")), error(6))),
    "client-unknown-not": other_realm,
    "bad-password": lambda: told((logon(), error(24))),
    "bad-password-not": lambda: told((logon(certificate()), error(24))),
    "pwd-expired": lambda: told((logon(), error(23, ntstatus=0xC0000071))),
    "pwd-expired-not": lambda: told((logon(sname=principal("kadmin", "changepw")), granted())),
    "smartcard": lambda: told((logon(certificate()), error(62, ntstatus=0xC000040D))),
    "smartcard-not": lambda: told((logon(), error(16))),
    "krb-udp-toobig-not": too_big_then_tcp,
    "referral-broken-not": lambda: over_the_trust(issued(short(cast.PARENT_REALM, HOST))),
    "kdc-refused": lambda: told((service(WEB), error(13, WEB))),
    "kdc-refused-not": partial(made_good, 13),
}
