"""netlogon.log of the novice's domain controller ([KB109626] and the support article have the form of the lines): local
time without a year, one second fine, no zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from making import cast
from making.cast import START_NS

LOCAL_AHEAD = timedelta(hours=1)  # of UTC
BEHIND = timedelta(milliseconds=118)  # the domain controller's clock, as in `views`
GENERIC = (
    "[LOGON] RESOURCE: SamLogon: Generic logon of CHILD.DOMAINA.COM\\(null) from (null)"
    " (via RESOURCE-WIN73) Package:Kerberos "
)
MEMBER = "[LOGON] RESOURCE: SamLogon: Network logon of RESOURCE\\svc-backup from FS1 (via FS1) "
COMPUTER = "RESOURCE-WIN73"
Line = tuple[float, str]  # seconds after the scenario's start, what is said


def written(lines: Iterable[Line], *, start_ns: int = START_NS, off: timedelta = timedelta()) -> bytes:
    """The lines as the file has them. `off`: how much more than its zone the clock is wrong."""
    start = datetime.fromtimestamp(start_ns // 1_000_000_000, UTC) + LOCAL_AHEAD + off - BEHIND
    return "".join(
        f"{start + timedelta(seconds=after):%m/%d %H:%M:%S} {said}\r\n" for after, said in lines
    ).encode()


BEFORE: tuple[Line, ...] = (
    (-312.4, "[MISC] RESOURCE: DsGetDcName function called: Dom:domainB.com Acct:(null) Flags: DS"),
    (-311.9, "[MAILSLOT] RESOURCE: Ping response 'Sam Logon Response Ex' (null) to \\\\FS1 Site: Main on UDP LDAP"),
    (-47.2, MEMBER + "Entered"),
    (-47.2, MEMBER + "Returns 0x0"),
    (-1.5, f"[SESSION] RESOURCE: NetrServerAuthenticate entered: {COMPUTER} on account {COMPUTER}$ (Negot: 612fffff)"),
    (-1.5, f"[SESSION] RESOURCE: NetrServerAuthenticate returns Success: {COMPUTER} on account {COMPUTER}$"),
)
AFTER: tuple[Line, ...] = (
    (38.6, MEMBER + "Entered"),
    (38.7, MEMBER + "Returns 0x0"),
    (61.0, "[MISC] RESOURCE: DsGetDcName function called: Dom:domainB.com Acct:(null) Flags: WRITABLE KDC"),
)


def pair(status: str, took_s: float = 0.002) -> tuple[Line, Line]:
    """The generic logon comes in and goes out."""
    return (0.158, GENERIC + "Entered"), (0.158 + took_s, GENERIC + f"Returns {status}")


def around(status: str, *between: Line, took_s: float = 0.002, off: timedelta = timedelta()) -> bytes:
    """The incident's two lines with what stands before, between and after."""
    entered, returns = pair(status, took_s)
    later = tuple((at + took_s, said) for at, said in AFTER)
    return written((*BEFORE, entered, *between, returns, *later), off=off)


def no_logon_servers() -> bytes:
    """The controller cannot get a slot towards the next domain for 45 seconds (MaxConcurrentApi is used up)."""
    return around(
        "0xC000005E",
        (45.157, "[CRITICAL] RESOURCE: NlAllocateClientApi timed out: 0 258"),
        (45.157, "[CRITICAL] RESOURCE: NlpUserValidateHigher: Can't allocate Client API slot."),
        took_s=45.0,
    )


def shutting_down() -> bytes:
    """Another controller that is shutting down answers 0xC00000DC to everything; the same second has the 0xC0000064."""
    other = "[LOGON] RESOURCE: SamLogon: Transitive Network logon of DOMAINA\\clerk from FS1 (via FS1) "
    return written((
        *BEFORE[:4],
        (-2.1, other + "Entered"),
        (-2.1, "[CRITICAL] NlPrintRpcDebug: Couldn't get EEInfo for I_NetLogonSamLogonEx: 1761"
               " (may be legitimate for 0xc00000dc)"),
        (-2.1, "[CRITICAL] RESOURCE: NlpUserValidateHigher: denying access after status: 0xc00000dc 0"),
        (-2.1, "[SESSION] RESOURCE: NlSetStatusClientSession: Set connection status to c00000dc"),
        (-2.1, "[SESSION] RESOURCE: NlSetStatusClientSession: Unbind from server \\\\dc1.domaina.com (TCP) 1."),
        (-2.1, other + "Returns 0xC00000DC"),
        *pair("0xC0000064"),
        (0.9, other + "Entered"),
        (0.9, other + "Returns 0xC00000DC"),
        (1.2, "[SESSION] RESOURCE: NlDiscoverDc: Start Synchronous Discovery"),
        *AFTER,
    ))  # fmt: skip


def new_year() -> bytes:
    """The old year's last lines and the new year's first: the incident is three seconds old in local time."""
    entered, returns = pair("0xC0000064")
    old = ((-64.0, MEMBER + "Entered"), (-64.0, MEMBER + "Returns 0x0"), (-9.3, BEFORE[0][1]))
    return written((*old, entered, returns, *AFTER), start_ns=cast.NEW_YEAR_NS)


LOGS = {
    "netlogon.log": lambda: around("0xC0000064"),
    "netlogon-no-logon-servers.log": no_logon_servers,
    "netlogon-logon-failure.log": lambda: around("0xC000006D"),
    "netlogon-success.log": lambda: around("0x0"),
    "netlogon-hour-ahead.log": lambda: around("0xC0000064", off=timedelta(hours=1)),
    "netlogon-hour-behind.log": lambda: around("0xC0000064", off=timedelta(hours=-1)),
    "netlogon-year-wrap.log": new_year,
    "netlogon-dc-shutdown.log": shutting_down,
}
