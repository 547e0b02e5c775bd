"""A reference as rules write it -> the document that it is in: its title and where it can be read.

    [MS-KILE] 3.3.5.7    RFC 4120 7.5.9    C706 12.6.3.1    KB5073381    https://learn.microsoft.com/...
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from rpctrace.knowledge.tables import read_rows
from rpctrace.named_tuple import NamedTuple

_SECTION = r"(?: (?:note |Appendix )?[A-Z0-9]+(?:\.\d+)*)?"
# What stands before the section is the key of the document; a remark in brackets may follow.
_REFERENCE = re.compile(
    rf"(?:\[(?P<specification>MS-[A-Z0-9]+)\]{_SECTION}|(?P<rfc>RFC \d{{1,5}}){_SECTION}|(?P<dce>C706){_SECTION}"
    r"|(?P<article>KB\d{6,7})|(?P<page>https://(?:[a-z0-9-]+\.)*microsoft\.com/\S+))(?: \([^()]+\))?"
)


class Document(NamedTuple):
    """A specification, an article or a page of documentation; `key` is how references name it."""

    key: str
    title: str
    url: str
    source: str


@cache
def documents() -> Mapping[str, Document]:
    return {row[0]: Document(*row) for row in read_rows("documents.csv")}


def reference_key(reference: str) -> str | None:
    """The key of the document that a reference names; None where it is not written as references are."""
    match = _REFERENCE.fullmatch(reference)
    return None if match is None else next(each for each in match.groups() if each is not None)


def document(reference: str) -> Document | None:
    """The document of a reference, None where it is not known here."""
    return documents().get(reference_key(reference) or "")
