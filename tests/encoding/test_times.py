"""Windows and Kerberos times become nanoseconds since 1970 and ISO 8601, exactly and for every input."""

from __future__ import annotations

import random

import pytest

from rpctrace.encoding.times import filetime_to_ns, iso_8601, kerberos_time_to_ns
from rpctrace.errors import Malformed


@pytest.mark.parametrize(("filetime", "timestamp_ns"), [
    (116_444_736_000_000_000, 0),
    (116_444_736_000_000_001, 100),
    (0, -11_644_473_600_000_000_000),
    (0x01DD7A57610E7DD0, 1_795_334_360_006_600_000),  # in an NTLM challenge of the lab: 2026-11-22 07:59:20.0066
    (2**64 - 1, 1_833_029_933_770_955_161_500),
])  # fmt: skip
def test_filetime(filetime: int, timestamp_ns: int) -> None:
    """[MS-DTYP] 2.3.3, over its whole range."""
    assert filetime_to_ns(filetime) == timestamp_ns


@pytest.mark.parametrize(("text", "timestamp_ns"), [
    (b"19700101000000Z", 0),
    (b"20261122074707Z", 1_795_333_627_000_000_000),
    (b"19691231235959Z", -1_000_000_000),
    (b"00010101000000Z", -62_135_596_800_000_000_000),
    (b"99991231235959Z", 253_402_300_799_000_000_000),
    (b"20240229120000Z", 1_709_208_000_000_000_000),
])  # fmt: skip
def test_kerberos_time(text: bytes, timestamp_ns: int) -> None:
    """RFC 4120 5.2.3, every year that it can write."""
    assert kerberos_time_to_ns(text) == timestamp_ns


@pytest.mark.parametrize("text", [
    b"",
    b"20261122074707",
    b"20261122074707z",
    b"20261122074707.5Z",
    b"2026112207470 Z",
    b"20261322074707Z",
    b"20230229000000Z",
    b"20261122240000Z",
    b"20261122235960Z",
    b"20261122235961Z",
    b"00000101000000Z",
    b"\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2Z",
    b"+0261122074707Z",
])  # fmt: skip
def test_what_is_no_kerberos_time(text: bytes) -> None:
    """Another form or no such moment: `Malformed`."""
    with pytest.raises(Malformed):
        kerberos_time_to_ns(text)


def test_noise_is_malformed_or_a_time() -> None:
    """5000 runs of digits and nearly digits raise nothing else."""
    chance = random.Random(3)
    read = 0
    for _ in range(5000):
        text = bytes(chance.choice(b"0123456789012345678901234567890123456789:Z") for _ in range(14)) + b"Z"
        try:
            read += isinstance(kerberos_time_to_ns(text), int)
        except Malformed:
            continue
    assert read < 5000


@pytest.mark.parametrize(("timestamp_ns", "text"), [
    (None, None),
    (0, "1970-01-01T00:00:00.000000000Z"),
    (1_795_581_810_123_456_789, "2026-11-25T04:43:30.123456789Z"),
    (-1, "1969-12-31T23:59:59.999999999Z"),
    (-11_644_473_600_000_000_000, "1601-01-01T00:00:00.000000000Z"),
    (-62_135_596_800_000_000_000, "0001-01-01T00:00:00.000000000Z"),
    (-62_135_596_800_000_000_001, None),
    (253_402_300_799_999_999_999, "9999-12-31T23:59:59.999999999Z"),
    (253_402_300_800_000_000_000, None),
    (10**40, None),
    (-(10**40), None),
])  # fmt: skip
def test_iso_8601(timestamp_ns: int | None, text: str | None) -> None:
    """No nanosecond is lost; outside years 1 to 9999 there is no text."""
    assert iso_8601(timestamp_ns) == text
