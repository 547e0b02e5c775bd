"""What the builders encrypt, sign and seal is what impacket and tshark make and read of the same keys."""

from __future__ import annotations

from struct import unpack_from

import pytest
from builders import Host, TimedFrame, cldap, dcerpc, kerberos_crypto, keytab, pac, pcapng, sealing, udp_frame
from builders.filler import filler
from builders.kerberos import AES128, AES256, RC4, principal
from builders.kerberos_crypto import Client, Key, Validity, made_key
from impacket.dcerpc.v5 import nrpc
from impacket.dcerpc.v5.rpcrt import TypeSerialization1
from impacket.krb5 import asn1, crypto
from impacket.krb5.keytab import Keytab
from impacket.krb5.pac import KERB_VALIDATION_INFO, PAC_INFO_BUFFER
from pyasn1.codec.der import decoder
from tshark_reading import fields

PERSON = pac.Person("expert", "CHILD", "CHILD.DOMAINA.COM", "DC1", (11, 22, 33), 1105, "Expert", (513, 1120))
CLIENT = Client("CHILD.DOMAINA.COM", principal("expert"))
LOGON_NS = 1_331_700_000_123_456_789
ETYPES = pytest.mark.parametrize("etype", [AES256, AES128, RC4])


@ETYPES
def test_a_password_gives_the_key_that_impacket_makes_of_it(etype: int) -> None:
    expected = crypto.string_to_key(etype, "Made-up-1", "DOMAINB.COMexpert").contents
    assert kerberos_crypto.password_key("Made-up-1", "DOMAINB.COMexpert", etype) == Key(etype, bytes(expected))


@ETYPES
def test_what_is_encrypted_opens_with_its_key_and_usage_alone(etype: int) -> None:
    """The same octets for the same label, others for another."""
    key = made_key("some", etype)
    cipher = kerberos_crypto.encrypt(key, 2, b"what nobody reads", "label")
    assert cipher == kerberos_crypto.encrypt(key, 2, b"what nobody reads", "label")
    assert cipher != kerberos_crypto.encrypt(key, 2, b"what nobody reads", "another")
    assert kerberos_crypto.decrypt(key, 2, cipher) == b"what nobody reads"
    for other, usage in ((key, 11), (made_key("other", etype), 2)):
        with pytest.raises(crypto.InvalidChecksum):
            kerberos_crypto.decrypt(other, usage, cipher)


def test_the_parts_are_the_asn1_of_impacket() -> None:
    """Names, times and keys of the parts of ticket, reply, authenticator and AP-REP come back."""
    hour = 3_600_000_000_000
    session = made_key("session")
    times = Validity(LOGON_NS, LOGON_NS + hour, LOGON_NS + 10 * hour, LOGON_NS + 168 * hour)
    ticket, _ = decoder.decode(
        kerberos_crypto.enc_ticket_part(
            CLIENT, session, times, flags=0x40A8_0000, transited="DOMAINA.COM",
            authorization=kerberos_crypto.if_relevant((128, b"pac")),
        ), asn1Spec=asn1.EncTicketPart(),
    )  # fmt: skip
    assert (str(ticket["crealm"]), str(ticket["authtime"])) == (CLIENT.realm, "20120314044000Z")
    assert bytes(ticket["key"]["keyvalue"]) == session.contents
    assert bytes(ticket["transited"]["contents"]) == b"DOMAINA.COM"
    reply, _ = decoder.decode(
        kerberos_crypto.enc_kdc_rep_part(
            26, session, times, "DOMAINB.COM", principal("host", "a"), nonce=7, flags=0x40A0_0000
        ),
        asn1Spec=asn1.EncTGSRepPart(),
    )
    assert (int(reply["nonce"]), str(reply["srealm"]), str(reply["endtime"])) == (7, "DOMAINB.COM", "20120314144000Z")
    proof, _ = decoder.decode(
        kerberos_crypto.gss_authenticator(CLIENT, LOGON_NS, subkey=session, sequence=99), asn1Spec=asn1.Authenticator()
    )
    assert (int(proof["cusec"]), int(proof["seq-number"]), int(proof["cksum"]["cksumtype"])) == (123_456, 99, 0x8003)
    leg, _ = decoder.decode(
        kerberos_crypto.enc_ap_rep_part(LOGON_NS, subkey=session, sequence=5), asn1Spec=asn1.EncAPRepPart()
    )
    assert (str(leg["ctime"]), int(leg["seq-number"])) == ("20120314044000Z", 5)
    stamp, _ = decoder.decode(kerberos_crypto.enc_timestamp(LOGON_NS), asn1Spec=asn1.PA_ENC_TS_ENC())
    assert (str(stamp["patimestamp"]), int(stamp["pausec"])) == ("20120314044000Z", 123_456)


