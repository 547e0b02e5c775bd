"""Windows and Kerberos times -> `timestamp_ns`: integer nanoseconds since 1970-01-01 UTC; and back to ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from rpctrace.errors import Malformed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILETIME_EPOCH_100NS = 116_444_736_000_000_000  # 1601-01-01 to 1970-01-01 [MS-DTYP] 2.3.3
NS_PER_SECOND = 1_000_000_000


def filetime_to_ns(filetime: int) -> int:
    """[MS-DTYP] 2.3.3 FILETIME (100 ns units since 1601) -> timestamp_ns; before 1970 is negative."""
    return (filetime - _FILETIME_EPOCH_100NS) * 100


def kerberos_time_to_ns(text: bytes) -> int:
    """RFC 4120 5.2.3 KerberosTime, always `YYYYMMDDhhmmssZ` -> timestamp_ns. Raises `Malformed`."""
    if len(text) != 15 or text[14:] != b"Z" or not text[:14].isdigit():
        raise Malformed("kerberos.KerberosTime", 0, "not YYYYMMDDhhmmssZ")
    return _kerberos_second(text)


@lru_cache(1024)  # tickets repeat the end of their life, and replies the second in which they were sent
def _kerberos_second(text: bytes) -> int:
    try:
        month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
        moment = datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise Malformed("kerberos.KerberosTime", 0, "no such date") from error
    return int((moment - _EPOCH).total_seconds()) * NS_PER_SECOND


def iso_8601(timestamp_ns: int | None) -> str | None:
    """`2026-11-25T04:43:30.123456789Z`; nanoseconds kept exactly; None without a time or outside years 1-9999."""
    if timestamp_ns is None:
        return None
    seconds, fraction = divmod(timestamp_ns, NS_PER_SECOND)
    second = _second(seconds)
    return None if second is None else f"{second}.{fraction:09d}Z"


@lru_cache(256)  # the moments of a capture lie close together
def _second(seconds: int) -> str | None:
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0")
