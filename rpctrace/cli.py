"""Arguments in, exit status out: the command line of rpctrace.

Nothing but click is loaded before a command needs it. Every failure ends in one line on standard error and the exit
status that `console/exit_status.py` promises.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

import click

from rpctrace.console import streams
from rpctrace.console.exit_status import ExitStatus
from rpctrace.encoding.text import safe_text
from rpctrace.errors import CaptureError, EngineError, RpctraceError, UsageError
from rpctrace.version import RELEASED, __version__

FORMATS = ("text", "json", "jsonl", "csv", "netmon", "markdown", "html", "junit", "sarif")
TABLES = ("findings", "faults", "calls", "kerberos", "auth", "endpoints", "events", "streams")
SEVERITIES = ("high", "medium", "low", "note")
GARBAGE_THRESHOLD = 50_000  # objects made since the last look; Python's own is 700
MAXIMUM_ZONE_HOURS = 14  # Kiribati
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
# Patterns of what most calls do not give are compiled when it is given.
_SIZE = r"(?i)(\d{1,15})\s*([kmgt]?)(?:i?b)?"
_ZONE = r"(?i)([+-]?)(\d{1,2}):?([0-5]\d)|([+-]?)(\d{1,2})|Z"


class _Terminated(BaseException):
    """SIGTERM, as an exception: files half written are taken away on its way out."""


class _AnalyzeByDefault(click.Group):
    """`rpctrace FILE` is `rpctrace analyze FILE`; a file that is named like a command is written `./check`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--version", "--help", "-h"):
            args = ["analyze", *args]
        return super().parse_args(ctx, args)


