import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError


@pytest.mark.slow
def test_attribution(small):
    table = ks.attribute(*small, rho=1e-3, m=None)
    assert table["num_weights"].tolist() == [16, 10]
    assert table["first_order_share"].sum() == pytest.approx(1)
    # In so small a ball, the rises of the layers add up to that of all.
    whole = ks.worst_case_sharpness(*small, rho=1e-3, m=None, maximizer=ks.APGD()).value
    assert table["sharpness"].sum() == pytest.approx(whole, rel=0.02)
    shares = table["sharpness"] / table["sharpness"].sum()
    np.testing.assert_allclose(shares, table["first_order_share"], atol=0.02)
    restarts = ks.Restarts(maximizer=ks.PGA(num_steps=1, step_size=1e-9), num_restarts=20)
    again = ks.attribute(*small, rho=0.5, m=None, maximizer=restarts)
    once = ks.attribute(*small, rho=0.5, m=None, maximizer=restarts.maximizer)
    assert (again["sharpness"] > once["sharpness"] + 1e-3).all()
    last = ks.attribute(*small, rho=1e-3, m=None, select="out")
    assert last["num_weights"].tolist() == [10]
    assert last["first_order_share"].sum() == pytest.approx(1)
    filters = ks.attribute(*small, rho=1e-3, m=None, filters=True)
    assert len(filters) == 4 + 2
    assert 0 < filters["first_order_share"].sum() < 1  # biases have the rest


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: ks.attribute(*s, filter=True), "further arguments must be among examples"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)
