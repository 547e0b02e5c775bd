"""The clear text of an AP-REQ as it was presented."""

from __future__ import annotations

import pytest
from builders import ntlm

from rpctrace.protocols.gssapi.exchange import learned_names, presented_ticket
from rpctrace.protocols.kerberos.messages import ApOptions, ApReq, NameType, PrincipalName, Ticket
from rpctrace.protocols.ntlm.messages import parse_message


def test_a_ticket_keeps_its_names_and_where_it_was_presented() -> None:
    ticket = Ticket("DOMAINB.COM", PrincipalName(NameType.SRV_INST, ("cifs", "dc1")), 18, 2, 900)
    presented = presented_ticket(ApReq(ApOptions.MUTUAL_REQUIRED, ticket, 17, 80, problem=None), "session_setup", 9)
    assert (presented.realm, presented.sname, presented.name_type) == ("DOMAINB.COM", ("cifs", "dc1"), 2)
    assert (presented.etype, presented.authenticator_etype, presented.kvno) == (18, 17, 2)
    assert (presented.presented_in, presented.frame) == ("session_setup", 9)


def test_what_a_cut_took_stays_unknown() -> None:
    presented = presented_ticket(ApReq(None, None, None, None, problem=None), "bind", 1)
    assert presented.realm is None
    assert presented.sname == ()
    assert presented.options is None


def test_ntlm_is_learned_message_by_message() -> None:
    """The flags of each stay apart; a message that was cut before them leaves them unknown."""
    names = None
    for octets in (
        ntlm.negotiate(flags=0x8215), ntlm.challenge("DC1", flags=0x81_8215), ntlm.authenticate("B", "alice", "WS1"),
    ):  # fmt: skip
        names = learned_names(names, parse_message(octets))
    assert names is not None
    assert (names.negotiate_flags, names.challenge_flags) == (0x8215, 0x81_8215)
    assert names.authenticate_flags == ntlm.DEFAULT_FLAGS
    assert (names.domain, names.user, names.workstation, names.target) == ("B", "alice", "WS1", "DC1")
    assert learned_names(None, parse_message(ntlm.negotiate()[:12])).negotiate_flags is None


@pytest.mark.parametrize(
    ("pairs", "computer"),
    [
        ([(1, "FS1"), (2, "DOMAINB"), (3, "fs1.domainb.com")], "fs1.domainb.com"),
        ([(1, "FS1"), (2, "DOMAINB")], "FS1"),
        ([(2, "DOMAINB")], None),
        ([], None),
    ],
)
def test_the_server_s_computer(pairs: list[tuple[int, str | bytes]], computer: str | None) -> None:
    """By its DNS name, where the AV pairs have one; an NTLMv2 response repeats the challenge, for who missed that."""
    names = learned_names(None, parse_message(ntlm.challenge("DOMAINB", pairs)))
    assert (names.computer, names.target) == (computer, "DOMAINB")
    assert learned_names(names, parse_message(ntlm.authenticate("B", "alice", "WS1"))).computer == computer
    response = bytes(44) + ntlm.target_information(pairs)
    late = parse_message(ntlm.authenticate("B", "alice", "WS1", nt_response=response))
    assert learned_names(None, late).computer == computer
