"""captures/remote-assistance is what it says: encrypted under the keys of scenario.keytab, opened here by impacket and
by tshark; one run seen from three places; the steps of a Remote Assistance by DCOM in their order."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from pathlib import Path
from struct import unpack_from
from typing import Any, NamedTuple

import pytest
from builders import kerberos_crypto, pac, sealing
from builders.kerberos_crypto import (
    AP_AUTHENTICATOR,
    PAC_CHECKSUM,
    TGS_AUTHENTICATOR,
    TGS_CHECKSUM,
    TGS_REPLY,
    TICKET,
    Key,
)
from Cryptodome.Cipher import AES
from impacket.krb5 import asn1
from impacket.krb5.keytab import Keytab
from impacket.ntlm import compute_nthash
from pyasn1.codec.der import decoder, encoder
from tshark_reading import fields, tshark

from rpctrace.analysis import Options, analyze
from rpctrace.render.registry import rendering_named
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report

FOLDER = Path(__file__).parents[1] / "captures" / "remote-assistance"
KEYTAB = FOLDER / "scenario.keytab"
NAMES = tuple(f"{place}.pcapng" for place in ("expert", "novice", "dc"))
WITH_KEYS = ("-o", "kerberos.decrypt:TRUE", "-o", f"kerberos.file:{KEYTAB}")
# What the server sent is not there: neither is the novice's ticket-granting ticket, and with it the session key that
# opens the ticket. (In expert-midstream tshark does not find the ticket at all.)
NOT_ALL_OPENED = {"expert-client-side-only.pcapng"}


@cache
def long_term_keys() -> dict[str, Key]:
    """Principal -> AES key, as impacket reads the keytab."""
    found = {}
    for entry in Keytab.loadFile(str(KEYTAB)).entries:
        block = entry.main_part["keyblock"]
        key = Key(int(block["keytype"]), bytes(block["keyvalue"]["data"]))
        if key.etype == kerberos_crypto.AES256:
            found[entry.main_part["principal"].prettyPrint().decode()] = key
    return found


def decoded(octets: bytes, kind: Any) -> Any:
    return decoder.decode(octets, asn1Spec=kind)[0]


def opened(key: Key, usage: int, encrypted: Any, kind: Any) -> Any:
    return decoded(kerberos_crypto.decrypt(key, usage, bytes(encrypted["cipher"])), kind)


def without_tag(octets: bytes) -> bytes:
    """What is inside an explicit tag."""
    return octets[2 + (octets[1] & 0x7F if octets[1] & 0x80 else 0) :]


def session_of(part: Any) -> Key:
    return Key(int(part["key"]["keytype"]), bytes(part["key"]["keyvalue"]))


def name_of(ticket: Any) -> str:
    return f"{'/'.join(map(str, ticket['sname']['name-string']))}@{ticket['realm']}"


@cache
def kdc_messages(name: str) -> list[tuple[int, bytes]]:
    """(message type, octets) of what goes to and from port 88, from the frames themselves: each connection has one
    question and one answer, behind its length."""
    streams: dict[tuple[bytes, bytes], bytes] = {}
    for frame in frames(name):
        packet = frame[14:]
        if packet[0] >> 4 == 4 and packet[9] == 6:
            segment = packet[20 : int.from_bytes(packet[2:4], "big")]
            if b"\x00\x58" in (segment[:2], segment[2:4]):
                key = (packet[12:16] + segment[:2], packet[16:20] + segment[2:4])
                streams[key] = streams.get(key, b"") + segment[(segment[12] >> 4) * 4 :]
    return [(octets[4] & 0x1F, octets[4:]) for octets in streams.values()]


def frames(name: str) -> list[bytes]:
    """The frames of a pcapng of one section and one interface that the maker wrote."""
    data, at, found = (FOLDER / name).read_bytes(), 0, []
    while at < len(data):
        kind, length = unpack_from("<II", data, at)
        if kind == 6:
            captured = unpack_from("<I", data, at + 20)[0]
            found.append(data[at + 28 : at + 28 + captured])
        at += length
    return found


class Opened(NamedTuple):
    """Each ticket that a KDC granted with its opened part, what opened it, and the session keys of the ticket-granting
    tickets that came along; by name."""

    tickets: dict[str, tuple[Any, Any]]
    keys: dict[str, Key]
    sessions: dict[str, Key]


@cache
def exchanges() -> Opened:
    """The TGS exchanges of expert.pcapng: everything is opened that is encrypted for or by a KDC, and every checksum is
    verified."""
    keys, sessions, found = dict(long_term_keys()), {}, {}
    messages = kdc_messages("expert.pcapng")
    for (asked_type, asked), (told_type, told) in zip(messages[::2], messages[1::2], strict=True):
        assert asked_type == 12
        request = decoded(asked, asn1.TGS_REQ())
        presented = decoded(bytes(request["padata"][0]["padata-value"]), asn1.AP_REQ())
        part = opened(keys[name_of(presented["ticket"])], TICKET, presented["ticket"]["enc-part"], asn1.EncTicketPart())
        session = session_of(part)
        proof = opened(session, TGS_AUTHENTICATOR, presented["authenticator"], asn1.Authenticator())
        summed = kerberos_crypto.checksum(session, TGS_CHECKSUM, without_tag(encoder.encode(request["req-body"])))
        assert bytes(proof["cksum"]["checksum"]) == summed
        additional = request["req-body"]["additional-tickets"]
        for ticket in additional if additional.isValue else ():
            sessions[name_of(ticket)] = session_of(
                opened(keys[name_of(ticket)], TICKET, ticket["enc-part"], asn1.EncTicketPart())
            )
        if told_type != 13:
            continue
        reply = decoded(told, asn1.TGS_REP())
        inside = opened(session, TGS_REPLY, reply["enc-part"], asn1.EncTGSRepPart())
        ticket = reply["ticket"]
        key = keys.get(name_of(ticket)) or sessions["krbtgt/CHILD.DOMAINA.COM@CHILD.DOMAINA.COM"]
        given = opened(key, TICKET, ticket["enc-part"], asn1.EncTicketPart())
        assert session_of(inside) == session_of(given)
        assert int(inside["nonce"]) == int(request["req-body"]["nonce"])
        keys.setdefault(name_of(ticket), key)
        found[name_of(ticket)] = ticket, given
    return Opened(found, keys, sessions)


def pac_of(part: Any) -> bytes:
    outer = part["authorization-data"][0]
    inner = decoded(bytes(outer["ad-data"]), asn1.AD_IF_RELEVANT())[0]
    assert (int(outer["ad-type"]), int(inner["ad-type"])) == (1, 128)
    return bytes(inner["ad-data"])


REFERRALS = (
    ("krbtgt/DOMAINA.COM@CHILD.DOMAINA.COM", "CHILD.DOMAINA.COM"),
    ("krbtgt/DOMAINB.COM@DOMAINA.COM", "DOMAINA.COM"),
    ("RPCSS/resource-win73.domainb.com@DOMAINB.COM", "DOMAINB.COM"),
    ("novice@child.domainA.COM", "CHILD.DOMAINA.COM"),
)


@pytest.mark.parametrize(("name", "realm"), REFERRALS)
def test_a_ticket_opens_and_its_pac_is_signed_by_the_realm_that_issued_it(name: str, realm: str) -> None:
    """Server checksum by the key that the ticket is encrypted with, KDC checksum over it by the realm's krbtgt."""
    ticket, part = exchanges().tickets[name]
    key = exchanges().keys[name]
    assert str(part["crealm"]) == "CHILD.DOMAINA.COM"
    assert str(part["cname"]["name-string"][0]) == "expert"
    octets = pac_of(part)
    told = pac.signatures(octets)
    unsigned = octets
    for checksum in told.values():
        unsigned = unsigned.replace(checksum, bytes(len(checksum)))
    assert kerberos_crypto.checksum(key, PAC_CHECKSUM, unsigned) == told[pac.SERVER_CHECKSUM]
    krbtgt = long_term_keys()[f"krbtgt/{realm}@{realm}"]
    assert kerberos_crypto.checksum(krbtgt, PAC_CHECKSUM, told[pac.SERVER_CHECKSUM]) == told[pac.KDC_CHECKSUM]
    assert ticket["enc-part"]["kvno"].isValue == (name != "novice@child.domainA.COM")


