import numpy as np
import pytest

from keras_sharpness.objective.objective import values
from keras_sharpness.pools import scores
from tests.support import cases, reference


def evaluate(case, examples, classification):
    means = scores.compile_scores(case.objective, case.data, classification)
    return means(*values(case.model), examples)


def test_means_count_every_example_once(monkeypatch):
    monkeypatch.setattr(scores, "EVALUATION_BATCH", 16)  # 40 examples: two batches and a smaller third
    case, examples = cases.lenet5(), np.arange(40)
    predicted = case.model.predict(case.x, verbose=0).argmax(axis=1)
    # Errors lie unevenly among the batches: 3 of 16, none of 16, 5 of 8.
    wrong = np.isin(examples, [0, 7, 15, 32, 34, 35, 38, 39])
    case.y[:] = (predicted + wrong) % 10
    loss, error = evaluate(case, examples, classification=True)
    assert loss == pytest.approx(case.reference(examples)(case.weights)[0], rel=1e-5)
    assert error == pytest.approx(8 / 40)


def test_only_the_given_examples_count():
    case, examples = cases.fcnn(), np.array([3, 50, 51, 199])
    (loss,) = evaluate(case, examples, classification=False)
    assert loss == pytest.approx(case.reference(examples)(case.weights)[0], rel=1e-5)


def test_the_error_rate_on_a_graph_is_that_of_the_given_nodes():
    case, nodes = cases.gat(), np.arange(0, 60, 2)
    _, error = evaluate(case, nodes, classification=True)
    logits, _ = reference.gat(case.weights, case.x.features.astype(np.float64), case.x.edges)
    assert error == pytest.approx(np.mean(logits[nodes].argmax(axis=1) != case.y[nodes]))
    assert 0 < error < 1


def test_a_mean_of_batches_gives_the_smaller_last_one_the_same_weight():
    values = np.array([1.0, 2.0, 3.0, 4.0, 10.0])

    def means(weights, state, indices):
        return [float(values[indices].mean()), -float(values[indices].mean())]

    averaged = scores.average_batches(means, batch_size=2)
    assert averaged([], [], np.arange(5)) == pytest.approx([(1.5 + 3.5 + 10) / 3, -(1.5 + 3.5 + 10) / 3])
    assert averaged([], [], np.arange(4)) == pytest.approx([2.5, -2.5])
    assert averaged([], [], np.arange(1)) == pytest.approx([1, -1])


@pytest.mark.parametrize("name", ["fcnn", "gat", "lenet5"])
def test_losses_of_examples_are_those_of_batches_of_one(name, monkeypatch):
    monkeypatch.setattr(scores, "EVALUATION_BATCH", 4)  # 10 examples: two batches and a smaller third
    case, examples = getattr(cases, name)(), np.array([3, 5, 7, 1, 8, 9, 10, 11, 12, 2])
    found = scores.compile_example_losses(case.objective, case.data)(*values(case.model), examples)
    expected = [case.reference(np.array([example]))(case.weights)[0] for example in examples]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
