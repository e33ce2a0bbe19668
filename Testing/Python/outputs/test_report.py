"""The report: one self-contained page, safe against names, with words that fit the result."""

import base64
import re
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.result import DISCLAIMER, Flag, Scores, SearchPoint
from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.outputs import report_words
from CTCounterfactualLib.outputs.figure import draw_figure
from CTCounterfactualLib.outputs.numbers import MINUS, amount, fixed, percent, signed
from CTCounterfactualLib.outputs.pictures import change_over, grey, png
from CTCounterfactualLib.outputs.report import report_page, write_report
from CTCounterfactualLib.outputs.report_evidence import ROWS_SHOWN, _Axis
from CTCounterfactualLib.outputs.views import PLANES, Oriented, busiest

DAY = datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc)
NASTY = """<script>alert(1)</script>"'&<img src=x onerror=y>$title"""
# Elements that never have an end tag.
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Collects tags, attributes, text and rows of a page, and checks that tags are balanced."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], [], []
        self.rows = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def html(explanation):
    return report_page(explanation, DAY)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_needs_nothing_else(html, page):
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href"):
            assert value.startswith("data:image/png;base64,")
    assert not re.search(r"@import|url\(|https?:", html)
    assert "default-src 'none'" in html  # a browser would refuse it, too


def test_it_says_what_it_is_not_and_what_was_found(explanation, page):
    assert DISCLAIMER in page.words
    for value in vars(explanation.scores).values():
        assert amount(value) in page.words
    for flag in explanation.flags:
        assert flag.message in page.words
    assert explanation.autoencoder.sha256 in page.words
    assert explanation.versions["torch"] in page.words
    assert explanation.device in page.words
    assert "2026-03-01 12:30 UTC" in page.words
    for name in explanation.settings.names():
        if name not in ("seed", "device"):
            assert name.replace("_", " ") in page.words


def test_slabs_are_listed_head_first_with_the_best_marked(explanation, html, page):
    rows = page.rows[1:]
    assert len(rows) == len(explanation.chunks)
    for row, outcome in zip(rows, reversed(explanation.chunks), strict=True):
        assert row[0] == f"{fixed(outcome.slab_mm[0], 0)} to {fixed(outcome.slab_mm[1], 0)}"
        assert row[1] == amount(outcome.score_after)
        assert row[-1] == outcome.stop_reason
    assert html.count('<tr class="best">') == 1
    assert html.count('width:100.0%"') == 1


def test_names_cannot_bring_in_markup(explanation):
    hostile = replace(
        explanation,
        scan=replace(explanation.scan, name=NASTY),
        target=replace(explanation.target, name=NASTY, unit=NASTY),
        classifier=replace(explanation.classifier, name=NASTY, description=NASTY, sha256=NASTY),
        chunks=tuple(replace(o, stop_reason=NASTY) for o in explanation.chunks),
        flags=(Flag(NASTY, NASTY),),
        versions={NASTY: NASTY},
        device=NASTY,
        region_name=NASTY,
    )
    plain, page = Page(report_page(explanation, DAY)), Page(report_page(hostile, DAY))
    assert set(page.tags) == set(plain.tags) | {"li", "ul"}
    assert page.tags.count("img") == 9
    assert page.words.count("<script>alert(1)</script>") >= 12
    assert "$title" in page.words  # text from outside is never taken for a placeholder


def test_no_path_of_the_disk_is_told(explanation):
    secret = replace(explanation.scan, path="/home/ann/Patients/Smith_John/ct.nrrd", sha256="ab12")
    html = report_page(replace(explanation, scan=secret), DAY)
    assert "ab12" in html
    for word in ("/home", "ann/", "Patients", "Smith", "ct.nrrd"):
        assert word not in html


def test_pictures_show_the_busiest_slices(explanation, html):
    found = re.findall(r'alt="(\w+), (\w+), ([^"]+)" src="data:image/png;base64,([^"]+)"', html)
    assert [(plane, name) for name, plane, *_ in found] == [
        (plane, name) for plane in PLANES for name in ("scan", "counterfactual", "change")
    ]
    scan = Oriented.of(explanation.scan.image)
    change = Oriented.of(explanation.scan.with_array(explanation.difference))
    for name, plane, _, data in found:
        pixels = _pixels(base64.b64decode(data))
        index = busiest(change, plane)
        hu, moved = scan.plane(plane, index), change.plane(plane, index)
        if name == "scan":
            assert np.array_equal(pixels, grey(hu))
        elif name == "counterfactual":
            assert np.array_equal(pixels, grey(hu + moved))
        else:
            still = np.abs(moved) < explanation.settings.level_edges[0]
            assert np.array_equal(pixels[still], np.repeat(grey(hu)[still][:, None], 3, axis=1))


