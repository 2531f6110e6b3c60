import numpy as np
import pytest

import keras_sharpness as ks
from tests.support.complexity_models import linear_regression


def test_each_is_the_measure_of_the_package():
    sample, x, w, y = linear_regression(3)
    names = [name for name, each in ks.complexity.MEASURES.items() if each.kind == "sharpness"]
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
