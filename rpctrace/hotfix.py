"""The version of a Kerberos.dll -> whether it has the fix of the support article on Remote Assistance across forests.

Windows 7 and its server take files from two branches: GDR (builds 17xxx to 19xxx), which has what everybody gets, and
LDR (20000 and above), which has hotfixes too. A higher number within SP1 therefore means little before the branch is
known. What is said here stands in knowledge/hotfix_branches.csv and hotfix_files.csv, with its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rpctrace.encoding.labelled import labelled
from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.knowledge.documents import document
from rpctrace.knowledge.tables import read_rows
from rpctrace.named_tuple import NamedTuple

ARTICLE = "https://support.microsoft.com/topic/379ef49e-d57c-d172-3743-1aefb088c38d"
SERVICE_PACK = "KB976932"
APPLIES_TO = ("Windows 7 SP1", "Windows Server 2008 R2 SP1")
MAXIMUM_SHOWN_CHARACTERS = 60

_LABEL_COLUMNS = 14
_LARGEST_PART = 65_535  # each of the four numbers has 16 bits
# As Windows shows it: four numbers, and a remark in brackets on the branch it was built in
_VERSION = re.compile(r"\s*(\d{1,5})\.(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:\s+\([^()]*\))?\s*", re.ASCII)
_SEVEN = re.compile(r"\bwindows\s+7\b|\b2008\s+r2\b", re.IGNORECASE)
_FIRST_SERVICE_PACK = re.compile(r"\bsp\s*1\b|\bservice\s+pack\s+1\b", re.IGNORECASE)
NOT_CONCERNED = "not concerned"

Version = tuple[int, ...]


class Branch(NamedTuple):
    """A range of versions, and what one of them means."""

    first: Version
    last: Version
    branch: str
    result: str
    why: str
    certainty: str
    source: str


class FixedFile(NamedTuple):
    """A file of the hotfix, as the article lists it. `octets`: its size; date and time in UTC."""

    name: str
    version: str
    package: str
    platform: str
    octets: int
    date: str
    time: str


class Answer(NamedTuple):
    """`result`: fixed, vulnerable, not fixed, SP1 is missing, not concerned, or unknown."""

    version: Version
    result: str
    branch: str
    why: str
    certainty: str
    remarks: tuple[str, ...]


def parse_version(text: str) -> Version:
    """Four numbers; `UsageError` for anything else."""
    match = _VERSION.fullmatch(text)
    parts = tuple(map(int, match.groups())) if match is not None else ()
    if not parts or max(parts) > _LARGEST_PART:
        shown = safe_text(text[:MAXIMUM_SHOWN_CHARACTERS])
        raise UsageError(f"{shown!r} is no version of a file such as 6.1.7601.21932")
    return parts


def branches() -> tuple[Branch, ...]:
    return tuple(
        Branch(parse_version(first), parse_version(last), *rest)
        for first, last, *rest in read_rows("hotfix_branches.csv")
    )


def fixed_files() -> tuple[FixedFile, ...]:
    """The files of the hotfix, those of each package together."""
    return tuple(
        FixedFile(name, version, package, platform, int(octets), date, time)
        for name, version, package, platform, octets, date, time, _ in read_rows("hotfix_files.csv")
    )


def judge(version_text: str, system: str | None = None) -> Answer:
    """Whether a Kerberos.dll of this version has the fix. `system`: the Windows it is of, as somebody writes it.

    Raises `UsageError` for what is no version.
    """
    version = parse_version(version_text)
    found = next(each for each in branches() if each.first <= version <= each.last)
    answer = Answer(version, found.result, found.branch, found.why, found.certainty, ())
    return answer if system is None else _of_system(answer, system)


def _of_system(answer: Answer, system: str) -> Answer:
    """What the name of the system adds: another Windows is not concerned, whatever the file."""
    is_of_seven = answer.version[:2] == (6, 1)
    name = safe_text(system[:MAXIMUM_SHOWN_CHARACTERS])
    if not _SEVEN.search(system):
        why = f"The article applies to {' and '.join(APPLIES_TO)}; {name} is neither."
        remark = f"The version is one of Windows 7 and Windows Server 2008 R2, not of {name}."
        return answer._replace(
            result=NOT_CONCERNED, branch="", why=why, certainty="the article says so",
            remarks=(remark,) if is_of_seven else (),
        )
    if not is_of_seven:
        return answer._replace(remarks=(f"The version is not one of {name}.",))
    # A name without a service pack leaves open whether there is one; most people say "Windows 7" of both.
    if answer.version[2] != 7601 and _FIRST_SERVICE_PACK.search(system):
        return answer._replace(remarks=(f"The version is one without SP1, {name} was given; the version counts.",))
    return answer


def render_answer(answer: Answer) -> str:
    """Plain text of at most 100 columns but for addresses."""
    heading = f"Kerberos.dll {'.'.join(map(str, answer.version))}: {answer.result}"
    lines = [heading, *labelled(_fields(answer), _LABEL_COLUMNS)]
    return "\n".join(lines) + "\n"


def _fields(answer: Answer) -> Iterator[tuple[str, str]]:
    if answer.branch:
        yield "branch", answer.branch
    yield "why", answer.why
    yield "how sure", answer.certainty
    for remark in answer.remarks:
        yield "look again", remark
    if answer.result != NOT_CONCERNED:
        yield from _fixed_builds()
        yield "needs", f"{' or '.join(APPLIES_TO)} ({SERVICE_PACK}), and a restart; no change of the registry"
        yield "which one", (
            "the file of the computer that accepts the call (the novice's) should be the one that counts, since it has"
            " the PAC validated; the article does not say which side"
        )
    known = [each for each in (document(ARTICLE), document(SERVICE_PACK)) if each is not None]
    for number, each in enumerate(known):
        yield "" if number else "see", f"{each.title}: {each.url}"


def _fixed_builds() -> Iterator[tuple[str, str]]:
    """Each file of the hotfix once, with the packages that bring it."""
    packages: dict[FixedFile, list[str]] = {}
    for file in fixed_files():
        packages.setdefault(file._replace(package=""), []).append(file.package)
    for number, (file, names) in enumerate(packages.items()):
        label = "" if number else "fixed build"
        yield label, (
            f"{file.version} (LDR) for {file.platform}: {file.octets} octets, {file.date} {file.time} UTC, in the"
            f" package{'s' if len(names) > 1 else ''} {', '.join(names)}"
        )
