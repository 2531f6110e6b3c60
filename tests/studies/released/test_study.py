"""The released procedure next to a plain PyTorch loop, and the figures that the released code printed."""

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.data import idx
from keras_sharpness.pools.initialization import initialize
from keras_sharpness.reporting.published import published_points
from keras_sharpness.studies.protocols import make_config, make_study
from keras_sharpness.studies.released import ascents
from keras_sharpness.studies.released.particulars import RELEASED, released_config
from keras_sharpness.studies.released.study import ReleasedStudy
from keras_sharpness.studies.run import run_study
from keras_sharpness.studies.study import Study

needs_fashion_mnist = pytest.mark.skipif(not idx.DEBIAN.is_dir(), reason="FashionMNIST is not in /usr/share/datasets")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fcnn", "gat"])
def test_with_every_particular_as_in_the_paper_the_study_is_the_papers(tmp_path, model):
    small = {"num_models": 3, "min_epochs": 1, "max_epochs": 2, "num_batches": 2, "m": 8}
    tables = []
    for protocol in ("paper", "released"):
        names = [particular.name for particular in RELEASED[model].particulars] if protocol == "released" else None
        run_study(make_study(make_config(protocol, names, model=model, **small)), tmp_path / protocol)
        tables.append((tmp_path / protocol / "models.csv").read_bytes())
    assert tables[0] == tables[1]


def twin(torch, weights):
    """Returns the fully connected network in PyTorch with the given weights."""
    layers = []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        layer = torch.nn.Linear(*kernel.shape)
        layer.weight.data, layer.bias.data = torch.tensor(kernel.T.copy()), torch.tensor(bias)
        layers += [layer, torch.nn.ELU()]
    return torch.nn.Sequential(*layers)


def torch_epoch(torch, net, x, y, sign, clip=None):
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.102), []
    for _ in range(53):
        loss = ((net(x) - y) ** 2).mean()
        optimizer.zero_grad()
        (sign * loss).backward()
        optimizer.step()
        losses.append(loss.item())
        for p, w in zip(net.parameters(), clip or (), strict=bool(clip)):
            p.data = torch.clamp(p.data, w - 0.025 * w, w + 0.025 * w)
    return sum(losses)


@pytest.mark.slow
def test_fcnn_trains_and_climbs_as_plain_pytorch(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setitem(ascents.EPOCHS, "fcnn", 2)
    study = make_study(released_config("fcnn", num_models=1))
    (member,) = study.train([0])
    start, _ = initialize(study.objective.model, np.random.default_rng([member.seed, 0]), "torch_default")
    net, dataset = twin(torch, start), study.dataset
    x, y = (torch.tensor(a[dataset.train]) for a in (dataset.x, dataset.y))
    sums = [torch_epoch(torch, net, x, y, 1) for _ in member.epoch_losses]
    np.testing.assert_allclose(member.epoch_losses, sums, rtol=1e-4)
    ((_, (losses, climbed)),) = study.measure([member])
    net = twin(torch, member.weights)
    reference = [p.detach().clone() for p in net.parameters()]
    ends = [((net(x) - y) ** 2).mean().item()]
    np.testing.assert_allclose(climbed[1:], [torch_epoch(torch, net, x, y, -1, reference) for _ in range(2)], rtol=1e-4)
    ends.append(((net(x) - y) ** 2).mean().item())
    np.testing.assert_allclose(losses[[0, -1]], ends, rtol=1e-4)


def published(model, column):
    points = published_points()
    return points.loc[points["model"] == model, column]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fcnn", "gat"])
def test_the_median_of_a_small_pool_is_near_that_of_the_published_ones(tmp_path, model):
    run_study(make_study(make_config("released", model=model, num_models=5)), tmp_path)
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
    monkeypatch.setitem(ascents.EPOCHS, "lenet", 1)
    study = make_study(released_config("lenet", num_models=1))
    (member,) = study.train([0])
    # The notebook's models 41 to 50 lie within 0.02 of these, and stop after the fifth epoch.
    np.testing.assert_allclose(np.array(member.epoch_losses) / 938, [0.70, 0.38, 0.33, 0.31, 0.29], atol=0.025)
    ((_, ((start, after),)),) = study.measure([member])
    assert 0.7 < after < 0.9
    assert published("lenet", "sharpness").min() < after - start < published("lenet", "sharpness").max()


def test_lenets_means_count_the_smaller_last_batch_as_much_as_the_others(monkeypatch):
    """With a loss that is each example's own index: two batches of 64, and 16 more as the smaller one."""
    monkeypatch.setattr(Study, "_means", lambda self, weights, state, indices: [float(np.mean(indices))])
    study = ReleasedStudy.__new__(ReleasedStudy)
    study.config = released_config("lenet")
    assert study._means([], [], np.arange(144)) == [(2 * 63.5 + 135.5) / 3]
    assert study._means([], [], np.arange(128)) == [63.5]
    study.config = released_config("lenet", ("averages",))
    assert study._means([], [], np.arange(144)) == [71.5]
