"""A database that is in use is not called damaged."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from edge_daemon.store.database import open_register
from edge_daemon.store.integrity import examine

# SQLite's lock of a checkpoint: byte 121 of the file beside the log (wal.c, WAL_CKPT_LOCK).
_HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX, 1, 121); print(flush=True); input()"
)


def test_a_log_that_another_process_is_just_bringing_in_has_lost_nothing(tmp_path: Path):
    path = tmp_path / "register.sqlite"
    with closing(open_register(path).conn) as conn:
        for value in range(3):
            conn.execute("CREATE TABLE IF NOT EXISTS more (value)")
            conn.execute("INSERT INTO more VALUES (?)", (value,))
            conn.commit()
        hold = [sys.executable, "-c", f"{_HOLD}; input()", f"{path}-shm"]
        with subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            findings = examine(path, "quick", keep_log=tmp_path / "kept")
            other.communicate(b"\n")
        assert (findings.problem, findings.lost_commits) == ("", 0)
        assert not (tmp_path / "kept").exists()
