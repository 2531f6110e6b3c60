"""A run keeps what its numbers are means of."""

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.checksum import load_arrays
from keras_sharpness.measures import gradient_norm
from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.config import make_config
from keras_sharpness.studies.run import Stopped, run_study
from keras_sharpness.studies.study import Study
from tests.support.studies import small


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study that was stopped once models were trained and continued, and its folder."""
    folder = tmp_path_factory.mktemp("run")
    study, store = Study(*small()), PoolStore(folder)
    with pytest.raises(Stopped):
        run_study(study, folder, stop=lambda: len(store.detailed()) > 0)
    assert store.detailed() == {0} and not (folder / "details.npz").exists()
    run_study(study, folder)
    return study, folder


def test_their_means_are_the_numbers_of_the_table(finished):
    _, folder = finished
    details, models = load_arrays(folder / "details.npz"), pd.read_csv(folder / "models.csv")
    assert details["rises"].shape == details["gradient_norms"].shape == (3, 4)
    assert details["test_losses"].shape == (3, 50)
    np.testing.assert_array_equal(details["rises"].mean(axis=1), models["sharpness"])
    np.testing.assert_allclose(details["test_losses"].mean(axis=1), models["test_loss"], rtol=1e-5)


def test_gradient_norms_are_of_the_batches_that_are_climbed(finished):
    study, folder = finished
    batches = draw_batches(study.dataset.train, 8, 4, seed=0)
    model = PoolStore(folder).load_member(1).assign_to(study.objective.model)
    data = (study.dataset.x, study.dataset.y, "mean_squared_error")
    options = {"norm": "linf", "scaling": "adaptive"}
    norms = [gradient_norm(model, *data, examples=batch, **options) for batch in batches]
    np.testing.assert_allclose(load_arrays(folder / "details.npz")["gradient_norms"][1], norms, rtol=1e-4)


@pytest.mark.parametrize("names", [(), ("ascent",), ("matching",)])
def test_without_shared_batches_there_are_none(names):
    study = Study(make_config("released", names, num_models=1), small()[1])
    assert not study.has_details


def test_models_that_an_earlier_version_measured_have_none(finished, caplog):
    study, folder = finished
    store = PoolStore(folder)
    store.save_paths(1, {"losses": store.load_paths(1)})
    (folder / "details.npz").unlink()
    run_study(study, folder)
    assert "details.npz is left out" in caplog.text and not (folder / "details.npz").exists()


def test_released_ascents_have_no_rises_on_batches():
    study = Study(make_config("released", ["matching"], num_models=1), small()[1])
    with pytest.raises(InputError, match="must be of the paper's ascents"):
        study.rises(np.zeros((1, 6)))
