"""What is kept of one capture is bounded, and what is not is counted."""

from __future__ import annotations

import pytest
from test_analysis import article, read

from rpctrace import kept


def test_exchanges_and_pdus_beyond_what_is_kept_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named with their bound."""
    monkeypatch.setattr(kept, "EXCHANGES_KEPT", 0)
    monkeypatch.setattr(kept, "PDUS_KEPT", 1)
    report = read(article().frames, pdus=True)
    assert [(limit.name, limit.reached) for limit in report.limits] == [("exchanges_kept", 1), ("pdus_kept", 3)]
    assert (len(report.kerberos), len(report.pdus)) == (0, 1)
