"""However a status, an interface or a reason is written, it is the same one."""

from __future__ import annotations

import pytest

from rpctrace.errors import UsageError
from rpctrace.spellings import interfaces_spelled, kerberos_errors_spelled, reject_reasons_spelled, statuses_spelled


@pytest.mark.parametrize(
    "text", ["0x721", "0x00000721", "1825", " 1825 ", "RPC_S_SEC_PKG_ERROR", "rpc_s_sec_package_error", "0X721"]
)
def test_one_status(text: str) -> None:
    """All the ways to write 0x721."""
    assert 0x721 in statuses_spelled(text)
    assert len(statuses_spelled(text)) <= 2


def test_signed_and_unknown_statuses() -> None:
    """Logs print HRESULTs signed; a number that nobody knows is still that number; an unknown name is refused."""
    assert statuses_spelled("-2147023071") == {0x80070721}
    assert statuses_spelled("0xdeadbeef") == {0xDEADBEEF}
    for text in ("RPC_S_NOTHING", "IClassFactory", ""):
        with pytest.raises(UsageError):
            statuses_spelled(text)


@pytest.mark.parametrize(
    "text",
    ["00000001-0000-0000-c000-000000000046", "{00000001-0000-0000-C000-000000000046}", "iclassfactory"],
)
def test_one_interface(text: str) -> None:
    """UUID in any case, in braces, or by name."""
    assert interfaces_spelled(text) == {"00000001-0000-0000-c000-000000000046"}


def test_unknown_interfaces() -> None:
    """A UUID needs no name; a name needs to be known."""
    assert interfaces_spelled("deadbeef-0000-0000-0000-000000000001") == {"deadbeef-0000-0000-0000-000000000001"}
    with pytest.raises(UsageError):
        interfaces_spelled("INothing")


def test_reject_reasons() -> None:
    """Number or name of a bind_nak's reason."""
    assert reject_reasons_spelled("8") == {8}
    assert reject_reasons_spelled("0x8") == {8}
    with pytest.raises(UsageError):
        reject_reasons_spelled("no such reason")


def test_kerberos_errors() -> None:
    """Number or name, in the spellings of RFC 4120 and of others."""
    assert kerberos_errors_spelled("37") == kerberos_errors_spelled("KRB_AP_ERR_SKEW") == {37}
    with pytest.raises(UsageError):
        kerberos_errors_spelled("KRB_NOTHING")