def test_slice_positions_are_those_of_slicers_views(explanation):
    """A volume with reversed K and J: the busiest voxel lies at L 6, P 4, I 10 mm by its matrix."""
    scan = explanation.scan
    image = sitk.Image([8, 8, 8], sitk.sitkInt16)
    image.SetSpacing((2, 2, 5))
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, -1))
    image.SetOrigin((0, 10, 5))
    difference = np.zeros((8, 8, 8), np.int16)
    difference[3, 3, 3] = 300  # (K, J, I): x = 0 + 3 * 2, y = 10 - 3 * 2, z = 5 - 3 * 5
    small = replace(
        explanation,
        scan=replace(scan, image=image),
        difference=difference,
        counterfactual=difference,
    )
    html = report_page(small, DAY)
    for place in ("axial, I 10 mm", "coronal, P 4 mm", "sagittal, L 6 mm"):
        assert f"<figcaption>{place}</figcaption>" in html


def test_grey_and_colours_have_known_values():
    assert grey(np.array([-2000, -1300, -500, 300, 3000])).tolist() == [0, 0, 128, 255, 255]
    hu = np.full((1, 4), -500)
    change = np.array([[9, 10, 400, -400]])
    # Below and at the first level nothing shows; at the limit 90 % of the darkest red and blue.
    assert change_over(hu, change, (10.0, 200.0)).tolist() == [
        [
            [128, 128, 128],
            [128, 128, 128],
            [round(12.8 + 0.9 * 103), 13, round(12.8 + 0.9 * 31)],
            [round(12.8 + 0.9 * 5), round(12.8 + 0.9 * 48), round(12.8 + 0.9 * 97)],
        ]
    ]


def test_png_holds_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(_pixels(png(pixels)), pixels)
    assert np.array_equal(_pixels(png(pixels[..., 0])), pixels[..., 0])


def test_numbers_are_written_as_people_do():
    assert amount(3.9) == "3.900"
    assert amount(-0.01234567) == "\u22120.01235"
    assert amount(0) == "0"
    assert amount(123456) == "123456"
    assert amount(2.5e-7) == "2.500e\u221207"
    assert signed(0.5) == "+0.500"
    assert signed(-12.34) == "\u221212.3"
    assert signed(0.0) == "0"
    assert fixed(-0.0004, 3) == "0.000"
    assert percent(0.05) == "5 %"
    assert percent(1.0) == "100 %"


def test_the_answer_says_how_far_the_score_moved(explanation):
    moved = replace(
        explanation, scores=Scores(4.0, 3.9, 3.0), whole=replace(explanation.whole, change=0.048)
    )
    assert report_words.answer(moved) == (
        "Changing the scan by 4.8 % (limit 5 % of the edited region) lowers the score from 4.000 "
        "to 3.000 L (\u221225.0 %)."
    )
    inside = replace(moved, region_name="left lung")
    assert "inside \u201cleft lung\u201d lowers" in report_words.answer(inside)


def test_the_answer_is_honest_when_it_went_wrong(explanation):
    still = replace(explanation, whole=replace(explanation.whole, lam=0.0))
    assert report_words.answer(still).startswith("No change within the limit of 5 %")
    rose = replace(explanation, scores=Scores(3.0, 3.0, 3.3))
    assert report_words.answer(rose).endswith("This is against the direction asked for.")


def test_no_percent_of_scores_that_have_no_zero(explanation):
    logit = replace(explanation, scores=Scores(-1.5, -1.4, -2.5))
    assert "(" not in report_words.answer(logit).split("score")[1]
    assert "%" not in report_words.scores(logit)[2][-1]


def test_other_modes_and_directions_have_their_own_words(explanation):
    chunks = replace(explanation, whole=None)
    assert report_words.answer(chunks).startswith("Changing every slab as far")
    assert "Orange" not in report_words.search_note(chunks)
    assert 'polyline class="whole"' not in report_page(chunks, DAY)
    whole = Page(report_page(replace(explanation, chunks=(), chunk_heatmaps=()), DAY))
    assert "not searched one by one" in whole.words and "Slabs." not in whole.words
    up = replace(explanation, settings=replace(explanation.settings, direction="increase"))
    assert "What would raise" in report_page(up, DAY)
    assert "Increase (L)" in report_page(up, DAY)


