import numpy as np
import pytest
from keras import ops

from keras_sharpness.maximizers import SingleStep
from keras_sharpness.perturbations import Ball
from tests.support import problems


@pytest.mark.parametrize("scaling", problems.SCALINGS)
@pytest.mark.parametrize("norm", problems.DUAL)
def test_the_step_maximizes_the_linearized_loss_wherever_it_starts(norm, scaling):
    rule = SingleStep()
    region = Ball(rho=0.2, norm=norm, scaling=scaling).around([ops.convert_to_tensor(problems.WEIGHTS)])
    for start in (np.zeros(4), np.array([0.1, 0.0, -0.02, 0.0])):
        state = rule.start([ops.convert_to_tensor(start.astype("float32"))])
        gradient = [ops.convert_to_tensor(problems.GRADIENT)]
        (point,) = rule.step(state, ops.zeros(()), gradient, region)["point"]
        rise = problems.GRADIENT @ ops.convert_to_numpy(point)
        assert rise == pytest.approx(problems.reach(0.2, norm, scaling), rel=1e-5)
        assert float(region.radius([point])) == pytest.approx(0.2, rel=1e-5)


def test_it_is_one_step():
    assert SingleStep().num_steps == 1
