"""From one procedure to the other."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.atomic import write_json
from keras_sharpness.statistics import kendall
from keras_sharpness.studies.config import make_config, released_config
from keras_sharpness.studies.released import ablation, ascents
from keras_sharpness.studies.released.ablation import run_ablation, steps
from keras_sharpness.studies.released.particulars import RELEASED
from keras_sharpness.studies.run import run_study
from keras_sharpness.studies.study import make_study

PARTS = ["dropout", "trials", "draw", "baseline", "loss", "stopping"]


def test_each_step_keeps_the_earlier_ones():
    way = [*steps("gat")]
    assert [step.particular and step.particular.name for step in way] == [None, *PARTS]
    assert [list(step.config.as_in_paper) for step in way] == [PARTS[:k] for k in range(7)]
    assert [step.name for step in way][:2] == ["0-released", "1-dropout"]


def test_from_text_to_code_the_steps_are_other_studies():
    way = [*steps("gat", order="to_code", num_models=7)]
    assert [step.particular and step.particular.name for step in way] == [None, *PARTS]
    assert [list(step.config.as_in_paper) for step in way] == [PARTS[k:] for k in range(7)]
    assert [step.name for step in way][:2] == ["0-paper", "1-dropout"]
    between = {step.config for step in steps("gat", num_models=7)} & {step.config for step in way}
    assert between == {released_config("gat", num_models=7), released_config("gat", PARTS, num_models=7)}


def test_an_unknown_order_is_refused():
    with pytest.raises(InputError, match="`order` must be one of to_paper, to_code"):
        next(steps("gat", order="to_text"))


@pytest.mark.slow
@pytest.mark.parametrize("order", ["to_paper", "to_code"])
def test_an_ablation_goes_all_the_way(tmp_path, monkeypatch, order):
    recipe = ascents.RECIPES["gat"]
    monkeypatch.setitem(ascents.RECIPES, "gat", lambda config: dataclasses.replace(recipe(config), ascents=1))
    way = [*steps("gat", order=order, num_models=3, max_epochs=1)]
    table = run_ablation(way, tmp_path)
    start = "released" if order == "to_paper" else "paper"
    assert table["particular"].tolist() == [start, *PARTS]
    assert (tmp_path / "ablation.csv").read_text() == table.to_csv(index=False)
    for row, step in zip(table.itertuples(), way, strict=True):
        models = pd.read_csv(tmp_path / step.name / "models.csv")
        assert row.sharpness_median == pytest.approx(models["sharpness"].median())
    pools = [(tmp_path / step.name / "pool" / "00001.npz").read_bytes() for step in way]
    # The measurement's particulars share a pool; `stopping` is the last, and has another.
    assert len(set(pools[:-1])) == 1 and pools[-1] != pools[0]
    paper = make_config("paper", model="gat", num_models=3, max_epochs=1)
    run_study(make_study(paper), tmp_path / "paper")
    end = way[-1 if order == "to_paper" else 0].name
    assert (tmp_path / "paper" / "models.csv").read_bytes() == (tmp_path / end / "models.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fcnn", "gat"])
def test_with_every_particular_as_in_the_paper_the_study_is_the_papers(tmp_path, model):
    small = {"num_models": 3, "min_epochs": 1, "max_epochs": 2, "num_batches": 2, "m": 8}
    names, tables = [particular.name for particular in RELEASED[model].particulars], []
    for protocol, as_in_paper in (("paper", None), ("released", names)):
        run_study(make_study(make_config(protocol, as_in_paper, model, **small)), tmp_path / protocol)
        tables.append(pd.read_csv(tmp_path / protocol / "models.csv"))
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_an_ablation_begins_anew_where_a_folder_is_gone(tmp_path):
    way = [*steps("fcnn", num_models=3, max_epochs=1)][2:4]
    table = run_ablation(way, tmp_path)
    shutil.rmtree(tmp_path / way[1].name)
    assert run_ablation(way, tmp_path).equals(table)


def test_steps_whose_networks_are_gone_are_read(tmp_path, monkeypatch):
    way = [*steps("fcnn", num_models=3, max_epochs=1)][:2]
    table = run_ablation(way, tmp_path)
    for step in way:
        shutil.rmtree(tmp_path / step.name / "pool")
    path = tmp_path / way[0].name / "models.csv"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([first, *rest[:-1]]))
    run = []
    monkeypatch.setattr(
        ablation, "run_study", lambda study, folder, **options: run.append(folder) or run_study(study, folder)
    )
    assert run_ablation(way, tmp_path).equals(table)
    assert run == [tmp_path / way[0].name]


def test_steps_of_another_backend_are_not_read(tmp_path):
    way = [*steps("fcnn", num_models=3, max_epochs=1)][:1]
    run_ablation(way, tmp_path)
    path = tmp_path / way[0].name / "config.json"
    write_json(path, json.loads(path.read_text()) | {"backend": "another"})
    with pytest.raises(InputError, match="backend: another there"):
        run_ablation(way, tmp_path)


def test_the_change_of_tau_is_over_pairs_of_networks():
    rng = np.random.default_rng(0)
    sharpness, test_loss = rng.normal(size=(2, 40))
    before = pd.DataFrame({"sharpness": sharpness, "test_loss": test_loss})
    now = pd.DataFrame({"sharpness": sharpness + 3 * test_loss, "test_loss": test_loss})
    found = ablation._change([before, now])
    taus = [kendall(table["sharpness"], table["test_loss"]).tau for table in (before, now)]
    assert found["tau_change"] == pytest.approx(taus[1] - taus[0])
    assert 0 < found["tau_change_ci_low"] < found["tau_change"] < found["tau_change_ci_high"]
    # A network that diverged in one of the steps has no pair.
    now.loc[3, "sharpness"] = np.nan
    assert ablation._change([before, now]) == ablation._change([before.drop(3), now.drop(3)])
    for few in ([now], [before[:14], now[:14]]):
        assert np.isnan(list(ablation._change(few).values())).all()
