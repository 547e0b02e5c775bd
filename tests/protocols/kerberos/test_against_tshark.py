"""All recorded captures against tshark: the sidecars of our own, and tshark itself for those of others.

What differs is named here with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from protocols.kerberos.kdc_reading import Reading, read_capture
from shared_captures import SHARED, captures_in, name_of, needs_shared, sidecar
from tshark_reading import fields

from rpctrace.protocols.dcerpc import recognition as rpc
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.kerberos.elements import ApReq, PrincipalName, Ticket
from rpctrace.protocols.kerberos.exchange import AFTER_THE_END, KdcExchange, KdcOutcome, Reply, Request
from rpctrace.protocols.kerberos.kdc_messages import KdcOptions, KdcRep, KdcReq
from rpctrace.protocols.kerberos.kpasswd import KpasswdReq
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.protocols.kerberos.preauth import NO_PREAUTHENTICATION, PaType
from rpctrace.protocols.kerberos.referral import referral, requested_user_to_user

OWN = [*captures_in(SHARED / "lab"), *captures_in(SHARED / "u2u")]
OTHERS = [*captures_in(SHARED / "public"), *captures_in(SHARED / "netmon")]
KDC_PORTS = {88, 464}
NAMES = {10: "AS-REQ", 11: "AS-REP", 12: "TGS-REQ", 13: "TGS-REP", 30: "KRB-ERROR"}
# Frames larger than the network's, which the sender handed to its adapter whole: the payload length of IPv6 is 0, and
# tshark 4.0 looks no further. Each holds one message: a TGS-REQ, an AS-REP, TGS-REPs.
ONLY_WE_SHOW = {
    "netmon/MS-GPOD_Example3_Win2016_X64_Win10_X64.cap":
        {(137, 11), (148, 13), (173, 13), (281, 13), (292, 13), (331, 13), (445, 13)},
    "netmon/MS-RMSOD_Example2_Win2016_X64_Win10_X64_Domain_v-yvrich.cap": {(64, 12)},
}  # fmt: skip
# The snapshot length cut the tickets: tshark 4.0 names the TGS-REQ, and shows nothing of a ticket that is not whole.
CUT = {"lab/f-capture-variants/mixed-small-snaplen.pcapng", "lab/f-capture-variants/snaplen-200.pcap"}
# tshark 4.0 reads e-data as METHOD-DATA for these codes alone; KDCs send it with others too: 7, 13, 18, 23, 37, 43, 52.
METHOD_DATA_ERRORS = {14, 24, 25}
# What tshark lists from the inside of these stands among the fields of the message: nonces, names and realms of PKINIT
# and of the user for whom a service asks.
LOOKED_INTO = {PaType.PK_AS_REQ, PaType.PK_AS_REP, PaType.FOR_USER, PaType.FOR_X509_USER}


@cache
def reading(path: Path) -> Reading:
    return read_capture(path)


def messages(path: Path) -> Iterator[tuple[Request | Reply, Provenance]]:
    """Each message that was captured, copies too."""
    for exchange in reading(path).exchanges:
        if exchange.request is not None and exchange.request_seen is not None:
            for seen in (exchange.request_seen, *exchange.copies):
                yield exchange.request, seen
        if exchange.reply is not None and exchange.reply_seen is not None:
            yield exchange.reply, exchange.reply_seen


def text(name: PrincipalName | None) -> list[str]:
    return [] if name is None else list(name.components)


@needs_shared
@pytest.mark.parametrize("path", OWN, ids=name_of)
def test_as_many_messages_as_recorded(path: Path) -> None:
    """The counts of a sidecar hold KRB-ERRORs in session setups too, and not those in tokens of DCE/RPC."""
    said = sidecar(path)
    expected = Counter(said["kerberos_message_counts"])
    expected["KRB-ERROR"] -= sum(error["carried_in"].startswith("smb") for error in said["krb_errors"])
    if name_of(path) == "lab/b1-0x721/alter-clock-skew-spnego.pcap":
        expected["KRB-ERROR"] -= 1  # this one, inside SPNEGO inside DCE/RPC, was counted
    found = Counter(NAMES[message.message_type] for message, _seen in messages(path)
                    if isinstance(message, KdcReq | KdcRep | KrbError))  # fmt: skip
    assert found == +expected
    assert len(reading(path).problems) == 0


@needs_shared
@pytest.mark.parametrize("path", OWN, ids=name_of)
def test_every_error_of_a_kdc(path: Path) -> None:
    """Frame, code, realm, service and the client's realm."""
    expected = {
        (error["frame"], error["error_code"], error["realm"], tuple(error["sname"] or ()), error["crealm"])
        for error in sidecar(path)["krb_errors"]
        if error["carried_in"].startswith("kerberos/")
    }
    found = {
        (seen.frame, message.error_code, message.realm, tuple(text(message.sname)), message.crealm)
        for message, seen in messages(path)
        if isinstance(message, KrbError)
    }
    assert found == expected


