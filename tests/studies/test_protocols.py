import dataclasses
import json

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import study_config
from keras_sharpness.studies.protocols import config_of, make_config, make_study
from keras_sharpness.studies.released.particulars import released_config
from keras_sharpness.studies.released.study import ReleasedStudy


def test_a_protocol_makes_its_configuration():
    assert make_config(model="gat", rho=0.1) == study_config("gat", rho=0.1)
    assert make_config("released", ["stopping"], model="gat") == released_config("gat", ("stopping",))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protocol": "printed"}, "`protocol` must be paper or released. Received: protocol='printed'"),
        ({"as_in_paper": ["mode"]}, "`as_in_paper` must be used with the released protocol"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        make_config(**arguments)


def write(folder, config):
    (folder / "config.json").write_text(json.dumps({"study": dataclasses.asdict(config), "data": "made up"}))


@pytest.mark.parametrize(
    "config",
    [
        make_config(model="fcnn", norm="l2", learning_rate=0.3, seed=5),
        make_config("released", ["stopping"], model="gat", num_models=2, rho=0.1),
        make_config("released", model="lenet", weight_decay=0.1),
    ],
    ids=["paper", "gat", "lenet"],
)
def test_a_folder_gives_back_its_configuration(tmp_path, config):
    write(tmp_path, config)
    assert config_of(tmp_path) == config


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"study": {"model": "fcnn"}}', '{"study": {"schedule": {}, "modell": 1}}'),
        pytest.param('{"study": 3}', marks=pytest.mark.xfail(strict=True, reason="ends with an AttributeError")),
    ],
)
def test_a_file_that_holds_none_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match="config.json must hold the settings of a study"):
        config_of(tmp_path)


def test_a_folder_without_a_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        config_of(tmp_path)


def test_a_study_has_its_protocols_data():
    paper, released = make_study(make_config(num_models=1)), make_study(make_config("released", num_models=1))
    assert not isinstance(paper, ReleasedStudy) and isinstance(released, ReleasedStudy)
    assert (len(paper.dataset.y), len(released.dataset.y)) == (4177, 4176)
    assert np.unique(released.dataset.x[:, 7]).size == 2  # the sexes come last
