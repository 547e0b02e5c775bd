"""What SARIF 2.1.0 (OASIS, with errata 01) requires of the objects that are written here, as a table of their
properties, and what no schema can say: indexes, references, identities, escapes. What is in no table is not allowed,
as in the official schema, which is not part of this project: against that one the table was laid once by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

Check = Callable[[Any], bool]


class Object(NamedTuple):
    """One kind of object: where it is specified, what it must have, and what each property may be: a check, the name
    of another kind, or a list of such."""

    section: str
    required: frozenset[str]
    properties: dict[str, Check | str | tuple[str]]


def _text(value: Any) -> bool:
    """3.5.1: a string; one that can be written as UTF-8."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _message_text(value: Any) -> bool:
    """3.11.5: outside of placeholders, which are not used here, braces are doubled."""
    return _text(value) and value != "" and not re.search(r"[{}]", value.replace("{{", "").replace("}}", ""))


def _uri_reference(value: Any) -> bool:
    """3.4.3, RFC 3986 4.1; relative, because a base is named beside it (3.4.4), and with no `..` past that base."""
    if not isinstance(value, str) or not re.fullmatch(r"(?:[A-Za-z0-9._~/!$&'()*+,;=:@-]|%[0-9A-F]{2})+", value):
        return False
    parts = urlsplit(value)
    return not (parts.scheme or parts.netloc or value.startswith("/") or ":" in value.split("/", 1)[0])


def _uri(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme == "https" and bool(urlsplit(value).netloc)


def _one_of(*values: str) -> Check:
    return lambda value: value in values


def _whole(least: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _texts_by_name(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(_text(each) for each in value.values())


def _version(value: Any) -> bool:
    """Semantic Versioning 2.0, to which 3.19 refers."""
    form = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
    return isinstance(value, str) and re.fullmatch(form, value) is not None


def _bag(value: Any) -> bool:
    """3.8: anything by name."""
    return isinstance(value, dict)


LEVEL = _one_of("none", "note", "warning", "error")  # 3.27.10
OBJECTS = {
    "log": Object("3.13", frozenset(("version", "runs")), {
        "$schema": _uri, "version": _one_of("2.1.0"), "runs": ("run",),
    }),
    # results: 3.14.23, there if results were looked for; the rest of the required ones is 3.14.6
    "run": Object("3.14", frozenset(("tool", "results")), {
        "tool": "tool", "invocations": ("invocation",), "originalUriBaseIds": _bag, "results": ("result",),
    }),
    "tool": Object("3.18", frozenset(("driver",)), {"driver": "toolComponent"}),
    "toolComponent": Object("3.19", frozenset(("name",)), {
        "name": _text, "version": _text, "semanticVersion": _version, "rules": ("reportingDescriptor",),
    }),
    "reportingDescriptor": Object("3.49", frozenset(("id",)), {
        "id": _text, "shortDescription": "message", "fullDescription": "message", "help": "message",
        "defaultConfiguration": "reportingConfiguration",
    }),
    "reportingConfiguration": Object("3.50", frozenset(), {"level": LEVEL}),
    "invocation": Object("3.20", frozenset(("executionSuccessful",)), {
        "executionSuccessful": _flag, "toolExecutionNotifications": ("notification",),
    }),
    "notification": Object("3.58", frozenset(("message",)), {"level": LEVEL, "message": "message"}),
    # rule: 3.27.5 to 3.27.7, both, because a viewer may take either
    "result": Object("3.27", frozenset(("message", "ruleId", "ruleIndex", "locations", "partialFingerprints")), {
        "ruleId": _text, "ruleIndex": _whole(0), "level": LEVEL, "message": "message", "locations": ("location",),
        "kind": _one_of("notApplicable", "pass", "fail", "review", "open", "informational"),
        "partialFingerprints": _texts_by_name, "properties": _bag, "suppressions": ("suppression",),
    }),
    # message: 3.11.8, and multiformatMessageString (3.12), which has the text too
    "message": Object("3.11", frozenset(("text",)), {"text": _message_text}),
    "location": Object("3.28", frozenset(("physicalLocation",)), {"physicalLocation": "physicalLocation"}),
    # region: not required by SARIF, but by GitHub, which takes no result without a line
    "physicalLocation": Object("3.29", frozenset(("artifactLocation", "region")), {
        "artifactLocation": "artifactLocation", "region": "region",
    }),
    "artifactLocation": Object("3.4", frozenset(("uri", "uriBaseId")), {"uri": _uri_reference, "uriBaseId": _text}),
    "region": Object("3.30", frozenset(("startLine",)), {"startLine": _whole(1)}),
    "suppression": Object("3.35", frozenset(("kind",)), {
        "kind": _one_of("inSource", "external"), "justification": _text,
    }),
}  # fmt: skip


def faults(value: Any, kind: str = "log", where: str = "log") -> Iterator[str]:
    """Every place where an object is not as its table says."""
    section, required, properties = OBJECTS[kind]
    if not isinstance(value, dict):
        yield f"{where}: no {kind} object (section {section})"
        return
    yield from (f"{where}: has no {name} (section {section})" for name in sorted(required - value.keys()))
    for name, member in value.items():
        wanted, place = properties.get(name), f"{where}.{name}"
        if wanted is None:
            yield f"{place}: no property of {kind} that is written here (section {section})"
        elif isinstance(wanted, str):
            yield from faults(member, wanted, place)
        elif isinstance(wanted, tuple):
            yield from _of_list(member, wanted[0], place)
        elif not wanted(member):
            yield f"{place}: {member!r} is not allowed (section {section})"


def _of_list(value: Any, kind: str, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: no array"
        return
    for place, each in enumerate(value):
        yield from faults(each, kind, f"{where}[{place}]")


def run_faults(run: Any) -> Iterator[str]:
    """What one object says of another."""
    rules = run["tool"]["driver"].get("rules", [])
    names = [rule["id"] for rule in rules]
    if len(set(names)) != len(names):
        yield "rules: two with one id (3.49)"
    places = set()
    for place, result in enumerate(run["results"]):
        where = f"results[{place}]"
        if not (result["ruleIndex"] < len(names) and names[result["ruleIndex"]] == result["ruleId"]):
            yield f"{where}: ruleIndex leads to another rule than ruleId (3.27.6)"
        if result.get("kind", "fail") != "fail" and result.get("level") != "none":
            yield f"{where}: a level, and yet no failure (3.27.10)"
        for location in result["locations"]:
            base = location["physicalLocation"]["artifactLocation"]["uriBaseId"]
            if base not in run.get("originalUriBaseIds", {}):
                yield f"{where}: its uriBaseId is not among originalUriBaseIds (3.14.14)"
        told = json.dumps([result["locations"], result["partialFingerprints"]], sort_keys=True)
        if told in places:
            yield f"{where}: the same place and fingerprint as another result: a service takes them for one"
        places.add(told)
        suppressions = [json.dumps(each, sort_keys=True) for each in result.get("suppressions", [])]
        if len(set(suppressions)) != len(suppressions):
            yield f"{where}: a suppression twice (3.27.23)"
    for name, base in run.get("originalUriBaseIds", {}).items():
        if not base.keys() <= {"uri", "uriBaseId", "description"} or not re.fullmatch(r"%?\w+%?", name):
            yield f"originalUriBaseIds.{name}: no artifactLocation (3.14.14)"


def check_sarif(text: str) -> dict[str, Any]:
    """The document, which has no fault."""
    log: dict[str, Any] = json.loads(text)
    assert not list(faults(log))
    assert not [each for run in log["runs"] for each in run_faults(run)]
    return log
