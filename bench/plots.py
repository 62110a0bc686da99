# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Pictures of what a run has found: bars or dots where things are compared,
lines where a cost grows. SVG, with lines and letters that can be read on light
and on dark ground."""

import os
from itertools import cycle
from pathlib import Path
from typing import Any

import figures

# Nobody's settings: pictures look the same everywhere.
os.environ["MATPLOTLIBRC"] = os.devnull
os.environ["MPLBACKEND"] = "svg"

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

GREY, OURS, OTHERS = "#7f7f7f", "#0072b2", "#a0a0a0"
FAR = 20  # times as much: beyond that, dots on a logarithmic scale, not bars
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = "os^Dv"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "intercsp",  # the same figures make the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}
DRAWN: dict[str, tuple[str, ...]] = {  # of which questions what measures
    **dict.fromkeys(("pair", "stream", "echo"), ("",)),
    "channel": ("one-way", "echo"),
    "fan-in": ("fan-in",),
    "fan-out": ("fan-out",),
    "pipeline": ("4 workers",),
    "sizes": ("1 KiB", "1 MiB", "100 MiB"),
    "pool-work": ("primes, 2 workers", "pbkdf2, 2 workers"),
    "pools-2": ("cold, trivial", "warm, trivial", "warm, n-body", "teardown"),
    "workers": ("10 workers, start", "10 workers, memory"),
}


def compare(ax: Any, c: figures.Comparison) -> None:
    """Bars from nothing where their lengths can be seen, or else dots."""
    names = list(c.medians)[::-1]
    values = [c.medians[n] for n in names]
    colours = [OURS if figures.is_ours(n) else OTHERS for n in names]
    title = c.measure
    if max(values) > FAR * min(values) > 0:
        ax.set_xscale("log")
        ax.set_xlim(min(values) / 2, max(values) * 5)
        ax.hlines(names, min(values) / 2, values, GREY, "dotted", linewidth=0.5)
        ax.scatter(values, names, c=colours, zorder=2)
        title = f"{title} (logarithmic)".strip()
    else:
        ax.set_xlim(0, max(values) * 1.2)
        ax.barh(names, values, color=colours)
    for name, value in zip(names, values, strict=True):
        ax.annotate(
            figures.amount(value, c.unit),
            (value, name),
            (6, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set_title(title, loc="left", fontsize=9)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)


def bars(found: list[figures.Comparison]) -> Any:
    heights = [len(c.medians) for c in found]
    figure, axes = pyplot.subplots(
        len(found),
        figsize=(7, 0.24 * sum(heights) + 0.6 * len(found)),
        height_ratios=heights,
        squeeze=False,
    )
    for ax, c in zip(axes.flat, found, strict=True):
        compare(ax, c)
    return figure


def ticks(axis: Any, values: list[float], unit: str) -> None:
    """As people write figures, and enough of them to see where one is."""
    subs = (1.0, 2.0, 5.0) if max(values) < 100 * min(values) else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(lambda value, _: figures.amount(value, unit))
    axis.set_minor_formatter(NullFormatter())


def lines(question: dict[str, Any]) -> Any:
    figure, ax = pyplot.subplots(figsize=(7, 3))
    unit = next(iter(question["rows"].values()))["unit"]
    series = figures.series(question)
    styles = zip(cycle(LINES), cycle(MARKERS), strict=False)
    for (name, points), (colour, marker) in zip(
        series.items(), styles, strict=False
    ):
        numbers = sorted(points)
        ax.plot(
            numbers,
            [points[n] for n in numbers],
            marker=marker,
            color=colour,
            label=name,
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    numbers = sorted({n for points in series.values() for n in points})
    ax.set_xticks(numbers, [f"{n:,.0f}" for n in numbers])
    ax.xaxis.set_minor_locator(NullLocator())
    medians = [v for points in series.values() for v in points.values()]
    ticks(ax.yaxis, medians, unit)
    ax.set_ylim(min(medians) / 1.5, max(medians) * 1.5)
    ax.set_xlabel(question["curve"])
    ax.legend(frameon=False)
    return figure


def picture(name: str, question: dict[str, Any]) -> Any:
    """Of a question, or nothing."""
    if not question["rows"]:  # all have failed
        return None
    if question["curve"]:
        return lines(question)
    wanted = DRAWN.get(name, ())
    comparisons = figures.comparisons(question)
    found = [c for c in comparisons if c.measure in wanted]
    return bars(found) if found else None


def draw(result: dict[str, Any], folder: Path) -> dict[str, str]:
    """Into the folder; the picture of each question that has one, as seen
    from the folder above."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("bench-*.svg"):
        old.unlink()
    drawn = {}
    with mpl.rc_context(STYLE):
        for name, question in result["questions"].items():
            figure = picture(name, question)
            if figure is None:
                continue
            file = folder / f"bench-{name}.svg"
            figure.savefig(file, transparent=True, metadata={"Date": None})
            pyplot.close(figure)
            drawn[name] = f"{folder.name}/{file.name}"
    return drawn
