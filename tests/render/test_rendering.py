"""Proves: the contract's defaults give the plain short report: no table asked for, no colour, no width."""

from __future__ import annotations

from rpctrace.render.rendering import RenderOptions


def test_defaults_are_the_short_report_without_terminal_features() -> None:
    options = RenderOptions()
    assert (options.table, options.width_columns, options.verbosity) == (None, None, 0)
    assert (options.color, options.encoding_is_utf8) == (False, True)
