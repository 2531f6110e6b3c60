"""What a sweep says of made-up numbers."""

import numpy as np
import pytest

from keras_sharpness.statistics import compare_paired_taus, compare_settings, kendall, permutation_p_values
from keras_sharpness.studies.sweep_tables import pairs, per_batch_size, per_setting
from tests.support.sweeps import swept


def test_each_setting_has_a_row():
    numbers = swept()
    table = per_setting(numbers)
    assert table[["rho", "m"]].to_numpy().tolist()[:3] == [[0.1, 16], [0.1, "full"], [0.01, 16]]
    rows = numbers.sharpness.reshape(40, -1).T
    np.testing.assert_array_equal(table["p_corrected"], permutation_p_values(rows, numbers.test_losses)[1])
    assert table["tau"][1] == pytest.approx(kendall(rows[1], numbers.test_losses).tau)
    norms = numbers.gradient_norms[:, 0]
    assert table["first_order"][2] == pytest.approx((rows[2] / (0.01 * norms)).mean())
    difference = compare_paired_taus(
        (rows[3], numbers.test_losses), (numbers.gradient_norms[:, 1], numbers.test_losses)
    )
    assert table["tau_beyond_gradient"][3] == difference.difference
    assert table["tau_beyond_gradient_ci_low"][3] == difference.ci_low


def test_slopes_lead_to_the_next_larger_radius():
    numbers = swept()
    table = per_setting(numbers)
    means = numbers.sharpness[:, :, 0].mean(axis=0)
    # Radii are not in order: 0.1 leads to 1, and 0.01 to 0.1.
    assert table["slope"][0] == pytest.approx(np.log10(means[2] / means[0]))
    assert table["slope"][2] == pytest.approx(np.log10(means[0] / means[1]))
    assert np.isnan(table["slope"][4])


@pytest.mark.parametrize(("curvature", "begins"), [(0.0, None), (10.0, 0.1), (1e6, 0.01)])
def test_the_second_order_begins_where_both_terms_are_equal(curvature, begins):
    table = per_batch_size(swept(curvature=curvature))
    assert list(table["m"]) == [16, "full"]
    found = table["second_order_from"][0]
    assert np.isnan(found) if begins is None else found == begins
    assert table["tau_gradient_norm"][0] > 0.3 and table["slope_ci_low"][0] <= table["slope"][0]
    assert table["slope"][0] == pytest.approx(1.0) if begins is None else table["slope"][0] > 1.1


def test_all_pairs_are_compared_on_the_same_networks():
    numbers = swept()
    table = pairs(numbers)
    assert len(table) == 15
    assert table.iloc[0][["first_rho", "first_m", "second_rho", "second_m"]].tolist() == [0.1, 16, 0.1, "full"]
    expected = compare_settings(numbers.sharpness.reshape(40, -1).T, numbers.test_losses)
    np.testing.assert_array_equal(table["difference"], expected["difference"])


def test_a_small_pool_and_models_that_diverged():
    few = swept(num_models=5)
    assert pairs(few).empty and np.isnan(per_setting(few)["tau_beyond_gradient"]).all()
    numbers = swept()
    numbers.sharpness[3, 0, 0] = np.inf
    table = per_setting(numbers)
    assert list(table["num_models"][:2]) == [39, 40] and np.isfinite(table["slope"][:4]).all()
    assert len(numbers.finite.test_losses) == 39
