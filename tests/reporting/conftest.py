"""A run's folder on disk, made up."""

import json

import pytest

from tests.reporting.fake_run import CONFIG, make_models, make_summary


@pytest.fixture
def make_run(tmp_path):
    """Writes a run's three files and returns its folder."""

    def make(config=CONFIG, models=None, **summary):
        models = make_models() if models is None else models
        (tmp_path / "config.json").write_text(json.dumps(config))
        models.to_csv(tmp_path / "models.csv", index=False)
        (tmp_path / "summary.json").write_text(json.dumps(make_summary(models) | summary))
        return tmp_path

    return make
