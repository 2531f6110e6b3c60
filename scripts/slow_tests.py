"""Lists the tests that `make quick` leaves out since they take long: writes `tests/slow.txt`.

make test ARGS=--junitxml=report.xml
python scripts/slow_tests.py report.xml
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

FILE = Path(__file__).parents[1] / "tests" / "slow.txt"
LIMIT = 0.5


def slow_tests(report: Path) -> list[str]:
    """Returns the functions of tests one of whose cases, with what is set up for it, takes longer than `LIMIT` seconds.

    Args:
        report: What pytest's `--junitxml` wrote.
    """
    seconds = defaultdict(float)
    for case in ElementTree.parse(report).iter("testcase"):
        path = case.get("classname", "").removeprefix("tests.").replace(".", "/")
        function = case.get("name", "").partition("[")[0]
        name = f"{path}.py::{function}"
        seconds[name] = max(seconds[name], float(case.get("time", 0)))
    return sorted(name for name, longest in seconds.items() if longest > LIMIT)


if __name__ == "__main__":
    FILE.write_text("\n".join(slow_tests(Path(sys.argv[1]))) + "\n")
