"""A run's folder on disk, made up."""

import copy
import json
import shutil

import pytest

from tests.reporting.fake_run import CONFIG, make_models, make_summary
from tests.support.pool_folders import write_pool_folder

SETTINGS = {"model": "gat", "protocol": "paper", "rho": 0.02, "schedule": {"learning_rate": 0.236}}


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


@pytest.fixture
def make_gat(make_run, tmp_path):
    """Writes a run of a name and returns its path."""

    def make(name="ours", models=None, data="Cora", **settings):
        path = tmp_path / "runs" / name
        path.mkdir(parents=True)
        config = {"study": copy.deepcopy(SETTINGS) | settings, "data": data, "command": f"make {name}"}
        folder = make_run(config=config, models=models)
        for file in ("config.json", "models.csv", "summary.json"):
            shutil.move(folder / file, path)
        return str(path)

    return make


@pytest.fixture
def make_csv(tmp_path):
    def make(name, table):
        path = tmp_path / name
        path.write_text(table) if isinstance(table, str) else table.to_csv(path, index=False)
        return str(path)

    return make


@pytest.fixture(scope="session")
def ranked_pool(tmp_path_factory):
    """The folder of a pool whose measures were ranked, without a report; a test that writes copies it."""
    return write_pool_folder(tmp_path_factory.mktemp("pool") / "ranked")


@pytest.fixture
def make_pool(ranked_pool, tmp_path):
    """Copies that folder, with other files or other entries of its summary, and returns the copy."""

    def make(files=None, **summary):
        folder = shutil.copytree(ranked_pool, tmp_path / "pool")
        for name, table in (files or {}).items():
            table.to_csv(folder / f"{name}.csv", index=False)
        before = json.loads((folder / "summary.json").read_text())
        (folder / "summary.json").write_text(json.dumps(before | summary))
        return folder

    return make
