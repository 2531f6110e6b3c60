"""The page in a real browser: it draws, answers pointer and keys, fits narrow and wide windows, light and dark."""

import json
import re
import shutil

import pytest

from keras_sharpness.reporting.pool_report import write_pool_report
from keras_sharpness.reporting.report import write_report
from keras_sharpness.statistics import kendall
from tests.reporting.fake_run import ABLATION_CSV, CONFIG, SWEEP_CSV, make_models, make_summary
from tests.support.pool_folders import large_pool, write_pool_folder

webdriver = pytest.importorskip("selenium.webdriver")
ActionBuilder = pytest.importorskip("selenium.webdriver.common.actions.action_builder").ActionBuilder
PointerInput = pytest.importorskip("selenium.webdriver.common.actions.pointer_input").PointerInput
WebDriverWait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: chromium-driver)"
)

HOSTILE = "</script><img src=x onerror=document.title='ran'>"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")


COLOURS = """const parse = (colour) => colour.match(/\\d+/g).slice(0, 3).map(Number);
    const ink = getComputedStyle(document.querySelector(arguments[0]));
    const paper = getComputedStyle(document.body).backgroundColor;
    return [paper, arguments[0].includes("svg") ? ink.fill : ink.color].map(parse);"""
STICKING_OUT = """return [...document.querySelectorAll("main *:not(option)")].filter((element) =>
    !element.closest(".box, pre") && element.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML)"""


def contrast(*colours):
    """The ratio that WCAG 2 defines, of two colours of three bytes each."""
    luminances = []
    for colour in colours:
        parts = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in (byte / 255 for byte in colour)
        ]
        luminances.append(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2])
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