def test_the_user_to_user_ticket_opens_with_the_session_key_of_the_novice() -> None:
    """And with none of the keytab; scenario.keys.json names both session keys."""
    ticket, part = exchanges().tickets["novice@child.domainA.COM"]
    told = json.loads((FOLDER / "scenario.keys.json").read_text(encoding="utf-8"))["session_keys"]
    novice = exchanges().sessions["krbtgt/CHILD.DOMAINA.COM@CHILD.DOMAINA.COM"]
    assert novice.contents.hex() == told["novice's ticket-granting ticket"]
    assert session_of(part).contents.hex() == told["user-to-user ticket"]
    for key in long_term_keys().values():
        with pytest.raises(kerberos_crypto.crypto.InvalidChecksum):
            kerberos_crypto.decrypt(key, TICKET, bytes(ticket["enc-part"]["cipher"]))


def payloads(name: str, port: int) -> list[tuple[int, bytes]]:
    """(direction, octets) of the PDUs of the connection at a server's port, each pushed by itself."""
    found, begun = [], {0: b"", 1: b""}
    for frame in frames(name):
        packet = frame[14:]
        if packet[0] >> 4 != 4 or packet[9] != 6:
            continue
        segment = packet[20 : int.from_bytes(packet[2:4], "big")]
        ports = unpack_from(">HH", segment)
        if port in ports:
            direction = int(ports[0] == port)
            begun[direction] += segment[(segment[12] >> 4) * 4 :]
            if len(begun[direction]) >= 16 and len(begun[direction]) == unpack_from("<H", begun[direction], 8)[0]:
                found.append((direction, begun[direction]))
                begun[direction] = b""
    return found


