"""Names, tickets, encrypted parts and the message around them are read as far as they are there."""

from __future__ import annotations

import pytest
from builders import der as write
from builders import kerberos
from protocols.kerberos.kdc_talk import REALM, SERVICE, TGT, digest

from rpctrace.encoding import der
from rpctrace.encoding.der import Fields
from rpctrace.encoding.partial import FirstProblem
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.kerberos.elements import (
    ApOptions,
    EncryptedData,
    NameType,
    PrincipalName,
    Ticket,
    read_ap_req,
    read_encrypted,
    read_message,
    read_principal_name,
    read_ticket,
    ticket_of,
    time_ns,
)


def fields(*parts: bytes) -> Fields:
    return Fields(der.read_element(write.sequence(*parts), "test"), FirstProblem())


def test_a_name_is_whole_or_has_no_components() -> None:
    whole = write.context(1, SERVICE.encode())
    expected = PrincipalName(NameType.SRV_INST, ("host", "app1.domainb.com"))
    assert read_principal_name(fields(whole), 1) == expected
    assert str(expected) == "host/app1.domainb.com"
    cut = fields(whole)
    sequence = der.read_element(write.sequence(whole)[:-4], "test")
    cut = Fields(sequence, FirstProblem())
    assert read_principal_name(cut, 1) == PrincipalName(NameType.SRV_INST, ())
    assert isinstance(cut.problems.error, Truncated)


def test_a_damaged_name_has_its_problem_each_time_it_comes() -> None:
    """Names are looked up by their octets; only those that read."""
    damaged = write.context(1, write.sequence(write.context(0, write.integer(2)), write.context(1, b"\x30\x01\x1b")))
    for before in (b"", write.context(0, write.integer(1))):
        for _ in range(2):
            said = fields(before, damaged)
            assert read_principal_name(said, 1) == PrincipalName(NameType.SRV_INST, ())
            assert isinstance(said.problems.error, Malformed)
            assert said.problems.error.offset == len(before) + 15


def test_an_absent_name_is_a_problem_unless_it_may_be() -> None:
    empty = fields()
    assert read_principal_name(empty, 1, optional=True) is None
    assert empty.problems.error is None
    assert read_principal_name(empty, 1) is None
    assert isinstance(empty.problems.error, Malformed)


def test_a_ticket() -> None:
    expected = Ticket(REALM, PrincipalName(NameType.SRV_INST, ("krbtgt", REALM)), 18, 2, 1024, digest(TGT, 1024))
    assert read_ticket(fields(write.context(5, TGT)), 5) == expected
    assert ticket_of(der.read_element(TGT, "test"), FirstProblem()) == expected
    assert read_ticket(fields(write.context(5, write.sequence())), 5) is None


def test_an_encrypted_part_keeps_no_cipher() -> None:
    part = write.context(6, kerberos.encrypted_data(17, b"secret octets", -2))
    assert read_encrypted(fields(part), 6) == EncryptedData(17, 0xFFFFFFFE, 13)
    nothing = fields()
    assert read_encrypted(nothing, 6, optional=True) == EncryptedData(None, None, None)
    assert nothing.problems.error is None


def test_times() -> None:
    assert time_ns(der.read_element(write.generalized_time(1_700_000_000 * 10**9), "test")) == 1_700_000_000 * 10**9


READERS = {14: ("AP-REQ", read_ap_req)}


def test_a_message_through_the_reader_of_its_kind() -> None:
    request = read_message(kerberos.ap_req(TGT, ap_options=0x6000_0001), READERS)
    assert request.options == ApOptions.USE_SESSION_KEY | ApOptions.MUTUAL_REQUIRED
    assert request.complete
    with pytest.raises(ParseError) as refused:
        read_message(kerberos.ap_rep(), READERS)
    assert str(refused.value) == "kerberos: no message type that is read: 15 at octet 0"
    with pytest.raises(Malformed):
        read_message(kerberos.tgt_request(), READERS)  # untagged kinds are read only where asked for
