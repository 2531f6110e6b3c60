import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError


def test_grid_is_what_single_calls_are(small):
    grid = ks.sharpness_grid(*small, rhos=[0.01, 0.1], ms=[4, None], num_batches=3, seed=5)
    assert grid.table[["rho", "m"]].to_numpy().tolist() == [[0.01, 4], [0.1, 4], [0.01, 20], [0.1, 20]]
    maximizer = ks.PGA(num_steps=10, step_size=0.5, direction="steepest")
    for row, m in zip(grid.table.itertuples(), (4, 4, None, None), strict=True):
        r = ks.worst_case_sharpness(*small, rho=row.rho, m=m, num_batches=3, seed=5, maximizer=maximizer)
        assert row.sharpness == pytest.approx(r.value, rel=1e-4)
        assert (row.settled, row.radius_used) == (r.settled, pytest.approx(r.diagnostics.radius_used.mean(), rel=1e-4))
    assert grid.plot().axes[0].get_xlabel() == "rho"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: ks.sharpness_grid(*s, rhos=[]), "`rhos` and `ms` must not be empty"),
        (lambda s: ks.sharpness_grid(*s, rhos=[-1.0]), "`rho` must be finite and non-negative"),
        (lambda s: ks.sharpness_grid(*s, batches=[[0]]), "further arguments must be among .*examples"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)


def test_a_radius_that_is_no_list_is_refused(small):
    with pytest.raises(InputError, match="`rhos` and `ms` must be sequences"):
        ks.sharpness_grid(*small, rhos=0.01)
