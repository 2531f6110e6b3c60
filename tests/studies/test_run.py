import json

import numpy as np
import pandas as pd
import pytest

from keras_sharpness import backend
from keras_sharpness.distribution import distribute
from keras_sharpness.errors import InputError
from keras_sharpness.files import numbered
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies import study as study_module
from keras_sharpness.studies.run import Stopped, run_study
from keras_sharpness.studies.study import Study
from tests.support.studies import small


def test_settings_that_do_not_fit_cost_no_models(tmp_path):
    config, dataset = small()
    run_study(Study(config, dataset), tmp_path)
    unknown, _ = small(norm="l7")
    with pytest.raises(InputError, match="`norm` must be one of linf"):
        run_study(Study(unknown, dataset), tmp_path, resume=False)
    assert PoolStore(tmp_path).trained() == {0, 1, 2}


def test_a_diverging_pool_is_told_not_hidden(tmp_path):
    config, dataset = small(learning_rate=1e6)
    summary = run_study(Study(config, dataset), tmp_path)
    assert summary["tau"] is None
    assert summary["num_diverged"] == 3
    assert len(pd.read_csv(tmp_path / "models.csv")) == 3


@pytest.mark.slow
def test_a_pool_grows_to_what_a_larger_one_would_have_been(tmp_path):
    for folder, sizes in (("grown", (52, 54)), ("whole", (54,))):
        for num_models in sizes:
            config, dataset = small(num_models=num_models, max_epochs=1)
            run_study(Study(config, dataset), tmp_path / folder)
    grown, whole = ((tmp_path / folder / "models.csv").read_bytes() for folder in ("grown", "whole"))
    assert grown == whole
    assert json.loads((tmp_path / "grown" / "config.json").read_text())["study"]["num_models"] == 54


@pytest.mark.slow
def test_a_pool_does_not_shrink_nor_grow_where_that_would_change_it(tmp_path):
    for num_models, other in ((3, 2), (2, 60)):
        config, dataset = small(num_models=num_models, max_epochs=1)
        folder = tmp_path / str(num_models)
        run_study(Study(config, dataset), folder)
        config, _ = small(num_models=other, max_epochs=1)
        with pytest.raises(InputError, match=f"num_models: {num_models} there, {other} now"):
            run_study(Study(config, dataset), folder)


def test_packed_files_change_no_number_and_a_damaged_block_is_made_again(tmp_path, monkeypatch, caplog):
    config, dataset = small(num_models=5)
    run_study(Study(config, dataset), tmp_path / "files")
    monkeypatch.setattr(numbered, "BLOCK", 2)
    folder = tmp_path / "blocks"
    run_study(Study(config, dataset), folder)
    names = ["00000-00001.zip", "00002-00003.zip", "00004.npz"]
    for part in ("pool", "sharpness", "details"):
        assert sorted(path.name for path in (folder / part).iterdir() if path.suffix != ".json") == names
    (folder / "pool" / names[1]).write_bytes(b"torn")
    (folder / "models.csv").unlink()
    run_study(Study(config, dataset), folder)
    assert f"{names[1]} is damaged; 2 models from 2 on are trained again" in caplog.text
    # An earlier version left files only: they are packed as the run goes on.
    (tmp_path / "files" / "models.csv").rename(tmp_path / "models.csv")
    run_study(Study(config, dataset), tmp_path / "files")
    assert len([*(tmp_path / "files" / "pool").glob("*.zip")]) == 2
    for name in ("files", "blocks"):
        assert (tmp_path / name / "models.csv").read_bytes() == (tmp_path / "models.csv").read_bytes()


def test_details_of_too_many_losses_are_left_out(tmp_path, monkeypatch):
    config, dataset = small()
    run_study(Study(config, dataset), tmp_path)
    assert (tmp_path / "details.npz").exists()
    monkeypatch.setattr(study_module, "MOST_LOSSES", 3 * 50 - 1)
    run_study(Study(config, dataset), tmp_path)
    assert not (tmp_path / "details.npz").exists()


def with_cores(monkeypatch, number):
    monkeypatch.setattr(backend, "workers", lambda: number)
    return Study(*small(num_models=7))


def test_a_folder_begun_on_few_cores_ends_with_the_same_bits_on_many(tmp_path, monkeypatch):
    run_study(with_cores(monkeypatch, 2), tmp_path / "whole")
    stops = iter([False] * 4 + [True] * 9)
    with pytest.raises(Stopped):
        run_study(with_cores(monkeypatch, 2), tmp_path / "moved", stop=lambda: next(stops))
    assert 0 < len(PoolStore(tmp_path / "moved").trained()) < 7
    moved = with_cores(monkeypatch, 16)
    assert moved.slots(7) == 1
    sizes, train = [], moved.train
    monkeypatch.setattr(moved, "train", lambda indices, slots: (sizes.append(slots), train(indices, slots))[1])
    run_study(moved, tmp_path / "moved")
    assert sizes == [4]
    whole, ended = ((tmp_path / name / "models.csv").read_bytes() for name in ("whole", "moved"))
    assert whole == ended
    for index in range(7):
        members = [PoolStore(tmp_path / name).load_member(index) for name in ("whole", "moved")]
        for a, b in zip(*(member.weights for member in members), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_pool_keeps_its_slots_where_it_grows(tmp_path, monkeypatch):
    """With 25 members at once, a pool has reached the most; on 16 cores a pool of 52 would have 4."""
    monkeypatch.setattr(backend, "workers", lambda: 2)
    run_study(Study(*small(num_models=50, max_epochs=1)), tmp_path)
    monkeypatch.setattr(backend, "workers", lambda: 16)
    run_study(Study(*small(num_models=52, max_epochs=1)), tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    assert (settings["study"]["num_models"], settings["members_at_once"]) == (52, 25)


def test_other_processes_take_the_slots_of_the_first(tmp_path, monkeypatch):
    config, dataset = small(num_models=2, max_epochs=1)
    alone = distribute(None)

    class Second(type(alone)):
        is_chief = False

        def of_chief(self, structure):
            return np.asarray(2) if getattr(structure, "shape", None) == () else structure

    study = Study(config, dataset, distribution=Second())
    sizes, train = [], study.train
    monkeypatch.setattr(study, "slots", lambda num_models: 9)
    monkeypatch.setattr(study, "train", lambda indices, slots: (sizes.append(slots), train(indices, slots))[1])
    assert run_study(study, tmp_path / "run") == {}
    assert sizes == [2]
    assert not (tmp_path / "run").exists()
