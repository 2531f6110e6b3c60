"""Names that matplotlib, Markdown or UTF-8 would trip over: reports are written, and show them."""

import json
import os

import numpy as np
import pytest

from keras_sharpness.reporting.compare import write_comparison
from keras_sharpness.reporting.pool_report import write_pool_report
from keras_sharpness.reporting.report import write_report
from tests.faults.corpus import write_run
from tests.reporting.fake_run import CONFIG, cloud
from tests.support.pool_folders import pool_models, write_pool_folder
from tests.support.pool_tables import HYPER_PARAMETERS

RNG = np.random.default_rng(2)
PIECES = ("$", "\\frac{", "$_{", "a", "\n", "\x1b[31m", "`", "```", "|", "<b>", "é", "^", "\x07", "%", "{", "}")
HOSTILE = ["$\\frac{$", *("".join(RNG.choice(PIECES, 6)) + "$x^$" for _ in range(2))]
LONE = "x\ud800y\udcff"


@pytest.mark.parametrize("name", [*HOSTILE, LONE])
def test_a_run(tmp_path, name):
    config = CONFIG | {"model": name, "command": f"main.py {name}", "devices": [name], "versions": {name: name}}
    write_run(tmp_path, config_json=json.dumps(config))
    write_report(tmp_path)
    # The command stands between fences, whatever it holds, and nothing after it is taken for text.
    fence, *command, end = (tmp_path / "report.md").read_text().rpartition("## Repeat this run")[2].strip().split("\n")
    shown = f"main.py {name}".encode("utf-8", "backslashreplace").decode()
    assert ("\n".join(command), fence) == (shown, f"{end}sh") and end not in name
    assert (tmp_path / "scatter.png").read_bytes()[:4] == b"\x89PNG" and (tmp_path / "report.html").exists()


def test_a_comparison(tmp_path):
    folder = tmp_path / f"{HOSTILE[0]}\udcff"
    folder.mkdir()
    write_run(folder)
    cloud(20).to_csv(f"{folder}.csv", index=False)
    write_comparison([f"{folder}.csv", os.fspath(folder)], "none", tmp_path / "found")


def test_a_pool(tmp_path):
    name = HOSTILE[0]
    models = pool_models().rename(columns={HYPER_PARAMETERS[0]: name, "oracle": f"{name}m"})
    parts = {"hyper_parameters": [name, *HYPER_PARAMETERS[1:]], "measures": [f"{name}m", "opposite"]}
    write_pool_folder(tmp_path, models, targets=["gap"], kinds={}, data=name, failures={"0": LONE}, **parts)
    write_pool_report(tmp_path)
    assert {"ranking.png", "within.png", "environments.png", "report.html"} <= {p.name for p in tmp_path.iterdir()}
