import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.execution.grid import Grid
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective, values
from tests.support import cases

BATCHES = np.random.default_rng(0).integers(0, 40, (5, 6))


def losses_of(evaluation):
    def losses(weights, state, data, block):
        return evaluation.values(weights, state, data, evaluation.zeros(weights), block).losses

    return losses


@pytest.mark.parametrize("options", [{}, {"plan": "sequential"}, {"plan": "vectorized"}, {"batch_size": 2}])
@pytest.mark.parametrize("draws", [1, 3])
def test_results_of_all_cells_in_order(options, draws):
    case = cases.fcnn()
    objective, data = Objective(case.model, case.loss), LabelledData(case.x, case.y)
    run = Grid(objective, data, BATCHES, draws=draws, **options).compile(losses_of)
    found = run(*values(case.model))
    outputs = np.asarray(case.model.predict(case.x, verbose=0))
    expected = ((outputs - case.y) ** 2)[BATCHES].mean(axis=(1, 2))
    np.testing.assert_allclose(found, np.stack([expected] * draws, axis=1), rtol=1e-5)


def test_cells_run_one_after_another_where_they_cannot_at_once(monkeypatch):
    case, tried = cases.fcnn(), []

    def vectorize(fn, in_axes):
        tried.append(fn)
        raise RuntimeError("no rule for this operation")

    objective, data = Objective(case.model, case.loss), LabelledData(case.x, case.y)
    expected = Grid(objective, data, BATCHES).compile(losses_of)(*values(case.model))
    monkeypatch.setattr("keras_sharpness.backend.vectorize", vectorize)
    grid = Grid(objective, data, BATCHES)
    for _ in range(2):
        np.testing.assert_allclose(grid.compile(losses_of)(*values(case.model)), expected, rtol=1e-5)
    assert len(tried) == 1
    with pytest.raises(RuntimeError, match="no rule"):
        Grid(objective, data, BATCHES, plan="vectorized").compile(losses_of)(*values(case.model))


def test_cells_of_other_data_run_one_after_another_on_these(monkeypatch):
    case = cases.fcnn()
    objective, data = Objective(case.model, case.loss), LabelledData(case.x, case.y)
    part, places = LabelledData(case.x[20:], case.y[20:]), BATCHES // 2
    expected = Grid(objective, part, places).compile(losses_of)(*values(case.model))

    def vectorize(fn, in_axes):
        raise RuntimeError("no rule for this operation")

    monkeypatch.setattr("keras_sharpness.backend.vectorize", vectorize)
    grid = Grid(objective, data, BATCHES)
    for _ in range(2):
        found = grid.on(part, places).compile(losses_of)(*values(case.model))
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        # From now on the first grid knows that its cells cannot run at once.
        grid.compile(losses_of)(*values(case.model))


def test_many_models_in_one_go_are_as_each_of_them():
    case = cases.fcnn()
    objective, data = Objective(case.model, case.loss), LabelledData(case.x, case.y)
    run = Grid(objective, data, BATCHES).compile(losses_of)
    weights, state = values(case.model)
    models = [([factor * w for w in weights], state) for factor in (0.5, 1.0, 2.0)]
    together = [*run.over(models)]
    for model, found in zip(models, together, strict=True):
        np.testing.assert_array_equal(found, run(*model))
    assert not np.array_equal(together[0], together[1])


def test_the_same_grid_on_other_data_compiles_nothing():
    case, made = cases.fcnn(), []
    # A user's own loss, with which nothing is kept from one grid to the next.
    objective = Objective(case.model, lambda y, outputs: ops.mean((y - outputs) ** 2, axis=-1))
    data = LabelledData(case.x, case.y)
    grid, places = Grid(objective, data, BATCHES), BATCHES[::-1] // 2
    other = grid.on(LabelledData(case.x[:20], case.y[:20]), places)

    def make(evaluation):
        made.append(evaluation)
        return losses_of(evaluation)

    for of_grid, batches in ((grid, BATCHES), (other, places)):
        found = of_grid.compile(make, "here")(*values(case.model))
        np.testing.assert_array_equal(found, Grid(objective, data, batches).compile(losses_of)(*values(case.model)))
    assert len(made) == 1


def test_on_a_graph_the_receptive_field_is_enough():
    case, nodes = cases.gat(), np.array([[3, 8, 41, 3]])
    objective, data = Objective(case.model, case.loss, on_graph=True), LabelledData(case.x, case.y)
    for plan in ("sequential", "vectorized"):
        grid = Grid(objective, data, nodes, draws=3, plan=plan)
        found = grid.compile(losses_of)(*values(case.model))
        expected = objective.loss(*values(case.model), data.tensors, nodes[0])
        np.testing.assert_allclose(found, np.full((1, 3), float(ops.convert_to_numpy(expected))), rtol=1e-5)


@pytest.mark.parametrize(("options", "message"), [
    ({"batch_size": 0}, "`batch_size` must be at least 1"),
    ({"plan": "quick"}, "`plan` must be one of"),
])  # fmt: skip
def test_what_cannot_be_laid_out_is_refused(options, message):
    case = cases.fcnn()
    with pytest.raises(ks.InputError, match=message):
        Grid(Objective(case.model, case.loss), LabelledData(case.x, case.y), BATCHES, **options)
