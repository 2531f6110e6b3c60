import numpy as np
import pytest
import scipy.stats

from keras_sharpness.statistics.copula import copula_tau


def by_hand(x, y, z):
    """The formula of the partial correlation given one quantity."""
    xy, xz, yz = (np.sin(np.pi / 2 * scipy.stats.kendalltau(a, b).statistic) for a, b in ((x, y), (x, z), (y, z)))
    return 2 / np.pi * np.arcsin((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))


@pytest.mark.parametrize("ties", [False, True])
def test_equals_the_formula_with_and_without_each_model(ties):
    rng = np.random.default_rng(0)
    z = rng.normal(size=30)
    data = np.stack([z + rng.normal(size=30), z + rng.normal(size=30), z])
    if ties:
        data = np.round(data)
    tau, left_out = copula_tau(data)
    assert tau == pytest.approx(by_hand(*data))
    np.testing.assert_allclose(left_out, [by_hand(*np.delete(data, i, axis=1)) for i in range(30)])


def test_a_repeated_quantity_has_no_partial_tau():
    x, y = np.random.default_rng(1).normal(size=(2, 30))
    tau, left_out = copula_tau(np.stack([x, y, np.exp(x)]))
    assert np.isnan(tau) and np.isnan(left_out).all()


def test_given_two_quantities_only_their_common_link_is_left():
    rng = np.random.default_rng(2)
    z, w, own = rng.normal(size=(3, 20_000))
    x, y = z + w + own + rng.normal(size=20_000), z - w + own + rng.normal(size=20_000)
    assert copula_tau(np.stack([x, y, z, w]))[0] == pytest.approx(2 / np.pi * np.arcsin(0.5), abs=0.02)
