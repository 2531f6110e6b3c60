"""The documentation site: built strictly, complete, readable from disk in a real browser, nothing from elsewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("material")
pytest.importorskip("mkdocstrings")

ROOT = Path(__file__).parents[2]
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
IN_BROWSER = ("index", "tutorial", "gallery", "coming_from", "hessian", "complexity", "findings", "reference/measures")
# What is loaded by itself; links are followed by readers only.
LOADED = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=["']?(?:https?:)?//[^>]*>""")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr[-1000:]
    return folder


@pytest.fixture(scope="module")
def html(site):
    return {path.relative_to(site).as_posix(): path.read_text() for path in site.rglob("*.html")}


def test_every_name_of_the_reference_has_a_place(html):
    places = set(re.findall(r'id="(keras_sharpness\.[\w.]+)"', "".join(html.values())))
    text = "".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    names = re.findall(r"^::: (\S+)$", text, flags=re.MULTILINE)
    assert set(names) <= places


def test_every_figure_is_drawn_and_shown(site, html):
    for page in ("gallery", "tutorial", "grid"):
        saved = re.findall(r'\.savefig\("([^"]+)"\)', (ROOT / "docs" / f"{page}.md").read_text())
        assert saved
        for name in saved:
            assert (site / "figures" / page / name).stat().st_size > 1000
            assert f'src="figures/{page}/{name}"' in html[f"{page}.html"]


def test_every_equation_is_rendered(html):
    text = "".join(html.values())
    assert text.count("<math ") > 50
    assert not re.findall(r'class="arithmatex"|<merror', text)


def test_nothing_is_loaded_from_elsewhere(html):
    found = {name: LOADED.findall(text) for name, text in html.items()}
    assert {name: tags for name, tags in found.items() if tags} == {}


@pytest.fixture(scope="module")
def driver():
    webdriver = pytest.importorskip("selenium.webdriver")
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver (Debian: chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize(("theme", "is_dark"), [("light", False), ("dark", True)])
def test_pages_fit_the_window_and_load_nothing_else(driver, site, width, theme, is_dark):
    show(driver, width, theme)
    driver.get((site / "index.html").as_uri())
    # The theme keeps the colours of the last visit.
    driver.execute_script("localStorage.clear()")
    for page in IN_BROWSER:
        driver.get((site / f"{page}.html").as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width, page
        assert driver.execute_script("return [...document.images].every((one) => one.naturalWidth > 0)"), page
        assert (luminance(driver) < 0.5) == is_dark, page
    assert driver.get_log("browser") == []
    sent = requests(driver)
    assert sent and not [url for url in sent if not url.startswith(site.as_uri())]


def test_search_works_from_disk(driver, site):
    show(driver, 1400, "light")
    driver.get((site / "index.html").as_uri())
    driver.find_element("css selector", ".md-search__input").send_keys("edge of stability")
    driver.implicitly_wait(20)
    found = driver.find_elements("css selector", ".md-search-result__link")
    assert any("training.html" in link.get_attribute("href") for link in found)


def show(driver, width, theme):
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def luminance(driver):
    colour = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 / 255


def requests(driver):
    """What the pages have asked for since the last call; pictures within a style are no requests."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return {url for url in sent if not url.startswith("data:")}
