"""What the figures of a run's page show, as plain numbers."""

import json

import numpy as np

from keras_sharpness.reporting import page_data
from keras_sharpness.reporting.page_figures import page_figures
from keras_sharpness.reporting.run_folder import read_run
from tests.reporting.fake_run import ABLATION_CSV, SWEEP_CSV, make_models


def test_every_model_and_quantity_can_be_drawn(make_run):
    models = make_models()
    figure = page_figures(read_run(make_run(models=models)))["scatter"]
    columns = {column["name"]: column for column in figure.data["columns"]}
    assert list(columns) == ["sharpness", "test loss", "test error", "training loss", "gap"]
    np.testing.assert_allclose(columns["gap"]["values"], models["test_loss"] - models["train_loss"])
    np.testing.assert_allclose(columns["sharpness"]["bars"], models["sharpness_standard_error"])
    assert columns["sharpness"]["label"] == "Adaptive worst-case sharpness, ρ = 0.02 (nats)"
    assert figure.data["members"]["seed"] == [str(seed) for seed in models["seed"]]


def test_figures_are_those_that_the_run_has_numbers_for(make_run):
    folder = make_run()
    assert list(page_figures(read_run(folder))) == ["scatter", "taus"]
    (folder / "sweep.csv").write_text(SWEEP_CSV)
    (folder / "ablation.csv").write_text(ABLATION_CSV)
    figures = page_figures(read_run(folder))
    assert list(figures) == ["scatter", "taus", "sweep", "ablation"]
    assert [line["m"] for line in figures["sweep"].data["lines"]] == ["64", "full"]
    assert figures["sweep"].data["lines"][1]["tau"] == [None, 0.25]
    assert figures["ablation"].data["steps"] == ["0 nothing", "1 dropout"]
    json.dumps({name: figure.data for name, figure in figures.items()}, allow_nan=False)


def test_of_a_large_pool_a_sample_is_drawn_and_the_caption_says_so(make_run, monkeypatch):
    models = make_models(60)
    whole = page_figures(read_run(make_run(models=models)))["scatter"]
    assert not whole.data["some"] and "drawn at random" not in whole.caption
    monkeypatch.setattr(page_data, "MOST_SHOWN", 25)
    figure = page_figures(read_run(make_run(models=models)))["scatter"]
    assert figure.data["some"] and figure.caption.endswith(" Shown are 25 of the 60 models, drawn at random.")
    members, (sharpness, *_) = figure.data["members"]["model"], figure.data["columns"]
    assert len({*members}) == 25 and members == sorted(members, key=int)
    assert sharpness["values"] == models["sharpness"][[*map(int, members)]].tolist()
