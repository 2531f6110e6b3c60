"""The climb itself, with a rule whose points are known beforehand."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.maximizers import PGA, ascend
from keras_sharpness.perturbations import Ball
from tests.support.climbing import RECORD, climb, problem

LINE = Ball(rho=10.0, scaling="none").around([ops.zeros(1)])


@dataclasses.dataclass(frozen=True)
class Walk:
    """Goes on by one, whatever the loss."""

    num_steps: int = 4

    def start(self, delta):
        return {"point": delta}

    def step(self, state, value, gradient, region):
        return {"point": [state["point"][0] + 1]}


def hill(delta):
    """Highest at 2."""
    return -ops.sum((delta[0] - 2) ** 2)


def at(*points):
    return [ops.convert_to_tensor(np.array(points, "float32")[:, None])]


def test_the_path_holds_every_point_of_every_ascent():
    found = climb(Walk(), hill, LINE, at(0, 2, -5))
    np.testing.assert_allclose(found.losses, [[-4, -1, 0, -1, -4], [0, -1, -4, -9, -16], [-49, -36, -25, -16, -9]])
    np.testing.assert_allclose(found.radii, [[0, 1, 2, 3, 4], [2, 3, 4, 5, 6], [5, 4, 3, 2, 1]])


def test_the_best_point_may_be_the_first_the_last_or_any_between():
    found = climb(Walk(), hill, LINE, at(0, 2, -5))
    np.testing.assert_allclose(found.best[0], [[2], [2], [-1]])


def test_each_ascent_follows_its_own_gradient():
    found = climb(PGA(num_steps=1, step_size=0.25), hill, LINE, at(0, 4))
    # The gradients are 4 and -4.
    np.testing.assert_allclose(found.losses, [[-4, -1], [-4, -1]])
    np.testing.assert_allclose(found.best[0], [[1], [3]])


@pytest.mark.parametrize("starts", [(0,), (0, 2)])
def test_steps_compiled_one_by_one_give_the_same(starts):
    run = ascend(
        Walk(), lambda start: problem(hill, LINE, start), RECORD, backend.unrolled, compile_parts=True, keep_best=True
    )
    path, best, _ = run(at(*starts))
    whole = climb(Walk(), hill, LINE, at(*starts))
    np.testing.assert_array_equal(ops.convert_to_numpy(path["losses"]), whole.losses)
    np.testing.assert_array_equal(ops.convert_to_numpy(best[0]), whole.best[0])


def test_only_what_is_asked_for_is_recorded():
    run = ascend(Walk(), lambda start: problem(hill, LINE, start), {"losses": RECORD["losses"]})
    path, best, _ = backend.compile(run)(at(0))
    assert list(path) == ["losses"] and best == []


@pytest.mark.parametrize("starts", [(0,), (0, -5)])
def test_a_watched_ascent_knows_the_gradients_at_the_start_and_where_a_single_step_leads(starts):
    def here(seen):
        return (seen.first if seen.gradient is None else seen.gradient)[0][:, 0]

    record = RECORD | {"here": here, "first": lambda seen: seen.first[0][:, 0]}
    run = ascend(Walk(), lambda start: problem(hill, LINE, start), record, watch=True)
    path, _, single = backend.compile(run)(at(*starts))
    path = {name: ops.convert_to_numpy(found) for name, found in path.items()}
    np.testing.assert_array_equal(path["losses"], climb(Walk(), hill, LINE, at(*starts)).losses)
    np.testing.assert_allclose(path["first"][0], 4)
    # At the last point there is no gradient but that at the start.
    np.testing.assert_allclose(path["here"][0], [4, 2, 0, -2, 4])
    np.testing.assert_allclose(ops.convert_to_numpy(single["losses"])[0], -64)


def test_watching_costs_one_more_pass_and_no_gradient():
    calls = []

    def pose(start):
        posed = problem(hill, LINE, start)

        def counted(name):
            return lambda delta: (calls.append(name), getattr(posed, name)(delta))[1]

        return posed._replace(**{name: counted(name) for name in ("values", "values_and_gradients")})

    for watch, passes in ((False, 1), (True, 2)):
        calls.clear()
        ascend(Walk(), pose, RECORD, backend.unrolled, watch=watch)(at(0))
        assert calls == ["values_and_gradients"] * 4 + ["values"] * passes