def presented(message: Request | Reply) -> ApReq | None:
    if isinstance(message, KdcReq):
        return message.preauthentication.tgs
    return message.ap_req if isinstance(message, KpasswdReq) else None


@needs_shared
@pytest.mark.parametrize("path", OWN, ids=name_of)
def test_every_ticket_presented_to_a_kdc(path: Path) -> None:
    """Realm, service, name type, encryption type, key version and options, in TGS-REQs and password changes."""
    expected = {
        (shown["frame"], shown["realm"], tuple(shown["sname"]), shown["name_type"], shown["ticket_etype"],
         shown["kvno"], int(shown["ap_options"].replace(":", ""), 16))
        for shown in sidecar(path)["ap_reqs"]
        if shown["carried_in"].startswith(("TGS-REQ", "kpasswd"))
    }  # fmt: skip
    found = set()
    for message, seen in messages(path):
        request = presented(message)
        if request is None:
            continue
        ticket = request.ticket
        if request.options is not None and ticket is not None and ticket.sname is not None:
            found.add((seen.frame, ticket.realm, ticket.sname.components, ticket.sname.name_type, ticket.etype,
                       ticket.kvno, int(request.options)))  # fmt: skip
    if name_of(path) in CUT:
        assert expected == set()
        assert found
    else:
        assert found == expected


@needs_shared
def test_there_are_as_many_as_recorded() -> None:
    """A folder that lost files would make the tests above pass for nothing; every request but one has its reply."""
    assert len(OWN) == 220
    counts: Counter[tuple[str | None, str, str]] = Counter()
    for path in OWN:
        for exchange in reading(path).exchanges:
            assert exchange.request is not None
            counts[exchange.kind, exchange.carried_in, exchange.outcome.value] += 1
            assert exchange.notes in ((), (AFTER_THE_END,))
    assert counts == {
        ("TGS", "kdc_tcp", "answered"): 362,
        ("TGS", "kdc_tcp", "rejected"): 11,
        ("TGS", "kdc_udp", "rejected"): 2,
        ("AS", "kdc_tcp", "answered"): 152,
        ("AS", "kdc_tcp", "rejected"): 66,
        ("AS", "kdc_udp", "rejected"): 205,
        ("AS", "kdc_tcp", "unanswered"): 1,
        ("KPASSWD", "kdc_tcp", "answered"): 2,
    }


@needs_shared
def test_the_request_that_got_no_reply() -> None:
    """u2u-kdc-must-use-user2user.pcap 9: the KDC had sent its FIN with the reply before, and resets the connection."""
    exchanges = reading(SHARED / "u2u" / "u2u-kdc-must-use-user2user.pcap").exchanges
    (left,) = [exchange for exchange in exchanges if exchange.reply is None]
    assert left.request_seen is not None
    assert (left.request_seen.frames, left.outcome, left.notes) == ((9,), KdcOutcome.UNANSWERED, (AFTER_THE_END,))
    assert 27 in [exchange.reply.error_code for exchange in exchanges if isinstance(exchange.reply, KrbError)]


@needs_shared
@pytest.mark.parametrize("path", OTHERS, ids=name_of)
def test_the_same_messages_in_the_same_frames(path: Path) -> None:
    """Every message on the ports of a KDC, in captures of others: Windows, MIT, Heimdal; TCP, UDP and IPv6."""
    ports = " || ".join(f"{transport}.port == {port}" for transport in ("tcp", "udp") for port in sorted(KDC_PORTS))
    shown = {
        (int(frame), int(kind))
        for frame, kinds in fields(path, f"kerberos && ({ports})", "frame.number", "kerberos.msg_type")
        for kind in kinds.split(",")
        if int(kind) in NAMES
    }
    found = {(seen.frame, int(message.message_type)) for message, seen in messages(path)
             if isinstance(message, KdcReq | KdcRep | KrbError)}  # fmt: skip
    assert found == shown | ONLY_WE_SHOW.get(name_of(path), set())
    assert all(exchange.request is not None and exchange.reply is not None and exchange.notes == ()
               for exchange in reading(path).exchanges)  # fmt: skip
    assert len(reading(path).problems) == 0


def tickets_of(message: KdcReq | KdcRep) -> list[Ticket]:
    """Every ticket of a message in wire order."""
    if isinstance(message, KdcRep):
        return [message.ticket] if message.ticket else []
    said = message.preauthentication
    return [request.ticket for request in (said.tgs, said.fast and said.fast.armor) if request and request.ticket]


