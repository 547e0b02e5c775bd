"""The commands -> a manual page in roff (man(7)), made of what --help says, so that the two cannot differ."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from rpctrace.version import __version__

SECTION = 1
_SPECIAL = re.compile(r"^([.'])", re.MULTILINE)  # what begins a request of roff at the start of a line


def manual_lines(root: click.Group, date: str) -> Iterator[str]:
    """`date` as it stands in the page's foot, such as 2026-11-30."""
    yield f'.TH RPCTRACE {SECTION} "{date}" "rpctrace {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"rpctrace {_text('- says from a network capture why an authenticated Windows RPC call failed')}"
    yield ".SH SYNOPSIS"
    yield from (f".B rpctrace\n{_text(name)} [OPTION]... ..." + "\n.br" for name in sorted(root.commands))
    yield ".SH DESCRIPTION"
    yield from _paragraphs(root.help or "")
    for name, command in sorted(root.commands.items()):
        yield from _command(name, command)
    yield ".SH ENVIRONMENT"
    yield ".TP\n.B NO_COLOR"
    yield "No colour, whatever --color says by default."
    yield ".SH SEE ALSO"
    yield ".BR tshark (1)"


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    arguments = [part.make_metavar(context) for part in command.params if isinstance(part, click.Argument)]
    yield f'.SH "{name.upper()}"'
    yield f".B rpctrace {_text(name)}"
    yield _text(" ".join([*arguments, "[OPTION]..."]))
    yield ".PP"
    yield from _paragraphs(command.help or "")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield f".TP\n.B {_text(record[0])}"
            yield _text(record[1])


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in filter(None, re.split(r"\n\s*\n", text.strip())):
        yield _text(" ".join(paragraph.split()))
        yield ".PP"


def _text(text: str) -> str:
    """Text that roff prints as it is."""
    return _SPECIAL.sub(r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"))