def test_the_pac_says_to_impacket_who_it_is_of() -> None:
    octets = pac.pac(PERSON, LOGON_NS, made_key("server"), made_key("kdc"))
    buffers = {}
    for index in range(unpack_from("<I", octets)[0]):
        told = PAC_INFO_BUFFER(octets[8 + 16 * index :])
        buffers[told["ulType"]] = octets[told["Offset"] : told["Offset"] + told["cbBufferSize"]]
    assert set(buffers) == {1, 6, 7, 10, 12}
    inside = buffers[1][len(TypeSerialization1(buffers[1])) + 4 :]
    info = KERB_VALIDATION_INFO()
    info.fromString(inside)
    info.fromStringReferents(inside[len(info.getData()) :])
    assert (info["EffectiveName"], info["FullName"], info["LogonDomainName"]) == ("expert", "Expert", "CHILD")
    assert info["LogonDomainId"].formatCanonical() == "S-1-5-21-11-22-33"
    assert (info["UserId"], [group["RelativeId"] for group in info["GroupIds"]]) == (1105, [513, 1120])
    assert info["ExtraSids"][0]["Sid"].formatCanonical() == "S-1-18-1"
    assert unpack_from("<QH", buffers[10]) == (LOGON_NS // 10**9 * 10**7 + pac.EPOCH_100NS, 12)
    upn_octets, upn_at = unpack_from("<HH", buffers[12])
    assert buffers[12][upn_at : upn_at + upn_octets].decode("utf-16-le") == "expert@child.domaina.com"


def test_a_verify_request_has_both_signatures() -> None:
    """[MS-APDS] 2.2.4.1."""
    octets = pac.pac(PERSON, LOGON_NS, made_key("server"), made_key("kdc"))
    told = pac.verify_request(octets)
    assert unpack_from("<IIII", told) == (3, 12, 16, 12)
    assert (told[16:28], told[28:]) == (pac.signatures(octets)[6], pac.signatures(octets)[7])


def sealer() -> sealing.KerberosSealer:
    return sealing.KerberosSealer(made_key("acceptor"), dcerpc.SPNEGO, [10, 20])


@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("length", [0, 5, 16, 200])
def test_a_sealed_pdu_opens_unless_an_octet_of_it_was_changed(direction: int, length: int) -> None:
    """Also an octet of the header or of the trailer, which are signed and not sealed."""
    stub = filler("stub", length)
    if direction:
        octets = sealing.sealed_response(sealer(), stub, 7)
    else:
        octets = sealing.sealed_request(sealer(), stub, 7, opnum=3, object_uuid="00008c01-0b54-0dd0-6a1e-5f0f3f0b8c21")
    at_trailer = len(octets) - sealing.CFX_TOKEN_OCTETS - sealing.TRAILER_OCTETS
    padded = stub.ljust(at_trailer - sealing.stub_at(octets), b"\0")
    assert sealing.opened(made_key("acceptor"), direction, octets) == padded
    for changed in (12, at_trailer + 1, len(octets) - 1):
        damaged = bytearray(octets)
        damaged[changed] ^= 1
        with pytest.raises(ValueError, match="checksum"):
            sealing.opened(made_key("acceptor"), direction, bytes(damaged))


def test_the_numbers_of_a_context_go_on() -> None:
    """RFC 4121 4.2.6: one sequence a direction, for Wrap and for MIC tokens."""
    context = sealer()
    mic = context.mic(0, b"list")
    first, second = (sealing.sealed_request(context, b"stub", 1, opnum=0) for _ in range(2))
    answer = sealing.sealed_response(context, b"stub", 1)
    tokens = [mic, *(octets[-sealing.CFX_TOKEN_OCTETS :] for octets in (first, second, answer))]
    assert [unpack_from(">Q", token, 8)[0] for token in tokens] == [10, 11, 12, 20]
    assert [token[2] for token in tokens] == [4, 6, 6, 7]


def test_a_netlogon_request_is_sealed_as_impacket_seals_it() -> None:
    """impacket knows the client's direction alone; of the other the reader here is the proof."""
    key = filler("session key", 16)
    octets = sealing.sealed_request(sealing.NetlogonSealer(key, number=4), b"stub of a call!!", 3, opnum=39)
    confounder = filler(f"netlogon confounder {key.hex()} 4", 8)
    data, signature = nrpc.SEAL(b"stub of a call!!", confounder, 4, key, aes=True)
    assert octets[24:40] == data
    assert octets[-sealing.NETLOGON_TOKEN_OCTETS :] == signature.getData()
    answer = sealing.sealed_response(sealing.NetlogonSealer(key, number=5), b"answer of a call", 3)
    assert sealing.netlogon_opened(key, answer) == b"answer of a call"
    damaged = answer[:25] + bytes([answer[25] ^ 1]) + answer[26:]
    with pytest.raises(ValueError, match="checksum"):
        sealing.netlogon_opened(key, damaged)


def test_the_key_of_a_channel_is_that_of_impacket() -> None:
    key = sealing.netlogon_session_key(filler("hash", 16), b"client ch", b"server ch")
    assert key == nrpc.ComputeSessionKeyAES(None, b"client ch", b"server ch", filler("hash", 16))
    assert sealing.netlogon_credential(key, b"8 octets") == nrpc.ComputeNetlogonCredentialAES(b"8 octets", key)


def test_impacket_reads_the_keytab() -> None:
    key = made_key("host")
    octets = keytab.keytab([keytab.Entry("DOMAINB.COM", ("host", "a.domainb.com"), 300, key, 2)], 1_331_700_000)
    found = Keytab(octets)
    (entry,) = found.entries
    assert entry.main_part["principal"].prettyPrint() == b"host/a.domainb.com@DOMAINB.COM"
    assert (entry.kvno, entry.main_part["timestamp"]) == (300, 1_331_700_000)
    assert entry.main_part["keyblock"]["keyvalue"]["data"] == key.contents


def test_tshark_reads_the_ping_of_a_domain_controller() -> None:
    client, server = (Host("10.2.0.21"), 50226), (Host("10.1.0.10"), 389)
    told = cldap.answer(3, "child.domaina.com", "domaina.com", "CHILD", "dc1")
    capture = pcapng([
        TimedFrame(0, udp_frame(client, server, cldap.ping(3, "child.domaina.com"))),
        TimedFrame(1, udp_frame(server, client, told)),
    ])  # fmt: skip
    assert fields(capture, "cldap && !_ws.malformed", "ldap.messageID") == [("3",), ("3,3",)]
    names = ("mscldap.forest", "mscldap.domain", "mscldap.hostname", "mscldap.nb_domain", "mscldap.clientsitename")
    (read,) = fields(capture, "mscldap.forest", *names)
    assert read == ("domaina.com", "child.domaina.com", "dc1.child.domaina.com", "CHILD", "Main")
