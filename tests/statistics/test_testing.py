import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import permutation_p_values, testing


def test_alone_it_is_kendall_s_exact_p_value():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 12))
    y += 0.5 * x
    alone, _ = permutation_p_values([x], y, num_permutations=20000)
    exact = scipy.stats.kendalltau(x, y, method="exact").pvalue
    assert alone[0] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20000) + 1e-4)


@pytest.mark.slow
def test_many_questions_raise_false_alarms_unless_corrected():
    rng = np.random.default_rng(1)
    alarms = np.zeros(2)
    for seed in range(60):
        p_values = permutation_p_values(rng.normal(size=(8, 20)), rng.normal(size=20), num_permutations=99, seed=seed)
        alarms += [p.min() <= 0.05 for p in p_values]
    assert alarms[0] > 12  # 1 - 0.95^8 = 34 %
    assert alarms[1] < 9


def test_copies_of_a_measure_cost_nothing():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 30))
    alone, corrected = permutation_p_values([x, x, x], y + x)
    np.testing.assert_array_equal(alone, corrected)


def test_sums_are_exact_where_float32_is_not():
    size = 3 * 2**24 + 1
    ones = np.ones(size, np.float32)
    assert testing._products(ones[None], ones).tolist() == [size]


def test_the_measure_that_is_wrong_is_named():
    with pytest.raises(InputError, match=r"`measures\[1\]` must be finite"):
        permutation_p_values([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="`test_loss` must not be the same"):
        permutation_p_values([[1.0, 2.0, 3.0]], [1.0, 1.0, 1.0])


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match=r"shape \(num_measures, num_models\)"):
        permutation_p_values([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="`num_permutations` must be at least 1"):
        permutation_p_values([[1.0, 2.0, 3.0]], [1.0, 2.0, 3.0], num_permutations=0)


def test_a_large_pool_takes_one_tau_after_another_with_the_same_p_values(monkeypatch):
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 9, size=(3, 40)), rng.normal(size=40)
    y += 0.1 * x[0]
    found = permutation_p_values(x, y, num_permutations=200)
    monkeypatch.setattr(testing, "MOST_PAIRED", 39)
    monkeypatch.setattr(testing, "_of_pairs", None)
    np.testing.assert_array_equal(permutation_p_values(x, y, num_permutations=200), found)
