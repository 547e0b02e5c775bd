"""NTLM messages of the lab read as tshark reads them; cut and damaged ones give what is left; no response is kept."""

from __future__ import annotations

import pickle

import pytest
from authentication_tokens import mutants, octets
from builders import ntlm as write

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.ntlm.messages import (
    MAXIMUM_AV_PAIRS,
    Authenticate,
    Challenge,
    MessageType,
    Negotiate,
    NegotiateFlags,
    TargetInfo,
    Version,
    parse_message,
)

SAMBA = Version(6, 1, 0, 15)
SERVER = TargetInfo("DC1", "DOMAINB", "dc1.domainb.com", "domainb.com", None, None, 1795334360_006600_000, None)
SEEN_BY_CLIENT = TargetInfo(
    "DC1", "DOMAINB", "dc1.domainb.com", "domainb.com", None, 2, 1795334360_006600_000, "host/10.77.0.12"
)
WHOLE = [
    ("ntlm_negotiate", Negotiate(0x62088215, "", "", SAMBA)),
    ("ntlm_negotiate_short", Negotiate(0xE0888235, "", "", None)),
    ("ntlm_challenge", Challenge("DOMAINB", 0x62898215, SERVER, SAMBA)),
    ("ntlm_authenticate", Authenticate(262, "DOMAINB", "alice-b", "WS1", 0x62088215, SAMBA, SEEN_BY_CLIENT, True)),
    ("ntlm_anonymous", Authenticate(0, "", "", "", 0xE0888235, None, None, False)),
]


@pytest.mark.parametrize(("name", "expected"), WHOLE)
def test_whole_messages(name: str, expected: object) -> None:
    """What tshark 4.0 shows of the same frames."""
    value = parse_message(octets(name))
    assert value == expected
    assert value.complete
    assert parse_message(memoryview(octets(name) + b"surplus")) == expected


@pytest.mark.parametrize(("name", "expected"), WHOLE)
def test_every_truncation(name: str, expected: object) -> None:
    """A value of the same kind whose fields are the whole's or None; 12 octets tell the kind."""
    whole = octets(name)
    for end in range(len(whole)):
        if end < 12:
            with pytest.raises(Truncated):
                parse_message(whole[:end])
            continue
        value = parse_message(whole[:end])
        assert type(value) is type(expected)
        assert isinstance(value.problem, Truncated) or (name, end) == ("ntlm_negotiate_short", 16)
        for field in value.__dataclass_fields__:
            assert field == "problem" or getattr(value, field) in (getattr(expected, field), None)


@pytest.mark.parametrize("name", [name for name, _ in WHOLE])
def test_mutants_raise_nothing_but_parse_errors(name: str) -> None:
    """2000 damaged copies of each message."""
    read = 0
    for mutant in mutants(octets(name), seed=len(name), count=2000):
        try:
            read += bool(parse_message(mutant))
        except ParseError:
            continue
    assert read > 500


def test_responses_are_measured_not_kept() -> None:
    """Version of the response by its length; neither challenge, response nor key is in the value."""
    secret = bytes(range(0x80, 0x98))
    for response, version in ((b"", None), (secret, 1), (secret * 3, 2)):
        whole = write.authenticate("D", "u", "W", lm_response=secret, nt_response=response, session_key=secret[:16])
        value = parse_message(whole)
        assert isinstance(value, Authenticate)
        assert (value.nt_response_length_octets, value.response_version) == (len(response), version)
        assert secret[:8] not in pickle.dumps(value)
        assert value.anonymous is False
    challenge = parse_message(write.challenge("D", server_challenge=secret[:8]))
    assert secret[:8] not in pickle.dumps(challenge)


def test_oem_text() -> None:
    """Without the UNICODE flag names are OEM; octets that are not UTF-8 stay as escapes. NEGOTIATE is always OEM."""
    oem = int(NegotiateFlags.OEM | NegotiateFlags.NTLM)
    whole = write.authenticate("D", "u", "W", flags=oem).replace("u".encode("utf-16-le"), b"\x81\x62")
    value = parse_message(whole)
    assert isinstance(value, Authenticate)
    assert value.user == "\udc81b"
    negotiate = parse_message(write.negotiate(domain="DÖM", workstation="WS"))
    assert isinstance(negotiate, Negotiate)
    assert (negotiate.domain, negotiate.workstation) == ("DÖM", "WS")


