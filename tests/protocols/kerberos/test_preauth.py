"""Pre-authentication data: every type in order, what the known ones say, and what a cut leaves of them."""

from __future__ import annotations

import pytest
from builders import der as write
from builders import kerberos
from protocols.kerberos.kdc_talk import BOB, MACHINE_TGT, OTHER_REALM, REALM, TGT

from rpctrace.encoding import der
from rpctrace.encoding.partial import FirstProblem
from rpctrace.errors import Malformed, Truncated
from rpctrace.protocols.kerberos.elements import NameType, PrincipalName
from rpctrace.protocols.kerberos.preauth import (
    IN_REPLY,
    IN_REQUEST,
    EtypeInfo,
    Fast,
    PacOptions,
    PaType,
    PreAuthentication,
    S4uUser,
    read_padata,
)

BOB_NAME = PrincipalName(NameType.PRINCIPAL, ("bob-a",))


def read(
    *items: bytes, reply: bool = False, length: int | None = None
) -> tuple[PreAuthentication, Exception | None]:
    problems = FirstProblem()
    sequence = der.read_element(write.sequence(*items)[:length], "test")
    return read_padata(sequence, IN_REPLY if reply else IN_REQUEST, problems), problems.error


def test_every_known_type_of_a_request() -> None:
    presented = kerberos.padata(1, kerberos.ap_req(TGT, ap_options=0, authenticator_etype=17))
    armor = kerberos.ap_req(MACHINE_TGT, ap_options=0)
    said, problem = read(
        presented,
        kerberos.pa_enc_timestamp(23),
        kerberos.pa_pac_request(False),
        kerberos.pa_for_user(BOB, OTHER_REALM),
        kerberos.pa_s4u_x509_user(BOB, REALM),
        kerberos.padata(133, b"cookie"),
        kerberos.pa_fx_fast_request(armor),
        kerberos.pa_pac_options(0x9000_0000),
        kerberos.padata(16, b"certificates"),
        kerberos.padata(655, b"?"),
    )
    assert problem is None
    assert said.types == (1, 2, 128, 129, 130, 133, 136, 167, 16, 655)
    assert said.tgs is not None
    assert said.tgs.ticket is not None
    assert (said.tgs.ticket.realm, str(said.tgs.ticket.sname), said.tgs.ticket.kvno) == (REALM, f"krbtgt/{REALM}", 2)
    assert said.tgs.authenticator_etype == 17
    assert (said.timestamp_etype, said.include_pac) == (23, False)
    assert said.for_user == S4uUser(BOB_NAME, OTHER_REALM)
    assert said.for_x509_user == S4uUser(BOB_NAME, REALM)
    assert said.pac_options == PacOptions.CLAIMS | PacOptions.RESOURCE_BASED_CONSTRAINED_DELEGATION
    assert said.fast is not None
    assert (said.fast.armor_type, said.fast.etype) == (1, 18)
    assert said.fast.armor is not None
    assert said.fast.armor.ticket is not None
    assert said.fast.armor.ticket.kvno == 7
    assert PaType.PK_AS_REQ in said.types


def test_armor_of_another_kind_and_none() -> None:
    """The armor may be the session of the ticket-granting ticket; types but the AP-REQ are a number."""
    said, problem = read(kerberos.pa_fx_fast_request(None, etype=17))
    assert (said, problem) == (PreAuthentication((136,), fast=Fast(None, None, 17)), None)
    assert read(kerberos.pa_fx_fast_request(b"opaque", 2))[0].fast == Fast(2, None, 18)


def test_a_certificate_in_place_of_the_name() -> None:
    assert read(kerberos.pa_s4u_x509_user(None, REALM))[0].for_x509_user == S4uUser(None, REALM)


def test_what_a_kdc_offers() -> None:
    """Types without octets are offers; ETYPE-INFO counts only where ETYPE-INFO2 is not there."""
    newer, older = kerberos.pa_etype_info2((18, "salt"), (23, None)), kerberos.pa_etype_info((17, b"old"))
    offers = (EtypeInfo(18, "salt"), EtypeInfo(23, None))
    for items in ((newer, older), (older, newer)):
        assert read(*items, reply=True)[0].etypes_offered == offers
    assert read(older, reply=True)[0].etypes_offered == (EtypeInfo(17, "old"),)
    empty, problem = read(*(kerberos.padata(number, b"") for number in (2, 16, 19, 136)), reply=True)
    assert (empty, problem) == (PreAuthentication((2, 16, 19, 136)), None)
    assert read(kerberos.padata(3, "Grüße".encode()), reply=True)[0].salt == "Grüße"
    assert read(kerberos.pa_fx_fast_reply(17), reply=True)[0].fast == Fast(None, None, 17)


def test_of_two_equal_types_the_first_counts() -> None:
    said, _problem = read(kerberos.pa_pac_request(True), kerberos.pa_pac_request(False))
    assert (said.types, said.include_pac) == ((128, 128), True)


def test_a_cut_list_has_no_types_and_keeps_what_was_read() -> None:
    """The ticket of a TGS-REQ stands in its first octets: a small snapshot length leaves it readable."""
    presented = kerberos.padata(1, kerberos.ap_req(TGT, ap_options=0))
    said, problem = read(presented, kerberos.pa_pac_request(True), length=150)
    assert said.types == ()
    assert said.tgs is not None
    assert said.tgs.ticket is not None
    assert str(said.tgs.ticket.sname) == f"krbtgt/{REALM}"
    assert said.include_pac is None
    assert isinstance(problem, Truncated)


@pytest.mark.parametrize("damaged", [
    write.integer(5),
    write.sequence(write.context(2, write.octet_string(b"no type"))),
    kerberos.padata(128, b"\x30\x03\xa0\x01"),
    kerberos.padata(136, b"\xa1\x02\x30\x00"),
    kerberos.padata(167, b"\x30\x80"),
    kerberos.padata(1, b"\x6f\x02\x30\x00"),
])  # fmt: skip
def test_damage_is_told_and_costs_no_more_than_it_hits(damaged: bytes) -> None:
    said, problem = read(kerberos.pa_enc_timestamp(18), damaged)
    assert said.timestamp_etype == 18
    assert isinstance(problem, Malformed | Truncated)


def test_a_list_without_end() -> None:
    """Sixty-four are read; more are no list of a client's."""
    said, problem = read(*[kerberos.padata(2, b"")] * (der.MAXIMUM_ITEMS + 1))
    assert said.types == ()
    assert isinstance(problem, Malformed)
    assert read(*[kerberos.padata(2, b"")] * der.MAXIMUM_ITEMS)[0].types == (2,) * der.MAXIMUM_ITEMS
