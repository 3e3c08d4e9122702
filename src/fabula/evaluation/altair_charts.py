"""A column's distribution as an Altair chart, in the colours of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fabula.evaluation.metrics.plot_data import Distribution

if TYPE_CHECKING:
    import altair as alt

_COLOURS = {"synthetic": "#4a5fd9", "real": "#8f99ab"}
_WIDTH, _HEIGHT = 640, 320


def altair_chart(picture: Distribution) -> alt.Chart:
    """Shares of the rows by label or bin, real and synthetic in their colours.

    Args:
        picture: The column's values in bins.
    """
    import altair as alt

    frames = {"synthetic": picture.synthetic, "real": picture.real}
    shown = {name: shares for name, shares in frames.items() if shares}
    rows = [
        {"value": label, "rows": name, "share": share}
        for name, shares in shown.items()
        for label, share in zip(picture.labels, shares, strict=True)
    ]
    chart = alt.Chart(alt.InlineData(values=rows), title=f"Distribution of {picture.name}")
    share: dict[str, Any] = {"title": "share of the rows", "axis": alt.Axis(format="%")}
    label: dict[str, Any] = {"title": picture.name, "sort": list(picture.labels)}
    scale = alt.Scale(domain=list(shown), range=[_COLOURS[name] for name in shown])
    colour = alt.Color("rows:N", title=None, scale=scale, legend=alt.Legend(orient="top"))
    hover = [alt.Tooltip("value:N"), alt.Tooltip("rows:N"), alt.Tooltip("share:Q", format=".1%")]
    if picture.family == "category":
        drawn = chart.mark_bar().encode(
            x=alt.X("share:Q", **share), y=alt.Y("value:N", **label), yOffset="rows:N",
            color=colour, tooltip=hover,
        )  # fmt: skip
        drawn = drawn.properties(width=_WIDTH)
    else:
        drawn = chart.mark_area(interpolate="step", opacity=0.4, line=True).encode(
            x=alt.X("value:N", axis=alt.Axis(labelOverlap=True, labelAngle=0), **label),
            y=alt.Y("share:Q", stack=None, **share), color=colour, tooltip=hover,
        )  # fmt: skip
        drawn = drawn.properties(width=_WIDTH, height=_HEIGHT)
    styled: alt.Chart = (
        drawn.configure_title(fontSize=20, anchor="start")
        .configure_axis(labelFontSize=13, titleFontSize=14)
        .configure_legend(labelFontSize=14)
    )
    return styled
