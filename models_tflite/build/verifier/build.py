"""Train the face verifier, and write its two files: `python -m models_tflite.build.verifier.build`.

    python -m models_tflite.build.verifier.build --crops FILE.npz --state DIR [--seconds N] [--out DIR]

FILE comes from `models_tflite.build.verifier.crops`. The packages of requirements.txt beside this file are needed, in a
separate environment. A third of the pictures and people is never used for training; the printed figures are measured on
it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models_tflite.build.verifier import export, network
from models_tflite.build.verifier.batches import Batches, Crops, arrays

MODELS = Path(__file__).resolve().parents[2]
SEED = 7
BATCH = 96
RATE, LEAST_RATE = 3e-3, 2e-5
EPOCHS, STEPS = 150, 120
HARD_FROM_EPOCH = 60
"""After this many epochs crops on which the network errs come more often."""
LOOK_AGAIN_EPOCHS = 30
"""Number of epochs after which the losses of all crops are computed anew, from `HARD_FROM_EPOCH` on."""
WEIGHT_DECAY = 2e-4
WARM_STEPS = 60


def main() -> int:
    """Write face_verifier_int8.tflite and face_verifier_float16.tflite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for the state between calls")
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop after this time; the next call continues")
    parser.add_argument("--out", type=Path, default=MODELS)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(SEED)
    training = Training(Crops.load(arguments.crops), arguments.state)
    if training.run(time.monotonic() + arguments.seconds):
        export.write(training.model, training.crops, arguments.out)
    return 0


class Training:
    """Trains on the crops that are not held back; another process can continue it.

    Args:
        crops: all crops.
        state: folder of the training state.
    """

    def __init__(self, crops: Crops, state: Path) -> None:
        self.crops, self.model = crops, network.new()
        schedule = keras.optimizers.schedules.CosineDecay(
            LEAST_RATE, EPOCHS * STEPS - WARM_STEPS, alpha=0.005, warmup_target=RATE, warmup_steps=WARM_STEPS
        )
        self._optimizer = keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY)
        self._optimizer.build(self.model.trainable_variables)
        self._epoch = tf.Variable(0)
        checkpoint = tf.train.Checkpoint(model=self.model, optimizer=self._optimizer, epoch=self._epoch)
        self._saved = tf.train.CheckpointManager(checkpoint, str(state), max_to_keep=1)
        checkpoint.restore(self._saved.latest_checkpoint)
        self._losses_file = state / "losses.npy"

    def run(self, until: float) -> bool:
        """Train up to a time of the monotonic clock; return whether training is finished."""
        while int(self._epoch) < EPOCHS and time.monotonic() < until:
            begun, epoch = time.process_time(), int(self._epoch) + 1
            batches = Batches(self.crops, BATCH, np.random.default_rng((SEED, epoch)), self._losses(epoch))
            sums = [self._step(*batches.next()).numpy() for _ in range(STEPS)]
            parts = " ".join(f"{value:.4f}" for value in np.mean(sums, axis=0))
            self._epoch.assign(epoch)
            self._saved.save()
            sys.stdout.write(f"epoch {epoch}: {parts}; {time.process_time() - begun:.0f} CPU-s\n")
            sys.stdout.flush()
        return int(self._epoch) >= EPOCHS

    def _losses(self, epoch: int) -> NDArray[np.float32] | None:
        """Return the loss of each crop, from the last epoch at which it was computed; None before the first one."""
        since = epoch - 1 - HARD_FROM_EPOCH
        if since < 0:
            return None
        if since % LOOK_AGAIN_EPOCHS == 0:
            np.save(self._losses_file, face_losses(self.model, self.crops))
        found: NDArray[np.float32] = np.load(self._losses_file)
        return found

    @tf.function
    def _step(self, seen: tf.Tensor, targets: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = network.losses(self.model(seen, training=True), targets)
            total = tf.add_n(list(losses.values()))
        gradients = tape.gradient(total, self.model.trainable_variables)
        self._optimizer.apply_gradients(zip(gradients, self.model.trainable_variables, strict=True))
        return tf.stack(list(losses.values()))


def face_losses(model: keras.Model, crops: Crops) -> NDArray[np.float32]:
    """Return the loss of the face output for each crop without variation; 0 for crops that are held back."""
    losses = np.zeros(len(crops.face), np.float32)
    usable = np.flatnonzero(~crops.held)
    for index in np.array_split(usable, max(len(usable) // 256, 1)):
        logits = model(arrays(crops, index)[0], training=False)[0].numpy()[:, 0]
        losses[index] = np.log1p(np.exp(np.where(crops.face[index], -logits, logits)))
    return losses


if __name__ == "__main__":
    sys.exit(main())