def _octets_given(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    match = re.fullmatch(_SIZE, value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is no size such as 500M or 2G")
    return int(match[1]) * _UNITS[match[2].lower()]


def _realms_given(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """HOST=REALM -> host: realm; an address may be of IPv6, a host is named once."""
    realms: dict[str, str] = {}
    for value in values:
        host, _, realm = (part.strip() for part in value.partition("="))
        if not host or not realm or any(map(str.isspace, host + realm)) or "=" in realm:
            raise click.BadParameter(f"{value!r} is not HOST=REALM, such as ws2.domainb.com=DOMAINB.COM")
        if realms.setdefault(host, realm) != realm:
            raise click.BadParameter(f"{host!r} has two realms, {realms[host]!r} and {realm!r}")
    return realms


def _years_given(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    """[FILE=]YEAR -> file ("" for all others): year."""
    years: dict[str, int] = {}
    for value in values:
        file, _, year = value.rpartition("=")
        if not (year.isascii() and year.isdigit() and 1990 <= int(year[:5]) <= 9000):
            raise click.BadParameter(f"{value!r} is no year from 1990 to 9000, or FILE= and such a year")
        if years.setdefault(file, int(year)) != int(year):
            raise click.BadParameter(f"{file or 'every log'!r} has two years, {years[file]} and {year}")
    return years


def _minutes_given(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    match = re.fullmatch(_ZONE, value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is no offset from UTC such as +02:00")
    hours, minutes = int(match[2] or match[5] or 0), int(match[3] or 0)
    if hours > MAXIMUM_ZONE_HOURS:
        raise click.BadParameter(f"{value!r}: no zone is that far from UTC")
    return (hours * 60 + minutes) * (-1 if "-" in (match[1], match[4]) else 1)


_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_verbose = click.option("-v", "--verbose", "verbosity", count=True, help="More details; -vv: where an error arose.")
_year = click.option("--netlogon-year", multiple=True, metavar="[FILE=]YEAR", callback=_years_given,
                     help="Year in which each netlogon.log begins, or that one, if it is not to be found by fitting; "
                          "repeatable.")  # fmt: skip
_offset = click.option("--netlogon-utc-offset", metavar="[+-]HH:MM", callback=_minutes_given,
                       help="Zone of the netlogon.log files, if it is not to be found by fitting.")  # fmt: skip
_max_unpacked = click.option("--max-unpacked", metavar="SIZE", callback=_octets_given,
                             help="Stop reading a compressed file after this much.")  # fmt: skip
_redact = click.option("--redact", is_flag=True, help="Replace names and addresses by others, consistently.")
_redact_key = click.option("--redact-key", metavar="TEXT",
                           help="The same names for the same text, in every report (implies --redact).")  # fmt: skip
_quiet = click.option("-q", "--quiet", is_flag=True, help="No progress and no remarks; errors only.")


@click.group(cls=_AnalyzeByDefault, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="rpctrace", message="%(prog)s %(version)s")
def cli() -> None:
    """Says from a network capture why an authenticated Windows RPC call failed, and which ticket it presented.

    rpctrace CAPTURE is rpctrace analyze CAPTURE.

    Exit status: 0 done; 1 --fail-on reached, an expectation failed or readings differ; 2 wrong usage; 3 an input could
    not be read, or only in part; 4 an optional part is missing; 5 internal error; 130 and 143 interrupted.
    """


@cli.command()
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...")
@click.option("--table", type=click.Choice(TABLES), help="One full table instead of the short report.")
@click.option("-f", "--format", "form", type=click.Choice(FORMATS), help="Form of the report (default: text).")
@click.option("--json", "form", flag_value="json", help="The same as -f json.")
@click.option("--jsonl", "form", flag_value="jsonl", help="The same as -f jsonl.")
@click.option("-o", "--output", "outputs", multiple=True, metavar="FILE",
              help="Write into FILE, in the form of its suffix (.html .json .jsonl .csv .parquet .md .txt .junit.xml"
              " .sarif); repeatable.")  # fmt: skip
@click.option("--host", "hosts", multiple=True, metavar="HOST",
              help="Only calls of this address, network or name, which may have a port.")  # fmt: skip
@click.option("--interface", "interfaces", multiple=True, metavar="UUID|NAME", help="Only calls of this interface.")
@click.option("--status", "statuses", multiple=True, metavar="STATUS",
              help="Only what ended so: a fault, the result in an answer, a logon, an error of Kerberos (0x721, 1825,"
              " RPC_S_SEC_PKG_ERROR, 0xc0000022, KRB_AP_ERR_SKEW).")  # fmt: skip
@click.option("--since", metavar="TIME", help="Only calls at or after this time (ISO 8601; UTC unless it says more).")
@click.option("--until", metavar="TIME", help="Only calls at or before this time.")
@click.option("--realm", "realms", multiple=True, metavar="HOST=REALM", callback=_realms_given,
              help="The Kerberos realm of a host (address or name), where you know it; repeatable.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 on a finding this severe or more.")
@click.option("--calls", type=click.Choice(("default", "all", "notable")), default="default",
              help="Which calls to keep: 20 000 ordinary and all notable ones, all, or only notable ones.")  # fmt: skip
@click.option("--netmon-utc-offset", metavar="[+-]HH:MM", callback=_minutes_given,
              help="Zone of Network Monitor files that do not store it.")  # fmt: skip
@click.option("--netlogon", "netlogon", multiple=True, metavar="FILE",
              help="A netlogon.log or .bak, also packed; its lines are joined to the calls; repeatable.")  # fmt: skip
@_year
@_offset
@_max_unpacked
@click.option("--jobs", type=click.IntRange(1), default=1, metavar="N",
              help="Processes that read one large capture, if it is not compressed (default: 1).")  # fmt: skip
@click.option("--plain", is_flag=True, help="Read every frame along the specifications: slow, the reference.")
@_redact
@_redact_key
@click.option("--strict", is_flag=True, help="Exit with 3 if anything at all could not be read.")
@click.option("--force", is_flag=True, help="Replace an existing -o file that is no report.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="Colour in the report.")
@_verbose
@_quiet
def analyze(captures: tuple[str, ...], form: str | None, netmon_utc_offset: int | None, max_unpacked: int | None,
            netlogon_utc_offset: int | None, **choices: Any) -> ExitStatus:  # fmt: skip
    """Show failed calls and the ticket that each presented (- is standard input)."""
    from rpctrace.console.analyze_choices import AnalyzeChoices
    from rpctrace.console.analyzing import analyze_command

    return analyze_command(AnalyzeChoices(
        captures=captures, format=form, netmon_utc_offset_minutes=netmon_utc_offset,
        max_unpacked_octets=max_unpacked, netlogon_utc_offset_minutes=netlogon_utc_offset, **choices,
    ))  # fmt: skip


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--update", is_flag=True, help="Write the expectations from what is found now.")
@click.option("--expect", metavar="FILE", help="The expectations of the one capture given.")
@click.option("--allow-missing", is_flag=True, help="A capture without expectations is fine.")
@click.option("--baseline", metavar="FILE", help="Known failures, which do not fail the run.")
@click.option("--update-baseline", is_flag=True, help="Write the failures of this run into --baseline FILE.")
@click.option("-o", "--output", "outputs", multiple=True, metavar="FILE",
              help="Write into FILE, in the form of its suffix (.junit.xml .sarif); repeatable.")  # fmt: skip
@click.option("--github", is_flag=True, help="Print GitHub workflow commands, which show beside the files.")
@_redact
@_redact_key
@click.option("--force", is_flag=True, help="Replace an existing -o file that is no report.")
@_verbose
@_quiet
def check(verbosity: int, **choices: Any) -> ExitStatus:  # noqa: ARG001  # -vv: the traceback of an internal error
    """Compare captures with what is expected of them (<capture>.expect.toml beside each); folders are walked.

    With --redact captures and expectations are compared as they are; what is said has other names, of files too.
    """
    from rpctrace.console.checking import CheckChoices, check_command

    return check_command(CheckChoices(**choices))


@cli.command()
@click.argument("bad")
@click.argument("good")
@click.option("-f", "--format", "form", type=click.Choice(("text", "json", "markdown")), default="text",
              help="Form of the answer (default: text).")  # fmt: skip
@click.option("--json", "form", flag_value="json", help="The same as -f json.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="Colour in the answer.")
@_redact
@_redact_key
@_quiet
def diff(bad: str, good: str, form: str, color: Literal["auto", "always", "never"], redact: bool,
         redact_key: str | None, quiet: bool) -> ExitStatus:  # fmt: skip
    """Compare a capture in which something fails with one in which it works; exit status 1 where they differ."""
    from rpctrace.console.comparing import diff_command
    from rpctrace.console.redact_key import key_of

    key = key_of(redact, redact_key)
    return diff_command(bad, good, form or "text", quiet=quiet, color=color, redact_key=key)


@cli.command()
@click.argument("capture")
@click.option("-o", "--output", required=True, metavar="OUT.pcapng", help="The copy to write.")
@click.option("--only-evidence", is_flag=True, help="Only the frames of the findings, with their handshakes.")
@click.option("--netmon-utc-offset", metavar="[+-]HH:MM", callback=_minutes_given,
              help="Zone of Network Monitor files that do not store it.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an existing file.")
@_redact
@_redact_key
@_quiet
def annotate(capture: str, output: str, only_evidence: bool, netmon_utc_offset: int | None, force: bool,
             redact: bool, redact_key: str | None, quiet: bool) -> ExitStatus:  # fmt: skip
    """Write a copy of a capture with comments on the evidence frames, for Wireshark.

    With --redact the comments have the names that a redacted report has. The packets are copied as they are: they hold
    the true names, by which whoever has the copy understands every report of the same key.
    """
    from rpctrace.console.annotating import annotate_command
    from rpctrace.console.redact_key import key_of

    return annotate_command(capture, output, only_evidence=only_evidence, netmon_utc_offset_minutes=netmon_utc_offset,
                            redact_key=key_of(redact, redact_key), force=force, quiet=quiet)  # fmt: skip


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("what", nargs=-1, metavar="WHAT...")
@click.option("--kerberos-dll", metavar="VERSION", help="Whether a Kerberos.dll of this version has the hotfix.")
@click.option("--os", "system", metavar="NAME", help="The Windows that it is of (with --kerberos-dll).")
def explain(what: tuple[str, ...], kerberos_dll: str | None, system: str | None) -> ExitStatus:
    """Tell what a status, NTSTATUS, HRESULT, Kerberos error, name, UUID or rule means."""
    from rpctrace.console.explaining import explain_command

    return explain_command(what, kerberos_dll, system)


@cli.command()
@click.argument("names", nargs=-1, metavar="[RULE]...")
@click.option("--check", is_flag=True, help="Say what is missing or malformed in the rules (exit status 1).")
def rules(names: tuple[str, ...], check: bool) -> ExitStatus:
    """List the rules that explain failures, or show what some of them know."""
    from rpctrace.console.explaining import rules_command

    return rules_command(names, check=check)


@cli.command("netlogon")
@click.argument("logs", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of the table.")
@_year
@_offset
@_max_unpacked
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="Colour in the table.")
@_redact
@_redact_key
@_verbose
@_quiet
def netlogon_logs(netlogon_year: dict[str, int], netlogon_utc_offset: int | None, max_unpacked: int | None,
                  redact: bool, redact_key: str | None, **choices: Any) -> ExitStatus:  # fmt: skip
    """Sum up the logons of netlogon.log files, the worst first (- is standard input)."""
    from rpctrace.console.redact_key import key_of
    from rpctrace.console.summing_logs import NetlogonChoices, netlogon_command

    return netlogon_command(NetlogonChoices(
        year=netlogon_year, utc_offset_minutes=netlogon_utc_offset, max_unpacked_octets=max_unpacked,
        redact_key=key_of(redact, redact_key), **choices,
    ))  # fmt: skip


@cli.command()
@click.argument("capture")
@click.option("--through", type=click.Choice(("tshark", "pyshark")), default="tshark",
              help="How tshark is asked: its fields directly, or its JSON by way of pyshark.")  # fmt: skip
@_verbose
@_quiet
def verify(capture: str, through: Literal["tshark", "pyshark"], quiet: bool, **_: Any) -> ExitStatus:
    """Compare our reading of a capture with tshark's, PDU by PDU."""
    from rpctrace.console.verifying import verify_command

    return verify_command(capture, through, quiet)


@cli.command()
def schema() -> ExitStatus:
    """Print the JSON Schema of the JSON report."""
    from rpctrace.render.json import schema_text

    streams.put(schema_text().rstrip("\n"))
    return ExitStatus.DONE


@cli.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish", "powershell")))
def completion(shell: str) -> ExitStatus:
    """Print a script that completes commands and options in a shell: bash, zsh, fish or PowerShell."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise EngineError(f"this version of click has no completion for {shell}")
    streams.put(made(cli, {}, "rpctrace", "_RPCTRACE_COMPLETE").source().rstrip("\n"))
    return ExitStatus.DONE


@cli.command()
def manual() -> ExitStatus:
    """Print the manual page, for man: rpctrace manual > rpctrace.1."""
    from rpctrace.console.manual import manual_lines

    streams.put("\n".join(manual_lines(cli, RELEASED)))
    return ExitStatus.DONE


@cli.command()
def doctor() -> ExitStatus:
    """Show versions, and which optional parts are present or missed."""
    from rpctrace.console.doctor import doctor_lines

    streams.put("\n".join(doctor_lines()))
    return ExitStatus.DONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line (`sys.argv` without one) and returns its exit status; never raises, never exits."""
    streams.prepare()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with _termination_as_exception():
            return int(_run(words, arguments is None))
    except (KeyboardInterrupt, click.Abort):
        return ExitStatus.INTERRUPTED
    except _Terminated:
        return ExitStatus.TERMINATED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "rpctrace"
        streams.say(f"{path}: {safe_text(error.format_message())}\nTry '{path} --help'.")
        return ExitStatus.USAGE
    except SystemExit:  # click's answer to a reader of --help that went away
        return ExitStatus.DONE
    except UsageError as error:
        streams.tell(error)
        return ExitStatus.USAGE
    except CaptureError as error:
        streams.tell(error)
        return ExitStatus.UNREAD
    except EngineError as error:
        streams.tell(error)
        return ExitStatus.MISSING_PART
    except Exception as error:  # the last line of defence: users see one line
        return _internal_error(error, words)


def _run(words: list[str], own_arguments: bool) -> int:
    if not words:
        with click.Context(cli, info_name="rpctrace") as context:
            streams.say(cli.get_help(context))
        return ExitStatus.USAGE
    # click expands wildcards on Windows only where it takes the arguments itself.
    status = cli.main(args=None if own_arguments else words, prog_name="rpctrace", standalone_mode=False)
    return status if isinstance(status, int) else ExitStatus.DONE


def _internal_error(error: Exception, words: Sequence[str]) -> ExitStatus:
    expected = isinstance(error, OSError | RpctraceError)
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    hint = "" if expected else "; -vv shows where"
    streams.tell(f"{'' if expected else 'internal error: '}{said}{hint}")
    if any(re.fullmatch(r"-q?v{2,}", word) for word in words) or words.count("-v") + words.count("--verbose") > 1:
        import traceback

        streams.say("".join(traceback.format_exception(error)).rstrip("\n"))
    return ExitStatus.INTERNAL


@contextmanager
def _termination_as_exception() -> Iterator[None]:
    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread: whoever runs us there keeps the signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run() -> None:
    """The console script."""
    # What is made here is made to stay, or lies in no circle of references: looking for garbage often finds none.
    gc.set_threshold(GARBAGE_THRESHOLD)
    status = main()
    try:
        sys.stdout.flush()
    except OSError:
        os._exit(status)  # the reader is gone; the interpreter's own flush would complain
    gc.freeze()  # nor is there any to find at the end, where Python looks twice
    sys.exit(status)
