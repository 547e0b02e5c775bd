"""How the year and offset of a netlogon.log were found, in words."""

from __future__ import annotations

from rpctrace.correlation.log_fit import Fit
from rpctrace.report import LogFacts


def fit_words(log: LogFacts, fit: Fit) -> str:
    if fit.year is None or fit.offset_minutes is None:
        return f"year and UTC offset unknown: {_why_unknown(log, fit)}"
    how = "given" if log.found == "given" else "fitted to the captures"
    known = f"{fit.year}, {zone_words(fit.offset_minutes)}, {how}: {_matched(fit)}"
    return "; ".join((known, *_remarks(log, fit)))


def zone_words(minutes: int) -> str:
    """UTC+01:00"""
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def _matched(fit: Fit) -> str:
    if not fit.anchors:
        return "no line agrees with anything in the captures"
    moments = "moment of the captures has" if fit.anchors == 1 else "moments of the captures have"
    apart = "" if fit.residual_s is None else f", {fit.residual_s:.1f} s apart in the middle"
    return f"{fit.matched} of {fit.anchors} {moments} a line{apart}"


def _remarks(log: LogFacts, fit: Fit) -> list[str]:
    remarks = []
    if fit.shift_s:
        way = "ahead of" if fit.shift_s > 0 else "behind"
        remarks.append(f"the log's clock is {abs(fit.shift_s)} s {way} the capture's")
    if log.back_line is not None and fit.offset_minutes is not None:
        before = zone_words(fit.offset_minutes + 60)
        remarks.append(f"at line {log.back_line} its clock goes back by an hour, lines before it are read as {before}")
    if fit.other_season:
        remarks.append(f"{fit.other_season} more would fit an hour away: the log may cross a change to summer time")
    return remarks


def _why_unknown(log: LogFacts, fit: Fit) -> str:
    if log.first_time is None:
        return "its lines have no time"
    if not fit.anchors:
        return "no line agrees with anything in the captures"
    if not fit.rivals:
        return f"no offset brings a line to any of the {fit.anchors} moments of the captures with which lines agree"
    best = f"{fit.matched} of {fit.anchors}"
    if fit.by_chance:
        return f"the best offset fits {best} moments of the captures, which may be chance"
    return f"{fit.rivals} offsets fit equally well, or nearly so ({best} moments of the captures)"
