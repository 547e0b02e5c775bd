"""One line of a netlogon.log -> what it says.

    [MM/DD HH:MM:SS ][FLAG] [[thread] ][DOMAIN: ]message

The log is written by every release since Windows NT 4 and specified nowhere; the forms read here are those of public
samples. A line that is none of them stays as its text: nothing is refused, and no line costs more than its length.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rpctrace.named_tuple import NamedTuple

MAXIMUM_LINE_CHARACTERS = 4096  # Windows writes a few hundred
REMEMBERED_MESSAGES = 8192

# Every part may be missing, so this matches any text, and at once: no part can be matched in two ways.
_HEAD = re.compile(
    r"(?:(\d\d/\d\d \d\d:\d\d:\d\d)(?!\d)|<Date> ?<Time>)?[ \t]*"
    r"(?:\[([A-Z][A-Z0-9_]*)\][ \t]*)?(?:\[(\d{1,10})\][ \t]*)?"
)
# Most lines of a log are these. Entered and Returns of a logon differ in their ends alone, and people and services log
# on again and again: what stands before the end is read once.
_USUAL = re.compile(
    r"(\d\d/\d\d \d\d:\d\d:\d\d) \[LOGON\] (?:\[(\d{1,10})\] )?"
    r"([^\s\[].{,254}) (Entered|Returns 0x[0-9A-Fa-f]{1,8})[ \r]*\Z"
)
# Exactly eight digits count: the support article runs two texts together (0xC00000640xc0000064).
_STATUS = re.compile(r"0[xX]([0-9A-Fa-f]{1,8})|(\d{1,10})(?!\w)")
_LOGON = "SamLogon:"
_OF = " logon of "
_UAS = re.compile(r"NetrLogonUas(Logon|Logoff) of ")
_NOBODY = frozenset(("", "(null)"))
_NAMES_NO_DOMAIN = frozenset(("NO_CLIENT_SITE", "SamLogon"))
_FUNCTION = re.compile(r"(?:Nl|Netp|Netr|Net|I_Net|Ds)[A-Z]\w*[a-z]\w*")


class Moment(NamedTuple):
    """Local time as the log has it: without year or zone."""

    month: int
    day: int
    second_of_day: int

    @property
    def text(self) -> str:
        """MM-DDThh:mm:ss"""
        minutes, second = divmod(self.second_of_day, 60)
        return f"{self.month:02d}-{self.day:02d}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"


class Logon(NamedTuple):
    """A SamLogon line. `(null)` and an empty name are None. `phase`: Entered, Returns, or None where the line ends
    before it; `via`: who passed the logon on, which at a domain controller is the server that was logged on to."""

    kind: str | None
    domain: str | None
    user: str | None
    workstation: str | None
    via: str | None
    package: str | None
    phase: str | None
    status: int | None


class Line(NamedTuple):
    """One line, numbered from 1. Either `logon` or `text` is None; `thread` is what stands in the second brackets,
    which newer releases write; `hosted_domain` is the domain of the controller for whom the line was written."""

    number: int
    moment: Moment | None
    flag: str | None
    thread: str | None
    hosted_domain: str | None
    logon: Logon | None
    text: str | None


class Placed(NamedTuple):
    """A line of a log, and how often the year had turned since the log's first."""

    line: Line
    turns: int


_new = tuple.__new__  # the constructor of a NamedTuple without the function around it: half its time


def parse_line(text: str, number: int) -> Line:
    """Never raises. What is beyond `MAXIMUM_LINE_CHARACTERS` is not read."""
    usual = _USUAL.match(text)
    if usual is not None:
        written, thread, said, ended = usual.groups()
        moment, known = _moment(written), _known(said)
        if moment is not None and known is not None:
            domain, names = known
            phase, status = _ended(ended)
            return _new(Line, (number, moment, "LOGON", thread, domain, _new(Logon, (*names, phase, status)), None))
    return parse_plainly(text, number)


@lru_cache(REMEMBERED_MESSAGES)
def _known(said: str) -> tuple[str | None, _Names] | None:
    """(hosted domain, names) of what a SamLogon line says before its end; None for other lines."""
    domain, said = _hosted_domain(said)
    names = said[len(_LOGON) :].lstrip()
    return (domain, _names(names)) if names and said.startswith(_LOGON) else None


@lru_cache(256)
def _ended(said: str) -> tuple[str | None, int | None]:
    return _ending(f" {said}")[1:]


