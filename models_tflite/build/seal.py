"""Write the SHA-256 of every model file into manifest.toml: `python -m models_tflite.build.seal`."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]


def main() -> None:
    """Write the SHA-256 of each file into the line after its `file = "…"`."""
    manifest = FOLDER / "manifest.toml"

    def line(match: re.Match[str]) -> str:
        digest = hashlib.sha256((FOLDER / match[1]).read_bytes()).hexdigest()
        return f'file = "{match[1]}"\nsha256 = "{digest}"'

    text = re.sub(r'file = "([^"]+)"\nsha256 = "[^"]*"', line, manifest.read_text(encoding="utf-8"))
    manifest.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
