import dataclasses

import numpy as np
import pytest

from keras_sharpness import data
from keras_sharpness.data import abalone, embedded
from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import make_config, released_config
from keras_sharpness.studies.released.datasets import load, split_of_scikit_learn


def test_the_split_is_scikit_learns():
    train, test = split_of_scikit_learn(4176, 0.2, 42)
    assert (len(train), len(test)) == (3340, 836)
    # train_test_split(np.arange(4176), test_size=0.2, random_state=42) of scikit-learn 1.7
    assert (train[:4].tolist(), test[:4].tolist()) == ([4037, 1272, 3384, 3160], [866, 1483, 599, 1702])
    assert sorted([*train, *test]) == [*range(4176)]


def test_abalone_loses_its_first_row_and_moves_the_sexes():
    dataset = load(released_config("fcnn"))
    x, y = dataset.x, dataset.y
    assert (x.shape, y.shape) == ((4176, 10), (4176, 1))
    sex, measurements, rings = abalone.parse(embedded.read("abalone.csv"))
    for column in range(7):
        assert np.corrcoef(x[:, column], measurements[1:, column])[0, 1] > 0.999999
    for column in range(3):
        np.testing.assert_array_equal(x[:, 7 + column] > 0, sex[1:] == column)
    assert np.corrcoef(y[:, 0], rings[1:])[0, 1] > 0.999999
    for columns in (x, y):
        np.testing.assert_allclose(columns[dataset.train].mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(columns[dataset.train].std(axis=0, ddof=1), 1, atol=1e-4)


def test_other_data_are_the_papers():
    for config in (released_config("fcnn", ("split",)), released_config("gat")):
        ours, paper = load(config), data.load(config.system.dataset)
        assert ours.source == paper.source
        np.testing.assert_array_equal(ours.train, paper.train)


def test_another_split_has_other_test_examples():
    for model in ("fcnn", "gat"):
        first, second = (load(make_config(model=model, split_seed=seed)) for seed in (0, 1))
        assert second.source.endswith("split of seed 1") and not np.array_equal(first.test, second.test)


def test_a_public_split_has_no_seed(monkeypatch):
    public = dataclasses.replace(data.load("cora"), source="Planetoid's Cora, public split")
    monkeypatch.setattr(data, "load", lambda *arguments: public)
    assert load(make_config(model="gat")) is public
    with pytest.raises(InputError, match="`split_seed` must be 0 with Planetoid's Cora, public split"):
        load(make_config(model="gat", split_seed=1))
