"""Pages of charts with rows behind their points, as Plotly 7, Altair 6, Bokeh 3.9 and Folium 0.20 write them.

Each has a day and visits that it draws, and an e-mail address for each point that it only shows at the pointer.
"""

import html
import json

POINTS = 12
DAYS = [f"2026-01-{day + 1:02}" for day in range(POINTS)]
VISITS = [100 + 7 * day for day in range(POINTS)]
MAILS = [f"ana{day}@firma.de" for day in range(POINTS)]


def plotly(**trace: object) -> str:
    drawn = {"mode": "markers", "type": "scatter", "x": DAYS, "y": VISITS, "marker": {"color": "#636efa"}}
    shown = {"customdata": [[mail] for mail in MAILS], "hovertemplate": "day=%{x}<br>email=%{customdata[0]}"}
    data = json.dumps([drawn | shown | trace]).replace("<", "\\u003c").replace(">", "\\u003e")
    return (
        '<html><body><div id="9a82c10d-6dd0" class="plotly-graph-div"></div><script>'
        "window.PLOTLYENV=window.PLOTLYENV || {};"
        ' if (document.getElementById("9a82c10d-6dd0")) {    Plotly.newPlot(     "9a82c10d-6dd0",     '
        f'{data},     {{"xaxis":{{"title":{{"text":"day"}}}}}},     {{"responsive": true}} ) }};</script></body></html>'
    )


def altair(**encoding: object) -> str:
    spec = {
        "data": {"name": "data-bb60"},
        "mark": {"type": "point"},
        "encoding": {
            "x": {"field": "day", "type": "temporal"},
            "y": {"field": "visits", "type": "quantitative"},
            "tooltip": [{"field": "email", "type": "nominal"}],
            **encoding,
        },
        "$schema": "https://vega.github.io/schema/vega-lite/v6.4.1.json",
        "datasets": {
            "data-bb60": [
                {"day": day, "visits": visits, "email": mail}
                for day, visits, mail in zip(DAYS, VISITS, MAILS, strict=True)
            ]
        },
    }
    return (
        f'<html><div id="vis"></div><script>(function(vegaEmbed) {{\n var spec = {json.dumps(spec)};\n'
        'var embedOpt = {"mode": "vega-lite"};\n vegaEmbed("#vis", spec, embedOpt);\n})(vegaEmbed);</script></html>'
    )


def bokeh(**glyph: object) -> str:
    def column(values: list[str] | list[int]) -> dict[str, object]:
        return {"type": "ndarray", "array": values, "shape": [POINTS], "dtype": "object", "order": "little"}

    entries = [["day", column(DAYS)], ["visits", column(VISITS)], ["email", column(MAILS)]]
    data = {"type": "map", "entries": entries}
    source = {"type": "object", "name": "ColumnDataSource", "id": "p1042", "attributes": {"data": data}}
    drawn = {"x": {"type": "field", "field": "day"}, "y": {"type": "field", "field": "visits"}, **glyph}
    scatter = {"type": "object", "name": "Scatter", "id": "p1045", "attributes": drawn}
    hover = {"type": "object", "name": "HoverTool", "id": "p1051", "attributes": {"tooltips": [["who", "@email"]]}}
    figure = {"data_source": source, "glyph": scatter, "tools": [hover], "title": "Visits & more"}
    roots = [{"type": "object", "name": "Figure", "id": "p1006", "attributes": figure}]
    document = html.escape(json.dumps({"cc49": {"version": "3.9.2", "roots": roots}}), quote=False)
    return (
        '<html><div id="bf1e" data-root-id="p1006"></div>'
        f'<script type="application/json" id="e84f">\n  {document}\n</script>'
        "<script>const docs_json = document.getElementById('e84f').textContent;</script></html>"
    )


def folium() -> str:
    markers = "".join(
        f"""
        var marker_a{day} = L.marker([50.{day}, 8.{day}], {{}}).addTo(map_54);
        var popup_d{day} = L.popup({{ "maxWidth": "100%", }});
        var html_b{day} = $(`<div id="html_b{day}" style="width: 100.0%;">{mail}: {visits}</div>`)[0];
        popup_d{day}.setContent(html_b{day});
        marker_a{day}.bindPopup(popup_d{day})
        ;
        marker_a{day}.bindTooltip(
            `<div>
                 {mail}
             </div>`,
            {{ "sticky": true, }}
        );"""
        for day, (mail, visits) in enumerate(zip(MAILS, VISITS, strict=True))
    )
    return f'<html><body><div class="folium-map" id="map_54"></div></body><script>{markers}</script></html>'


def folium_places(code: str = "") -> str:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [8.1, 50.1]},
            "properties": {"email": mail, "visits": visits},
        }
        for mail, visits in zip(MAILS, VISITS, strict=True)
    ]
    return (
        '<html><body><div class="folium-map" id="map_54"></div></body><script>'
        f"function geo_json_83_add(data) {{ geo_json_83.addData(data); {code} }}\n"
        f"geo_json_83_add({json.dumps({'features': features, 'type': 'FeatureCollection'})});\n"
        'geo_json_83.bindTooltip(function(layer){ let div = L.DomUtil.create("div"); let fields = ["email", "visits"];'
        ' let aliases = ["email", "visits"]; return div }, {"className": "foliumtooltip"});</script></html>'
    )
