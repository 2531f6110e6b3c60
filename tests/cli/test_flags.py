"""The flags: their groups, choices and what the commands read from them."""

import subprocess
import sys

import pytest

from keras_sharpness import typing
from keras_sharpness.cli import flags
from keras_sharpness.errors import InputError
from tests.cli.in_process import chosen


def test_every_flag_is_in_one_group():
    with chosen():
        defined = {flag.name for flag in flags.FLAGS.flags_by_module_dict()[flags.__name__]}
    grouped = [name for names in flags.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(defined)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("model", typing.ModelName),
        ("protocol", typing.ProtocolName),
        ("norm", typing.NormName),
        ("scaling", typing.ScalingName),
        ("maximizer", typing.MaximizerName),
        ("direction", typing.DirectionName),
        ("coordinates", typing.CoordinatesName),
        ("measure", typing.MeasureName),
        ("backend", typing.BackendName),
        ("plan", typing.PlanName),
        ("strategy", typing.StrategyName),
        ("split", typing.SplitName),
    ],
)
def test_choices_are_those_of_the_package(name, names):
    with chosen():
        assert tuple(flags.FLAGS[name].parser.enum_values) == typing.choices(names)


def test_flags_need_no_backend():
    code = "import sys, keras_sharpness.cli.commands; print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"


def test_settings_of_a_study_are_none_unless_the_paper_s_value_does_not_depend_on_the_model():
    with chosen("--rho=0.5"):
        settings = flags.study_settings()
    assert settings["rho"] == 0.5 and settings["learning_rate"] is None and settings["m"] == 64
    assert set(settings) == set(flags.SETTINGS)


def test_given_flags_name_the_run():
    with chosen("--model=gat", "--seed=3", "--rho=0.5", "--plan=sequential"):
        assert flags.given() == ["model", "seed", "rho", "plan"]
        assert flags.run_name() == "gat-seed=3-rho=0.5"


def test_sizes_of_a_sweep():
    with chosen("sweep", "run"):
        rhos, ms = flags.sweep_sizes(0.1)
    assert len(rhos) == 9 and rhos[::4] == [0.001, 0.1, 10]
    assert ms == [16, 64, 256, "full"]
    with chosen("sweep", "run", "--rhos=1e-3,2", "--ms=full,8"):
        assert flags.sweep_sizes(0.1) == ([0.001, 2.0], ["full", 8])
    with chosen("sweep", "run", "--ms=few"), pytest.raises(InputError, match="`ms` integers or full.*few"):
        flags.sweep_sizes(0.1)


def test_seeds_of_splits():
    with chosen("splits"):
        assert flags.split_seeds() == range(20)
    with chosen("splits", "--split_seeds=3:6"):
        assert [*flags.split_seeds()] == [3, 4, 5]
    for words in ("5", "3:4", "a:b", "6:3", "-1:4"):
        with chosen("splits", f"--split_seeds={words}"), pytest.raises(InputError, match="FIRST:STOP, two splits"):
            flags.split_seeds()


def test_a_space_is_read_from_the_flags_that_vary():
    with chosen("--vary=learning_rate:0.1,1", "--vary=activation:relu,tanh", "--vary=units:8,16"):
        assert flags.space() == {"learning_rate": [0.1, 1], "activation": ["relu", "tanh"], "units": [8, 16]}
        assert type(flags.space()["units"][0]) is int
    with chosen("--vary=width:1", "--seeds=3", "--stop_loss=0.5"):
        assert flags.training() == {"seeds": 3, "stop_loss": 0.5}


@pytest.mark.parametrize("word", ["width", "width:", ":1", "width:1,,2"])
def test_a_space_that_is_none_is_refused(word):
    with chosen(f"--vary={word}"), pytest.raises(InputError, match="`vary` must be NAME:V1,V2"):
        flags.space()