def test_the_authenticator_of_the_refused_ap_req_opens() -> None:
    """RFC 4121 4.1.1: checksum type 0x8003, the flags of DCE style, a subkey."""
    session = session_of(exchanges().tickets["novice@child.domainA.COM"][1])
    (altered,) = (octets for _, octets in payloads("expert.pcapng", 49834) if octets[2] == 14)
    presented = decoded(altered[altered.index(b"\x6e\x82") :], asn1.AP_REQ())
    proof = opened(session, AP_AUTHENTICATOR, presented["authenticator"], asn1.Authenticator())
    assert int(proof["cksum"]["cksumtype"]) == 0x8003
    assert unpack_from("<I16xI", bytes(proof["cksum"]["checksum"])) == (16, 0x103E)
    assert int(proof["subkey"]["keytype"]) == 18


def test_the_logon_request_opens_with_the_password_of_the_computer() -> None:
    """[MS-NRPC] 3.1.4: challenges in clear and the password give the key of the channel; the stub has the two
    signatures of the very PAC that was presented, and the answer STATUS_NO_SUCH_USER."""
    password = json.loads((FOLDER / "scenario.keys.json").read_text(encoding="utf-8"))["passwords"]["RESOURCE-WIN73$"]
    told = payloads("dc.pcapng", 49157)
    calls = [(octets[2], octets) for _, octets in told if octets[2] in (0, 2)]
    (_, asked), (_, answered), (_, proof) = calls[:3]
    client, server = asked[-8:], answered[24:32]
    key = sealing.netlogon_session_key(compute_nthash(password), client, server)
    assert sealing.netlogon_credential(key, client) in proof
    request, response = (octets for _, octets in calls[-2:])
    stub = sealing.netlogon_opened(key, request)
    assert "Kerberos".encode("utf-16-le") in stub
    octets = pac_of(exchanges().tickets["novice@child.domainA.COM"][1])
    data = AES.new(key, AES.MODE_CFB, bytes(16)).encrypt(pac.verify_request(octets))
    assert data in stub
    assert unpack_from("<I", sealing.netlogon_opened(key, response), 16)[0] == 0xC0000064


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.pcapng")), ids=lambda path: path.name)
def test_tshark_opens_every_ticket_with_the_keytab(path: Path) -> None:
    """Nothing stays closed to it and nothing that it opens is malformed: it warns of a ticket without a key."""
    warnings = '_ws.malformed || _ws.expert.message contains "Missing keytype"'
    closed = tshark(path, *WITH_KEYS, "-Y", warnings, "-T", "fields", "-e", "frame.number")
    assert bool(closed) == (path.name in NOT_ALL_OPENED)


