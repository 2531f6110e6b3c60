"""The released code's ascents, compared with plain PyTorch loops and with its printed figures."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
from keras import ops

from keras_sharpness.data import idx
from keras_sharpness.errors import InputError
from keras_sharpness.models import lenet5
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.initialization import initialize
from keras_sharpness.pools.member import Member
from keras_sharpness.reporting.published import published_points
from keras_sharpness.studies.config import released_config
from keras_sharpness.studies.released import ascents
from keras_sharpness.studies.run import run_study
from keras_sharpness.studies.study import make_study
from tests.support.studies import paths

needs_fashion_mnist = pytest.mark.skipif(not idx.DEBIAN.is_dir(), reason="FashionMNIST is not in /usr/share/datasets")


def twin(torch, weights):
    """Returns the fully connected network in PyTorch with the given weights."""
    layers = []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        layer = torch.nn.Linear(*kernel.shape)
        layer.weight.data, layer.bias.data = torch.tensor(kernel.T.copy()), torch.tensor(bias)
        layers += [layer, torch.nn.ELU()]
    return torch.nn.Sequential(*layers)


def torch_epoch(torch, net, x, y, rate, clip=None):
    """Descends at a positive rate, or climbs; returns the sums of the losses before and after each step."""
    before, after = [], []
    for _ in range(53):
        loss = ((net(x) - y) ** 2).mean()
        net.zero_grad()
        loss.backward()
        for p, w in zip(net.parameters(), clip or [None] * 6, strict=True):
            p.data = p.data - rate * p.grad
            if clip:
                p.data = torch.clamp(p.data, w - 0.025 * w, w + 0.025 * w)
        before.append(loss.item())
        after.append(((net(x) - y) ** 2).mean().item())
    return sum(before), sum(after)


def shorter(monkeypatch, model, **changes):
    """Lets the ascents of a system be shorter."""
    recipe = ascents.RECIPES[model]
    monkeypatch.setitem(ascents.RECIPES, model, lambda config: dataclasses.replace(recipe(config), **changes))


@pytest.mark.slow
def test_fcnn_trains_and_climbs_as_plain_pytorch(monkeypatch):
    torch = pytest.importorskip("torch")
    shorter(monkeypatch, "fcnn", epochs=2)
    study = make_study(released_config("fcnn", ("matching",), num_models=1))
    (member,) = study.train([0])
    start, _ = initialize(study.objective.model, np.random.default_rng([member.seed, 0]), "torch_default")
    net, dataset = twin(torch, start), study.dataset
    x, y = (torch.tensor(a[dataset.train]) for a in (dataset.x, dataset.y))
    sums = [torch_epoch(torch, net, x, y, 0.102)[0] for _ in member.epoch_losses]
    np.testing.assert_allclose(member.epoch_losses, sums, rtol=1e-4)
    losses, climbed = paths(study, [member])[0]
    net = twin(torch, member.weights)
    reference = [p.detach().clone() for p in net.parameters()]
    ends, before, after = [((net(x) - y) ** 2).mean().item()], [], []
    for _ in range(2):
        for sums, value in zip((before, after), torch_epoch(torch, net, x, y, -0.102, reference), strict=True):
            sums.append(value)
        ends.append(((net(x) - y) ** 2).mean().item())
    # The sums are of the losses after step and projection; those before are far from them in the first epoch.
    np.testing.assert_allclose(climbed[1:], after, rtol=1e-5)
    assert abs(after[0] - before[0]) > 1e-3 * after[0]
    np.testing.assert_allclose(losses, ends, rtol=1e-4)
    assert study.sharpness(np.array([losses, climbed]))["sharpness"] == losses[1 + climbed[1:].argmax()] - losses[0]


def test_crossing_bounds_pin_negative_weights():
    w0 = ops.convert_to_tensor([-2.0, 2.0])
    for start, absolute_value, expected in (
        ([5.0, 5.0], False, [-2.2, 2.2]),
        ([-9.0, -9.0], False, [-2.2, 1.8]),
        ([5.0, 5.0], True, [-1.8, 2.2]),
    ):
        (clipped,) = ascents.project([ops.convert_to_tensor(start)], [w0], 0.1, absolute_value)
        np.testing.assert_allclose(ops.convert_to_numpy(clipped), expected, rtol=1e-6)


def small_lenet(*as_in_paper):
    """Returns an ascent of one epoch on 96 made-up images, and a member."""
    model = lenet5()
    rng = np.random.default_rng(0)
    data = LabelledData(rng.normal(size=(96, 28, 28, 1)).astype("float32"), rng.integers(10, size=96).astype("int32"))
    objective = Objective(model, "sparse_categorical_crossentropy")
    seen = []
    ascent = ascents.ReleasedAscents(
        released_config("lenet", as_in_paper),
        objective,
        data,
        np.arange(96),
        lambda weights, state: seen.append((weights, state)) or float(len(seen)),
    )
    ascent.recipe = dataclasses.replace(ascent.recipe, epochs=1)
    weights, state = initialize(model, rng, "torch_default")
    return ascent, Member(index=0, seed=1, weights=weights, state=state), seen


def climbed(*as_in_paper):
    """Returns the member, its weights before and after the first epoch, and its state after it."""
    ascent, member, seen = small_lenet(*as_in_paper)
    np.testing.assert_array_equal(ascent.climb(member), [[1.0, 2.0]])
    weights = [[ops.convert_to_numpy(w) for w in weights] for weights, _ in seen]
    return member, weights, [ops.convert_to_numpy(s) for s in seen[-1][1]]


def test_lenets_reference_is_an_alias_unless_it_is_copied():
    member, (_, after), _ = climbed()
    # One unprojected step of rate 0.05 leads far outside the ball.
    assert max(np.abs(w - w0).max() for w, w0 in zip(after, member.weights, strict=True)) > 0.01
    member, (_, after), _ = climbed("reference")
    for w, w0 in zip(after, member.weights, strict=True):
        assert (np.abs(w - w0) <= 1e-4 * np.abs(w0) * 1.001 + 1e-8).all()


def test_lenet_climbs_with_batch_statistics_and_dropout_unless_they_follow_the_paper():
    def state_changes(*names):
        member, _, state = climbed("reference", *names)
        return [not np.array_equal(new, old) for new, old in zip(state, member.state, strict=True)]

    is_seed = [v.path.endswith("seed_generator_state") for v in lenet5().non_trainable_variables]
    assert state_changes() == [True] * len(is_seed)
    assert state_changes("dropout") == [not seed for seed in is_seed]
    assert state_changes("dropout", "batch_statistics") == [False] * len(is_seed)


@functools.cache
def gat_pool():
    study = make_study(released_config("gat", num_models=1, max_epochs=3, min_epochs=1))
    return study, next(study.train([0]))


def gat_ascents(*as_in_paper, **settings):
    """Returns ascents of some particulars on the member of `gat_pool`."""
    study, member = gat_pool()
    at = (study._training_data, study._training_examples, study._training_loss)
    config = released_config("gat", as_in_paper, **settings)
    return ascents.ReleasedAscents(config, study.objective, *at), member


def test_gat_reads_sums_of_training_batches_and_shares_one_start():
    ascent, member = gat_ascents()
    losses = ascent.climb(member)
    assert losses.shape == (5, 6)
    assert len(set(losses[:, 0])) == 1
    assert losses.mean() == pytest.approx(3 * 1.9, rel=0.15)
    # Dropout is on: steps inside a ball of 2 % leave most of the differences to its masks.
    assert losses.std() > 0.02
    np.testing.assert_array_equal(ascent.climb(member), losses)


def test_without_dropout_gats_losses_are_those_of_inference_mode():
    study, member = gat_pool()
    ascent, _ = gat_ascents("dropout")
    losses = ascent.climb(member)
    whole = [study._scores(*member.tensors(), part)[0] for part in np.split(study.dataset.train, [64, 128])]
    # The batches are shuffled: their sum moves, but stays near that of any other order.
    assert losses[0, 0] == pytest.approx(sum(whole), rel=0.05)
    assert (losses[:, 1:].max(axis=1) > losses[:, 0]).all()


def test_each_ascent_of_gat_reads_a_start_of_its_own_where_the_baseline_follows_the_paper():
    ascent, member = gat_ascents("baseline")
    losses = ascent.climb(member)
    assert len(set(losses[:, 0])) == 5
    assert (ascent.recipe.rises(losses) >= 0).all()


def test_with_all_its_parts_as_in_the_paper_gats_ascent_is_the_papers():
    ascent, member = gat_ascents("ascent")
    paper = make_study(released_config("gat", ["ascent"], num_models=1))
    (expected,) = paths(paper, [member]).values()
    found = ascent.climb(member)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    sharpness, error = ascent.sharpness(found).values()
    assert (sharpness, error) == pytest.approx((*paper.sharpness(expected).values(),), rel=1e-3)


def test_losses_of_another_study_are_refused():
    with pytest.raises(InputError, match=r"losses must have shape \(5, 6\)"):
        gat_ascents()[0].sharpness(np.zeros((2, 7)))


def published(model, column):
    points = published_points()
    return points.loc[points["model"] == model, column]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fcnn", "gat"])
def test_the_median_of_a_small_pool_is_near_that_of_the_published_ones(tmp_path, model):
    run_study(make_study(released_config(model, num_models=5)), tmp_path)
    models = pd.read_csv(tmp_path / "models.csv")
    for column in ("sharpness", "test_loss"):
        points = published(model, column)
        assert abs(models[column].median() - points.median()) < 0.75 * points.std(), column
        # A climb that stands still, or falls, would be as far away as that.
        assert column == "test_loss" or points.median() > 0.75 * points.std()
    if model == "fcnn":
        # Losses of the training set after the last step, as printed for all 50 networks: 0.4553 to 0.5882.
        assert models["train_loss"].between(0.45, 0.59).all()
    assert models["epochs"].between(*{"fcnn": (3, 5), "gat": (11, 20)}[model]).all()


@pytest.mark.slow
@needs_fashion_mnist
def test_lenet_prints_the_published_losses(monkeypatch):
    shorter(monkeypatch, "lenet", epochs=1)
    study = make_study(released_config("lenet", num_models=1))
    (member,) = study.train([0])
    # The notebook's models 41 to 50 lie within 0.02 of these, and stop after the fifth epoch.
    np.testing.assert_allclose(np.array(member.epoch_losses) / 938, [0.70, 0.38, 0.33, 0.31, 0.29], atol=0.025)
    (((start, after),),) = paths(study, [member]).values()
    assert 0.7 < after < 0.9
    assert published("lenet", "sharpness").min() < after - start < published("lenet", "sharpness").max()
