import numpy as np
import pytest

from keras_sharpness import backend
from keras_sharpness.distribution import map_in_threads
from keras_sharpness.execution.plan import PLANS
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.initialization import initialize
from keras_sharpness.pools.member import member_seed
from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.pools.training import SLOTS, Trainer
from tests.support import cases

EXAMPLES = np.arange(10, 110)
SCHEDULE = Schedule(learning_rate=0.05, batch_size=32, max_epochs=4, stop_tolerance=0.02)


def train(case, indices=range(3), schedule=SCHEDULE, plan="vectorized", examples=EXAMPLES):
    objective = Objective(case.model, case.loss, case.x, case.y)
    trainer = Trainer(objective, examples, schedule, seed=0, plan=plan)
    return {member.index: member for member in trainer.train(indices)}


def test_training_follows_a_slow_float64_descent():
    case = cases.fcnn()
    member = train(case, [2])[2]
    seed = member_seed(0, 2)
    weights, _ = initialize(case.model, np.random.default_rng([seed, 0]))
    weights = [w.astype(np.float64) for w in weights]
    for epoch, expected in enumerate(member.epoch_losses):
        order = np.random.default_rng([seed, 1 + epoch]).permutation(EXAMPLES)
        losses = []
        for start in range(0, 100, 32):
            batch = order[start : start + 32]
            value, gradient = case.reference(batch)(weights)
            losses += [value] * len(batch)
            weights = [w - 0.05 * g for w, g in zip(weights, gradient, strict=True)]
        assert np.mean(losses) == pytest.approx(expected, rel=1e-5)
    for ours, theirs in zip(member.weights, weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("name", ["fcnn", "gat"])
def test_together_and_alone_train_the_same_members(name):
    case = cases.CASES[name]()
    examples = np.arange(40)
    together, alone = (train(case, plan=plan, examples=examples) for plan in PLANS)
    for index in range(3):
        np.testing.assert_allclose(together[index].epoch_losses, alone[index].epoch_losses, rtol=1e-5)
        for a, b in zip(together[index].weights, alone[index].weights, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_members_do_not_depend_on_their_company(monkeypatch):
    case = cases.fcnn()
    monkeypatch.setattr(backend, "workers", lambda: 2)
    many = train(case, range(SLOTS + 5))
    assert sorted(many) == list(range(SLOTS + 5))
    few = train(case, [SLOTS + 2, 1])
    for index in few:
        np.testing.assert_allclose(few[index].epoch_losses, many[index].epoch_losses, rtol=1e-6)
        assert few[index].seed == many[index].seed
    assert len({member.seed for member in many.values()}) == SLOTS + 5
    assert len({member.epoch_losses[0] for member in many.values()}) == SLOTS + 5


def test_batch_statistics_and_seeds_advance():
    case = cases.lenet5()
    objective = Objective(case.model, case.loss, case.x, case.y)
    _, start = initialize(case.model, np.random.default_rng([member_seed(0, 0), 0]))
    member = next(Trainer(objective, np.arange(40), Schedule(learning_rate=0.01, max_epochs=1), seed=0).train([0]))
    assert all((before != after).any() for before, after in zip(start, member.state, strict=True))


def test_threads_take_no_more_items_than_they_need(monkeypatch):
    monkeypatch.setattr(backend, "workers", lambda: 4)
    taken = []
    items = (taken.append(k) or k for k in range(100))
    results = map_in_threads(lambda k: k * k, items)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + 1 + 4
    results.close()
    assert list(map_in_threads(lambda k: k * k, range(20))) == [k * k for k in range(20)]
