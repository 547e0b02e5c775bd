#!/usr/bin/env python3
"""Repeats the performance figures of the README on this machine: makes corpora, measures, checks what was found.

    python tests/benchmarks/run.py --small             a minute or two; corpora of 10 to 50 MB
    python tests/benchmarks/run.py --jobs --json raw.json
    python tests/benchmarks/run.py --profiles long     10 GB

On each corpus `cat`, tshark and `rpctrace analyze --json` run in turn, --runs times, and the least CPU time of each
counts. Linux or macOS; needs what rpctrace needs, and tshark for its columns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent)]

from benchmarks import figures, measuring  # noqa: E402  (the path above comes first)
from benchmarks.figures import Row, StartUp  # noqa: E402
from benchmarks.measuring import Cost  # noqa: E402
from benchmarks.parts import FORMS, PCAP  # noqa: E402

# name: (profile, octets); `long` only when asked for
CORPORA = {
    "mixed": ("mixed", 1_000_000_000),
    "dense": ("dense", 200_000_000),
    "noise": ("noise", 1_000_000_000),
    "small": ("small", 64_000_000),
    "large": ("large", 256_000_000),
    "long": ("mixed", 10_000_000_000),
}
USUAL = [name for name in CORPORA if name != "long"]
SMALL_SCALE = 0.05
SMALLEST_OCTETS = 10_000_000  # below, starting up is all that is measured
START_UP_OCTETS = 8_600_000  # 10 000 packets of the mixed profile
START_UP_RUNS = 20
ACCEPTABLE = (0, 3)  # exit status of rpctrace: done; something was not readable, which the report says


class Failed(Exception):
    """A program did not do what is measured."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Corpus(NamedTuple):
    name: str
    path: Path

    @property
    def truth(self) -> Path:
        return self.path.with_name(self.path.name + ".truth.json")

    @property
    def report(self) -> Path:
        return self.path.with_name(self.path.name + ".report.json")


def made(name: str, octets: int, folder: Path, *, profile: str | None = None, form: str = PCAP) -> Corpus:
    """Makes a corpus, in another process: this one must stay small (measuring.run)."""
    corpus = Corpus(name, folder / f"{name}.{form}")
    say(f"making {corpus.path} ({octets / 1e6:.0f} MB)")
    maker = [sys.executable, str(FOLDER / "make_corpus.py"), profile or CORPORA[name][0]]
    if measuring.run([*maker, str(corpus.path), "--size", str(octets)]).status:
        raise Failed(f"make_corpus.py could not make {corpus.path}")
    return corpus


def analyzed(corpus: Corpus, *options: str) -> Cost:
    cost = measuring.run([*measuring.PYTHON, "analyze", "--json", *options, str(corpus.path)], corpus.report)
    if cost.status not in ACCEPTABLE:
        raise Failed(f"rpctrace ended with {cost.status} on {corpus.path}")
    return cost


def measured(corpus: Corpus, runs: int, *, jobs: bool) -> Row:
    """cat, tshark and rpctrace in turn, `runs` times."""
    tshark_command = measuring.tshark_command(corpus.path)
    cat, tshark, rpctrace, two_jobs = [], [], [], []
    for number in range(1, runs + 1):
        say(f"  {corpus.name}: run {number} of {runs}")
        cat.append(measuring.run(["cat", str(corpus.path)]))
        if tshark_command is not None:
            tshark.append(measuring.run(tshark_command))
        if jobs:
            two_jobs.append(analyzed(corpus, "--jobs", "2"))
        rpctrace.append(analyzed(corpus))
    facts = json.loads(corpus.truth.read_text(encoding="utf-8"))
    return Row(
        corpus.name, facts["octets"], facts["packets"], measuring.best(cat), measuring.best(rpctrace),
        measuring.best(tshark) if tshark else None, measuring.best(two_jobs) if two_jobs else None,
    )  # fmt: skip


def checked(row: Row, corpus: Corpus) -> Row:
    """With the recall of the last report."""
    planted = json.loads(corpus.truth.read_text(encoding="utf-8"))["planted"]
    calls = json.loads(corpus.report.read_text(encoding="utf-8"))["calls"]
    result = figures.recall(planted, calls)
    for truth in result.missed[:5]:
        say(f"  {row.corpus}: not found: {truth}")
    return row._replace(recall=result)


