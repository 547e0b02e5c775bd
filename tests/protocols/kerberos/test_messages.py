"""Kerberos messages read as tshark reads them; what is cut or damaged is missing from the value, and never more."""

from __future__ import annotations

import pickle
from hashlib import blake2b

import pytest
from authentication_tokens import mutants, octets, truncations
from builders import der as write

from rpctrace.encoding.der import MAXIMUM_ITEMS
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.kerberos.messages import (
    ApOptions,
    ApRep,
    ApReq,
    ErrorDataType,
    KrbError,
    MessageType,
    NameType,
    PrincipalName,
    TgtRep,
    TgtReq,
    Ticket,
    parse_message,
)

MUTUAL = ApOptions.MUTUAL_REQUIRED
USER_TO_USER = ApOptions.USE_SESSION_KEY | ApOptions.MUTUAL_REQUIRED
BOB = PrincipalName(NameType.PRINCIPAL, ("bob-a",))
CHILD = "CHILD.DOMAINA.COM"


def message(token: str, opening: str) -> bytes:
    """The Kerberos message in a token, from its first octets on."""
    whole = octets(token)
    return whole[whole.index(bytes.fromhex(opening)) :]

DC1 = PrincipalName(NameType.PRINCIPAL, ("host", "dc1.domainb.com"))
ENTERPRISE = PrincipalName(NameType.ENTERPRISE, ("bob-a@CHILD.DOMAINA.COM",))


def digest(length_octets: int) -> str:
    """The fingerprint of a recorded ticket, whose cipher was overwritten."""
    return blake2b(b"\xee" * length_octets, digest_size=8).hexdigest()


AP_REQ = message("ap_req", "6e82")
SKEW = message("krb_error_skew", "7e58")
TGT_REQ = message("tgt_req_framed", "3033")
TGT_REP = message("tgt_rep_framed", "3082")

WHOLE = [
    (
        AP_REQ,
        ApReq(
            MUTUAL,
            Ticket("DOMAINB.COM", DC1, 18, 1, 1085, digest(1085)),
            18,
            249,
        ),
    ),
    (
        message("ap_req_user_to_user_plain", "6e82"),
        ApReq(USER_TO_USER, Ticket(CHILD, BOB, 18, None, 1066, digest(1066)), 18, 354),
    ),
    (
        message("ap_req_enterprise_name", "6e82"),
        ApReq(
            USER_TO_USER,
            Ticket(CHILD, ENTERPRISE, 18, None, 1066, digest(1066)),
            18,
            354,
        ),
    ),
    (message("ap_rep_plain", "6f7e"), ApRep(18, 101)),
    (TGT_REQ, TgtReq(BOB, CHILD)),
    (message("tgt_req_nameless", "300aa0"), TgtReq(None, None)),
    (TGT_REP, TgtRep(Ticket(CHILD, PrincipalName(NameType.SRV_INST, ("krbtgt", CHILD)), 18, 1, 1048, digest(1048)))),
    (
        SKEW,
        KrbError(
            None,
            None,
            1795333627_925004_000,
            925004,
            37,
            None,
            None,
            "DOMAINB.COM",
            PrincipalName(NameType.PRINCIPAL, ("DC1$",)),
            None,
            ErrorDataType.SKEW_RECOVERY,
            None,
            (),
        ),
    ),
    (
        message("krb_error_no_tgt", "7e56"),
        KrbError(None, None, 1795338287_000000_000, 0, 67, None, None, CHILD, BOB, "", None, None, ()),
    ),
]
NAMES = ["plain", "user-to-user", "enterprise", "AP-REP", "TGT-REQ", "nameless", "TGT-REP", "skew", "no-TGT"]


@pytest.mark.parametrize(("whole", "expected"), WHOLE, ids=NAMES)
def test_whole_messages(whole: bytes, expected: object) -> None:
    """What tshark 4.0 shows of the same frames; surplus octets behind a message change nothing."""
    assert parse_message(whole) == expected
    assert parse_message(whole).complete
    assert parse_message(memoryview(whole + b"\x00\x01surplus")) == expected


@pytest.mark.parametrize(("whole", "expected"), WHOLE, ids=NAMES)
def test_every_truncation(whole: bytes, expected: object) -> None:
    """A cut message is a value of the same kind, says that it is cut, and holds nothing that the whole has not."""
    for cut in truncations(whole):
        try:
            value = parse_message(cut)
        except ParseError:
            assert len(cut) < 20
            continue
        assert type(value) is type(expected)
        assert not value.complete
        assert isinstance(value.problem, Truncated)
        assert_only_less(value, expected)