def test_where_the_score_shall_rise_the_slab_that_raised_it_most_is_best(explanation):
    one = replace(explanation.chunks[0], direction="increase", score_before=2.0)
    chunks = tuple(
        replace(one, start=n, stop=n + 1, slab_mm=(n, n + 1.0), score_after=after)
        for n, after in enumerate((1.5, 2.6, 2.3))
    )
    up = replace(explanation.settings, direction="increase")
    raised = replace(explanation, settings=up, chunks=chunks)
    page = Page(report_page(raised, DAY))
    assert [row[2] for row in page.rows[1:]] == ["0.300", "0.600", f"{MINUS}0.500"]
    html = report_page(raised, DAY)
    best = html[html.index('<tr class="best">') :]
    assert best.startswith('<tr class="best"><td>1 to 2</td>')
    figure = draw_figure(raised)
    (bars,) = [axes for axes in figure.axes if axes.get_xlabel().startswith("Increase of the")]
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([-0.5, 0.6, 0.3])
    assert max(chunks, key=lambda outcome: outcome.gain) is chunks[1]


def test_a_score_that_went_the_wrong_way_is_said_so(explanation):
    up = replace(
        explanation,
        settings=replace(explanation.settings, direction="increase"),
        scores=Scores(2.0, 1.9, 1.5),
    )
    assert report_words.answer(up).endswith("against the direction asked for.")
    risen = replace(up, scores=Scores(2.0, 1.9, 2.5))
    assert "against" not in report_words.answer(risen)
    down = replace(explanation, scores=Scores(2.0, 1.9, 2.5))
    assert report_words.answer(down).endswith("against the direction asked for.")


def test_many_slabs_leave_the_strongest(explanation):
    one = explanation.chunks[0]
    many = tuple(
        replace(one, start=n, stop=n + 1, slab_mm=(n, n + 1.0), score_after=one.score_before - n)
        for n in range(40)
    )
    page = Page(report_page(replace(explanation, chunks=many), DAY))
    assert [row[0] for row in page.rows[1:]] == [
        f"{n} to {n + 1}" for n in range(39, 39 - ROWS_SHOWN, -1)
    ]
    assert f"The {ROWS_SHOWN} strongest of 40 slabs" in page.words


def test_a_search_that_never_moved_can_be_drawn(explanation):
    point = SearchPoint(0.0, 0.0, 0.0)
    flat = tuple(
        replace(o, lam=0.0, score_before=0.0, score_after=0.0, path=(point,))
        for o in explanation.chunks
    )
    html = report_page(replace(explanation, whole=None, chunks=flat), DAY)
    chart = html[html.index("<svg") : html.index("</svg>")]
    assert "polyline" in chart and "nan" not in chart and "inf" not in chart
    assert '<tr class="best">' not in html


def test_axes_have_round_ticks():
    axis = _Axis(-0.2, 5.6, 48, 292)
    assert [text for _, text in axis.ticks()] == ["0", "2", "4"]
    assert axis.at(-0.2) == 48 and axis.at(5.6) == 292
    fine = _Axis(2.58, 3.51, 0, 1)
    assert [text for _, text in fine.ticks()] == ["2.6", "2.8", "3.0", "3.2", "3.4"]


def test_a_file_name_that_is_no_text_is_no_obstacle(explanation, tmp_path):
    odd = replace(explanation, scan=replace(explanation.scan, name="scan\udcff"))
    write_report(odd, tmp_path / "report.html", DAY)
    assert "scan?" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_report_is_written_whole_or_not_at_all(explanation, tmp_path):
    with pytest.raises(OutputError, match=r"Cannot write .*report\.html"):
        write_report(explanation, tmp_path / "missing" / "report.html")
    target = tmp_path / "report.html"
    target.mkdir()  # can't be replaced by a file
    with pytest.raises(OutputError, match=r"report\.html is a folder; give the name of a file"):
        write_report(explanation, target)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def _pixels(data: bytes) -> np.ndarray:
    """Decode a PNG by matplotlib, which isn't what wrote it."""
    from io import BytesIO

    from matplotlib.image import imread

    return np.rint(imread(BytesIO(data), format="png") * 255).astype(np.uint8)
