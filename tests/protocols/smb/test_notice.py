"""What is said besides channels and legs."""

from __future__ import annotations

from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.smb.notice import SmbNotice, SmbNoticeKind


def test_a_notice_is_of_one_message_unless_it_says_more() -> None:
    notice = SmbNotice(SmbNoticeKind.TREE_REFUSED, "\\\\a\\b", 0xC000_0022, Provenance((1,), 1, 0))
    assert (notice.messages, notice.channel, notice.session) == (1, None, 0)


def test_kinds_read_as_words() -> None:
    assert f"{SmbNoticeKind.OPEN_REFUSED}" == "open of a pipe refused"
    assert len({kind.value for kind in SmbNoticeKind}) == len(SmbNoticeKind)
