"""The section about time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import at_least, rate, table, target

Result = Mapping[str, Any]

_NAMES = {
    "program": "the program, over a lesson",
    "sweep": "the program, full sweep of every picture",
    "yunet_and_float32": "YuNet (OpenCV, full picture, threshold .6) + the float32 embedder",
    "face_recognition": "`face_recognition`, picture upsampled once",
}
_TARGETS = {
    "lesson_mean_to_yunet": ("mean over a lesson / YuNet + embedder", 0.35, False),
    "full_sweep_to_yunet": ("full sweep / YuNet + embedder", 0.95, False),
    "face_recognition_to_lesson_mean": ("`face_recognition` / mean over a lesson", 8.0, True),
    "face_recognition_to_full_sweep": ("`face_recognition` / full sweep", None, True),
}
_TWO_THREADS = 1.5
_HALL_VERDICTS = 0.99
_PEAK_MIB = 190


def section(result: Result) -> str:
    """Return the section about time and memory."""
    megapixels = result["picture_pixels"] / 1e6
    head = (
        f"## Time and memory (`benchmarks.speed`)\n\nPictures of {megapixels:.0f} megapixels, without decoding. Each "
        "contender is a separate process with one thread, and they take turns picture by picture. The program's "
        "process runs the whole lesson, with matching, sealing, database and register. Ratios are more valid for other "
        "machines than times. Processor time is the more reliable figure, because the machine had other work "
        f"(load {result['load_at_start']:g} at the start).\n"
    )
    return "\n".join([head, _contenders(result), _ratios(result), *_hall(result), _models(result)])


def _contenders(result: Result) -> str:
    rows = []
    for name, found in result["contenders"].items():
        peak = found["peak_pss_mib"]
        wanted = target(f"≤ {_PEAK_MIB}", reached=peak is None or peak <= _PEAK_MIB) if name == "program" else ""
        times = (f"{found['cpu_seconds_mean']:.2f}", f"{found['seconds_mean']:.2f}", f"{found['seconds_median']:.2f}")
        rows.append((_NAMES[name], found["captures"], *times, peak, found["peak_rss_mib"], wanted))
    heading = (
        "",
        "pictures",
        "processor s",
        "wall s, mean",
        "wall s, median",
        "peak PSS, MiB",
        "peak RSS, MiB",
        "target",
    )
    skipped = "".join(f"\nNot measured: {_NAMES[name]}.\n" for name in result["skipped"])
    return table(heading, rows) + skipped


def _ratios(result: Result) -> str:
    cpu, wall = result["ratios"]["cpu"], result["ratios"]["wall"]
    rows = []
    for key, (name, limit, least) in _TARGETS.items():
        if key in cpu:
            rows.append((name, f"{cpu[key]:.2f}", f"{wall[key]:.2f}", _wanted(cpu[key], limit, least=least)))
    if threads := wall.get("threads_2_1"):
        rows.append(
            ("one thread / two threads, full sweep", "", f"{threads:.2f}", _wanted(threads, _TWO_THREADS, least=True))
        )
    return table(("ratio", "processor", "wall", "target"), rows)


def _hall(result: Result) -> list[str]:
    """Return the lines about a lesson in a large room; empty if it was not measured."""
    hall = result.get("hall")
    if not hall:
        return []
    rows = [
        ("processor s a capture", f"{hall['cpu_seconds_a_capture']:.2f}", ""),
        ("peak PSS of `rehearse`, MiB", hall["peak_pss_mib"], ""),
        ("verdicts right", rate(hall["verdicts_right"]), at_least(hall["verdicts_right"], _HALL_VERDICTS)),
    ]
    head = (
        f"\nA hall: {hall['students']} students, {hall['captures']} captures of "
        f"{hall['picture_pixels'] / 1e6:.0f} megapixels, run as a user runs it:\n"
    )
    return [head, table(("", "", "target"), rows)]


def _wanted(value: float, limit: float | None, *, least: bool) -> str:
    if limit is None:
        return ""
    return target(f"{'≥' if least else '≤'} {limit:g}", reached=value >= limit if least else value <= limit)


def _models(result: Result) -> str:
    rows = [
        (name, f"{found['ms']:.2f}", "–" if found["ratio"] is None else f"{found['ratio']:.2f}")
        for name, found in result["models"].items()
    ]
    note = "\nThe ratio is to the network's float32 file, or to the float16 file, which also computes in float32.\n"
    return table(("model file", "ms", "ratio"), rows) + note
