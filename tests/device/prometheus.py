"""A strict reader of the exposition format 0.0.4, as node_exporter's textfile collector takes it."""

from __future__ import annotations

import re

_HEAD = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


def parsed(text: str) -> dict[str, tuple[str, dict[frozenset, float]]]:
    """Return metric to (type, labels to value); raises ValueError at the first line that is not as it should be."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no line feed")
    metrics, helped, current = {}, set(), None
    for line in text.splitlines():
        if head := _HEAD.fullmatch(line):
            keyword, current, rest = head.groups()
            if keyword == "HELP":
                if current in helped:
                    raise ValueError(f"two helps: {line}")
                helped.add(current)
            elif current in metrics or rest not in ("counter", "gauge"):
                raise ValueError(line)
            else:
                metrics[current] = (rest, {})
            continue
        sample = _SAMPLE.fullmatch(line)
        if not sample or sample[1] != current or current not in metrics or current not in helped:
            raise ValueError(f"not a sample of {current}: {line}")
        labels = frozenset(_labels(sample[2]))
        values = metrics[current][1]
        if labels in values:
            raise ValueError(f"twice: {line}")
        values[labels] = float(sample[3])
    return metrics


def _labels(text: str | None):
    at = 0
    while text and at < len(text):
        found = _LABEL.match(text, at)
        if not found:
            raise ValueError(f"labels: {text}")
        yield found[1], re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], found[2])
        at = found.end()
