import subprocess
import sys

import numpy as np
import pytest
import scipy.stats

from keras_sharpness.statistics.significance import tau_and_p_value


@pytest.mark.parametrize("num_models", [3, 10, 33, 34, 50, 400])
@pytest.mark.parametrize("levels", [2, 7, None])
def test_both_are_scipys(num_models, levels):
    rng = np.random.default_rng(num_models)
    for slope in (-1.0, 0.0, 0.2):
        x = rng.normal(size=num_models)
        y = slope * x + rng.normal(size=num_models)
        if levels:
            x, y = (np.floor(levels * scipy.stats.rankdata(v) / (num_models + 1)) for v in (x, y))
        expected = scipy.stats.kendalltau(x, y)
        tau, p_value = tau_and_p_value(x, y)
        assert tau == expected.statistic
        assert p_value == pytest.approx(expected.pvalue, rel=1e-13)


@pytest.mark.parametrize("swapped", [0, 1, 2])
def test_nearly_perfect_orders_take_the_exact_distribution(swapped):
    x = np.arange(50.0)
    y = x.copy()
    for k in range(swapped):
        y[[3 * k, 3 * k + 1]] = y[[3 * k + 1, 3 * k]]
    for sign in (1, -1):
        expected = scipy.stats.kendalltau(x, sign * y)
        tau, p_value = tau_and_p_value(x, sign * y)
        assert tau == expected.statistic and p_value == pytest.approx(expected.pvalue, rel=1e-12)


def test_a_pool_of_fifty_does_not_load_scipys_distributions():
    code = "import sys, numpy as np; from keras_sharpness.statistics import kendall; r = np.random.default_rng(0)"
    code += "; kendall(r.normal(size=50), r.normal(size=50)); print('scipy.special' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "False"
