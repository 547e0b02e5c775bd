"""Password changes (RFC 3244): requests, replies, and errors with their result."""

from __future__ import annotations

import pytest
from authentication_tokens import mutants, truncations
from builders import der as write
from builders import kerberos
from protocols.kerberos.kdc_talk import EVERY_MESSAGE, KPASSWD_ERROR, KPASSWD_REP, KPASSWD_REQ, REALM, TGS_REQ

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.kerberos.kpasswd import (
    CHANGE_PASSWORD,
    SET_PASSWORD,
    KpasswdRep,
    KpasswdReq,
    ResultCode,
    kpasswd_length,
    parse_kpasswd,
)
from rpctrace.protocols.kerberos.messages import ApRep

NAMES = ("kpasswd", "kpasswd-reply", "kpasswd-error")


def test_a_request_presents_a_ticket() -> None:
    said = parse_kpasswd(KPASSWD_REQ)
    assert isinstance(said, KpasswdReq)
    assert said.complete
    assert said.version == SET_PASSWORD
    assert said.ap_req is not None
    assert said.ap_req.ticket is not None
    assert (said.ap_req.ticket.realm, str(said.ap_req.ticket.sname)) == (REALM, "kadmin/changepw")


def test_a_reply_is_encrypted() -> None:
    assert parse_kpasswd(KPASSWD_REP) == KpasswdRep(CHANGE_PASSWORD, ApRep(18, 109), None, None, None)


def test_an_error_has_its_result_in_clear() -> None:
    said = parse_kpasswd(KPASSWD_ERROR)
    assert isinstance(said, KpasswdRep)
    assert said.complete
    assert said.error is not None
    assert said.error.error_code == 60
    assert (said.result_code, said.result_text) == (ResultCode.SOFT_ERROR, "too short")


@pytest.mark.parametrize(("data", "expected"), [
    (None, (None, None)),
    (b"\x00", (None, None)),
    (b"\x00\x06", (ResultCode.BAD_VERSION, None)),
    (b"\x12\x34\xff", (ResultCode(0x1234), "\udcff")),
])  # fmt: skip
def test_results_as_they_come(data: bytes | None, expected: tuple[ResultCode | None, str | None]) -> None:
    error = kerberos.krb_error(60, REALM, kerberos.principal("kadmin", "changepw"), server_time_ns=0, data=data)
    said = parse_kpasswd(kerberos.kpasswd(error))
    assert isinstance(said, KpasswdRep)
    assert (said.result_code, said.result_text) == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation(name: str) -> None:
    octets = EVERY_MESSAGE[name]
    whole = parse_kpasswd(octets)
    for cut in truncations(octets):
        try:
            value = parse_kpasswd(cut)
        except ParseError:
            assert len(cut) < 20
            continue
        assert type(value) is type(whole)
        assert isinstance(value.problem, Truncated)


@pytest.mark.parametrize("name", NAMES)
def test_mutants_raise_nothing_but_parse_errors(name: str) -> None:
    values = 0
    for mutant in mutants(EVERY_MESSAGE[name], seed=464, count=1500):
        try:
            values += bool(parse_kpasswd(mutant))
        except ParseError:
            continue
    assert values > 300


def test_the_length_of_what_is_one() -> None:
    for name in NAMES:
        assert kpasswd_length(b"before" + EVERY_MESSAGE[name], 6) == len(EVERY_MESSAGE[name])
    assert kpasswd_length(TGS_REQ) is None
    assert kpasswd_length(bytes(7)) is None
    assert kpasswd_length(b"\x00\x40\x00\x01\x00\x00\x6e") is None  # an AP-REQ of no length
    assert kpasswd_length(b"\x00\x40\x00\x01\x00\x40\x6e") is None  # longer than what it is in
    assert kpasswd_length(b"\x00\x40\x00\x02\x00\x20\x6e") is None  # a version that there is not


def test_what_is_neither_request_nor_reply() -> None:
    for inner in (kerberos.tgt_request(), write.sequence(), b"\x6e"):
        with pytest.raises(Malformed):
            parse_kpasswd(kerberos.kpasswd(inner))
