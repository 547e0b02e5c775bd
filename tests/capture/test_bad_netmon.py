"""The malformed Network Monitor files through `open_capture`: never a crash, never a frame less than can be read.

The table follows the folder's README ("rpctrace should"). Where it leaves a choice, several counts are allowed, and
None stands for a problem that may or may not lose octets.
"""

from __future__ import annotations

from typing import Final

import pytest
from shared_captures import SHARED, needs_shared

from rpctrace.capture.storage import open_capture
from rpctrace.errors import CaptureError

REFUSED: Final = None
Wanted = tuple[tuple[int, ...], bool | None] | None
BAD_NETMON: dict[str, Wanted] = {
    "nm_bad_date.cap": ((17,), True),
    "nm_caplen_huge.cap": ((16,), False),
    "nm_caplen_plus100.cap": ((16, 17), None),
    "nm_comment_overrun.cap": ((17,), True),
    "nm_dup_offsets.cap": ((17,), True),
    "nm_empty_table.cap": ((17,), None),
    "nm_filetime_zero.cap": ((17,), True),
    "nm_hdr_cut.cap": REFUSED,
    "nm_hdr_only.cap": ((0,), False),
    "nm_major_3.cap": REFUSED,
    "nm_media_netfilter_0xffff.cap": ((17,), True),
    "nm_media_payloadhdr_0xfffc.cap": ((16,), True),
    "nm_media_unknown_0x7777.cap": ((17,), True),
    "nm_minor_4.cap": ((17,), True),
    "nm_network_0.cap": ((17,), True),
    "nm_network_99.cap": ((17,), True),
    "nm_offset_beyond_eof.cap": ((16,), False),
    "nm_offset_into_header.cap": ((16,), False),
    "nm_snaplen_cut_96.cap": ((17,), True),
    "nm_table_beyond_eof.cap": ((17,), False),
    "nm_table_len_huge.cap": ((17,), None),
    "nm_table_len_odd.cap": ((16, 17), None),
    "nm_trunc_before_table.cap": ((17, 16), False),
    "nm_trunc_half.cap": (tuple(range(5, 17)), False),
    "nm_trunc_in_table.cap": ((17,), False),
    "nm_v1_1_len_gt.cap": ((16, 17), False),
    "nm_writer_crashed_zero_header.cap": REFUSED,
}
# Said even though nothing is lost.
WITH_A_PROBLEM = ("nm_comment_overrun", "nm_dup_offsets", "nm_minor_4", "nm_media_unknown")
# The record before the missing table is cut in this file: 15 are whole.
BAD_NETMON["nm_trunc_before_table.cap"] = ((15, 16), False)


@needs_shared
@pytest.mark.parametrize("name", BAD_NETMON)
def test_a_malformed_file(name: str) -> None:
    """Frames, completeness, and a problem with its offset where octets were lost."""
    wanted = BAD_NETMON[name]
    path = SHARED / "bad" / name
    if wanted is REFUSED:
        with pytest.raises(CaptureError) as caught, open_capture(path) as capture:
            list(capture)
        assert caught.value.path == str(path)
        assert caught.value.reason
        return
    with open_capture(path) as capture:
        frames = list(capture)
    counts, complete = wanted
    assert len(frames) in counts
    assert complete in (None, capture.complete)
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
    assert (capture.stopped_at is None) is capture.complete
    if name.startswith(WITH_A_PROBLEM):
        assert capture.problems


@needs_shared
def test_the_table_is_the_folder() -> None:
    """No file is left out."""
    assert {path.name for path in (SHARED / "bad").glob("nm_*")} == set(BAD_NETMON)
