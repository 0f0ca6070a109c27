from __future__ import annotations

import itertools

from edge_daemon.camera.recovery import FIRST_GAP_S, MAX_GAP_S, REPORT_AT, CameraRecovery


def test_the_first_failure_reopens_the_second_restarts_the_third_reports():
    ladder = CameraRecovery()
    assert (ladder.failed(0.0), ladder.reports) == ("reopen", False)
    assert (ladder.failed(1.0), ladder.reports) == ("restart", False)
    ladder.started(1.5)
    assert (ladder.failed(2.0), ladder.reports) == ("reopen", True)
    assert (ladder.failed(3.0), ladder.reports) == ("reopen", False)
    assert ladder.failures == REPORT_AT + 1


def test_gaps_between_starts_double_up_to_a_limit_and_never_end():
    ladder, now_s, starts = CameraRecovery(), 0.0, []
    while len(starts) < 12:
        if not ladder.rest_s(now_s):
            ladder.started(now_s)
            starts.append(now_s)
            ladder.failed(now_s)
        now_s += 1.0
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert gaps[:2] == [1.0, 1.0], "the first two rungs do not wait"
    assert gaps[2:6] == [FIRST_GAP_S, 2 * FIRST_GAP_S, 4 * FIRST_GAP_S, MAX_GAP_S]
    assert set(gaps[6:]) == {MAX_GAP_S}


def test_a_process_that_answers_is_restarted_only_after_the_gap():
    ladder = CameraRecovery()
    ladder.failed(0.0)
    ladder.failed(1.0)
    ladder.started(1.0)
    steps = {second: ladder.failed(float(second)) for second in range(2, 1 + int(FIRST_GAP_S))}
    assert set(steps.values()) == {"reopen"}
    assert ladder.failed(1.0 + FIRST_GAP_S) == "restart"


def test_a_picture_resets_the_recovery_to_its_first_step():
    ladder = CameraRecovery()
    for second in range(20):
        ladder.failed(float(second))
        ladder.started(float(second))
    ladder.succeeded()
    assert ladder.failures == 0
    assert ladder.rest_s(0.0) == 0.0
    assert ladder.failed(21.0) == "reopen"
