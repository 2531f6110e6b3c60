"""Pages, sections and tables in Markdown."""

from keras_sharpness.reporting.markdown import page, section, table


def test_a_page_and_its_sections():
    assert page("A", "text", section("B", "more")) == "# A\n\ntext\n\n## B\n\nmore\n"


def test_a_table():
    assert table(("", "b"), [("1", "2")]) == "|  | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_cell_cannot_leave_its_place():
    assert table(("a",), [("x | y\n\nz",)]).splitlines()[2:] == ["| x \\| y z |"]
