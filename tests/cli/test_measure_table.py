"""The table of measures fits the flags and the functions; `test_measure` calls them."""

import inspect
import operator
import subprocess
import sys

import pytest

import keras_sharpness as ks
from keras_sharpness.cli import flags
from keras_sharpness.cli.measure_table import ARGUMENTS, MEASURES


@pytest.mark.parametrize("name", MEASURES)
def test_flags_exist_and_defaults_are_of_flags_that_are_taken(name):
    assert set(MEASURES[name].takes) <= set(flags.OF_MEASURES)
    assert set(MEASURES[name].defaults) <= set(MEASURES[name].takes)


@pytest.mark.parametrize("name", MEASURES)
def test_flags_of_other_names_set_arguments_of_the_function(name):
    parameters = inspect.signature(operator.attrgetter(MEASURES[name].function)(ks)).parameters
    further = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    renamed = {argument for flag, argument in MEASURES[name].takes.items() if argument != ARGUMENTS.get(flag, flag)}
    assert renamed <= set(parameters)
    assert further or set(MEASURES[name].takes.values()) <= set(parameters)


def test_every_flag_of_measures_is_taken_by_one():
    assert {flag for measure in MEASURES.values() for flag in measure.takes} == set(flags.OF_MEASURES)


def test_the_table_needs_no_backend():
    code = "import sys, keras_sharpness.cli.measure_table; print({'keras', 'tensorflow', 'torch'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"