def shown_fields(message: Request | Reply) -> dict[str, list[str]]:
    """The fields of a message as tshark lists them: values of one name in wire order."""
    if isinstance(message, KrbError):
        said = message.preauthentication if message.error_code in METHOD_DATA_ERRORS else NO_PREAUTHENTICATION
        return {
            "kerberos.padata_type": list(map(str, said.types)),
            "kerberos.error_code": [str(message.error_code)],
            "kerberos.info2_salt": [offer.salt for offer in said.etypes_offered if offer.salt is not None],
            "kerberos.SNameString": text(message.sname),
            "kerberos.CNameString": text(message.cname),
            "kerberos.realm": [message.realm or ""],
            "kerberos.crealm": [message.crealm] if message.crealm is not None else [],
        }
    assert isinstance(message, KdcReq | KdcRep)
    said = message.preauthentication
    tickets = tickets_of(message)
    told: dict[str, list[str]] = {
        "kerberos.padata_type": list(map(str, said.types)),
        "kerberos.info2_salt": [offer.salt for offer in said.etypes_offered if offer.salt is not None],
        "kerberos.CNameString": text(message.cname),
    }
    further: list[Ticket] = []
    realms, names = [ticket.realm for ticket in tickets], [text(ticket.sname) for ticket in tickets]
    if isinstance(message, KdcReq):
        further = list(message.additional_tickets)
        realms += [message.realm, *(ticket.realm for ticket in further)]
        names += [text(message.sname), *(text(ticket.sname) for ticket in further)]
        assert message.options is not None
        told["kerberos.kdc_options"] = [f"{int(message.options):08x}"]
        told["kerberos.nonce"] = [str(message.nonce)]
        told["kerberos.ENCTYPE"] = list(map(str, message.etypes))
        told["kerberos.till"] = [str(message.till_ns)]
        told["kerberos.rtime"] = [] if message.rtime_ns is None else [str(message.rtime_ns)]
        told["kerberos.include_pac"] = [] if said.include_pac is None else [str(int(said.include_pac))]
    else:
        told["kerberos.crealm"] = [message.crealm or ""]
    told["kerberos.realm"] = [realm or "" for realm in realms]
    told["kerberos.SNameString"] = [part for name in names for part in name]
    told["kerberos.kvno"] = [str(ticket.kvno) for ticket in (*tickets, *further) if ticket.kvno is not None]
    if isinstance(message, KdcRep) and message.enc_part.kvno is not None:
        told["kerberos.kvno"].append(str(message.enc_part.kvno))
    return told


def normal(name: str, value: str) -> list[str]:
    """A cell of tshark -> values; times as timestamp_ns, flags as one number of hexadecimal digits."""
    if not value:
        return []
    if name in ("kerberos.till", "kerberos.rtime"):
        moment = datetime.strptime(value.removesuffix(" UTC").split(".")[0] + " +0000", "%b %d, %Y %H:%M:%S %z")
        return [str(int(moment.timestamp()) * 10**9)]
    return [value.replace(":", "")] if name == "kerberos.kdc_options" else value.split(",")


def stand_in(values: list[str], among: list[str]) -> bool:
    """Whether the values stand in this order among others."""
    rest = iter(among)
    return all(value in rest for value in values)


DEEP = [
    *(SHARED / "lab" / "d-kerberos" / name for name in (
        "canon-referral.udp.ipv6.pcap", "etype-nosupp.pcap", "ok-forwardable-renew.tcp.pcap",
        "xrealm-server-unknown.tcp.pcap", "preauth-failed.udp.pcap", "rc4-only.pcap",
    )),
    SHARED / "u2u" / "kvno-u2u-mit-client.pcap",
    SHARED / "lab" / "a-impacket" / "imp-tcp-seal.pcap",
    *(SHARED / "public" / name for name in (
        "kinit.pcap", "krb5-tcp-fragments.pcap", "dcom-classfactory-ntlm-fallback.pcap", "auth.pcap",
        "lm_mimikazt_skeleton_kerberos_rc4_etype.pcapng",
    )),
    *captures_in(SHARED / "netmon"),
]  # fmt: skip
FIELDS = (
    "kerberos.padata_type", "kerberos.info2_salt", "kerberos.CNameString", "kerberos.kdc_options", "kerberos.nonce",
    "kerberos.ENCTYPE", "kerberos.till", "kerberos.rtime", "kerberos.include_pac", "kerberos.crealm", "kerberos.realm",
    "kerberos.SNameString", "kerberos.kvno", "kerberos.error_code",
)  # fmt: skip


