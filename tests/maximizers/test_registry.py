import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.maximizers import APGD, NAMES, PGA, Restarts, SingleStep, make_maximizer

SETTINGS = {"num_steps": 7, "step_size": 0.3}
EXPECTED = {
    "pga": PGA(num_steps=7, step_size=0.3, direction="steepest", coordinates="scaled"),
    # The step size of APGD is not the user's.
    "apgd": APGD(num_steps=7),
    "single_step": SingleStep(),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_makes_its_maximizer(name):
    rule = make_maximizer(name, **SETTINGS, direction="steepest", coordinates="scaled", seed=4)
    assert rule == EXPECTED[name]
    wrapped = make_maximizer(name, **SETTINGS, direction="steepest", coordinates="scaled", num_restarts=3, seed=4)
    assert wrapped == Restarts(maximizer=EXPECTED[name], num_restarts=3, seed=4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "sam"}, "`maximizer` must be one of pga, apgd, single_step. Received: maximizer='sam'"),
        ({"num_restarts": 0}, "`num_restarts` must be at least 1"),
        ({"direction": "up"}, "`direction` must be one of gradient, steepest"),
        ({"num_steps": 0}, "`num_steps` must be at least 1"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        make_maximizer(**({"name": "pga"} | SETTINGS | settings))
