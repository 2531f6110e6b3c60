"""A command is chosen by its word, and refuses flags and arguments that it does not take."""

import pytest

from keras_sharpness.cli import flags
from keras_sharpness.cli.commands import COMMANDS, TALK
from keras_sharpness.errors import InputError
from tests.cli.in_process import chosen, command_line
from tests.support.pool_folders import large_pool, write_pool_folder

ARGUMENTS = {"sweep": ["run"], "report": ["run"], "compare": ["a", "b"]}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_word_names_a_command(name):
    with chosen(name, *ARGUMENTS.get(name, [])) as (command, rest):
        assert command is COMMANDS[name].run
        assert rest == ARGUMENTS.get(name, [])


def test_no_word_is_a_study():
    with chosen("--seed=1") as (command, rest):
        assert command.__name__ == "study" and rest == []


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", [name for names in flags.GROUPS.values() for name in names])
def test_flags_of_other_commands_are_refused(name, flag):
    if flag in (*COMMANDS[name].takes, *TALK):
        return
    value = {
        "model": "gat",
        "protocol": "paper",
        "norm": "l2",
        "scaling": "none",
        "maximizer": "apgd",
        "plan": "sequential",
    }
    value |= {"direction": "steepest", "coordinates": "scaled", "measure": "trace", "backend": "jax"}
    value |= {"order": "to_code", "strategy": "mirrored", "split": "examples", "download": "true", "resume": "true"}
    refused = pytest.raises(InputError, match=f"`{name}` must be given flags that it takes .*'--{flag}'")
    with refused, chosen(name, *ARGUMENTS.get(name, []), f"--{flag}={value.get(flag, 1)}"):
        pass


def test_every_flag_is_taken_by_a_command():
    taken = {*TALK, *(flag for command in COMMANDS.values() for flag in command.takes)}
    assert taken == {name for names in flags.GROUPS.values() for name in names}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["frobnicate"], "the command must be one of study, .*frobnicate"),
        (["study", "now"], r"`study` takes no arguments.*\['now'\]"),
        (["report"], "`report` takes RUN"),
        (["compare"], "`compare` takes RUNS"),
    ],
)
def test_words_that_do_not_fit(words, message):
    with pytest.raises(InputError, match=message), chosen(*words):
        pass


def test_a_report_needs_a_folder(tmp_path):
    with pytest.raises(InputError, match="`report` must be given the folder of a run"):
        command_line("report", str(tmp_path / "none"))


def test_a_pool_over_hyper_parameters_has_its_own_report(tmp_path):
    folder = write_pool_folder(tmp_path / "pool", **large_pool(72, 3))
    command_line("report", str(folder))
    assert "which measures rank generalization" in (folder / "report.md").read_text()


def test_compare_writes_into_the_folder_and_says_what_it_found(tmp_path, caplog):
    caplog.set_level("INFO", logger="keras_sharpness")
    command_line("compare", "runs/paper/gat", f"--output_dir={tmp_path}")
    assert (tmp_path / "compare.md").exists()
    assert caplog.messages[0].startswith("gat, paper/gat:") and caplog.messages[-1].startswith("comparison: ")
