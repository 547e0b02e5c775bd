"""Windows, Kerberos and ISO times, to the nanosecond and out of range."""

from __future__ import annotations

import pytest

from rpctrace.encoding.times import filetime_to_ns, iso_8601, kerberos_time_to_ns
from rpctrace.errors import Malformed


def test_filetime() -> None:
    """[MS-DTYP] 2.3.3: 1601, 1970 and one 100 ns step."""
    assert filetime_to_ns(116_444_736_000_000_000) == 0
    assert filetime_to_ns(116_444_736_000_000_001) == 100
    assert filetime_to_ns(0) == -11_644_473_600_000_000_000


def test_kerberos_time() -> None:
    """RFC 4120 5.2.3; anything else is Malformed, not a guess."""
    assert kerberos_time_to_ns(b"20120314092650Z") == 1_331_717_210_000_000_000
    for text in (b"", b"20120314092650", b"20120314092650.1Z", b"20121332092650Z", b"2012031409265\xffZ"):
        with pytest.raises(Malformed):
            kerberos_time_to_ns(text)


@pytest.mark.parametrize(
    ("timestamp_ns", "expected"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_331_717_210_123_456_789, "2012-03-14T09:26:50.123456789Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (None, None),
        (2**70, None),
    ],
)
def test_iso_8601(timestamp_ns: int | None, expected: str | None) -> None:
    """All nanoseconds are kept; a time that the calendar does not have is None."""
    assert iso_8601(timestamp_ns) == expected