def test_tshark_opens_the_sealed_calls() -> None:
    """What a reader without keys sees as opnum and size is DCOM and Netlogon to one who has them."""
    wanted = "isystemactivator || (rpc_netlogon && dcerpc.auth_type == 68)"
    columns = ("-T", "fields", "-e", "_ws.col.Info")
    told = tshark(FOLDER / "novice.pcapng", *WITH_KEYS, "-Y", wanted, *columns)
    assert told == [
        "RemoteCreateInstance request", "RemoteCreateInstance response",
        "RemoteGetClassObject request", "RemoteGetClassObject response",
        "NetrLogonSamLogonEx request", "NetrLogonSamLogonEx response, STATUS_NO_SUCH_USER",
        "RemoteCreateInstance request", "RemoteCreateInstance response",
    ]  # fmt: skip
    told = tshark(
        FOLDER / "expert.pcapng", *WITH_KEYS, "-Y", "kerberos.ap_req_element && dcerpc.pkt_type == 14",
        "-T", "fields", "-e", "kerberos.CNameString", "-e", "kerberos.authtime",
    )  # fmt: skip
    (line,) = told
    names, _, times = line.partition("\t")
    assert names == "expert,expert"
    assert "06:26:50" in times


def test_tshark_verifies_the_signatures_of_the_pacs_that_are_presented() -> None:
    """In both binds, in the ticket-granting ticket that the novice hands out, and in the refused alter_context: the
    KDC's, for which it needs krbtgt of the realm that issued."""
    wanted = '_ws.expert.message contains "Verified KDC checksum" && dcerpc'
    shown = tshark(FOLDER / "expert.pcapng", *WITH_KEYS, "-Y", wanted, "-T", "fields", "-e", "dcerpc.pkt_type")
    assert shown == ["11", "11", "12", "14"]


@cache
def merged_report() -> Report:
    return analyze([FOLDER / name for name in NAMES])


def test_three_captures_are_one_incident() -> None:
    """The failed call is there once, with the logon request between AP-REQ and fault, and the clocks are told apart."""
    report = merged_report()
    (call,) = (call for call in report.calls if call.failed)
    assert (call.status, call.capture, [seen.capture for seen in call.also_seen]) == (0x721, 0, [1])
    (logon,) = (call for call in report.calls if call.opnum == 39)
    assert (logon.capture, [seen.capture for seen in logon.also_seen]) == (1, [2])
    assert call.request_ns is not None
    assert call.reply_ns is not None
    corrections = {clock.capture: clock.offset_ns for clock in report.clocks}
    assert corrections == {1: pytest.approx(-341_217_000, abs=100_000), 2: pytest.approx(118_094_000, abs=100_000)}
    assert logon.request_ns is not None
    assert call.request_ns < logon.request_ns + corrections[1] < call.reply_ns