def test_odd_utf_16() -> None:
    """A lone surrogate and an odd length read without an error."""
    value = parse_message(write.authenticate("D\x42", "u", "W").replace("D\x42".encode("utf-16-le"), b"\x00\xd8D\x00"))
    assert isinstance(value, Authenticate)
    assert value.domain == "\ud800D"


def test_short_messages_of_old_peers() -> None:
    """A NEGOTIATE of 16 octets and a CHALLENGE of 32 are whole when no flag promises more, else they are cut."""
    signature = b"NTLMSSP\0"
    plain, named = b"\x05\x02\x00\x00", b"\x05\x12\x00\x00"
    assert parse_message(signature + b"\1\0\0\0" + plain) == Negotiate(0x205, "", "", None)
    assert parse_message(signature + b"\1\0\0\0" + plain).complete
    assert not parse_message(signature + b"\1\0\0\0" + named).complete
    challenge = signature + b"\2\0\0\0" + bytes(8) + b"\x05\x02\x00\x00" + bytes(8)
    assert parse_message(challenge) == Challenge("", 0x205, None, None)
    assert parse_message(challenge).complete


def authenticate_with(pairs: bytes) -> Authenticate:
    """An AUTHENTICATE whose NTLMv2 response ends in these AV pairs ([MS-NLMP] 2.2.2.7, 2.2.2.8)."""
    value = parse_message(write.authenticate("D", "u", "W", nt_response=bytes(44) + pairs))
    assert isinstance(value, Authenticate)
    return value


def test_av_pairs() -> None:
    """Unknown pairs are stepped over, of two equal ones the first counts, what lies behind the end is not read."""
    pairs = write.target_information([(5, "tree"), (99, b"?"), (5, "other"), (6, b"\0\0\0"), (7, b"short")])
    value = authenticate_with(pairs + pairs)
    assert value.target_info == TargetInfo(dns_tree="tree")
    assert (value.mic_present, value.complete) == (False, True)
    assert authenticate_with(write.target_information([(6, b"\2\0\0\0")])).mic_present is True


def test_av_pairs_without_end() -> None:
    """A list that breaks off keeps what came before; more pairs than anybody sends are not followed."""
    broken = authenticate_with(write.target_information([(2, "DOM")])[:-4] + b"\x01\x00\xff\xff")
    assert broken.target_info == TargetInfo(netbios_domain="DOM")
    assert isinstance(broken.problem, Truncated)
    many = authenticate_with(bytes.fromhex("63000000") * (MAXIMUM_AV_PAIRS + 1))
    assert isinstance(many.problem, Malformed)


def test_offsets_that_lie() -> None:
    """A field said to lie behind the message is None; one that overlaps the header is read where it is said to be."""
    whole = bytearray(octets("ntlm_authenticate"))
    whole[36:44] = bytes.fromhex("0200ffff ffffff7f")
    value = parse_message(whole)
    assert isinstance(value, Authenticate)
    assert (value.user, value.workstation) == (None, "WS1")
    assert isinstance(value.problem, Truncated)
    assert (value.problem.offset, value.problem.available) == (0x7FFFFFFF, 0)
    whole[36:44] = bytes.fromhex("08000000 00000000")
    overlapping = parse_message(whole)
    assert isinstance(overlapping, Authenticate)
    assert overlapping.user == b"NTLMSSP\0".decode("utf-16-le")


@pytest.mark.parametrize("damaged", [b"", b"NTLMSSP", b"NTLMSSP\0\1\0\0", b"NTLMSSP\0\4\0\0\0", b"NTLMSSX\0\1\0\0\0"])
def test_what_is_no_message(damaged: bytes) -> None:
    """Signature or type missing, wrong or unknown: `ParseError`."""
    with pytest.raises(ParseError):
        parse_message(damaged)


def test_message_types() -> None:
    """Each value names its type."""
    found = [parse_message(octets(name)).message_type for name, _ in WHOLE]
    assert found == [MessageType.NEGOTIATE] * 2 + [MessageType.CHALLENGE] + [MessageType.AUTHENTICATE] * 2
