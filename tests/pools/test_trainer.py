import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.distribution import map_in_threads
from keras_sharpness.execution.plan import MOST_MEMBERS, PLANS
from keras_sharpness.objective.objective import values
from keras_sharpness.pools.initialization import initialize
from keras_sharpness.pools.member import member_seed
from keras_sharpness.pools.schedule import STOPPING_RULES, Schedule
from keras_sharpness.pools.trainer import sgd_trainer, training_step
from keras_sharpness.pools.update_rules import PlainSGD
from tests.support import cases

EXAMPLES = np.arange(10, 110)
SCHEDULE = Schedule(learning_rate=0.05, batch_size=32, max_epochs=4, stop_tolerance=0.02)


def train(case, indices=range(3), schedule=SCHEDULE, plan="vectorized", examples=EXAMPLES):
    trainer = sgd_trainer(case.objective, case.data, examples, schedule, seed=0, plan=plan)
    return {member.index: member for member in trainer.train(indices)}


def shapes_of(trainer, monkeypatch):
    """Returns a set that fills with how many members the compiled steps take at once."""
    shapes, steps = set(), trainer._training.steps[True]
    seen = lambda carry, *rest: (shapes.add(carry[0][0].shape[0]), steps(carry, *rest))[1]  # noqa: E731
    monkeypatch.setitem(trainer._training.steps, True, seen)
    return shapes


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


@pytest.mark.parametrize("name", ["fcnn", pytest.param("gat", marks=pytest.mark.slow)])
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
    many = train(case, range(MOST_MEMBERS + 5))
    assert sorted(many) == list(range(MOST_MEMBERS + 5))
    few = train(case, [MOST_MEMBERS + 2, 1])
    for index in few:
        np.testing.assert_allclose(few[index].epoch_losses, many[index].epoch_losses, rtol=1e-6)
        assert few[index].seed == many[index].seed
    assert len({member.seed for member in many.values()}) == MOST_MEMBERS + 5
    assert len({member.epoch_losses[0] for member in many.values()}) == MOST_MEMBERS + 5


def test_members_start_as_the_model_was_whatever_it_is_given_later():
    alone, case = train(cases.fcnn(), [1], plan="sequential")[1], cases.fcnn()
    trainer = sgd_trainer(case.objective, case.data, EXAMPLES, SCHEDULE, seed=0, plan="sequential")
    for member in trainer.train([0, 1]):
        member.assign_to(case.model)
    for ours, theirs in zip(member.weights, alone.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_batch_statistics_and_seeds_advance():
    case, schedule = cases.lenet5(), Schedule(learning_rate=0.01, max_epochs=1)
    _, start = initialize(case.model, np.random.default_rng([member_seed(0, 0), 0]))
    (member,) = train(case, [0], schedule, plan=None, examples=np.arange(40)).values()
    assert all((before != after).any() for before, after in zip(start, member.state, strict=True))


def test_a_pools_size_alone_says_how_many_train_at_once(monkeypatch):
    monkeypatch.setattr(backend, "workers", lambda: 2)
    case = cases.fcnn()
    trainer = sgd_trainer(case.objective, case.data, EXAMPLES, SCHEDULE, seed=0, plan="vectorized", num_models=9)
    assert [trainer.slots(num_models) for num_models in (1, 2, 9, 1000)] == [1, 1, 5, MOST_MEMBERS]


@pytest.mark.parametrize(("given", "expected"), [(None, 4), (3, 3)])
def test_as_many_train_at_once_as_suit_the_machine_unless_told_otherwise(monkeypatch, given, expected):
    monkeypatch.setattr(backend, "workers", lambda: 2)
    case = cases.fcnn()
    trainer = sgd_trainer(case.objective, case.data, EXAMPLES, SCHEDULE, seed=0, plan="vectorized", num_models=7)
    shapes = shapes_of(trainer, monkeypatch)
    assert len([*trainer.train(range(5), given)]) == 5
    assert shapes == {expected}


def two_or_three_epochs(schedule, epoch_losses):
    """Two for members whose first loss is below `stop_tolerance`."""
    return len(epoch_losses) >= (2 if epoch_losses and epoch_losses[0] < schedule.stop_tolerance else 3)


@pytest.mark.slow
def test_members_in_different_modes_train_as_each_does_alone(monkeypatch):
    """One of two ends early: the third, in training mode, joins the other, which no longer is."""
    monkeypatch.setattr("keras_sharpness.execution.plan.MOST_MEMBERS", 2)
    monkeypatch.setitem(STOPPING_RULES, "two_or_three", two_or_three_epochs)
    case, examples = cases.gat(), np.arange(40)

    def run(indices, tolerance, plan="vectorized"):
        modes = {"stopping": "two_or_three", "training_mode_epochs": 1}
        schedule = Schedule(learning_rate=0.1, batch_size=20, stop_tolerance=tolerance, **modes)
        return train(case, indices, schedule, plan, examples)

    alone = run(range(3), 0.0, "sequential")
    first, second, third = sorted(alone, key=lambda index: alone[index].epoch_losses[0])
    tolerance = np.mean([alone[index].epoch_losses[0] for index in (first, second)])
    together = run([first, second, third], tolerance)
    assert [len(together[index].epoch_losses) for index in (first, second, third)] == [2, 3, 3]
    for index in (first, second, third):
        losses = together[index].epoch_losses
        np.testing.assert_allclose(losses, alone[index].epoch_losses[: len(losses)], rtol=1e-5)
    # Dropout counts its draws: in one of three epochs.
    options = {"learning_rate": 0.1, "batch_size": 20, "max_epochs": 3, "stop_tolerance": 0.0}
    always = train(case, [third], Schedule(**options), examples=examples)[third]
    assert [3 * counter for _, counter in together[third].state] == [counter for _, counter in always.state]


def test_a_step_by_hand():
    case, batch = cases.fcnn(), np.array([4, 9, 9])
    step = training_step(case.objective, PlainSGD(learning_rate=0.3, weight_decay=0.2))
    carry = (*values(case.model), [])
    (weights, state, _), loss = step(carry, case.data.tensors, ops.convert_to_tensor(batch))
    value, gradient = case.reference(batch)(case.weights)
    assert float(ops.convert_to_numpy(loss)) == pytest.approx(value, rel=1e-5)
    for ours, w, g in zip(weights, case.weights, gradient, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(ours), w - 0.3 * (g + 0.2 * w), rtol=1e-4, atol=1e-6)
    assert state == []


def test_threads_take_no_more_items_than_they_need(monkeypatch):
    monkeypatch.setattr(backend, "workers", lambda: 4)
    taken = []
    items = (taken.append(k) or k for k in range(100))
    results = map_in_threads(lambda k: k * k, items)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + 1 + 4
    results.close()
    assert list(map_in_threads(lambda k: k * k, range(20))) == [k * k for k in range(20)]
