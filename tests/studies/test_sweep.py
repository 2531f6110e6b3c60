import shutil

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.checksum import load_arrays, save_arrays
from keras_sharpness.measures import gradient_norm, worst_case_sharpness
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.config import make_config
from keras_sharpness.studies.run import Stopped, run_study
from keras_sharpness.studies.study import make_study
from keras_sharpness.studies.sweep import Sweep, run_sweep


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study of three models and its folder."""
    folder = tmp_path_factory.mktemp("run")
    study = make_study(make_config(num_models=3, num_batches=4, max_epochs=1))
    run_study(study, folder)
    return study, folder


def test_at_the_studys_own_radius_and_batch_size_a_sweep_is_the_study(finished):
    study, folder = finished
    table = run_sweep(Sweep(study, [study.config.rho], [study.config.m]), folder, 3)
    models = pd.read_csv(folder / "models.csv")
    assert table["mean_sharpness"][0] == pytest.approx(models["sharpness"].mean(), rel=1e-6)
    (folder / "sweep.csv").unlink()
    for path in (folder / "sweep").iterdir():
        path.unlink()


def test_other_radii_and_the_whole_training_set(finished, monkeypatch):
    study, folder = finished
    sweep = Sweep(study, [0.01, 0.1], [16, "full"])
    stops = iter([False, False, True, True])
    with pytest.raises(Stopped):
        run_sweep(sweep, folder, 3, stop=lambda: next(stops))
    assert len([*(folder / "sweep").iterdir()]) == 2
    table = run_sweep(sweep, folder, 3)
    assert table[["rho", "m"]].to_numpy().tolist() == [[0.01, 16], [0.01, "full"], [0.1, 16], [0.1, "full"]]
    member = PoolStore(folder).load_member(2)
    model = member.assign_to(study.objective.model)
    data, train = study.dataset, study.dataset.train
    result = worst_case_sharpness(
        model, data.x, data.y, "mean_squared_error", rho=0.1, maximizer=study.maximizer, m=None, examples=train
    )
    ((_, sharpness, norms),) = sweep.measure([member])
    assert sharpness[1, 1] == pytest.approx(result.value, rel=1e-5)
    assert np.all(np.diff(sharpness, axis=0) > 0)
    options = {"norm": "linf", "scaling": "adaptive", "examples": train}
    norm = gradient_norm(model, data.x, data.y, "mean_squared_error", **options)
    assert norms[1] == pytest.approx(norm, rel=1e-4)
    kept = load_arrays(folder / "sweep.npz")
    np.testing.assert_allclose(kept["sharpness"][2], sharpness, rtol=1e-6)
    np.testing.assert_allclose(kept["gradient_norms"][2], norms, rtol=1e-6)
    for name, rows in (("sweep", 4), ("sweep_batch_sizes", 2), ("sweep_pairs", 0)):
        assert len(pd.read_csv(folder / f"{name}.csv")) == rows
    with pytest.raises(InputError, match="sweep of the same radii and batch sizes"):
        run_sweep(Sweep(study, [0.01], [16]), folder, 3)
    with pytest.raises(InputError, match="weights of the first 4 models"):
        run_sweep(sweep, folder, 4)


def test_a_sweep_of_old_without_gradient_norms_is_refused(finished, tmp_path):
    study, folder = finished
    shutil.copytree(folder / "pool", tmp_path / "pool")
    sweep, path = Sweep(study, [0.01], [16]), tmp_path / "sweep" / "00000.npz"
    run_sweep(sweep, tmp_path, 3)
    arrays = load_arrays(path)
    save_arrays(path, **{name: arrays[name] for name in ("rhos", "ms", "sharpness")})
    with pytest.raises(InputError, match="must hold gradient norms"):
        run_sweep(sweep, tmp_path, 3)


@pytest.mark.parametrize("rhos, ms", [([], [16]), ([0.1], []), ([-1.0], [16]), ([0.1], [0])])
def test_sizes_are_checked(finished, rhos, ms):
    with pytest.raises(InputError):
        Sweep(finished[0], rhos, ms)