def start_ups(folder: Path, *, keep: bool) -> list[StartUp]:
    """What every call costs before it does anything, and a small capture as a whole."""
    corpus = made("start-up", START_UP_OCTETS, folder, profile="mixed")
    packets = json.loads(corpus.truth.read_text(encoding="utf-8"))["packets"]
    commands = {
        "rpctrace --version": [*measuring.PYTHON, "--version"],
        "rpctrace --help": [*measuring.PYTHON, "--help"],
        "rpctrace explain 0x721": [*measuring.PYTHON, "explain", "0x721"],
        f"rpctrace CAPTURE, {packets} packets": [*measuring.PYTHON, "analyze", "--json", str(corpus.path)],
    }
    say(f"start-up, {START_UP_RUNS} runs each")
    for command in commands.values():
        measuring.run(command)  # the first run compiles what the others load
    bare: list[float] = []
    milliseconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(START_UP_RUNS):
        bare.append(1e3 * measuring.run([sys.executable, "-c", "pass"]).cpu_seconds)
        for name, command in commands.items():
            milliseconds[name].append(1e3 * measuring.run(command).cpu_seconds)
    removed(corpus, keep=keep)
    return [StartUp(name, values, bare) for name, values in milliseconds.items()]


def removed(corpus: Corpus, *, keep: bool) -> None:
    for path in (corpus.path, corpus.truth, corpus.report):
        if not keep:
            path.unlink(missing_ok=True)


def everything(given: argparse.Namespace) -> tuple[list[Row], list[StartUp]]:
    """Measures first, then reads reports: a process that has read one is no longer small."""
    given.folder.mkdir(parents=True, exist_ok=True)
    jobs = given.jobs and "--jobs" in measuring.options_of_analyze()
    if given.jobs and not jobs:
        say("rpctrace analyze has no --jobs: not measured")
    if measuring.tshark_command(Path()) is None:
        say("tshark is not installed: its columns stay empty")
    starts = start_ups(given.folder, keep=given.keep)
    pairs = []
    for name in given.profiles:
        octets = max(SMALLEST_OCTETS, round(CORPORA[name][1] * given.scale))
        corpus = made(name, octets, given.folder, form=given.format)
        pairs.append((measured(corpus, given.runs, jobs=jobs), corpus))
        if not given.keep:
            corpus.path.unlink()
    rows = [checked(row, corpus) for row, corpus in pairs]
    for _, corpus in pairs:
        removed(corpus, keep=given.keep)
    return rows, starts


def profiles_of(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in CORPORA]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(CORPORA)}")
    return names


def arguments(told: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=profiles_of, default=USUAL, help=f"of {','.join(CORPORA)} (all but long)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the corpora's sizes (1)")
    parser.add_argument("--format", choices=list(FORMS), default=PCAP, help="of the corpora (pcap)")
    parser.add_argument("--small", dest="scale", action="store_const", const=SMALL_SCALE, help="--scale 0.05")
    folder = Path(tempfile.gettempdir(), "rpctrace-benchmarks")
    parser.add_argument("--folder", type=Path, default=folder, help=f"where corpora go ({folder})")
    parser.add_argument("--keep", action="store_true", help="leave corpora, truths and reports there")
    parser.add_argument("--runs", type=int, default=3, help="the best of so many (3)")
    parser.add_argument("--jobs", action="store_true", help="also analyze --jobs 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="everything measured, for programs")
    return parser.parse_args(told)


def main(told: Sequence[str] | None = None) -> int:
    """Exit status 1 where a planted call was not found or a program failed; never because of a time."""
    given = arguments(told)
    if not hasattr(os, "wait4"):
        say("this system does not say what a child process cost (os.wait4)")
        return 1
    try:
        rows, starts = everything(given)
    except Failed as failure:
        say(str(failure))
        return 1
    where = measuring.machine()
    tables = [figures.corpora_table(rows), figures.start_up_table(starts)]
    tables += [figures.jobs_table(rows)] if any(row.two_jobs for row in rows) else []
    print("\n\n".join([figures.machine_line(where), *tables]))
    if given.json is not None:
        given.json.write_text(json.dumps(figures.raw(rows, starts, where), indent=1) + "\n", encoding="utf-8")
    return 1 if any(row.recall is not None and row.recall.missed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
