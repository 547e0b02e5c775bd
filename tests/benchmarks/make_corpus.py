#!/usr/bin/env python3
"""Writes a capture to measure with, and beside it OUT.truth.json: the planted calls that a reader must find.

    python tests/benchmarks/make_corpus.py mixed mixed.pcap --size 1G
    python tests/benchmarks/make_corpus.py dense dense.pcapng --size 200M
    python tests/benchmarks/make_corpus.py mixed long.pcap --size 10G

The same arguments give the same octets. A corpus is one part (--part) of interleaved conversations, and copies of it
with later times and other clients until it has its size; so a long one costs little more than its octets.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from benchmarks import noise, recorded, rpc, smb, wire  # noqa: E402  (the path above comes first)
from benchmarks.parts import FORMS, MOST_COPIES, PCAP, PCAPNG, Form, Record, copies, other_client, record, write  # noqa: E402
from benchmarks.planted import VARIANTS, Truth, address_text, planted  # noqa: E402
from benchmarks.recorded import Recorded  # noqa: E402
from benchmarks.wire import Ends, Packet, Turn  # noqa: E402

# class of traffic -> its share of a profile's packets
PROFILES: dict[str, dict[str, float]] = {
    "mixed": {
        "rpc": 0.018, "kerberos": 0.004, "pipe": 0.008,
        "file": 0.12, "tls": 0.55, "http": 0.22, "chatter": 0.05, "dns": 0.03,
    },
    "dense": {"rpc": 0.58, "kerberos": 0.07, "pipe": 0.30, "file": 0.02, "tls": 0.01, "dns": 0.02},
    "noise": {"file": 0.12, "tls": 0.58, "http": 0.22, "chatter": 0.05, "dns": 0.03},
    "small": {"chatter": 0.93, "dns": 0.04, "rpc": 0.03},
    "large": {"jumbo": 0.97, "rpc": 0.03},
}  # fmt: skip
WITHOUT_PLANTED = {"noise"}
OCTETS_A_PLANTED_CALL = 5_000_000
DEFAULT_PART_OCTETS = 64_000_000
CONCURRENT_CONVERSATIONS = 300
BEGIN_US = 1_760_000_000_000_000
UNITS = {"K": 1_000, "M": 1_000_000, "G": 1_000_000_000}

_ALSO_MADE_UP = {"rpc", "pipe"}
_RPC_PORTS = range(49_664, 49_700)
_STOCK = 160  # made-up RPC conversations that a corpus draws from
_JUMBO_EXCHANGES = (8, 16, 32)
_CLIENTS = 3_000
_FIRST_CLIENT = 0x0A00_0000 + MOST_COPIES + 1  # 10.0.1.0; parts.other_client takes from the lower half
_FIRST_SERVER = 0xAC10_0001  # 172.16.0.1
_SERVERS = 40
_FIRST_EPHEMERAL_PORT = 49_152
_IPV6_IN = 12  # one of so many RPC conversations is over IPv6
_BETWEEN_PARTS_US = 1_000


class Conversations:
    """Makes conversations of any class, each between ends that were not there before."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._pool = noise.Pool(chance)
        self._serial = 0
        self._stock = [rpc.conversation(self._pool) for _ in range(_STOCK)]

    def ends(self, server_port: int, *, ipv6: bool = False) -> Ends:
        rounds, client = divmod(self._serial, _CLIENTS)
        self._serial += 1
        return Ends(
            (_FIRST_CLIENT + client).to_bytes(4, "big"),
            _FIRST_EPHEMERAL_PORT + rounds,
            (_FIRST_SERVER + self._chance.randrange(_SERVERS)).to_bytes(4, "big"),
            server_port,
            ipv6,
        )

    def _made_up(self, kind: str, pairs: Sequence[rpc.Pair]) -> Recorded:
        if kind == "pipe":
            return Recorded(recorded.TCP, smb.PORT, tuple(rpc.through_pipe(pairs, self._pool)))
        return Recorded(recorded.TCP, self._chance.choice(_RPC_PORTS), tuple(rpc.over_tcp(pairs)))

    def _from_stock(self, kind: str) -> list[Packet]:
        """A conversation of the captures or a made-up one, each as likely as any other."""
        real = recorded.of_kind(kind)
        made = self._stock if kind in _ALSO_MADE_UP else []
        number = self._chance.randrange(len(real) + len(made))
        talk = real[number] if number < len(real) else self._made_up(kind, made[number - len(real)])
        ends = self.ends(talk.server_port, ipv6=self._chance.randrange(_IPV6_IN) == 0)
        write_down = wire.tcp if talk.protocol == recorded.TCP else wire.udp
        return write_down(ends, talk.talk, self._chance)

    def _made(self, talk: Sequence[Turn], port: int, segment_octets: int = wire.MAXIMUM_SEGMENT_OCTETS) -> list[Packet]:
        return wire.tcp(self.ends(port), talk, self._chance, segment_octets=segment_octets)

    def of(self, kind: str) -> list[Packet]:
        """A conversation of this class."""
        choice, pool = self._chance.choice, self._pool
        makers: dict[str, Callable[[], list[Packet]]] = {
            "tls": lambda: self._made(noise.tls(pool), choice(noise.TLS_PORTS)),
            "http": lambda: self._made(noise.http(pool), choice(noise.HTTP_PORTS)),
            "chatter": lambda: self._made(noise.chatter(pool), choice(noise.CHATTER_PORTS)),
            "file": lambda: self._made(smb.file_transfer(pool), smb.PORT),
            "jumbo": lambda: self._made(
                noise.tls(pool, _JUMBO_EXCHANGES), choice(noise.TLS_PORTS), wire.JUMBO_SEGMENT_OCTETS
            ),
            "dns": lambda: wire.udp(self.ends(noise.DNS_PORT), noise.dns(pool), self._chance),
        }
        return makers[kind]() if kind in makers else self._from_stock(kind)

    def planted(self, number: int) -> tuple[list[Packet], Truth]:
        return planted(number, self.ends(0), self._chance)


