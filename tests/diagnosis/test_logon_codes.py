"""Codes of logons in words."""

from __future__ import annotations

from rpctrace.diagnosis.logon_codes import LOGON_CODES, LOGON_FAILURE, logon_text
from rpctrace.knowledge.tables import ntstatus_name


def test_every_code_is_an_ntstatus_of_the_tables() -> None:
    """With a cause and, where the code tells more than that, a step that ends as a sentence."""
    for status, code in LOGON_CODES.items():
        assert ntstatus_name(status), f"0x{status:08x}"
        assert code.what
        assert code.step.endswith(".") if code.step is not None else not code.telling
    assert not LOGON_CODES[LOGON_FAILURE].telling


def test_words() -> None:
    """Number, name, cause; of an unknown code the number."""
    assert logon_text(0xC000006A, "STATUS_WRONG_PASSWORD").endswith(": the password is wrong")
    assert logon_text(0xC0FFFFFF) == "0xC0FFFFFF"
