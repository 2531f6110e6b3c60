import shutil

import pandas as pd
import pytest

from keras_sharpness.studies.protocols import make_config, make_study
from keras_sharpness.studies.released import ascents
from keras_sharpness.studies.released.ablation import run_ablation, steps
from keras_sharpness.studies.run import run_study


def test_each_step_keeps_those_before():
    way = [step.config.as_in_paper for step in steps("gat")]
    assert way == [(), ("dropout",), ("dropout", "ascent"), ("dropout", "ascent", "stopping")]
    assert [step.name for step in steps("gat")] == ["0-released", "1-dropout", "2-ascent", "3-stopping"]


@pytest.mark.slow
def test_an_ablation_goes_all_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(ascents, "TRIALS", 1)
    way = [*steps("gat", num_models=3, max_epochs=1)]
    table = run_ablation(way, tmp_path)
    assert table["particular"].tolist() == ["released", "dropout", "ascent", "stopping"]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "ablation.csv", keep_default_na=False), table)
    for row, step in zip(table.itertuples(), way, strict=True):
        models = pd.read_csv(tmp_path / step.name / "models.csv")
        assert row.sharpness_median == pytest.approx(models["sharpness"].median())
    # Steps that train alike share their pools; the last one trains by another rule.
    pools = [(tmp_path / step.name / "pool" / "00001.npz").read_bytes() for step in way]
    assert pools[0] == pools[1] == pools[2] != pools[3]
    # The last step is the paper's procedure.
    run_study(make_study(make_config("paper", model="gat", num_models=3, max_epochs=1)), tmp_path / "paper")
    last = (tmp_path / way[-1].name / "models.csv").read_bytes()
    assert (tmp_path / "paper" / "models.csv").read_bytes() == last
    shutil.rmtree(tmp_path / way[1].name)
    assert run_ablation(way[:2], tmp_path).equals(table[:2])