def test_the_domain_controller_asks_nobody() -> None:
    """What does not happen: no NRPC leaves it for the other forest, nor anything else."""
    sent = fields(FOLDER / "dc.pcapng", "ip.src == 10.2.0.10 && tcp.flags.syn == 1 && tcp.flags.ack == 0", "ip.dst")
    assert sent == []
    others = fields(FOLDER / "dc.pcapng", "ip && !(ip.addr == 10.2.0.21) && !(ip.addr == 10.2.0.73)", "frame.number")
    assert others == []


def test_a_controller_that_can_asks_the_next_one() -> None:
    """The counterpart: the same question goes on to the other forest before it is answered."""
    calls = [call for call in analyze(FOLDER / "dc-passed-on.pcapng").calls if call.opnum == 39]
    first, second = sorted(calls, key=lambda call: call.request_ns or 0)
    assert [call.server.address for call in (first, second)] == ["10.2.0.10", "10.1.0.5"]
    assert (first.reply_ns or 0) > (second.reply_ns or 0) > 0


@pytest.mark.parametrize(("name", "kind"), [("novice-no-dc", "no_answer"), ("novice-dc-silent", "retransmitted")])
def test_a_controller_that_does_not_answer_is_an_event(name: str, kind: str) -> None:
    """And seconds pass between AP-REQ and fault."""
    report = analyze(FOLDER / f"{name}.pcapng")
    assert [(event.kind, event.server.address) for event in report.events] == [(kind, "10.2.0.10")]
    (call,) = (call for call in report.calls if call.failed)
    assert (call.reply_ns or 0) - (call.request_ns or 0) > 18_000_000_000


# Of scenario_sequence: what shows each step to a reader without keys, and at which of the three places it is seen.
# Steps 23 and 25 are the log's, 24 is that nothing happens, 30 is an entry in the event log of Windows.
STEPS: tuple[tuple[int, str, str], ...] = (
    (1, 'dns.resp.name == "resource-win73.domainb.com"', "ED"),
    (2, "tcp.dstport == 135 && tcp.flags.syn == 1 && ipv6", "EN"),
    (3, "dcerpc.cn_bind_to_uuid == 99fcfec4-5260-101b-bbcb-00aa0021347a && ipv6", "EN"),
    (4, "oxid.opnum == 5 && ipv6", "EN"),
    (5, 'cldap && ip.dst == 10.1.0.10', "E"),
    (6, 'kerberos.msg_type == 13 && kerberos.SNameString == "DOMAINA.COM"', "E"),
    (7, 'dns.qry.name == "_kerberos._tcp.dc._msdcs.DOMAINA.COM" && dns.flags.response == 1', "ED"),
    (8, 'kerberos.msg_type == 13 && kerberos.SNameString == "DOMAINB.COM"', "E"),
    (9, 'kerberos.msg_type == 13 && kerberos.SNameString == "RPCSS"', "ED"),
    (10, "dcerpc.pkt_type == 11 && tcp.port == 135 && kerberos.ap_req_element", "EN"),
    (11, "dcerpc.pkt_type == 12 && tcp.port == 135 && kerberos.ap_rep_element", "EN"),
    (12, "dcerpc.pkt_type == 14 && tcp.port == 135 && kerberos.ap_rep_element", "EN"),
    (13, "dcerpc.pkt_type == 15 && tcp.port == 135 && spnego.negResult == 0", "EN"),
    (14, "dcerpc.pkt_type == 2 && tcp.port == 135 && dcerpc.cn_call_id == 2 && dcerpc.auth_type == 9", "EN"),
    (15, "dcerpc.pkt_type == 2 && tcp.port == 49793", "EN"),
    (16, "dcerpc.pkt_type == 2 && tcp.port == 135 && dcerpc.cn_call_id == 3 && dcerpc.auth_type == 9", "EN"),
    (17, "kerberos.error_code == 27", "E"),
    (18, "dcerpc.pkt_type == 11 && tcp.port == 49834", "EN"),
    (19, "dcerpc.pkt_type == 12 && tcp.port == 49834", "EN"),
    (20, 'kerberos.msg_type == 13 && kerberos.realm == "child.domainA.COM"', "E"),
    (21, "dcerpc.pkt_type == 14 && tcp.port == 49834", "EN"),
    (22, "dcerpc.pkt_type == 0 && dcerpc.opnum == 39 && dcerpc.auth_type == 68", "ND"),
    (26, "dcerpc.pkt_type == 2 && dcerpc.cn_call_id == 3 && dcerpc.auth_type == 68", "ND"),
    (27, "dcerpc.cn_status == 0x721", "EN"),
    (28, "tcp.port == 49834 && tcp.flags.fin == 1", "EN"),
    (29, "dcerpc.pkt_type == 2 && tcp.port == 135 && dcerpc.cn_call_id == 4 && dcerpc.auth_type == 9", "EN"),
)


