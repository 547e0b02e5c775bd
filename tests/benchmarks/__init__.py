"""Repeats the performance figures of the README: corpora made here, programs run in turn, one table.

    python tests/benchmarks/run.py --small          a minute or two, corpora of 10 to 50 MB
    python tests/benchmarks/run.py                  as the README does it
    python tests/benchmarks/make_corpus.py mixed mixed.pcap --size 10G

| module | does |
| --- | --- |
| `wire` | who says what -> the frames of a TCP or UDP conversation, built fast |
| `noise`, `smb`, `rpc` | what is said: made-up conversations |
| `recorded` | what is said: conversations of the checkout's own captures |
| `planted` | the failing calls that must be found, and their truth |
| `parts` | frames -> a pcap or pcapng file, copied with later times and other clients to any length |
| `make_corpus` | profiles, and the command that writes a corpus and its truth |
| `measuring` | a program -> CPU seconds, wall seconds, peak memory; the machine |
| `figures` | truth and report -> recall; measurements -> the table |
| `run` | the command |

Nothing here asserts a speed, and pytest runs only the tests of these modules.
"""
