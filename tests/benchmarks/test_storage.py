from __future__ import annotations

from benchmarks.storage import Settings, Size, one_lesson


def test_a_bigger_lesson_writes_more_and_each_capture_at_least_a_page_in_each_log(tmp_path):
    small, big = tmp_path / "small", tmp_path / "big"
    for folder in (small, big):
        folder.mkdir()
    little = one_lesson(small, Settings("ours"), Size(captures=5, students=3, enrolled=3), None)
    more = one_lesson(big, Settings("ours"), Size(captures=10, students=20, enrolled=20), None)
    assert little.log_pages >= 2 * 5
    assert more.log_pages > little.log_pages
    assert more.log_bytes == more.log_pages * (4096 + 24)
    assert little.device_bytes is None
