"""A flag that has no effect together with the others is refused."""

import pytest

from keras_sharpness.cli import flags
from keras_sharpness.cli.effects import RULES
from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import make_config
from keras_sharpness.studies.released.particulars import ASCENT_SETTINGS
from tests.cli.in_process import chosen

RELEASED = ["--protocol=released"]
IDLE = [
    (["--heads=8"], "--heads must come with --model=gat"),
    (["--heads=1", "--model=lenet"], "--heads must come with --model=gat"),
    (["--split_seed=1", "--model=lenet"], "--model=fcnn or gat, and for fcnn --protocol=paper or --as_in_paper=split"),
    ([*RELEASED, "--split_seed=1"], "and for fcnn --protocol=paper or --as_in_paper=split"),
    (["--as_in_paper=ascent"], "--as_in_paper must come with --protocol=released"),
    (["--step_size=1", "--maximizer=apgd"], "--step_size must come with --maximizer=pga"),
    (["--direction=steepest", "--maximizer=single_step"], "--direction must come with --maximizer=pga"),
    (["--coordinates=scaled", "--maximizer=apgd"], "--coordinates must come with --maximizer=pga"),
    (["--coordinates=scaled", "--direction=steepest"], "--coordinates must come with --direction=gradient"),
    (["--pga_steps=9", "--maximizer=single_step"], "--pga_steps must come with --maximizer=pga or apgd"),
    ([*RELEASED, "--m=64"], "--m must come with --protocol=paper or --as_in_paper=ascent"),
    ([*RELEASED, "--min_epochs=2"], "--min_epochs must come with --protocol=paper or --as_in_paper=stopping"),
    (["--verbose", "--quiet"], "--verbose must come with no --quiet"),
    (["--tpu=here"], "--tpu must come with --strategy=tpu"),
    (["--num_devices=2", "--strategy=tpu"], "--num_devices must come with --strategy=mirrored"),
    (["atlas", "--score=mine.py", "--rows=digits"], "--rows must come with no --score, which trains nothing"),
    (["--study=mine.py", "--vary=width:1,2"], "--vary must come with no --study, whose file says it"),
    (["--study=mine.py", "--model=gat"], "--model must come with no --study"),
    (["measure", "--split=examples"], "--split must come with a --strategy of several devices"),
    (["measure", "--measure=keskar", "--seed=1"], "--seed must come with --num_restarts above 1"),
    (["measure", "--measure=fisher_rao", "--seed=1"], "--seed must come with --num_draws"),
    (["measure", "--step_size=1", "--maximizer=apgd"], "--step_size must come with --maximizer=pga"),
]
USED = [
    ["--split_seed=1"],
    [*RELEASED, "--split_seed=1", "--as_in_paper=split"],
    [*RELEASED, "--split_seed=1", "--model=gat"],
    ["--heads=8", "--model=gat"],
    [*RELEASED, "--as_in_paper=ascent,stopping", "--m=8", "--min_epochs=2"],
    [*RELEASED, "--step_size=0.1", "--rho=0.1"],
    [*RELEASED, "--model=gat", "--min_epochs=2"],
    ["--coordinates=scaled", "--step_size=1", "--pga_steps=9"],
    ["--pga_steps=9", "--maximizer=apgd"],
    ["--direction=steepest", "--step_size=1"],
    ["--strategy=mirrored", "--num_devices=2"],
    ["--strategy=tpu", "--tpu=here"],
    ["report", "run", "--quiet"],
    ["--study=mine.py", "--seeds=2"],
    ["--vary=width:1,2", "--num_train=9"],
    ["measure", "--measure=keskar", "--seed=1", "--num_restarts=2"],
    ["measure", "--strategy=mirrored", "--split=examples"],
]


@pytest.mark.parametrize(("given", "words"), IDLE, ids=str)
def test_a_flag_without_effect_is_refused(given, words):
    with pytest.raises(InputError, match=words), chosen(*given):
        pass


@pytest.mark.parametrize("given", USED, ids=str)
def test_a_flag_with_an_effect_is_taken(given):
    with chosen(*given):
        pass


@pytest.mark.parametrize("name", ASCENT_SETTINGS)
def test_every_setting_of_the_paper_s_ascent_needs_that_ascent(name):
    value = {"norm": "l2", "scaling": "none", "maximizer": "apgd", "direction": "steepest", "coordinates": "scaled"}
    with (
        pytest.raises(InputError, match=f"--{name} must come with"),
        chosen(*RELEASED, f"--{name}={value.get(name, 2)}"),
    ):
        pass


def test_every_rule_has_a_case():
    refused = [words for _, words in IDLE]
    assert all(any(words.endswith(rule.needs) for words in refused) for rule in RULES)


CHANGED = {
    "model": "gat",
    "protocol": "released",
    "as_in_paper": "ascent",
    "norm": "l2",
    "scaling": "none",
    "maximizer": "apgd",
    "direction": "steepest",
    "coordinates": "scaled",
}


@pytest.mark.parametrize("model", ["fcnn", "lenet"])
@pytest.mark.parametrize("protocol", ["paper", "released"])
@pytest.mark.parametrize("name", flags.SETTINGS)
def test_every_setting_changes_the_study_or_is_refused(model, protocol, name):
    base = [f"--{key}={value}" for key, value in (("model", model), ("protocol", protocol)) if key != name]
    with chosen(*base):
        without = make_config(**flags.study_settings())
    try:
        with chosen(*base, f"--{name}={CHANGED.get(name, 0.5 if name in ('rho', 'learning_rate') else 3)}"):
            assert make_config(**flags.study_settings()) != without
    except InputError as error:
        assert f"--{name} must come with" in str(error)
