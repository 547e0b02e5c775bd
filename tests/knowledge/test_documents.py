"""References as rules write them, and the documents that they are in."""

from __future__ import annotations

import pytest

from rpctrace.knowledge.documents import document, documents, reference_key


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("[MS-KILE] 3.3.5.7", "MS-KILE"),
        ("[MS-ERREF] 2.2 (0x00000721)", "MS-ERREF"),
        ("[MS-APDS] note 2", "MS-APDS"),
        ("[MS-RPCE]", "MS-RPCE"),
        ("RFC 4120 7.5.9", "RFC 4120"),
        ("RFC 4120", "RFC 4120"),
        ("C706 12.6.3.1", "C706"),
        ("C706 O", "C706"),
        ("KB5073381", "KB5073381"),
        ("https://learn.microsoft.com/x", "https://learn.microsoft.com/x"),
    ],
)
def test_references_and_their_keys(reference: str, key: str) -> None:
    assert reference_key(reference) == key


@pytest.mark.parametrize(
    "reference",
    ["", "MS-KILE 3.3", "[ms-kile] 3", "[MS-KILE]3.3", "RFC4120", "KB12", "http://learn.microsoft.com/x",
     "https://example.org/", "https://microsoft.com.example.org/x", "[MS-KILE] 3.3 and more", "C706 a b"],
)  # fmt: skip
def test_what_is_no_reference(reference: str) -> None:
    assert reference_key(reference) is None
    assert document(reference) is None


def test_the_table_is_in_order() -> None:
    """Keys are sorted, none twice, and such as references give; each row has a title, an address and whose it is."""
    keys = list(documents())
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    for each in documents().values():
        assert each.title
        assert each.url.startswith("https://")
        assert each.source
        reference = f"[{each.key}]" if each.key.startswith("MS-") else each.key
        assert document(reference) == each