class Part(NamedTuple):
    """What is copied: records in order of time, the planted calls in it, and how long it takes."""

    records: list[Record]
    truths: list[Truth]
    period_us: int


class _Marked(NamedTuple):
    record: Record
    planted: int  # which planted conversation; -1: none
    packet: int  # its packet, from 1


def interleaved(profile: str, form: Form, octets: int, planted_calls: int, chance: Random) -> Part:
    """Conversations until there are so many octets, each class held at its share; about CONCURRENT_CONVERSATIONS at any
    time, as each begins when the one before it has lived that part of its life. Planted ones stand evenly between."""
    conversations = Conversations(chance)
    shares = PROFILES[profile]
    counts = dict.fromkeys(shares, 1)
    overhead = len(b"".join(form.around(0))) + 8
    marked: list[_Marked] = []
    truths: list[Truth] = []
    written, begin_us = 0, BEGIN_US
    while written < octets or len(truths) < planted_calls:
        number = -1
        if len(truths) < planted_calls and written >= (len(truths) + 0.5) * octets / planted_calls:
            number = len(truths)
            packets, truth = conversations.planted(number)
            truths.append(truth)
        else:
            kind = min(shares, key=lambda name: counts[name] / shares[name])
            packets = conversations.of(kind)
            counts[kind] += len(packets)
        for index, (time_us, frame, client_at) in enumerate(packets, 1):
            marked.append(_Marked(record(form, begin_us + time_us, frame, client_at), number, index))
            written += overhead + len(frame)
        begin_us += 1 + packets[-1].time_us // CONCURRENT_CONVERSATIONS
    marked.sort(key=lambda item: item.record.time_us)
    places = {(item.planted, item.packet): frame for frame, item in enumerate(marked, 1) if item.planted >= 0}
    settled = [
        truth._replace(
            request_frame=places[number, truth.request_frame], fault_frame=places[number, truth.fault_frame]
        )
        for number, truth in enumerate(truths)
    ]
    records = list(map(itemgetter(0), marked))
    return Part(records, settled, records[-1].time_us - BEGIN_US + _BETWEEN_PARTS_US)


def _client_in(truth: Truth, copy: int) -> str:
    ipv6 = ":" in truth.client
    low = truth.client.split(":")[-2:] if ipv6 else truth.client.split(".")
    octets = b"".join(int(word, 16).to_bytes(2, "big") for word in low) if ipv6 else bytes(map(int, low))
    return address_text(other_client(octets, copy), ipv6=ipv6)


def truths_of(part: Part, count: int) -> list[Truth]:
    """The planted calls of `count` copies, with the frames and clients that they have there."""
    return [
        truth._replace(
            client=_client_in(truth, copy),
            request_frame=truth.request_frame + copy * len(part.records),
            fault_frame=truth.fault_frame + copy * len(part.records),
        )
        for copy in range(count)
        for truth in part.truths
    ]


def make(
    profile: str, out: Path, octets: int, *, seed: int = 1, form: str = PCAP, part_octets: int = DEFAULT_PART_OCTETS
) -> dict[str, Any]:
    """Writes the corpus and its truth; what the truth file holds."""
    count = -(-octets // part_octets)
    if count > MOST_COPIES:
        raise ValueError(f"{count} parts; at most {MOST_COPIES}: make --part larger")
    in_a_part = octets // count
    planted_calls = 0 if profile in WITHOUT_PLANTED else max(len(VARIANTS), in_a_part // OCTETS_A_PLANTED_CALL)
    part = interleaved(profile, FORMS[form], in_a_part, planted_calls, Random(f"{profile} {seed}"))
    with out.open("wb", buffering=0) as file:
        size = write(copies(FORMS[form], part.records, count, part.period_us), file)
    facts = {
        "profile": profile,
        "seed": seed,
        "format": form,
        "octets": size,
        "packets": count * len(part.records),
        "parts": count,
        "planted": [truth._asdict() for truth in truths_of(part, count)],
    }
    truth_path(out).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def truth_path(corpus: Path) -> Path:
    return corpus.with_name(corpus.name + ".truth.json")


def octets_of(text: str) -> int:
    """`1G`, `200M`, `5k` or a plain number."""
    unit = UNITS.get(text[-1:].upper())
    return int(text) if unit is None else int(float(text[:-1]) * unit)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", choices=PROFILES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=octets_of, default=octets_of("100M"), help="such as 50M or 10G (100M)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=list(FORMS), help="by the suffix of OUT unless given")
    parser.add_argument("--part", type=octets_of, default=DEFAULT_PART_OCTETS, help="what is copied (64M)")
    given = parser.parse_args(arguments)
    form = given.format or (PCAPNG if given.out.suffix == ".pcapng" else PCAP)
    begin = time.perf_counter()
    try:
        facts = make(given.profile, given.out, given.size, seed=given.seed, form=form, part_octets=given.part)
    except ValueError as error:
        parser.error(str(error))
    print(
        f"{given.out}: {facts['packets']} packets, {facts['octets'] / 1e6:.1f} MB, {len(facts['planted'])} planted, "
        f"{time.perf_counter() - begin:.1f} s"
    )


if __name__ == "__main__":
    main()
