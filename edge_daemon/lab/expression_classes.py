"""What the expression networks put out."""

from __future__ import annotations

from typing import Final

CLASSES: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven words of FER2013: what people wrote under a picture, not what somebody felt."""
HEADS: Final = ("cnn", "bilstm", "cnn_bilstm")
"""The CNN by itself, a BiLSTM over the picture's rows without a CNN, a BiLSTM over the CNN's features."""
SIDE_PX: Final = 48
"""Side of the grey picture that the networks take."""
