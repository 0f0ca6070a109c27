"""The notice in every output of the laboratory."""

from __future__ import annotations

from typing import Final

NOTICE: Final = (
    "Laboratory: a network's guess at a label of FER2013, not what anybody feels. Inferring emotions in schools and at"
    " work is banned in the EU (AI Act, Regulation 2024/1689, Art. 5(1)(f); medical and safety uses apart)."
)
"""The notice in tables, JSON, model files' descriptions and on the terminal."""
SHORT_NOTICE: Final = "Laboratory guess, not a feeling. Banned in EU schools: AI Act Art. 5(1)(f)"
"""The notice on pictures."""