@pytest.mark.parametrize(("name", "place"), list(zip(NAMES, "END", strict=True)))
def test_the_steps_are_seen_where_they_are_and_in_their_order(name: str, place: str) -> None:
    """Each step that is a packet is in the captures of its places and in no other, first frames ascending."""
    first = {}
    for step, wanted, _ in STEPS:
        seen = fields(FOLDER / name, wanted, "frame.number")
        if seen:
            first[step] = int(seen[0][0])
    assert set(first) == {step for step, _, places in STEPS if place in places}
    assert list(first.values()) == sorted(first.values())


def moment(line: str, year: int) -> datetime:
    return datetime.strptime(f"{year}/{line[:14]}", "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "hours", "incident"),
    [
        ("netlogon.log", 1, datetime(2012, 3, 14, 9, 26, 50, tzinfo=UTC)),
        ("netlogon-hour-ahead.log", 2, datetime(2012, 3, 14, 9, 26, 50, tzinfo=UTC)),
        ("netlogon-hour-behind.log", 0, datetime(2012, 3, 14, 9, 26, 50, tzinfo=UTC)),
        ("netlogon-year-wrap.log", 1, datetime(2012, 12, 31, 23, 0, 3, tzinfo=UTC)),
    ],
)
def test_a_log_has_the_incident_in_its_own_time(name: str, hours: int, incident: datetime) -> None:
    """Both lines, in the second of the incident; lines before and after, in order, but for the year that it lacks."""
    lines = (FOLDER / name).read_text(encoding="ascii").splitlines()
    there = incident + timedelta(hours=hours)
    generic = [line for line in lines if "Generic logon" in line]
    assert [line.rsplit(" ", 1)[1] for line in generic] == ["Entered", "0xC0000064"]
    assert all(moment(line, there.year) == there for line in generic)
    at = lines.index(generic[0])
    years = [incident.year] * at + [there.year] * (len(lines) - at)
    moments = [moment(line, year) for line, year in zip(lines, years, strict=True)]
    assert moments == sorted(moments)
    assert 0 < at < len(lines) - 2


def test_the_article_lines_are_netmon_lines_of_the_scenario() -> None:
    """The README prints them; the numbers of the conversations are the article's."""
    out = StringIO()
    report = analyze(FOLDER / "expert.pcapng", Options(pdus=True))
    rendering_named("netmon").render(report, out, RenderOptions())
    readme = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    told = [line for line in out.getvalue().splitlines() if "Status=0x721" in line or "Sname: novice" in line]
    assert len(told) == 2
    assert all(line.strip() in readme for line in told)


def test_the_keys_of_the_folder_are_named_in_the_index() -> None:
    listed = tomllib.loads((FOLDER.parent / "INDEX.toml").read_text(encoding="utf-8"))["keys"]
    assert {Path(entry["path"]).name for entry in listed} == {"scenario.keytab", "scenario.keys.json"}
