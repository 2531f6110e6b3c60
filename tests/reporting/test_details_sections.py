"""Tables of what is known of batches and test examples."""

from keras_sharpness.reporting.detail_statistics import Details, beside_gradient_norm, corrected, over_sources
from keras_sharpness.reporting.details_sections import details_sections
from tests.reporting.fake_run import make_details


def test_the_tables_hold_the_statistics():
    details = Details(**make_details())
    sources, gradient = details_sections(details, rho=0.5)
    names = [name for name, _ in over_sources(details)]
    assert [row[0] for row in sources.rows] == ["over", *names, "without the noise of the batches"]
    assert sources.rows[-1][1] == f"{corrected(details).corrected.tau:.3f}"
    assert f"split-half reliability of sharpness is {corrected(details).reliability:.3f}" in sources.note
    name, difference = beside_gradient_norm(details)[2]
    ends = f"[{difference.ci_low:.3f}, {difference.ci_high:.3f}]"
    assert gradient.rows[3] == (name, f"{difference.difference:.3f}", ends)
    sharpness, norms, _ = details.means
    assert f"sharpness is {(sharpness / (0.5 * norms)).mean():.4g} of that product" in gradient.note
    for section in (sources, gradient):
        assert section.note == " ".join(section.note.split())


def test_without_a_radius_there_is_no_first_order():
    assert len([*details_sections(Details(**make_details()), rho=0.0)]) == 1
