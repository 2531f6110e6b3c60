from types import SimpleNamespace

import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.complexity import trained_model
from tests.support.complexity_models import learned, linear_regression, perceptron


def test_each_is_the_measure_of_the_package():
    sample, x, w, y = linear_regression(3)
    kinds = [each for each in ks.complexity.MEASURES.values() if each.kind == "sharpness"]
    names = [each.name for each in kinds if not each.classifies]
    found = ks.complexity.measure(ks.complexity.TrainedModel(sample), names)
    assert set(found) == set(names) and len(names) == 8
    assert found["worst_case"].value == ks.worst_case_sharpness(sample).value > 0
    assert found["average_case"].value == ks.average_case_sharpness(sample).value
    gradients, hessian = 2 * (x @ w - y) * x, 2 * x.T @ x / len(x)
    assert found["hessian_trace"].value == pytest.approx(np.trace(hessian), rel=1e-4)
    assert found["hessian_top_eigenvalue"].value == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-4)
    assert found["gradient_norm"].value == pytest.approx(np.linalg.norm(gradients.mean(axis=0)), rel=1e-3)
    g = gradients.mean(axis=0)
    assert found["critical_sharpness"].value == pytest.approx(g @ hessian @ g / (g @ g), rel=0.02)
    # One layer: (1 + 1)^2.
    assert found["fisher_rao"].value == pytest.approx(4 * np.mean((gradients @ w) ** 2), rel=1e-4)
    assert found["relative_flatness"].value == pytest.approx((w * w).sum() * np.trace(hessian), rel=0.5)


def test_rises_of_the_error_are_those_of_the_same_measures(monkeypatch):
    trained = ks.complexity.TrainedModel(learned(perceptron()))
    for number, name in enumerate(("worst_case", "average_case"), start=1):
        # At the default radius few predictions change.
        rise = SimpleNamespace(value=0.0, error_rise=0.25 * number)
        monkeypatch.setattr(trained_model, f"{name}_sharpness", lambda sample, rise=rise: rise)
    found = ks.complexity.measure(trained, ["worst_case_error", "average_case_error"])
    assert [value.value for value in found.values()] == [0.25, 0.5]
