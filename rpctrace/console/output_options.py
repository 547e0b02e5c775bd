"""Where standard output leads -> what a rendering may know of it. Only width, colour and alphabet depend on that."""

from __future__ import annotations

from dataclasses import replace

from rpctrace.console import streams
from rpctrace.render.rendering import RenderOptions


def on_output(options: RenderOptions, color: streams.ColorChoice) -> RenderOptions:
    return replace(
        options,
        width_columns=streams.width_columns(),
        color=streams.use_color(color),
        encoding_is_utf8=streams.encoding_is_utf8(),
    )
