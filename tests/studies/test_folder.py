import dataclasses
import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.atomic import write_json
from keras_sharpness.studies import folder as folders
from keras_sharpness.studies.config import make_config, study_config

RUNS = Path(__file__).parents[2] / "runs"
CONFIG = study_config("fcnn", num_models=4)
DESCRIPTION = {"data": "made up", "backend": "tensorflow", "command": "python main.py"}


def record(folder, config=CONFIG, slots=lambda num_models: 2, fresh=False, **changes):
    return folders.record(folder, config, DESCRIPTION | changes, slots, fresh)


def cores(number):
    """How many of at most 25 members train together on some cores."""
    return lambda num_models: min(25, math.ceil(num_models / number))


def content(folder):
    return json.loads((folder / "config.json").read_text())


@pytest.mark.parametrize("path", sorted(RUNS.glob("*/*/config.json")), ids=lambda path: path.parent.name)
def test_the_settings_of_all_runs_are_read(path):
    config = folders.config_of(path.parent)
    written = json.loads(path.read_text())["study"]
    assert {name: getattr(config, name) for name in written if name not in ("schedule", "as_in_paper")} == {
        name: value for name, value in written.items() if name not in ("schedule", "as_in_paper")
    }
    flags = path.parent.with_suffix(".flags").read_text()
    named = [line.partition("=")[2].split(",") for line in flags.splitlines() if line.startswith("--as_in_paper")]
    settings = {"model": config.model, "num_models": config.num_models, "seed": config.seed}
    for name, kind in (("max_epochs", int), ("stop_tolerance", float)):
        if found := re.findall(rf"^--{name}=(.+)$", flags, re.MULTILINE):
            settings[name] = kind(found[0])
    assert config == make_config(config.protocol, *named, **settings)


def test_a_file_from_before_matching_was_a_particular_keeps_its_meaning(tmp_path):
    """Its schedule had other names, and both losses were of the same network."""
    config = make_config("released", ["activation", "matching"], model="fcnn", num_models=3)
    study = dataclasses.asdict(config) | {"as_in_paper": ["activation"]}
    for name in ("stopping", "gradient", "reduction"):
        del study["schedule"][name]
    study["schedule"] |= {"full_gradient": True, "sums_losses": True, "signed_change": True}
    (tmp_path / "config.json").write_text(json.dumps({"study": study, **DESCRIPTION}))
    assert folders.config_of(tmp_path) == config
    assert record(tmp_path, config, slots=lambda num_models: 1) == 1


@pytest.mark.parametrize("names", [[], ["stopping"], ["ascent", "stopping"]])
def test_a_folder_tells_its_configuration(tmp_path, names):
    config = make_config("released", names, model="gat", num_models=2, rho=0.1, max_epochs=1)
    record(tmp_path, config, fresh=True)
    assert folders.config_of(tmp_path) == config


@pytest.mark.parametrize(
    "text", ['{"study": {"schedule": {}, "modell": 1}}', '{"study": 3}', "{}", "[", '{"study": {"schedule": 3}}']
)
def test_what_is_no_configuration_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match="must hold the settings of a study"):
        folders.config_of(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="config.json must be the settings of a run; there is no such file"):
        folders.config_of(tmp_path)


def test_the_slots_of_the_machine_that_began_are_kept(tmp_path):
    assert record(tmp_path, slots=cores(2), fresh=True) == 2
    assert content(tmp_path)["members_at_once"] == 2
    assert record(tmp_path, slots=cores(1)) == 2
    # A folder without models begins anew.
    assert record(tmp_path, slots=cores(1), fresh=True) == 4


def test_a_folder_without_a_record_of_slots_gets_one(tmp_path):
    record(tmp_path, fresh=True, command="as before")
    write_json(tmp_path / "config.json", {k: v for k, v in content(tmp_path).items() if k != "members_at_once"})
    with pytest.raises(InputError, match="num_models: 4 there, 60 now"):
        record(tmp_path, of(60), slots=cores(2))
    assert record(tmp_path, slots=cores(1)) == 4
    assert (content(tmp_path)["members_at_once"], content(tmp_path)["command"]) == (4, "as before")
    assert record(tmp_path, slots=cores(2)) == 4


def of(num_models):
    return dataclasses.replace(CONFIG, num_models=num_models)


@pytest.mark.parametrize(
    ("before", "then", "after", "now"),
    [(4, cores(4), 3, None), (5, cores(2), 6, cores(2)), (50, cores(2), 60, cores(16)), (4, cores(2), 30, cores(16))],
)
def test_a_pool_grows_where_the_larger_one_has_its_models(tmp_path, before, then, after, now):
    record(tmp_path, of(before), slots=then, fresh=True)
    if now is None:
        with pytest.raises(InputError, match=f"num_models: {before} there, {after} now"):
            record(tmp_path, of(after), slots=then)
        return
    assert record(tmp_path, of(after), slots=now) == then(before)
    assert (content(tmp_path)["study"]["num_models"], content(tmp_path)["members_at_once"]) == (after, then(before))


def test_a_pool_does_not_grow_where_that_would_change_its_models(tmp_path):
    record(tmp_path, slots=cores(2), fresh=True)
    with pytest.raises(InputError, match="num_models: 4 there, 60 now"):
        record(tmp_path, of(60), slots=cores(2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": study_config("fcnn", num_models=4, rho=0.5)}, "rho: 0.025 there, 0.5 now"),
        ({"config": study_config("fcnn", num_models=4, max_epochs=3)}, "max_epochs: 10 there, 3 now"),
        ({"data": "others"}, "data: made up there, others now"),
        ({"backend": "jax"}, "backend: tensorflow there, jax now"),
        ({"config": study_config("fcnn", num_models=3)}, "num_models: 4 there, 3 now"),
    ],
)
def test_other_settings_are_named(tmp_path, changes, words):
    record(tmp_path, fresh=True)
    before = content(tmp_path)
    with pytest.raises(InputError, match=words):
        record(tmp_path, **changes)
    assert content(tmp_path) == before


def test_what_numbers_do_not_depend_on_may_differ(tmp_path):
    record(tmp_path, fresh=True)
    record(tmp_path, command="python main.py --plan=sequential")


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"study": {')
    with pytest.raises(InputError, match="config.json must be a whole file of a run; --noresume starts afresh"):
        record(tmp_path)


def test_times_add_up_and_a_damaged_file_does_not_matter(tmp_path, monkeypatch):
    (tmp_path / "pool").mkdir()
    clock = iter([0.0, 2.0, 10.0, 13.5])
    monkeypatch.setattr(folders.time, "perf_counter", lambda: next(clock))
    for _ in range(2):
        with folders.timed(tmp_path, "training"):
            pass
    assert folders.times(tmp_path) == {"training": 5.5}
    (tmp_path / folders.TIMES).write_text("[")
    assert folders.times(tmp_path) == {}
    folders.forget_times(tmp_path)
    assert not (tmp_path / folders.TIMES).exists()


def test_a_table_is_written_without_its_index(tmp_path):
    folders.write_csv(tmp_path / "table.csv", pd.DataFrame({"a": [1, 2]}, index=[5, 6]))
    assert (tmp_path / "table.csv").read_text() == "a\n1\n2\n"
