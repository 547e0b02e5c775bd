"""Small captures on disk, and the command line run on them, for the tests of the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from builders import CLIENT, SERVER, Host, TcpConversation, pcap
from builders import dcerpc as write
from dcerpc_talk import CONTEXT, head
from tokens import TOKENS

CHECKOUT = Path(__file__).parents[1]


def article_octets(status: int | None = 0x721) -> bytes:
    """bind, bind_ack, alter_context with a user-to-user ticket, and a fault (None: an alter_context_resp)."""
    talk = TcpConversation((Host("10.2.0.21"), 49834), (Host("10.2.0.73", "02:00:00:00:00:49"), 49170))
    talk.connect()
    talk.send(CLIENT, write.bind([CONTEXT], head(token=TOKENS["TGT-REQ"])))
    talk.send(SERVER, write.bind_ack([write.Result()], head(token=TOKENS["TGT-REP"])))
    talk.send(CLIENT, write.alter_context([CONTEXT], head(token=TOKENS["user-to-user AP-REQ in a later leg"])))
    talk.send(SERVER, write.fault(status, head()) if status else write.alter_context_resp([write.Result()], head()))
    talk.close()
    return pcap(talk.frames)


def article(folder: Path, name: str = "expert.pcap", status: int | None = 0x721) -> Path:
    path = folder / name
    path.write_bytes(article_octets(status))
    return path


def rpctrace(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """`python -m rpctrace` in a process of its own, as a user runs it."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "rpctrace", *map(str, arguments)]
    settings: dict[str, object] = {"capture_output": True, "text": True, "encoding": "utf-8", "env": environment}
    return subprocess.run(command, check=False, **{**settings, **options})  # type: ignore[call-overload]