def assert_only_less(value: object, whole: object) -> None:
    """Each field is the whole's, or None, or () where a list was cut; a time may lack its microseconds."""
    for name in getattr(type(value), "__dataclass_fields__", {}):
        found, expected = getattr(value, name), getattr(whole, name)
        if isinstance(found, Ticket | PrincipalName):
            assert_only_less(found, expected)
        elif name.endswith("_ns") and found is not None:
            assert found in (expected, expected // 10**9 * 10**9)
        elif name != "problem":
            assert found in (expected, None, ())


@pytest.mark.parametrize(("cut_at", "expected"), [
    (0x26, Ticket(None, None, None, None, None)),
    (0x3B, Ticket("DOMAINB.COM", None, None, None, None)),
    (0x50, Ticket("DOMAINB.COM", PrincipalName(NameType.PRINCIPAL, ()), None, None, None)),
    (0x90, Ticket("DOMAINB.COM", PrincipalName(NameType.PRINCIPAL, ("host", "dc1.domainb.com")), 18, 1, 1085)),
])  # fmt: skip
def test_a_ticket_cut_by_the_snapshot_length(cut_at: int, expected: Ticket) -> None:
    """Realm and name are there as soon as their octets are; a name that lost a component has none."""
    assert parse_message(AP_REQ[:cut_at]) == ApReq(MUTUAL, expected, None, None)


@pytest.mark.parametrize("whole", [whole for whole, _ in WHOLE], ids=NAMES)
def test_mutants_raise_nothing_but_parse_errors(whole: bytes) -> None:
    """2000 damaged copies of each message: a value or `ParseError`, never another exception."""
    values = 0
    for mutant in mutants(whole, seed=len(whole), count=2000):
        try:
            values += bool(parse_message(mutant))
        except ParseError:
            continue
    assert values


@pytest.mark.parametrize("whole", [whole for whole, _ in WHOLE], ids=NAMES)
def test_no_cipher_is_kept(whole: bytes) -> None:
    """Neither the value nor what it pickles to holds ciphertext."""
    value = parse_message(whole)
    assert b"\xee\xee" not in pickle.dumps(value)
    assert "ee" * 4 not in repr(value)


def test_user_to_user_is_the_first_option() -> None:
    """RFC 4120 5.5.1: bit 1 is USE-SESSION-KEY; options that nobody named are dropped; a short bit string reads too."""
    assert [parse_message(whole).user_to_user for whole, _ in WHOLE[:3]] == [False, True, True]  # type: ignore[union-attr]
    every_bit = parse_message(AP_REQ.replace(bytes.fromhex("03050020000000"), bytes.fromhex("030500ffffffff")))
    assert isinstance(every_bit, ApReq)
    assert every_bit.options == USER_TO_USER
    one_octet = write.application(14, write.sequence(write.context(1, write.integer(14)),
                                                     write.context(2, bytes.fromhex("03020560"))))  # fmt: skip
    assert parse_message(one_octet).user_to_user is True  # type: ignore[union-attr]
    assert parse_message(bytes.fromhex("6e0a30")).user_to_user is None  # type: ignore[union-attr]


def krb_error(**fields: bytes) -> bytes:
    """A KRB-ERROR of mandatory fields, with others given as `f<number>`."""
    given = {0: write.integer(5), 1: write.integer(30), 4: write.generalized_time(1_700_000_000_000_000_000)}
    given |= {5: write.integer(7), 6: write.integer(7), 9: write.general_string("R")}
    given[10] = write.sequence(write.context(0, write.integer(1)), write.context(1, write.sequence()))
    given |= {int(name[1:]): element for name, element in fields.items()}
    return write.application(30, write.sequence(*(write.context(n, given[n]) for n in sorted(given))))


def typed_data(number: int, value: bytes) -> bytes:
    return write.sequence(write.context(1, write.integer(number)), write.context(2, write.octet_string(value)))


STATUS = bytes.fromhex("720000c0 00000000 01000000")


@pytest.mark.parametrize(("e_data", "expected"), [
    (typed_data(3, STATUS), (ErrorDataType.EXTENDED, 0xC0000072, ())),
    (typed_data(3, STATUS[:8]), (ErrorDataType.EXTENDED, None, ())),
    (typed_data(2, b""), (ErrorDataType.SKEW_RECOVERY, None, ())),
    (typed_data(77, STATUS), (ErrorDataType(77), None, ())),
    (write.sequence(typed_data(19, b"etypes"), typed_data(2, b""), typed_data(128, b"")), (None, None, (19, 2, 128))),
    (write.sequence(typed_data(3, STATUS)), (None, 0xC0000072, (3,))),
    (write.sequence(typed_data(3, b"REALM.COMbob")), (None, None, (3,))),  # a salt of twelve octets
    (write.sequence(), (None, None, ())),
    (b"NEEDED_PREAUTH", (None, None, ())),
    (b"", (None, None, ())),
    (b"\x30\x84\xff\xff\xff\xff", (None, None, ())),
])  # fmt: skip
def test_error_data(e_data: bytes, expected: tuple[object, ...]) -> None:
    """[MS-KILE] 2.2.1 and 2.2.2, METHOD-DATA, and free-form octets, which say nothing and are no fault."""
    value = parse_message(krb_error(f12=write.octet_string(e_data)))
    assert isinstance(value, KrbError)
    assert (value.error_data_type, value.ntstatus, value.pa_data_types) == expected
    assert value.complete


def test_times_of_an_error() -> None:
    """Microseconds are added where they can be ones; a date that is none is None and makes the message incomplete."""
    value = parse_message(krb_error(f2=write.generalized_time(0), f3=write.integer(250_000), f5=write.integer(10**6)))
    assert isinstance(value, KrbError)
    assert (value.ctime_ns, value.cusec) == (250_000_000, 250_000)
    assert (value.stime_ns, value.susec) == (1_700_000_000_000_000_000, 10**6)
    assert value.complete
    odd = parse_message(krb_error(f4=write.tagged(0x18, b"20261301000000Z")))
    assert isinstance(odd, KrbError)
    assert odd.stime_ns is None
    assert isinstance(odd.problem, Malformed)
    assert odd.error_code == 7


def test_text_is_kept_as_it_came() -> None:
    """UTF-8 in GeneralString; octets that are not UTF-8 survive as escapes, controls are left to the way out."""
    value = parse_message(krb_error(f7=write.general_string("ÜBUNG.DE"), f11=write.general_string(b"a\x1b[31m\xff")))
    assert isinstance(value, KrbError)
    assert value.crealm == "ÜBUNG.DE"
    assert value.e_text == "a\x1b[31m\udcff"


def test_numbers_of_odd_sizes() -> None:
    """Over eight octets is no number; a key version written as a negative number is meant unsigned."""
    value = parse_message(krb_error(f6=write.tagged(0x02, b"\x01" * 9)))
    assert isinstance(value, KrbError)
    assert value.error_code is None
    assert isinstance(value.problem, Malformed)
    part = write.sequence(
        write.context(0, write.integer(18)),
        write.context(1, write.integer(-0x7FFF0000)),
        write.context(2, write.octet_string(b"c")),
    )
    ticket = write.application(1, write.sequence(write.context(3, part)))
    reply = parse_message(write.sequence(write.context(1, write.integer(17)), write.context(2, ticket)))
    assert reply == TgtRep(Ticket(None, None, 18, 0x80010000, 1, blake2b(b"c", digest_size=8).hexdigest()))


@pytest.mark.parametrize("octets", [
    b"",
    b"\x6e",
    b"\x6e\x82\x05",
    b"\x6e\x82\x05\xbe",
    b"\x6e\x00",
    b"none",  # 0x6e: what a test client sent as a token of no kind
    b"\x30\x03\x02\x01\x05",
    bytes.fromhex("3005a103020105"),
    bytes.fromhex("3005a10302010e"),  # an AP-REQ without its application tag
    bytes.fromhex("6a073005a10302010a"),  # AS-REQ: not read here
    bytes.fromhex("a1073005a0030a0100"),
    b"\x7f\x1e\x05abcde",
    b"\x6e\x80\x30\x80\x00\x00",
])  # fmt: skip
def test_what_is_no_message(octets: bytes) -> None:
    """Kind not told: `ParseError`, and it can travel to another process."""
    with pytest.raises(ParseError) as caught:
        parse_message(octets)
    assert caught.value.layer.startswith("kerberos")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_application_tag_and_type_disagree() -> None:
    """The application tag decides, the other is noted."""
    value = parse_message(AP_REQ.replace(bytes.fromhex("a10302010e"), bytes.fromhex("a10302010f"), 1))
    assert value.message_type is MessageType.AP_REQ
    assert isinstance(value.problem, Malformed)


def test_nesting_and_long_lists_cost_nothing() -> None:
    """A bomb of nested sequences in a name's place, a name of more components than allowed, and a length of 4 GiB."""
    bomb = b""
    for _ in range(2000):
        bomb = write.sequence(bomb)
    value = parse_message(krb_error(f10=bomb))
    assert isinstance(value, KrbError)
    assert value.sname == PrincipalName(None, ())
    for count, read in ((MAXIMUM_ITEMS, MAXIMUM_ITEMS), (MAXIMUM_ITEMS + 1, 0)):
        names = write.sequence(*[write.general_string("x")] * count)
        name = write.sequence(write.context(0, write.integer(1)), write.context(1, names))
        value = parse_message(krb_error(f10=name))
        assert isinstance(value, KrbError)
        assert value.sname is not None
        assert len(value.sname.components) == read
    huge = parse_message(bytes.fromhex("6e84ffffffff3084fffffff0a10302010e"))
    assert huge == ApReq(None, None, None, None)
    assert isinstance(huge.problem, Truncated)


def test_a_type_without_a_name_keeps_its_number() -> None:
    """[MS-KILE] 2.2.9 names are known; others stay numbers."""
    named = {-128: "MS_PRINCIPAL", 10: "ENTERPRISE", 250: "UNKNOWN_250"}
    for number, name in named.items():
        part = write.sequence(write.context(0, write.integer(number)), write.context(1, write.sequence()))
        value = parse_message(krb_error(f10=part))
        assert isinstance(value, KrbError)
        assert value.sname is not None
        assert value.sname.name_type is not None
        assert (value.sname.name_type.name, int(value.sname.name_type)) == (name, number)
