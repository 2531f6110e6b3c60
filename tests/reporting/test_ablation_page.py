"""An ablation becomes a table and a figure."""

from PIL import Image

from keras_sharpness.reporting.ablation_page import write_ablation
from tests.reporting.fake_run import ABLATION_CSV


def test_every_step_is_in_the_table_and_the_figure(tmp_path):
    # The last step has no tau: too few of its models are left.
    (tmp_path / "ablation.csv").write_text(ABLATION_CSV + "2,reference,an alias,a copy,0.02,0.03,1.5,,,,2\n")
    write_ablation(tmp_path, "gat")
    lines = (tmp_path / "ablation.md").read_text().splitlines()
    assert lines[0] == "# GAT on Cora: from the released code to the paper's text"
    assert "| dropout | None | 0.6 | 0.02 | 1.5 | -0.250 | [-0.500, 0.125] | 50 |" in lines
    assert "| reference | an alias | a copy | 0.02 | 1.5 | undefined | no interval | 2 |" in lines
    assert lines[2].endswith("the last row is the paper's procedure.")
    with Image.open(tmp_path / "ablation.png") as picture:
        assert picture.size[0] == 1800


def test_the_way_from_the_text_to_the_code_is_called_so(tmp_path):
    (tmp_path / "ablation.csv").write_text(ABLATION_CSV.replace("0,nothing,", "0,paper,"))
    write_ablation(tmp_path, "gat")
    lines = (tmp_path / "ablation.md").read_text().splitlines()
    assert lines[0] == "# GAT on Cora: from the paper's text to the released code"
    assert lines[2].endswith("the last row is the code's procedure.")


def test_changes_between_steps_stand_in_the_table_where_they_are_known(tmp_path):
    head, first, second = ABLATION_CSV.splitlines()
    names = "tau_change,tau_change_ci_low,tau_change_ci_high"
    (tmp_path / "ablation.csv").write_text(f"{head},{names}\n{first},,,\n{second},-0.75,-1.0,-0.5\n")
    write_ablation(tmp_path, "gat")
    lines = (tmp_path / "ablation.md").read_text().splitlines()
    assert "| 50 | -0.750 | [-1.000, -0.500] |" in "".join(lines)
    assert sum(line.endswith("| 50 |  |  |") for line in lines) == 1
    assert "pairs of networks of the same seed" in lines[-1]
