"""Comment sections become texts by record, rich text becomes its words; damage keeps what was before it."""

from __future__ import annotations

import random

import pytest
from netmon_octets import Octets, comment

from rpctrace.capture import netmon_comments
from rpctrace.capture.netmon_comments import Comments, read_comments, words_of_rtf


def read(section: bytes) -> Comments:
    return read_comments(Octets(section).read_at, 0, len(section))


REAL_WORLD = (
    b"{\\rtf1\\fbidis\\ansi\\ansicpg1252\\deff0\\deflang1033{\\fonttbl{\\f0\\fnil\\fcharset0 Segoe UI;}}\r\n"
    b"{\\colortbl ;\\red0\\green0\\blue0;}\r\n\\viewkind4\\uc1\\pard\\ltrpar\\cf1\\f0\\fs18 Step\\tab 9\\par\r\n"
    b"Roles\\tab WMI Server -> WMI Client\\par\r\n\\cf0\\f1\\fs16\\par\r\n}\r\n\x00"
)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (REAL_WORLD, "Step\t9\nRoles\tWMI Server -> WMI Client"),
        (b"{\\rtf1 hello}", "hello"),
        (b"plain \xfc", "plain ü"),
        (b"", ""),
        (b"{\\rtf1\\ansi\\ansicpg1252 Gr\\'fc\\'dfe}", "Grüße"),
        (b"{\\rtf1\\ansi\\ansicpg1251 \\'cf\\'f0}", "Пр"),
        (b"{\\rtf1\\ansi\\ansicpg932 \\'83\\'65}", "テ"),
        (b"{\\rtf1\\ansicpg99999999 \\'fc}", "ü"),
        (b"{\\rtf1 \\u8364?\\u-10179?\\u-8704? x}", "€\U0001f600 x"),
        (b"{\\rtf1 a\\{b\\}c\\\\d}", "a{b}c\\d"),
        (b"{\\rtf1{\\*\\generator Riched20 {x}}{\\info{\\author me}}shown}", "shown"),
        (b"{\\rtf1 never closed {\\pict 0102", "never closed"),
        (b"{\\rtf1 closed too often}}}}{\\fonttbl x} on", "closed too often on"),
    ],
)
def test_rich_text_gives_its_words(octets: bytes, text: str) -> None:
    assert words_of_rtf(octets) == text


def test_comments_are_found_by_record() -> None:
    section = comment(72, "Step 1 ü", REAL_WORLD) + comment(500, "Step 2") + comment(72, "", b"{\\rtf1 more}")
    assert read(section) == Comments(
        {72: ("Step 1 ü\nStep\t9\nRoles\tWMI Server -> WMI Client", "more"), 500: ("Step 2",)}
    )


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (comment(9, "x", frames=0), "title is larger"),
        (b"\1\0\0\0\0\0\0\0\xff\xff\xff\x7f" + bytes(9), "title is larger"),
        (comment(9, "x")[:-4] + b"\xff\xff\xff\x7f", "description is larger"),
        (b"\1\0\0", "is cut"),
    ],
)
def test_damage_keeps_the_comments_before_it(damaged: bytes, reason: str) -> None:
    good = comment(72, "good")
    found = read(good + damaged)
    assert (found.by_record, found.damaged_at) == ({72: ("good",)}, len(good))
    assert reason in found.reason


def test_every_truncation_and_random_changes_give_a_value() -> None:
    section = comment(72, "Step 1", REAL_WORLD) + comment(500, "Step 2", b"{\\rtf1\\u8364? \\'fc}")
    rng = random.Random(0)
    for cut in range(len(section)):
        found = read(section[:cut])
        assert set(found.by_record.values()) <= set(read(section).by_record.values())
        changed = bytearray(section)
        changed[cut] = rng.randrange(256)
        read(bytes(changed))
        words_of_rtf(REAL_WORLD[:cut])
        words_of_rtf(rng.randbytes(cut))
        words_of_rtf(b"{\\rtf1" + bytes(rng.choice(b"\\{}u'*par-19 ") for _ in range(cut)))


def test_bounds_are_kept_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netmon_comments, "MAXIMUM_COMMENTS", 2)
    monkeypatch.setattr(netmon_comments, "MAXIMUM_TEXT_OCTETS", 8)
    found = read(comment(1, "long title") + comment(2, "b") + comment(3, "c"))
    assert found.by_record == {1: ("long",), 2: ("b",)}
    assert found.reason == "more comments than are kept"
