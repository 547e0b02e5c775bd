"""The 98 malformed files: never a crash, never a frame less than can be read, and the file is complete or it is not.

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
BAD: dict[str, Wanted] = {
    "gz_bad_crc.pcapng.gz": ((17,), False),
    "gz_corrupt_middle.pcapng.gz": ((3, 4), False),
    "gz_header_only.pcap.gz": REFUSED,
    "gz_of_text.pcap.gz": REFUSED,
    "gz_trailing_garbage.pcapng.gz": ((17,), True),
    "gz_truncated.pcapng.gz": ((4, 5), False),
    "html_error_page.pcap": REFUSED,
    "ng_bad_bom.pcapng": REFUSED,
    "ng_bad_iface_id.pcapng": ((17,), True),
    "ng_blocklen_8.pcapng": ((16, 17), False),
    "ng_blocklen_huge.pcapng": ((16, 17), False),
    "ng_blocklen_not_mult4.pcapng": ((17,), True),
    "ng_blocklen_zero.pcapng": ((16, 17), False),
    "ng_caplen_gt_block.pcapng": ((17,), None),
    "ng_idb_after_packets.pcapng": ((17,), True),
    "ng_no_endofopt.pcapng": ((17,), True),
    "ng_no_idb.pcapng": ((17,), True),
    "ng_option_len_overrun.pcapng": ((17,), None),
    "ng_orig_lt_cap.pcapng": ((17,), True),
    "ng_second_section_no_idb.pcapng": ((18,), True),
    "ng_second_section_truncated.pcapng": ((17,), False),
    "ng_section_then_garbage.pcapng": ((17,), False),
    "ng_shb_cut.pcapng": REFUSED,
    "ng_shb_idb_only.pcapng": ((0,), True),
    "ng_shb_only.pcapng": ((0,), True),
    "ng_spb_no_idb.pcapng": ((17,), True),
    "ng_spb_snaplen_cut.pcapng": ((17,), True),
    "ng_then_pcap_appended.pcapng": ((34,), True),
    "ng_time_backwards_2ifaces.pcapng": ((17,), True),
    "ng_trailer_len_mismatch.pcapng": ((17,), None),
    "ng_trunc_block_header.pcapng": ((16,), False),
    "ng_trunc_in_data.pcapng": ((16,), False),
    "ng_trunc_trailer.pcapng": ((17,), False),
    "ng_ts_max.pcapng": ((17,), True),
    "ng_tsresol_0x3f.pcapng": ((17,), True),
    "ng_tsresol_huge.pcapng": ((17,), True),
    "ng_two_identical_files_concat.pcapng": ((34,), True),
    "ng_unknown_linktype.pcapng": ((17,), True),
    "ng_version_1_2.pcapng": ((17,), True),
    "ng_version_2_0.pcapng": REFUSED,
    "ng_zero_len_packet.pcapng": ((18,), True),
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
    "pcap_bad_caplen_huge.pcap": ((16, 17), False),
    "pcap_bad_caplen_plus4.pcap": ((16, 17), False),
    "pcap_bad_magic.pcap": REFUSED,
    "pcap_caplen_gt_origlen.pcap": ((17,), True),
    "pcap_caplen_gt_snaplen.pcap": ((17,), True),
    "pcap_empty_0bytes.pcap": REFUSED,
    "pcap_ext_is_netmon.pcap": ((17,), True),
    "pcap_ext_is_pcapng.pcap": ((17,), True),
    "pcap_frac_over_1e6.pcap": ((17,), True),
    "pcap_garbage_tail.pcap": ((17,), False),
    "pcap_growing_writer.pcap": ((15,), False),
    "pcap_header_cut.pcap": REFUSED,
    "pcap_header_only.pcap": ((0,), True),
    "pcap_leading_garbage.pcap": REFUSED,
    "pcap_magic_only.pcap": REFUSED,
    "pcap_runt_packets.pcap": ((26,), True),
    "pcap_snaplen_cut_96.pcap": ((17,), True),
    "pcap_time_backwards.pcap": ((17,), True),
    "pcap_time_zero.pcap": ((17,), True),
    "pcap_trunc_1byte.pcap": ((16,), False),
    "pcap_trunc_in_data.pcap": ((16,), False),
    "pcap_trunc_in_rechdr.pcap": ((16,), False),
    "pcap_ts_ffffffff.pcap": ((17,), True),
    "pcap_two_files_concatenated.pcap": ((34,), True),
    "pcap_unknown_linktype.pcap": ((17,), True),
    "pcap_user0_linktype147.pcap": ((17,), True),
    "pcap_version_9_9.pcap": ((17,), True),
    "pcap_zero_len_packet.pcap": ((18,), True),
    "pcap_zero_tail.pcap": ((17,), True),
    "text_file.pcap": REFUSED,
}
# Said even though nothing is lost.
WITH_A_PROBLEM = (
    "gz_bad_crc", "gz_trailing_garbage", "ng_bad_iface_id", "ng_no_idb", "nm_comment_overrun", "nm_dup_offsets",
    "nm_minor_4", "nm_media_unknown", "pcap_two_files", "pcap_version", "pcap_zero_tail",
)  # fmt: skip
# The record before the missing table is cut in this file: 15 are whole.
BAD["nm_trunc_before_table.cap"] = ((15, 16), False)


@needs_shared
@pytest.mark.parametrize("name", BAD)
def test_a_malformed_file(name: str) -> None:
    """Frames, completeness, and a problem with its offset where octets were lost."""
    wanted = BAD[name]
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
    assert {path.name for path in (SHARED / "bad").iterdir() if path.name != "README.md"} == set(BAD)
