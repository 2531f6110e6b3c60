"""What a person can get wrong is refused by name, in one line, with nothing run, filled or half-written."""

import tracemalloc

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from tests.faults import corpus, wrong_files  # noqa: F401


def files(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def refusal(call, folder, capsys):
    """The one line that refuses: of the error, or of the command line where it ends the process itself."""
    with pytest.raises((InputError, SystemExit)) as caught:
        call(folder)
    if isinstance(caught.value, InputError):
        return str(caught.value)
    assert caught.value.code == 2
    return capsys.readouterr().err.removesuffix("\n")


def test_the_corpus_is_large():
    assert len(corpus.CASES) >= 300


@pytest.mark.parametrize("name", corpus.CASES)
def test_bad_input_is_refused_by_name_in_one_line(tmp_path, capsys, name):
    words, call = corpus.CASES[name]
    line = refusal(call, tmp_path, capsys)
    assert words in line
    assert line.isprintable()
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "report.md").exists()
    assert not list(tmp_path.rglob("*.part"))
    assert not (tmp_path.parent / "evil.npy").exists()


@pytest.mark.parametrize(
    "name",
    [f"{group}: a bomb that {how}" for group in ("data", "model") for how in ("inflates", "claims")]
    + ["data: a header that lies", "data_dir: FashionMNIST a bomb"],
)
def test_a_bomb_fills_no_memory(tmp_path, name):
    _, call = corpus.CASES[name]
    corpus.saved_model()
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            call(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


def of_labels(folder):
    (folder / "model.keras").write_bytes(corpus.saved_model())
    (folder / "data.npz").write_bytes(corpus.arrays(y=np.full(40, 7)))
    return ["measure", f"--keras_model={folder / 'model.keras'}", f"--data={folder / 'data.npz'}"]


def of_a_report(folder):
    with pytest.raises(InputError):
        corpus.CASES["run: tau NaN"][1](folder)
    return ["report", str(folder)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (of_labels, "whole numbers from 0 to 1"),
        (lambda folder: ["--keras_model=m.keras", "--rho=0.1"], "must be given flags that it takes"),
        (of_a_report, "`tau` in"),
    ],
)
def test_a_process_ends_with_one_line_and_status_2(tmp_path, run_python, make, words):
    arguments = make(tmp_path)
    before = files(tmp_path)
    folder = [] if arguments[0] == "report" else [f"--output_dir={tmp_path / 'results'}"]
    process = run_python("main.py", *arguments, *folder)
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("error: ") and words in line
    assert process.stdout == ""
    assert files(tmp_path) == before
