"""The picture of the week: how often each carrier left late, best read from top to bottom."""

from collections.abc import Mapping
from datetime import date

import matplotlib.pyplot as plt
import pandas as pd
from delays import with_rates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

COLOURS = {"regional": "#b4450f", "low-cost": "#0b6e99", "network": "#4a4a55"}
INK = "#1d1d22"
QUIET = "#5c5c66"
GRID = "#e4e4e8"
#: inches kept free above and below the rows
HEAD, FOOT, ROW = 1.5, 0.9, 0.42


def draw(days: Mapping[date, pd.DataFrame], carriers: pd.DataFrame, place: str, minimum_flights: int) -> Figure:
    """One row per carrier: a small dot for each of `days`, a large one for all of them together.

    `carriers` has a name and a kind by carrier code; a carrier of which nothing left the ground has no row.
    """
    total = by_carrier(pd.concat(days.values())).sort_values("late_share").join(carriers)
    figure, axes = plt.subplots(figsize=(9, HEAD + FOOT + ROW * len(total)), dpi=110)
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.14, right=0.8, top=1 - HEAD / height, bottom=FOOT / height)
    dots(axes, days, total)
    figures_beside(axes, total)
    scale(axes, len(total))
    words_around(figure, days, total, place, minimum_flights)
    return figure


def by_carrier(table: pd.DataFrame) -> pd.DataFrame:
    sums = table.groupby("carrier")[["flights", "cancelled", "late", "delay_minutes"]].sum()
    return with_rates(sums).dropna()


def dots(axes: Axes, days: Mapping[date, pd.DataFrame], total: pd.DataFrame) -> None:
    colours = total["kind"].map(COLOURS)
    rows = pd.Series(range(len(total)), index=total.index)
    for table in days.values():
        share = by_carrier(table)["late_share"]
        axes.scatter(share, rows[share.index], s=22, color=colours[share.index], alpha=0.4, linewidths=0, clip_on=False)
    together = {"s": 120, "edgecolor": "white", "linewidths": 1.5, "zorder": 3, "clip_on": False}
    axes.scatter(total["late_share"], rows, color=colours, **together)
    axes.set_yticks(rows, total["name"])
    for label, colour in zip(axes.get_yticklabels(), colours, strict=True):
        label.set_color(colour)


def figures_beside(axes: Axes, total: pd.DataFrame) -> None:
    # x in parts of the axes' width, y in rows
    place = {"transform": axes.get_yaxis_transform(), "va": "center", "ha": "right"}
    left = total["flights"] - total["cancelled"]
    for row, (share, number) in enumerate(zip(total["late_share"], left, strict=True)):
        axes.text(1.1, row, f"{share:.0%}", **place, fontsize=11, weight="bold", color=INK)
        axes.text(1.25, row, f"{number:,}", **place, fontsize=11, color=QUIET)
    for x, heading in ((1.1, "late"), (1.25, "departures")):
        axes.text(x, len(total) - 0.25, heading, **place, fontsize=10, color=QUIET)
    place["ha"] = "left"
    for x, (kind, colour) in zip((0, 0.13, 0.265), COLOURS.items(), strict=True):
        axes.text(x, len(total) - 0.25, kind, **place, fontsize=10, weight="bold", color=colour)


def scale(axes: Axes, rows: int) -> None:
    axes.set_xlim(left=0)
    axes.set_ylim(-0.6, rows - 0.4)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(length=0, labelsize=11)
    axes.tick_params(axis="x", labelsize=10, labelcolor=QUIET)
    axes.set_xlabel("Share of departures that left 15 minutes late or more", fontsize=10, color=QUIET)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def words_around(
    figure: Figure, days: Mapping[date, pd.DataFrame], total: pd.DataFrame, place: str, minimum_flights: int
) -> None:
    height = figure.get_figheight()
    worst = total.iloc[-1]
    headline = f"{worst['name']} left late most often: {worst['late_share']:.0%} of its departures"
    first, last = min(days), max(days)
    since = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    span = f"{last.day} {last:%B %Y}" if first == last else f"{since} to {last.day} {last:%B %Y}"
    several = f"Large dot: {len(days)} days together. Small dots: single days."
    these, key = ("these days", several) if len(days) > 1 else ("this day", "One day so far.")
    notes = (
        f"A carrier counts at an airport on days with {minimum_flights} flights or more there. "
        "Data: US Bureau of Transportation Statistics."
    )
    figure.text(0.02, 1 - 0.42 / height, headline, fontsize=17, weight="bold", color=INK)
    subtitle = f"Departures from {place}, {span}, as flown on {these} in 2013.\n{key}"
    figure.text(0.02, 1 - 0.58 / height, subtitle, va="top", fontsize=10.5, color=QUIET, linespacing=1.4)
    figure.text(0.02, 0.15 / height, notes, fontsize=8.5, color=QUIET)
