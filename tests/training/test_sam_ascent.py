import keras
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from keras_sharpness.training.sam_ascent import Ascent
from tests.support import sam_reference as slow


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ks.SAM(slow.network(), rho=-1), "`rho` must be finite and non-negative"),
        (lambda: ks.SAM(slow.network(), norm="l3"), "`norm` must be one of"),
        (lambda: ks.SAM(slow.network(), m=0), "`m` must be at least 1"),
        (lambda: ks.SAM(slow.network(), every=0), "`every` must be at least 1"),
        (lambda: ks.SAM(slow.network(), select="head"), "`select` must name layers"),
        (lambda: ks.SAM(slow.network(), maximizer=ks.Restarts(maximizer=ks.PGA())), "`maximizer` must climb once"),
        (lambda: ks.SAM(slow.network(), select=lambda v: True).get_config(), "must be names to be saved"),
        (lambda: ks.SAM(slow.network(), maximizer=Flat()).get_config(), "`maximizer` must be one of"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


class Flat:
    num_steps = 1

    def start(self, delta):
        return {"point": delta}

    def step(self, state, value, gradient, region):
        return state


def test_an_ascent_is_made_anew_from_its_config():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.3, 5, 0.7)
    ascent = Ascent(rho=schedule, adaptive=["dense*"], m=4, maximizer=ks.PGA(num_steps=2), every=3, select="kernels")
    again = Ascent.from_config(ascent.get_config())
    assert again.get_config() == ascent.get_config()
    assert again.maximizer == ascent.maximizer
    assert float(again.radius(5)) == pytest.approx(0.21)
