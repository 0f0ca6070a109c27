from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.neural_network.activations import Tanh
from edge_daemon.neural_network.dense import Dense, Dropout
from edge_daemon.neural_network.layer import Parameter
from edge_daemon.neural_network.losses import BinaryCrossEntropy, SquaredError
from edge_daemon.neural_network.network import Network
from edge_daemon.neural_network.training import GradientDescent, TrainingSettings, train

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([[0.0], [1.0], [1.0], [0.0]])


def network(seed: int, hidden: int = 8) -> Network:
    random = np.random.default_rng(seed)
    return Network([Dense(2, hidden, random, np.float64), Tanh(), Dense(hidden, 1, random, np.float64)])


def learn_xor(found: Network, seed: int = 0, epochs: int = 300) -> list[float]:
    settings = TrainingSettings(epochs, batch_size=2, rate=0.1)
    return list(train(found, CORNERS, XOR, BinaryCrossEntropy(), settings, np.random.default_rng(seed)))


def test_exclusive_or_is_learned_which_one_matrix_cannot():
    found = network(1)
    losses = learn_xor(found)
    assert losses[-1] < 0.05 < 0.5 < losses[0]
    assert (found.predict(CORNERS) > 0).tolist() == (XOR > 0.5).tolist()
    line = Network([Dense(2, 1, np.random.default_rng(1), np.float64)])
    assert learn_xor(line)[-1] > 0.6


def test_the_same_seed_gives_the_same_network():
    one, same, other = network(1), network(1), network(1)
    learn_xor(one, epochs=5)
    learn_xor(same, epochs=5)
    learn_xor(other, seed=1, epochs=5)
    assert (one.predict(CORNERS) == same.predict(CORNERS)).all()
    assert (one.predict(CORNERS) != other.predict(CORNERS)).any()


def test_a_step_with_momentum_and_decay_written_out():
    weight = Parameter(np.array([2.0]), np.array([0.5]), decays=True)
    bias = Parameter(np.array([2.0]), np.array([0.5]), decays=False)
    descent = GradientDescent((weight, bias), momentum=0.9, weight_decay=0.1)
    descent.step(0.1)
    assert weight.value[0] == pytest.approx(2 - 0.1 * (0.5 + 0.1 * 2))
    assert bias.value[0] == pytest.approx(2 - 0.1 * 0.5)
    descent.step(0.1)
    assert bias.value[0] == pytest.approx(1.95 + 0.9 * -0.05 - 0.1 * 0.5)


def test_the_rate_falls_along_half_a_cosine():
    """With no momentum and a constant slope, the way of an epoch is its rate."""

    def slope(outputs, targets):
        return 0.0, np.ones_like(outputs) / len(outputs)

    found = Network([Dense(1, 1, np.random.default_rng(0), np.float64)])
    places = [found.parameters[1].value[0]]
    settings = TrainingSettings(4, batch_size=8, rate=0.2, momentum=0.0)
    for _ in train(found, np.ones((8, 1)), np.ones((8, 1)), slope, settings, np.random.default_rng(0)):
        places.append(found.parameters[1].value[0])
    assert -np.diff(places) == pytest.approx([0.2, 0.17071068, 0.1, 0.02928932])


def test_a_rate_that_is_too_high_is_named():
    found = network(1)
    settings = TrainingSettings(50, rate=1e6)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"lower the rate of 1000000\.0"):
        list(train(found, CORNERS, XOR, SquaredError(), settings, np.random.default_rng(0)))


def test_the_network_sees_the_augmented_inputs():
    seen = []

    def augment(batch, random):
        seen.append(batch.copy())
        return batch + 10

    found = network(1)
    inputs = []
    first = found.layers[0]
    forward = first.forward
    first.forward = lambda x, *, training: (inputs.append(x.copy()), forward(x, training=training))[1]
    list(train(found, CORNERS, XOR, SquaredError(), TrainingSettings(1), np.random.default_rng(0), augment))
    assert (inputs[0] == seen[0] + 10).all()


def test_dropout_is_off_when_predicting():
    random = np.random.default_rng(0)
    found = Network([Dense(2, 50, random), Dropout(0.5, random)])
    assert (found.predict(CORNERS) == found.predict(CORNERS, batch_size=1)).all()
    assert (found.forward(CORNERS, training=True) != found.forward(CORNERS, training=True)).any()


def test_a_saved_network_is_the_same(tmp_path):
    one, other = network(1), network(2)
    one.save(tmp_path / "weights.npz")
    other.load(tmp_path / "weights.npz")
    assert (one.predict(CORNERS) == other.predict(CORNERS)).all()


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path):
    network(1, hidden=7).save(tmp_path / "weights.npz")
    Network([Dense(2, 8, np.random.default_rng(0))]).save(tmp_path / "fewer.npz")
    found = network(2)
    before = found.predict(CORNERS)
    with pytest.raises(ValueError, match=r"array 0 is \(2, 7\), the network has \(2, 8\)"):
        found.load(tmp_path / "weights.npz")
    with pytest.raises(ValueError, match="2 arrays, the network has 4"):
        found.load(tmp_path / "fewer.npz")
    assert (found.predict(CORNERS) == before).all()
