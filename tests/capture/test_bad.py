"""Every malformed sample file: the frames that can be read, and an honest word on the rest.

The table is the behaviour wanted by the README beside the samples. Differences, and why:
frames before any interface of their section are taken for Ethernet in all four files that have them (a reader in one
pass cannot know whether an interface will follow), and where a wrong length can be told from the other length that
both formats store, the frame itself is kept as well (17 instead of 16).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rpctrace.capture.frame import LinkType
from rpctrace.capture.storage import open_capture
from rpctrace.errors import CaptureError

BAD = Path(__file__).parents[2].parent / "shared" / "captures" / "bad"
needs_samples = pytest.mark.skipif(not BAD.is_dir(), reason="no folder of malformed captures beside the checkout")

# name: (frames, whether the file was read without loss, a word of the first problem)
READ = {
    "gz_bad_crc.pcapng.gz": (17, False, "checksum"),
    "gz_corrupt_middle.pcapng.gz": (3, False, "damaged"),
    "gz_trailing_garbage.pcapng.gz": (17, True, "follow the gzip stream"),
    "gz_truncated.pcapng.gz": (4, False, "stream is cut"),
    "ng_bad_iface_id.pcapng": (17, True, "no interface 7"),
    "ng_blocklen_8.pcapng": (17, False, "a block of 8 octets"),
    "ng_blocklen_huge.pcapng": (17, False, "a block of 2147483632 octets"),
    "ng_blocklen_not_mult4.pcapng": (17, True, "no multiple of 4"),
    "ng_blocklen_zero.pcapng": (17, False, "a block of 0 octets"),
    "ng_caplen_gt_block.pcapng": (17, True, "a frame of 559 octets"),
    "ng_idb_after_packets.pcapng": (17, True, "before any interface"),
    "ng_no_endofopt.pcapng": (17, True, ""),
    "ng_no_idb.pcapng": (17, True, "before any interface"),
    "ng_option_len_overrun.pcapng": (17, True, "an option of 5000 octets"),
    "ng_orig_lt_cap.pcapng": (17, True, ""),
    "ng_second_section_no_idb.pcapng": (18, True, "before any interface"),
    "ng_second_section_truncated.pcapng": (17, False, "ends inside a block"),
    "ng_section_then_garbage.pcapng": (17, False, "no block in the next"),
    "ng_shb_idb_only.pcapng": (0, True, ""),
    "ng_shb_only.pcapng": (0, True, ""),
    "ng_spb_no_idb.pcapng": (17, True, "before any interface"),
    "ng_spb_snaplen_cut.pcapng": (17, True, ""),
    "ng_then_pcap_appended.pcapng": (34, True, "appended"),
    "ng_time_backwards_2ifaces.pcapng": (17, True, ""),
    "ng_trailer_len_mismatch.pcapng": (17, True, "differ (192 and 200)"),
    "ng_trunc_block_header.pcapng": (16, False, "6 octets of it"),
    "ng_trunc_in_data.pcapng": (16, False, "58 octets of it"),
    "ng_trunc_trailer.pcapng": (17, False, "86 octets of it"),
    "ng_ts_max.pcapng": (17, True, ""),
    "ng_tsresol_0x3f.pcapng": (17, True, "resolution"),
    "ng_tsresol_huge.pcapng": (17, True, "resolution"),
    "ng_two_identical_files_concat.pcapng": (34, True, ""),
    "ng_unknown_linktype.pcapng": (17, True, ""),
    "ng_version_1_2.pcapng": (17, True, ""),
    "ng_zero_len_packet.pcapng": (18, True, ""),
    "pcap_bad_caplen_huge.pcap": (17, False, "its other length is taken"),
    "pcap_bad_caplen_plus4.pcap": (17, False, "runs over the next one"),
    "pcap_caplen_gt_origlen.pcap": (17, True, ""),
    "pcap_caplen_gt_snaplen.pcap": (17, True, ""),
    "pcap_ext_is_netmon.pcap": (17, True, ""),
    "pcap_ext_is_pcapng.pcap": (17, True, ""),
    "pcap_frac_over_1e6.pcap": (17, True, ""),
    "pcap_garbage_tail.pcap": (17, False, "no record in the next"),
    "pcap_growing_writer.pcap": (15, False, "38 octets of it"),
    "pcap_header_only.pcap": (0, True, ""),
    "pcap_runt_packets.pcap": (26, True, ""),
    "pcap_snaplen_cut_96.pcap": (17, True, ""),
    "pcap_time_backwards.pcap": (17, True, ""),
    "pcap_time_zero.pcap": (17, True, ""),
    "pcap_trunc_1byte.pcap": (16, False, "69 octets of it"),
    "pcap_trunc_in_data.pcap": (16, False, "50 octets of it"),
    "pcap_trunc_in_rechdr.pcap": (16, False, "8 octets of it"),
    "pcap_ts_ffffffff.pcap": (17, True, ""),
    "pcap_two_files_concatenated.pcap": (34, True, "appended"),
    "pcap_unknown_linktype.pcap": (17, True, ""),
    "pcap_user0_linktype147.pcap": (17, True, ""),
    "pcap_version_9_9.pcap": (17, True, "version 9.9"),
    "pcap_zero_len_packet.pcap": (18, True, ""),
    "pcap_zero_tail.pcap": (17, True, "4096 zeros"),
}
REFUSED = {
    "gz_header_only.pcap.gz": "empty or cut gzip",
    "gz_of_text.pcap.gz": "gzip of text",
    "html_error_page.pcap": "did the download fail?",
    "ng_bad_bom.pcapng": "byte-order magic",
    "ng_shb_cut.pcapng": "section header is cut",
    "ng_version_2_0.pcapng": "version 2.0 is not supported",
    "pcap_bad_magic.pcap": "unknown format",
    "pcap_empty_0bytes.pcap": "the file is empty",
    "pcap_header_cut.pcap": "header is cut: 16 of 24",
    "pcap_leading_garbage.pcap": "starts at octet 16",
    "pcap_magic_only.pcap": "header is cut: 4 of 24",
    "text_file.pcap": "text",
}


@needs_samples
@pytest.mark.parametrize("name", READ)
def test_read(name: str) -> None:
    """Frames numbered without a hole, loss said, and the offset of the first loss is inside the file."""
    count, complete, word = READ[name]
    with open_capture(BAD / name) as capture:
        numbers = [frame.number for frame in capture]
    assert numbers == list(range(1, count + 1))
    assert capture.complete is complete
    assert (capture.stopped_at is None) is complete
    assert any(problem.loses_octets for problem in capture.problems) is not complete
    if word:
        assert word in capture.problems[0].text
    else:
        assert not capture.problems


@needs_samples
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """What is no capture is refused in one line that names the file and says what it is."""
    with pytest.raises(CaptureError) as caught:
        open_capture(BAD / name)
    assert caught.value.path == str(BAD / name)
    assert REFUSED[name] in caught.value.reason
    assert "\n" not in str(caught.value)


@needs_samples
def test_table_is_whole() -> None:
    """No sample is forgotten; those of Network Monitor have their own test."""
    names = {path.name for path in BAD.iterdir() if path.suffix != ".md" and not path.name.startswith("nm_")}
    assert names == READ.keys() | REFUSED.keys()


@needs_samples
@pytest.mark.parametrize("name", ["pcap_bad_caplen_huge.pcap", "pcap_bad_caplen_plus4.pcap"])
def test_repaired_frame_is_the_original(name: str) -> None:
    """A record whose length was damaged has the octets of the undamaged file."""
    with open_capture(BAD / name) as damaged, open_capture(BAD / "pcap_caplen_gt_snaplen.pcap") as whole:
        assert [bytes(frame.octets) for frame in damaged] == [bytes(frame.octets) for frame in whole]


@needs_samples
def test_what_single_frames_are() -> None:
    """Odd inner fields: no link type, lengths that cannot be, times that are none."""
    with open_capture(BAD / "ng_bad_iface_id.pcapng") as capture:
        assert [frame.number for frame in capture if frame.link_type == LinkType.NOT_A_PACKET] == [9]
    with open_capture(BAD / "ng_tsresol_huge.pcapng") as capture:
        assert {frame.timestamp_ns for frame in capture} == {None}
    with open_capture(BAD / "pcap_caplen_gt_origlen.pcap") as capture:
        assert all(frame.original_length_octets >= len(frame.octets) for frame in capture)
    with open_capture(BAD / "ng_no_endofopt.pcapng") as capture:
        assert sum(len(frame.comments) for frame in capture) > 0
