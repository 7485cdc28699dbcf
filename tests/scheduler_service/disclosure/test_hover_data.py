"""Charts without their hover data: what goes, what stays, and what isn't touched."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scheduler_service.disclosure.files import check_file
from scheduler_service.disclosure.hover_data import without_hover_data
from tests.scheduler_service.disclosure import charts

CHARTS = [charts.plotly, charts.altair, charts.bokeh, charts.folium, charts.folium_places]
#: what a chart writes once more is one that draws what was found
DRAWN = [
    charts.plotly(text=charts.MAILS, mode="markers+text"),
    charts.plotly(x=charts.MAILS),
    charts.altair(x={"field": "email", "type": "nominal"}),
    charts.altair(color={"condition": {"test": "datum.email == 'a'", "value": "red"}}),
    charts.bokeh(x={"type": "field", "field": "email"}),
    charts.folium_places("if (feature.properties.email) draw();"),
]


def found(page: str, folder: Path) -> bool:
    local = folder / "page"
    local.write_text(page)
    return bool(check_file("output/page.html", local))


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_keeps_what_it_draws_and_nothing_is_found_in_it(chart: Callable[[], str], tmp_path: Path) -> None:
    page = chart()
    rewritten = without_hover_data(page) or ""
    assert found(page, tmp_path)
    assert not found(rewritten, tmp_path)
    assert "firma" not in rewritten
    for drawn in ("2026-01-07", "142") if "folium" not in page else ("50.1", "8.1"):
        assert drawn in rewritten
    assert without_hover_data(rewritten) is None


@pytest.mark.parametrize("page", DRAWN)
def test_what_a_chart_draws_stays_and_is_found_again(page: str, tmp_path: Path) -> None:
    assert found(without_hover_data(page) or page, tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        charts.plotly().replace("[{", "rows([{", 1),
        charts.plotly().replace("Plotly.newPlot", "Chart.draw"),
        charts.altair().replace("vega-lite/v6", "vega/v6"),
        charts.bokeh().replace('"3.9.2"', '"2.4.3"'),
        charts.bokeh().replace('"roots"', '"models"'),
        charts.folium_places().replace("folium-map", "map"),
        charts.plotly()[:-400],
        "<script>Plotly.newPlot('a', " + "[" * 100_000 + "</script>",
        "<html>nothing of a chart, ana@firma.de</html>",
    ],
)
def test_a_page_that_no_known_library_wrote_so_is_left_as_it_is(page: str) -> None:
    assert without_hover_data(page) is None


def test_the_rows_of_an_animation_go_from_each_of_its_frames() -> None:
    frames = 'Plotly.addFrames(\'a\', [{"name": "1", "data": [{"x": [1], "customdata": [["ana@firma.de"]]}]}])'
    assert "firma" not in (without_hover_data(f"<script>{frames}</script>") or "firma")


@pytest.mark.parametrize("kind", ["sunburst", "treemap"])
def test_the_names_that_a_chart_is_built_of_stay(kind: str) -> None:
    rewritten = without_hover_data(charts.plotly(type=kind, ids=["a"], parents=[""], text=["b"])) or ""
    assert '"ids":["a"]' in rewritten
    assert '"text":["b"]' in rewritten


def test_what_is_written_anew_ends_no_script() -> None:
    rewritten = without_hover_data(charts.plotly(name="\u003c/script \u003e")) or ""
    assert rewritten.count("</script") == 1


def test_letters_that_bokeh_writes_for_pages_are_written_so_again() -> None:
    assert "Visits &amp; more" in (without_hover_data(charts.bokeh()) or "")
