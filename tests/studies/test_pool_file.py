import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.pool_file import file_study

WHOLE = """
seeds, stop_loss, measures = 3, 0.1, "cheap"
space = {"width": [1, 2]}
data = lambda: (("x", "y"), ("x", "y"))
def build(width): return width
helper = 3
"""


def test_a_file_says_what_flags_do_not(tmp_path):
    (tmp_path / "mine.py").write_text(WHOLE)
    study = file_study(tmp_path / "mine.py", {"seeds": 5}, sample={"m": 8})
    assert study.training == {"seeds": 5, "stop_loss": 0.1} and study.measures == "cheap" and study.sample == {"m": 8}
    assert study.build(7) == 7 and study.train == ("x", "y") and study.space == {"width": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WHOLE.replace("space =", "spice ="), r"must define build, data, space. Received: missing=\['space'\]"),
        (WHOLE.replace('(("x", "y"), ("x", "y"))', "3"), "`data` of .*mine.py must be"),
        (WHOLE + "\n1 / 0", "mine.py must run without an error. Received: line 8: ZeroDivisionError"),
        (WHOLE.replace('(("x", "y"), ("x", "y"))', "nothing"), "line 4: NameError"),
        ("def", "SyntaxError"),
    ],
)
def test_a_file_that_does_not_fit_is_named_in_one_line(tmp_path, text, message):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(InputError, match=message):
        file_study(tmp_path / "mine.py", {})


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="`study` must be a file of Python"):
        file_study(tmp_path / "mine.py", {})
