from __future__ import annotations

import numpy as np
import pytest

from benchmarks.numpy_network import gradient_errors
from edge_daemon.neural_network.activations import ReLU, Sigmoid, Softmax, Tanh
from edge_daemon.neural_network.convolution import Convolution, MaxPooling
from edge_daemon.neural_network.dense import Dense, Dropout, Flatten
from edge_daemon.neural_network.gradient_check import gradient_error
from edge_daemon.neural_network.losses import BinaryCrossEntropy, CrossEntropy, SquaredError


@pytest.fixture
def random():
    return np.random.default_rng(5)


@pytest.mark.parametrize("name", gradient_errors())
def test_the_derivatives_of_a_layer_agree_with_finite_differences(name):
    assert gradient_errors()[name] < 1e-6


def test_a_wrong_derivative_is_noticed(random):
    class Wrong(Tanh):
        def backward(self, output_gradient):
            return super().backward(output_gradient) * 1.001

    assert gradient_error(Wrong(), random.normal(size=(3, 4)), random) > 1e-5


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (CrossEntropy(), np.eye(3)[[0, 2, 1, 1]]),
        (CrossEntropy(), np.full((4, 3), [0.1, 0.7, 0.2])),
        (BinaryCrossEntropy(), np.array([[0.0], [1.0], [1.0], [0.0]])),
        (SquaredError(), np.arange(12.0).reshape(4, 3)),
    ],
)
def test_the_derivative_of_a_loss_agrees_with_finite_differences(loss, targets, random):
    outputs = random.normal(size=targets.shape)
    _, gradient = loss(outputs, targets)
    for place in np.ndindex(outputs.shape):
        moved = [outputs.copy(), outputs.copy()]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        assert gradient[place] == pytest.approx(
            (loss(moved[0], targets)[0] - loss(moved[1], targets)[0]) / 2e-6, abs=1e-7
        )


def test_losses_of_known_outputs():
    assert CrossEntropy()(np.log([[0.2, 0.8]]), np.array([[0.0, 1.0]]))[0] == pytest.approx(-np.log(0.8))
    assert BinaryCrossEntropy()(np.array([[0.0]]), np.array([[1.0]]))[0] == pytest.approx(np.log(2))
    assert SquaredError()(np.array([[3.0, 4.0]]), np.zeros((1, 2)))[0] == 12.5


def test_losses_and_sigmoid_do_not_overflow():
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        far = np.array([[1000.0], [-1000.0]])
        assert Sigmoid().forward(far, training=False).ravel().tolist() == [1.0, 0.0]
        assert BinaryCrossEntropy()(far, np.array([[1.0], [0.0]]))[0] == 0
        assert CrossEntropy()(np.array([[1000.0, 0.0]]), np.array([[1.0, 0.0]]))[0] == 0


def test_activations_of_known_numbers():
    x = np.array([[-1.0, 0.0, 2.0]])
    assert ReLU().forward(x, training=False).tolist() == [[0, 0, 2]]
    assert Sigmoid().forward(x, training=False)[0] == pytest.approx([0.26894142, 0.5, 0.88079708])
    assert Tanh().forward(x, training=False)[0] == pytest.approx([-0.76159416, 0, 0.96402758])
    assert Softmax().forward(x, training=False)[0] == pytest.approx([0.04201007, 0.1141952, 0.84379473])


def test_a_dense_layer_is_a_matrix_and_a_bias(random):
    layer = Dense(2, 3, random, np.float64)
    layer.weights.value[...] = [[1, 2, 3], [4, 5, 6]]
    layer.bias.value[...] = [0.5, 0, -1]
    assert layer.forward(np.array([[1.0, 10.0]]), training=False).tolist() == [[41.5, 52, 62]]


def test_a_convolution_is_the_cross_correlation_written_out(random):
    layer = Convolution(2, 3, 3, random, padding=1, stride=2, dtype=np.float64)
    layer.bias.value[...] = [1, 2, 3]
    picture = random.normal(size=(2, 6, 5, 2))
    found = layer.forward(picture, training=False)
    assert found.shape == (2, 3, 3, 3)
    padded = np.pad(picture, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for n, y, x, c in np.ndindex(found.shape):
        square = padded[n, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3]
        assert found[n, y, x, c] == pytest.approx((square * layer.weights.value[..., c]).sum() + c + 1)


def test_a_picture_smaller_than_the_square_is_refused(random):
    with pytest.raises(ValueError, match="smaller than a square of 5"):
        Convolution(1, 1, 5, random).forward(np.zeros((1, 4, 9, 1)), training=False)


def test_max_pooling_keeps_the_largest_and_leaves_out_the_rest():
    picture = np.arange(35.0).reshape(1, 5, 7, 1)
    found = MaxPooling(2).forward(picture, training=False)
    assert found[0, :, :, 0].tolist() == [[8, 10, 12], [22, 24, 26]]


def test_max_pooling_gives_the_derivative_to_one_of_two_equal_numbers():
    layer = MaxPooling(2)
    layer.forward(np.ones((1, 2, 2, 1)), training=True)
    assert layer.backward(np.full((1, 1, 1, 1), 3.0)).ravel().tolist() == [3, 0, 0, 0]


def test_dropout_keeps_the_mean_in_training_and_does_nothing_afterwards(random):
    layer, ones = Dropout(0.25, random), np.ones((200, 200))
    trained = layer.forward(ones, training=True)
    assert set(np.unique(trained)) == {0.0, 1 / 0.75}
    assert trained.mean() == pytest.approx(1, abs=0.01)
    assert layer.backward(ones) == pytest.approx(trained)
    assert layer.forward(ones, training=False) is ones


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_dropout_of_everything_is_refused(share, random):
    with pytest.raises(ValueError, match="give a share from 0 to below 1"):
        Dropout(share, random)


def test_flatten_and_back():
    layer = Flatten()
    assert layer.forward(np.zeros((2, 3, 4, 5)), training=True).shape == (2, 60)
    assert layer.backward(np.zeros((2, 60))).shape == (2, 3, 4, 5)
