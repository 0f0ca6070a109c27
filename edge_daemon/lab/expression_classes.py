"""The classes and heads of the expression networks."""

from __future__ import annotations

from typing import Final

CLASSES: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven labels of FER2013. People chose them for a picture; they do not show a person's feelings."""
HEADS: Final = ("cnn", "bilstm", "cnn_bilstm")
"""The CNN alone, a BiLSTM over the picture's rows without a CNN, and a BiLSTM over the CNN's features."""
SIDE_PX: Final = 48
"""Side of the grey pictures that the networks take as input."""
