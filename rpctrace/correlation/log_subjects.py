"""What of a report a netlogon.log could have a line about, and whether a line agrees with it.

A server that cannot judge a logon itself asks its domain controller, whose log then has two lines: of a Generic logon
of package Kerberos where the server wants a PAC verified, of a Network logon for NTLM. In the capture of the client
that is the call in which the ticket or the NTLM response went; between server and controller it is a SamLogon call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rpctrace.correlation.fallback import host_names
from rpctrace.correlation.names import names_of_hosts
from rpctrace.correlation.timeline import Timeline
from rpctrace.encoding.addresses import is_address
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, LogEntry, Ntlm, Report

KERBEROS, NTLM = "kerberos", "ntlm"
TOLERANCE_S = 2  # whole seconds in the log, and what lies between its line and the answer to the client
_TOKENS = frozenset(("AP-REQ", "AUTHENTICATE"))
_NOBODY = frozenset[str]()
_NETBIOS_CHARACTERS = 15  # RFC 1001 14.1 has 16, of which the last one is a suffix


class About(NamedTuple):
    """What lines and subjects are compared by, without regard to case. Subjects that have it in common are compared
    once. `servers`: all names of the host that was logged on to; `sure` if among them is one that is surely its own, so
    that a line with none of them is about another host. `domain`: the realm of the ticket, or the domain of an NTLM
    user. `package` None: any, of a SamLogon call that is sealed."""

    servers: frozenset[str]
    sure: bool
    package: str | None
    domain: str | None
    user: str | None
    address: str


class Subject(NamedTuple):
    """`call`: id of the call, None for an authentication outside RPC, which only helps to fit the log's clock. Times
    by the first capture's clock. `failed` None: the capture does not tell how the logon ended."""

    about: About
    call: str | None
    start_ns: int
    end_ns: int
    failed: bool | None


def servers_of(names: Mapping[str, frozenset[str]], address: str) -> frozenset[str]:
    """The names that a log may have of the host at an address; `names` as `names_of_hosts`."""
    known = names.get(address, _NOBODY)
    # a log has the NetBIOS name, of which Windows makes the first characters of a longer DNS name
    return known | {name[:_NETBIOS_CHARACTERS] for name in known if "." not in name}


def subjects_of(report: Report) -> list[Subject]:
    """In the order of the report; calls that failed or authenticated, SamLogon calls, NTLM authentications."""
    maker = _Maker(report)
    found = [*map(maker.of_call, report.calls), *map(maker.of_authentication, report.authentications)]
    return [subject for subject in found if subject is not None]


class _Maker:
    def __init__(self, report: Report) -> None:
        self._timeline = Timeline(report.clocks)
        self._names = names_of_hosts(report)
        self._sure_names = names_of_hosts(report, sure=True)

    def of_call(self, call: Call) -> Subject | None:
        channel = call.secure_channel
        if channel is not None and channel.is_logon:
            package = None if channel.package is None else channel.package.casefold()
            about = self._about(call.client.address, package, channel.domain, channel.user)
            return self._subject(call, call.id, about, None if channel.status is None else channel.status != 0)
        auth = call.auth
        if auth is None or not (call.failed or auth.token in _TOKENS):
            return None
        if call.ticket is not None:
            about = self._about(call.server.address, KERBEROS, call.ticket.realm, None)
        elif auth.ntlm is not None or auth.mechanism == NTLM:
            about = self._ntlm(call.server.address, auth.ntlm)
        else:
            return None
        return self._subject(call, call.id, about, call.failed)

    def of_authentication(self, said: Authentication) -> Subject | None:
        """Only of NTLM: an ordinary service's ticket is judged without a domain controller."""
        if said.mechanism != NTLM or said.ntlm is None or not said.ntlm.user:
            return None
        failed = {"accepted": False, "rejected": True}.get(said.outcome)
        return self._subject(said, None, self._ntlm(said.server.address, said.ntlm), failed)

    def _ntlm(self, server: str, ntlm: Ntlm | None) -> About:
        return self._about(server, NTLM, ntlm.domain if ntlm else None, ntlm.user if ntlm else None)

    def _about(self, server: str, package: str | None, domain: str | None, user: str | None) -> About:
        servers = servers_of(self._names, server)
        return About(servers, server in self._sure_names, package, _folded(domain), _folded(user), server)

    def _subject(
        self, record: Call | Authentication, call: str | None, about: About, failed: bool | None
    ) -> Subject | None:
        start, end = record.request_ns, record.reply_ns
        first, last = (start if start is not None else end), (end if end is not None else start)
        if first is None or last is None:
            return None
        place = self._timeline.position
        start_ns, end_ns = place(record.capture, first, None)[0], place(record.capture, last, None)[0]
        return Subject(about, call, start_ns, max(start_ns, end_ns), failed)


def _folded(name: str | None) -> str | None:
    return name.casefold() if name else None