@needs_shared
@pytest.mark.parametrize("path", DEEP, ids=name_of)
def test_every_clear_field(path: Path) -> None:
    """Options, names, realms, times, nonce, encryption types, pre-authentication, key versions of each message."""
    rows = {int(row[0]): row[1:] for row in fields(path, "kerberos", "frame.number", *FIELDS)}
    compared = 0
    for message, seen in messages(path):
        if not isinstance(message, KdcReq | KdcRep | KrbError):
            continue
        if (seen.frame, int(message.message_type)) in ONLY_WE_SHOW.get(name_of(path), ()):
            continue
        shown = {name: normal(name, value) for name, value in zip(FIELDS, rows[seen.frame], strict=True)}
        inside = isinstance(message, KdcReq | KdcRep) and LOOKED_INTO & set(message.preauthentication.types)
        for name, values in shown_fields(message).items():
            assert values == shown[name] or (inside and stand_in(values, shown[name])), (seen.frame, name)
        compared += 1
    assert compared or not any(exchange for exchange in reading(path).exchanges)


@needs_shared
@pytest.mark.parametrize("path", [*OWN, *OTHERS], ids=name_of)
def test_a_kdc_is_known_by_its_octets_and_nothing_else_is(path: Path) -> None:
    """Connections are recognised on the ports of a KDC alone, at their start; what they say is not taken for RPC."""
    told = reading(path)
    for connection in told.recognised:
        assert KDC_PORTS & {connection.client.port, connection.server.port}, connection
    for head in told.first_octets:
        assert not rpc.begins(head)


@needs_shared
@pytest.mark.parametrize("path", [*OWN[::5], *OTHERS], ids=name_of)
def test_joined_late_the_same_is_found(path: Path) -> None:
    """Search from the first octet on finds every message, and no other protocol's octets pass for one."""
    def told(reading: Reading) -> list[KdcExchange]:
        return [exchange for exchange in reading.exchanges if exchange.carried_in == "kdc_tcp"]

    late = read_capture(path, joined_late=True)
    assert told(late) == told(reading(path))
    for connection in late.recognised:
        assert KDC_PORTS & {connection.client.port, connection.server.port}, connection


@needs_shared
def test_referrals() -> None:
    """MIT's client asks for krbtgt/DOMAINB.COM itself; with canonicalize, and from impacket, a service is asked for."""
    referred = {
        name_of(path): [realm for exchange in reading(path).exchanges if (realm := referral(exchange)) is not None]
        for path in [*OWN, *OTHERS]
    }
    assert {name: realms for name, realms in referred.items() if realms} == {
        "lab/a-impacket/imp-secretsdump.pcap": ["DOMAINB.COM", "DOMAINB.COM"],
        "lab/d-kerberos/canon-referral.udp.ipv6.pcap": ["DOMAINB.COM"],
    }


@needs_shared
def test_a_service_asks_for_a_user() -> None:
    """netmon/MS-AUTHSOD_Example3-2: S4U2self, the user named in clear twice."""
    (path,) = [path for path in OTHERS if "AUTHSOD_Example3-2" in path.name]
    (said,) = [
        exchange.request.preauthentication
        for exchange in reading(path).exchanges
        if isinstance(exchange.request, KdcReq) and exchange.request.preauthentication.for_user
    ]
    assert said.types == (1, 130, 129)
    assert said.for_user is not None
    assert (str(said.for_user.name), said.for_user.realm) == ("Administrator", "CONTOSO")
    assert said.for_x509_user == said.for_user


@needs_shared
def test_user_to_user_is_asked_for_in_clear() -> None:
    """The ticket of the other party stands in the request; the ticket that comes back has no key version. One KDC did
    not know the name."""
    asked = [
        exchange
        for path in captures_in(SHARED / "u2u")
        for exchange in reading(path).exchanges
        if requested_user_to_user(exchange)
    ]
    assert len(asked) > 15
    errors: list[int | None] = []
    for exchange in asked:
        request, reply = exchange.request, exchange.reply
        assert isinstance(request, KdcReq)
        assert request.options is not None
        assert KdcOptions.ENC_TKT_IN_SKEY in request.options
        (ticket,) = request.additional_tickets
        assert text(ticket.sname)[0] == "krbtgt"
        if isinstance(reply, KdcRep):
            assert reply.ticket is not None
            assert reply.ticket.kvno is None
        else:
            errors.append(reply.error_code if isinstance(reply, KrbError) else None)
    assert errors == [7]


@needs_shared
def test_fast_of_the_mit_client() -> None:
    """Its TGS-REQs are armored with the ticket-granting ticket: no armor is sent."""
    (exchange,) = [
        each for each in reading(SHARED / "u2u" / "kvno-u2u-mit-client.pcap").exchanges if each.kind == "TGS"
    ]
    assert isinstance(exchange.request, KdcReq)
    fast = exchange.request.preauthentication.fast
    assert PaType.FX_FAST in exchange.request.preauthentication.types
    assert fast is not None
    assert (fast.armor_type, fast.armor, fast.etype) == (None, None, 18)
