"""The environments of one measure, the worst first."""

import numpy as np

from keras_sharpness.reporting.environments_of_measure import HEAD, errors_of, worst_cells
from keras_sharpness.reporting.pool_folder import read_pool


def test_the_worst_come_first_in_the_direction_that_is_taken(ranked_pool):
    pool = read_pool(ranked_pool)
    errors, turned = errors_of(pool, "shuffled"), errors_of(pool, "shuffled", turned=True)
    assert errors["error"].is_monotonic_decreasing and errors["error"].iloc[0] > 0.6
    np.testing.assert_allclose(turned["error"], 1 - errors["error"][::-1])
    rows = list(worst_cells(errors))
    assert len(rows) == 10 and {len(row) for row in rows} == {len(HEAD)}
    assert rows[0][-1] == f"{errors['error'].iloc[0]:.3f}"
    assert rows[0][0] in pool.hyper_parameters and "=" in rows[0][3]


def test_an_unknown_measure_has_none(ranked_pool):
    assert errors_of(read_pool(ranked_pool), "unheard of").empty