class Said(NamedTuple):
    """What a logon's lines say, as far as it is compared. `domains`: those of both lines, which may differ."""

    kind: str | None
    package: str | None
    domains: frozenset[str]
    user: str | None
    via: str | None


def said_of(entry: LogEntry, partner: LogEntry | None) -> Said:
    domains = {entry.domain, partner.domain if partner is not None else None}
    named = frozenset(domain.casefold() for domain in domains if domain)
    return Said(_folded(entry.kind), _folded(entry.package), named, _folded(entry.user), _folded(entry.via))


def agreement(about: About, said: Said) -> tuple[str, ...] | None:
    """In what a line and a subject agree, time left out; None where they are about different things, or where what
    they have in common is too little even at the same moment."""
    by: list[str] = []
    if said.via is not None:
        if said.via == about.address or about.servers & host_names((said.via,)):
            by.append("server")
        elif about.sure and about.servers and not is_address(said.via):
            return None
    package = _package(said)
    if about.package is not None:
        if package != about.package:
            return None
        by.append("package")
    if about.package == KERBEROS:
        if about.domain is not None and said.domains:
            if about.domain not in said.domains:
                return None
            by.append("realm")
        return tuple(sorted(by)) if len(by) > 1 else None
    names = _same_user(about, said)
    if names is None:
        return None
    by += names
    enough = "server" in by or "user" in names
    return tuple(sorted(by)) if enough else None


def is_enough_without_time(about: About, by: Sequence[str]) -> bool:
    """Whether lines and subjects that agree so are about the same thing although nobody knows when it was. A capture of
    two frames may know no name of the server; a ticket's realm and package are rare enough to do without."""
    if about.package == KERBEROS:
        return {"package", "realm"} <= set(by) and ("server" in by or not about.servers)
    return {"server", "package", "user"} <= set(by)


def _package(said: Said) -> str | None:
    """Lines of Network and Interactive logons name a package in newer releases only; they are NTLM's."""
    if said.package is not None:
        return said.package
    return NTLM if said.kind is not None and said.kind != "generic" else None


def _same_user(about: About, said: Said) -> list[str] | None:
    """A user of NTLM: DOMAIN and user, or user@realm alone."""
    by: list[str] = []
    if about.user is not None and said.user is not None:
        if _account(about.user) != _account(said.user):
            return None
        by.append("user")
    if about.domain is not None and said.domains:
        if about.domain in said.domains:
            by.append("realm")
        elif not any("." in name for name in (about.domain, *said.domains)):
            return None  # NetBIOS names of two domains; a DNS name beside one may be the same domain's
    return by


def _account(user: str) -> str:
    return user.split("@")[0]


class Interest:
    """Which logons of a log could be about something in a report, known before its lines are compared."""

    def __init__(self, abouts: Iterable[About]) -> None:
        self._names: set[str] = set()
        for about in abouts:
            self._names |= about.servers
            self._names.add(about.address)
            if about.domain is not None and about.package == KERBEROS:
                self._names.add(about.domain)
            if about.user is not None:
                self._names.add(_account(about.user))

    def wants(self, domain: str | None, user: str | None, via: str | None, package: str | None) -> bool:
        names = self._names
        return (
            (via is not None and not names.isdisjoint(host_names((via,))))
            or (package is not None and domain is not None and domain.casefold() in names)
            or (user is not None and _account(user.casefold()) in names)
        )


class Index:
    """The different things that logons say -> where these are, to be found by one name instead of compared with
    every subject."""

    def __init__(self, said: Iterable[tuple[Said, int]]) -> None:
        self._places: dict[Said, list[int]] = defaultdict(list)
        for each, place in said:
            self._places[each].append(place)
        self._by_domain: dict[str | None, list[Said]] = defaultdict(list)
        self._by_user: dict[str | None, list[Said]] = defaultdict(list)
        self._by_host: dict[str | None, list[Said]] = defaultdict(list)
        for each in self._places:
            for domain in each.domains or (None,):
                self._by_domain[domain].append(each)
            self._by_user[_account(each.user) if each.user is not None else None].append(each)
            for host in (host_names((each.via,)) or (None,)):
                self._by_host[host].append(each)

    def agreeing(self, about: About) -> Iterator[tuple[tuple[str, ...], list[int]]]:
        """(in what they agree, places) of every logon that agrees."""
        for said in dict.fromkeys(self._candidates(about)):
            by = agreement(about, said)
            if by is not None:
                yield by, self._places[said]

    def _candidates(self, about: About) -> Iterator[Said]:
        if about.package == KERBEROS and about.domain is not None:
            yield from (*self._by_domain.get(about.domain, ()), *self._by_domain.get(None, ()))
        elif about.user is not None:
            yield from (*self._by_user.get(_account(about.user), ()), *self._by_user.get(None, ()))
        else:
            for host in (about.address, *sorted(about.servers)):
                yield from self._by_host.get(host, ())