class Browser:
    """A window of one page."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, folder, width=1000, theme="light"):
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.resize(width)
        self.driver.get((folder / "report.html").as_uri())

    def resize(self, width):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def text(self, selector):
        return self.find(selector).text

    def choose(self, name, option):
        self.find(f"#{name}").send_keys(option)

    def spots(self):
        """Places of the models in the figure."""
        return self.run("return spots.map((spot) => [spot.x, spot.y])")

    def point(self, place):
        """Moves the pointer to a place in the figure; more actions can follow."""
        svg = self.find("#scatter svg")
        self.run("arguments[0].scrollIntoView({block: 'center'})", svg)
        middle = svg.size["width"] / 2, svg.size["height"] / 2
        offset = (round(value - half) for value, half in zip(place, middle, strict=True))
        return webdriver.ActionChains(self.driver, duration=10).move_to_element_with_offset(svg, *offset)

    def drag(self, start, end):
        steps = [round(b) - round(a) for a, b in zip(start, end, strict=True)]
        self.point(start).click_and_hold().move_by_offset(*steps).release().perform()

    def keys(self, *keys):
        self.find("#scatter svg").send_keys(*keys)

    def rows(self):
        cells = "[...row.cells].map((cell) => cell.textContent).join(' ')"
        return self.run(f"return [...at('selection').tBodies[0].rows].map((row) => {cells})")


@pytest.fixture(scope="module")
def driver():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver):
    yield Browser(driver)
    assert driver.get_log("browser") == []


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    def write(models, config=CONFIG, summary=None, **files):
        folder = tmp_path_factory.mktemp("run")
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "summary.json").write_text(json.dumps(summary or make_summary(models)))
        models.to_csv(folder / "models.csv", index=False)
        for name, content in files.items():
            (folder / f"{name}.csv").write_text(content)
        write_report(folder)
        return folder

    return write


@pytest.fixture(scope="module")
def models():
    return make_models()


@pytest.fixture(scope="module")
def folder(write, models):
    return write(models, sweep=SWEEP_CSV, ablation=ABLATION_CSV)


def drawn_nonsense(browser):
    paths = browser.run("return [...document.querySelectorAll('svg path')].map((path) => path.getAttribute('d'))")
    return [path for path in paths if path and re.search("NaN|Infinity|null|undefined", path)]


def tau(models, one="sharpness", other="test_loss"):
    return f"{kendall(models[one], models[other]).tau:.3f}".replace("-", "−")


def test_pointing_at_a_model_shows_it(browser, folder, models):
    browser.open(folder)
    assert not browser.text(".tip")
    browser.point(browser.spots()[7]).perform()
    shown = browser.text(".tip")
    assert {"model 7", "seed 7", f"epochs {models['epochs'][7]}"} <= set(shown.splitlines())
    for name, column in (("sharpness", "sharpness"), ("test loss", "test_loss"), ("training loss", "train_loss")):
        value = float(re.search(f"^{name} (.*)$", shown, re.MULTILINE).group(1))
        assert value == pytest.approx(models[column][7], rel=1e-4)


def test_dragging_selects_and_lists_with_tau(browser, folder, models):
    browser.open(folder)
    assert tau(models) + " over all 50 models" in browser.text("#chosen")
    spots = browser.spots()
    left, right = sorted(spot[0] for spot in spots)[10:30:19]
    browser.drag((left - 1, 30), (right + 1, max(spot[1] for spot in spots) + 5))
    inside = [index for index, spot in enumerate(spots) if left <= spot[0] <= right]
    assert len(inside) == 20
    assert [int(row.split()[0]) for row in browser.rows()] == inside
    assert f"{tau(models.loc[inside])} over the 20 selected" in browser.text("#chosen")


def test_click_and_escape(browser, folder):
    browser.open(folder)
    browser.point(browser.spots()[3]).click().perform()
    assert [row.split()[0] for row in browser.rows()] == ["3"]
    browser.keys("\ue00c")
    assert browser.rows() == []
    assert not browser.find("#selection").is_displayed()


def test_touch_shows_and_selects(browser, folder):
    browser.open(folder)
    svg = browser.find("#scatter svg")
    browser.run("arguments[0].scrollIntoView({block: 'center'})", svg)
    corner = browser.run("const box = arguments[0].getBoundingClientRect(); return [box.left, box.top]", svg)
    finger = ActionBuilder(browser.driver, mouse=PointerInput("touch", "finger"), duration=0)
    finger.pointer_action.move_to_location(*(round(sum(pair)) for pair in zip(corner, browser.spots()[7], strict=True)))
    finger.pointer_action.pointer_down().pointer_up()
    finger.perform()
    assert "model 7" in browser.text(".tip")
    assert [row.split()[0] for row in browser.rows()] == ["7"]


def test_right_button_selects_nothing(browser, folder):
    browser.open(folder)
    browser.point(browser.spots()[3]).context_click().perform()
    browser.point(browser.spots()[5]).perform()
    assert "model 5" in browser.text(".tip")
    assert browser.rows() == []


def test_bars_and_far_models_on_a_logarithmic_axis(browser, write, models):
    spread = models.assign(sharpness=lambda table: 10 ** (20 * table["sharpness"]))
    spread["sharpness_standard_error"] = 2 * spread["sharpness"]
    spread.loc[3, "test_loss"] = 1e6
    browser.open(write(spread))
    assert browser.run("return columns[0].scale") == "log"
    assert browser.run("return spots.filter((spot) => spot.far).length") == 1
    assert drawn_nonsense(browser) == []


def test_keys_walk_and_select(browser, folder):
    browser.open(folder)
    spots = browser.spots()
    order = sorted(range(50), key=lambda index: spots[index][0])
    browser.keys("\ue014", "\ue014", "\ue007", "\ue014", " ")
    assert f"model {order[2]}" in browser.text(".tip")
    assert {int(row.split()[0]) for row in browser.rows()} == set(order[1:3])
    browser.keys("\ue012", "\ue012", "\ue012")
    assert f"model {order[-1]}" in browser.text(".tip")


def test_other_axes(browser, folder, models):
    browser.open(folder)
    before = browser.spots()
    browser.choose("vertical", "gap")
    assert "Gap: test loss minus training loss (nats)" in browser.text("#scatter svg")
    assert browser.spots() != before
    gaps = models.assign(gap=models["test_loss"] - models["train_loss"])
    assert tau(gaps, other="gap") in browser.text("#chosen")
    browser.choose("horizontal", "training loss")
    assert tau(gaps, "train_loss", "gap") in browser.text("#chosen")


def test_ties_count_as_in_tau_b(browser, write):
    models = make_models().round({"sharpness": 1, "test_loss": 2})
    browser.open(write(models))
    assert tau(models) in browser.text("#chosen")


def test_other_figures_are_drawn(browser, folder):
    browser.open(folder)
    assert "the paper −0.185" in browser.text("#taus svg")
    assert browser.text("#sweep .legend").split() == ["m", "=", "64", "m", "=", "full"]
    assert "1 dropout" in browser.text("#ablation svg")
    assert drawn_nonsense(browser) == []


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_fits_the_window_and_its_theme(browser, folder, width, theme):
    browser.open(folder, width, theme)
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.run(STICKING_OUT) == []
    paper, ink = browser.run(COLOURS, "body")
    assert (sum(paper) < sum(ink)) == (theme == "dark")
    for selector in ("body", "figcaption", "svg text", ".verdict", "thead th", "pre", ".legend"):
        assert contrast(*browser.run(COLOURS, selector)) > 4.5, selector


def test_figures_follow_the_window(browser, folder):
    browser.open(folder, 1400)
    browser.resize(400)
    fits = """return [...document.querySelectorAll('.canvas')].every((canvas) =>
        Number(canvas.firstChild.getAttribute('width')) === canvas.clientWidth)"""
    WebDriverWait(browser.driver, 3).until(lambda _: browser.run(fits))
    assert browser.run("return innerWidth") == 400


def test_five_thousand_models_answer_at_once(browser, write):
    browser.open(write(make_models(5000), summary=make_summary(make_models())))
    spots = browser.spots()
    seconds = browser.run("""
        const start = performance.now();
        drawScatter();
        chosen = new Set(everyone());
        showChosen();
        return (performance.now() - start) / 1000;""")
    assert seconds < 10
    browser.drag((60, 40), (spots[0][0] + 2, spots[0][1] + 2))
    assert 0 < len(browser.rows()) < 5000


def test_text_of_a_run_is_not_run(browser, write):
    folder = write(
        make_models(),
        CONFIG | {"command": HOSTILE, "model": HOSTILE},
        sweep=SWEEP_CSV.replace("full", HOSTILE),
        ablation=ABLATION_CSV.replace("dropout", HOSTILE),
    )
    browser.open(folder)
    browser.point(browser.spots()[0]).click().perform()
    assert HOSTILE in browser.text("#sweep .legend") and browser.text("pre") == HOSTILE
    assert browser.run("return document.title") != "ran"
    assert browser.run("return document.images.length") == 0


@pytest.mark.parametrize("num_models", [0, 1, 3])
def test_pools_with_hardly_a_model(browser, write, num_models):
    undefined = dict.fromkeys(("tau", "p_value", "tau_ci_low", "tau_ci_high")) | {"num_models": num_models}
    models = make_models(3)
    models.loc[num_models:, "sharpness"] = float("nan")
    browser.open(write(models, summary=undefined))
    assert f"over all {num_models} models" in browser.text("#chosen")
    browser.keys("\ue014")
    assert browser.text(".tip").startswith("model") == (num_models > 0)


@pytest.fixture(scope="module")
def pool(ranked_pool, tmp_path_factory):
    folder = shutil.copytree(ranked_pool, tmp_path_factory.mktemp("pool") / "pool")
    write_pool_report(folder)
    return folder


def first_cells(browser, name):
    return browser.run(f"return [...at('{name}-table').tBodies[0].rows].map((row) => row.cells[0].textContent)")


def click_head(browser, name, column):
    browser.run(f"at('{name}-table').tHead.rows[0].cells[{column}].firstChild.click()")


def test_a_click_on_a_head_sorts_measures(browser, pool):
    browser.open(pool)
    assert first_cells(browser, "ranking") == ["oracle", "opposite", "only_rate", "shuffled"]
    click_head(browser, "ranking", 2)
    assert first_cells(browser, "ranking") == ["oracle", "only_rate", "shuffled", "opposite"]
    click_head(browser, "ranking", 2)
    assert first_cells(browser, "ranking") == ["opposite", "shuffled", "only_rate", "oracle"]
    click_head(browser, "ranking", 0)
    assert first_cells(browser, "ranking") == sorted(["oracle", "opposite", "only_rate", "shuffled"])
    assert browser.find("#ranking-table th").get_attribute("aria-sort") == "ascending"


def test_choices_of_a_pool_change_its_figures_and_tables(browser, pool):
    browser.open(pool)
    assert "conditional mutual information" not in browser.text("#ranking svg")
    browser.choose("criterion", "conditional mutual information")
    assert "conditional mutual information" in browser.text("#ranking svg")
    shades = "return [...document.querySelectorAll('#within-table td')].map((cell) => cell.className)"
    before = browser.run(shades)
    assert before[:6] == ["heathigh5"] * 3 + ["heatlow5"] * 3
    browser.choose("target", "the test loss")
    assert browser.run(shades) != before and browser.run(shades)[0].startswith("heathigh")
    worst = browser.text("#environments-table tbody")
    browser.choose("measure", "shuffled")
    assert "Wrong signs of shuffled" in browser.text("#environments svg")
    assert browser.text("#environments-table tbody") != worst
    assert drawn_nonsense(browser) == []


def test_points_are_coloured_by_the_chosen_hyper_parameter(browser, pool):
    browser.open(pool)
    classes = (
        "return [...new Set([...document.querySelectorAll('#scatter .points')].map((one) => one.className.baseVal))]"
    )
    assert browser.text("#scatter .legend").split() == ["learning_rate", "0.1", "0.2", "0.4"]
    assert sorted(browser.run(classes)) == ["points step0", "points step2", "points step5"]
    browser.choose("colour", "decay")
    assert browser.text("#scatter .legend").split() == ["decay", "0", "0.0001"]
    assert sorted(browser.run(classes)) == ["points step0", "points step5"]
    browser.point(browser.spots()[7]).perform()
    shown = browser.text(".tip").splitlines()
    assert "model 7" in shown and any(line.startswith("width ") for line in shown)


@pytest.mark.parametrize(("width", "theme"), [(400, "light"), (1400, "dark")])
def test_the_page_of_a_pool_fits_the_window_and_its_theme(browser, pool, width, theme):
    browser.open(pool, width, theme)
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.run(STICKING_OUT) == []
    for selector in ("figcaption", "svg text", ".verdict", "thead th button", "select"):
        assert contrast(*browser.run(COLOURS, selector)) > 4.5, selector


def test_ten_thousand_models_of_a_pool_answer_at_once(browser, tmp_path):
    folder = write_pool_folder(tmp_path / "large", **large_pool(10_000, 5))
    write_pool_report(folder)
    browser.open(folder)
    seconds = browser.run("""
        const start = performance.now();
        at("colour").value = 3;
        drawScatter();
        chosen = new Set(everyone());
        showChosen();
        return (performance.now() - start) / 1000;""")
    assert seconds < 10
    assert "over all 10000 models" in browser.text("#chosen") and "The first 1000 are listed" in browser.text("#chosen")
    assert len(browser.rows()) == 1000