def parse_plainly(text: str, number: int) -> Line:
    """`parse_line` for every line; what the way of the usual ones is held to."""
    text = text[:MAXIMUM_LINE_CHARACTERS].strip("\0\r\n \t\ufeff")
    head = _HEAD.match(text)
    assert head is not None
    written, flag, thread = head.groups()
    moment = None if written is None else _moment(written)
    start = head.end()
    if moment is None and written is not None:  # a date that cannot be stays in the text
        start, flag, thread = 0, None, None
    message = text[start:]
    domain, said = _hosted_domain(message)
    if said.startswith(_LOGON):
        return Line(number, moment, flag, thread, domain, _logon(said[len(_LOGON) :].lstrip()), None)
    uas = _UAS.match(said)
    if uas is not None:
        return Line(number, moment, flag, thread, domain, _uas(f"Uas {uas[1].lower()}", said[uas.end() :]), None)
    return Line(number, moment, flag, thread, domain, None, said)


@lru_cache(256)  # the lines of a second lie close together
def _moment(written: str) -> Moment | None:
    minute, second = _minute(written[:11]), int(written[12:])
    return None if minute is None or second > 60 else _new(Moment, (minute[0], minute[1], minute[2] + second))


@lru_cache(256)
def _minute(written: str) -> tuple[int, int, int] | None:
    """(month, day, seconds of the day) of MM/DD HH:MM"""
    month, day, hour, minute = (int(written[at : at + 2]) for at in (0, 3, 6, 9))
    if 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60:
        return month, day, hour * 3600 + minute * 60
    return None


def _hosted_domain(message: str) -> tuple[str | None, str]:
    """(domain, rest). Other words stand in front in the same manner (`NlPrintRpcDebug: ...`): a domain is known by the
    word with a colon that follows it, or by being written without small letters."""
    if message.startswith("<") and ">: " in message:
        name, _, rest = message.partition(">: ")
        return f"{name}>", rest.lstrip()
    name, _, rest = message.partition(": ")
    rest = rest.lstrip()
    if not name or " " in name or name in _NAMES_NO_DOMAIN or _FUNCTION.fullmatch(name):
        return None, message
    following = rest.split(" ", 1)[0]
    if following.endswith(":") or name == name.upper():
        return name, rest
    return None, message


def _logon(said: str) -> Logon:
    """`<who> Entered|Returns 0x...`"""
    said, phase, status = _ending(said)
    return Logon(*_names(said), phase, status)


_Names = tuple[str | None, str | None, str | None, str | None, str | None, str | None]


def _names(said: str) -> _Names:
    """`<kind> logon of <domain>\\<user> from <workstation> [(via <host>)] [Package:<package>]`"""
    kind, of, who = said.partition(_OF)
    if not of:  # written with its middle left out
        return None, None, None, None, None, None
    who, _, package = _last(who, "Package:")
    who, at, via = _last(who, "(via ")
    account, _, workstation = _last(f"{who} ", " from ")
    domain, backslash, user = account.partition("\\")
    if not backslash:
        domain, user = "", account
    return (
        kind.strip() or None,
        _named(domain),
        _named(user),
        _named(workstation.strip().lstrip("\\")),
        _named(via.rstrip().removesuffix(")").lstrip("\\")) if at else None,
        _named(package),
    )


def _uas(kind: str, said: str) -> Logon:
    """NetrLogonUasLogon of the old LAN Manager clients: `<user> from <workstation> returns <decimal>`."""
    said, phase, status = _ending(said)
    user, _, workstation = _last(f"{said} ", " from ")
    return Logon(kind, None, _named(user), _named(workstation.strip().lstrip("\\")), None, None, phase, status)


def _ending(said: str) -> tuple[str, str | None, int | None]:
    """(what stands before, phase, status)"""
    if said.endswith(" Entered"):
        return said[: -len(" Entered")], "Entered", None
    at = max(said.rfind(" Returns"), said.rfind(" returns"))
    if at < 0 or said[at + 8 : at + 9].strip():
        return said, None, None
    status = _STATUS.match(said[at + 8 :].lstrip())
    if status is None:
        return said[:at], "Returns", None
    value = int(status[1], 16) if status[1] else int(status[2])
    return said[:at], "Returns", value if value <= 0xFFFFFFFF else None


def _last(text: str, mark: str) -> tuple[str, str, str]:
    """As `rpartition`, with everything in front where there is no mark."""
    at = text.rfind(mark)
    return (text, "", "") if at < 0 else (text[:at], mark, text[at + len(mark) :])


def _named(name: str) -> str | None:
    name = name.strip()
    return None if name in _NOBODY else name
