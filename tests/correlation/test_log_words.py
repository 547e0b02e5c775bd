"""Proves: every way in which a log's year and offset are found, or are not, has its words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from log_records import entries_of, logon

from rpctrace.correlation.log_fit import Fit
from rpctrace.correlation.log_words import fit_words, zone_words

LOG, _ = entries_of(logon(5))
FITTED = Fit(2012, 60, 0, 3, 4, 0, (200_000_000, 300_000_000, 900_000_000))
UNKNOWN = Fit(None, None, 0, 0, 0, 0, ())


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "UTC+00:00"), (345, "UTC+05:45"), (-210, "UTC-03:30"), (-15, "UTC-00:15")]
)
def test_zones(minutes: int, words: str) -> None:
    assert zone_words(minutes) == words


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (FITTED, "2012, UTC+01:00, fitted to the captures: 3 of 4 moments of the captures have a line, "
                 "0.3 s apart in the middle"),
        (FITTED._replace(shift_s=-37, residuals_ns=(-36_000_000_000,), matched=1, anchors=1),
         "2012, UTC+01:00, fitted to the captures: 1 of 1 moment of the captures has a line, 1.0 s apart in the "
         "middle; the log's clock is 37 s behind the capture's"),
        (FITTED._replace(other_season=1),
         "2012, UTC+01:00, fitted to the captures: 3 of 4 moments of the captures have a line, 0.3 s apart in the "
         "middle; 1 more would fit an hour away: the log may cross a change to summer time"),
        (UNKNOWN, "year and UTC offset unknown: no line agrees with anything in the captures"),
        (UNKNOWN._replace(anchors=2), "year and UTC offset unknown: no offset brings a line to any of the 2 moments "
                                      "of the captures with which lines agree"),
        (UNKNOWN._replace(anchors=2, matched=1, rivals=3),
         "year and UTC offset unknown: 3 offsets fit equally well, or nearly so (1 of 2 moments of the captures)"),
        (UNKNOWN._replace(anchors=2, matched=1, rivals=1, by_chance=True),
         "year and UTC offset unknown: the best offset fits 1 of 2 moments of the captures, which may be chance"),
    ],
)  # fmt: skip
def test_words(fit: Fit, words: str) -> None:
    assert fit_words(LOG, fit) == words


def test_words_of_the_log() -> None:
    assert fit_words(replace(LOG, found="given"), FITTED._replace(anchors=0, matched=0, residuals_ns=())) == (
        "2012, UTC+01:00, given: no line agrees with anything in the captures"
    )
    assert fit_words(replace(LOG, first_time=None), UNKNOWN) == (
        "year and UTC offset unknown: its lines have no time"
    )
    assert fit_words(replace(LOG, back_line=7), FITTED).endswith(
        "; at line 7 its clock goes back by an hour, lines before it are read as UTC+02:00"
    )
