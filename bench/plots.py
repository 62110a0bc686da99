# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Pictures of what a run has found: bars where things are compared, lines
where a cost grows. SVG, with lines and letters that can be read on light and
on dark ground."""

import os
from pathlib import Path
from typing import Any

import figures

# Nobody's settings: pictures look the same everywhere.
os.environ["MATPLOTLIBRC"] = os.devnull
os.environ["MPLBACKEND"] = "svg"

import matplotlib as mpl
from matplotlib import pyplot

GREY, OURS, OTHERS = "#7f7f7f", "#0072b2", "#b0b0b0"
FAR = 20  # times as much: beyond that a bar is a logarithm
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
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
BARS = {  # the questions whose comparisons are drawn
    *("pair", "stream", "echo", "channel", "fan-in", "fan-out", "pipeline"),
    *("sizes", "pools-1", "pools-2", "pools-4", "pools-8", "workers"),
}


def bars(question: dict[str, Any]) -> Any:
    found = figures.comparisons(question)
    heights = [len(c.medians) for c in found]
    figure, axes = pyplot.subplots(
        len(found),
        figsize=(7, 0.24 * sum(heights) + 0.75 * len(found)),
        height_ratios=heights,
        squeeze=False,
    )
    for ax, c in zip(axes.flat, found, strict=True):
        names = list(c.medians)[::-1]
        values = [c.medians[n] for n in names]
        colours = [OURS if figures.is_ours(n) else OTHERS for n in names]
        drawn = ax.barh(names, values, color=colours)
        texts = [figures.amount(value, c.unit) for value in values]
        ax.bar_label(drawn, texts, padding=3, color=GREY)
        if max(values) > FAR * max(min(values), 0) > 0:
            ax.set_xscale("log")
            ax.set_xlim(min(values) / 2, max(values) * 4)
        else:
            ax.set_xlim(0, max(values) * 1.2)
        ax.set_title(c.measure, loc="left", fontsize=9)
        ax.xaxis.set_visible(False)
        ax.spines["bottom"].set_visible(False)
    return figure


def lines(question: dict[str, Any]) -> Any:
    figure, ax = pyplot.subplots(figsize=(6, 3))
    unit = next(iter(question["rows"].values()))["unit"]
    for colour, (name, points) in zip(
        LINES, figures.series(question).items(), strict=False
    ):
        numbers = sorted(points)
        ax.plot(
            numbers,
            [points[n] for n in numbers],
            "o-",
            color=colour,
            label=name,
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(question["curve"])
    ax.set_ylabel(unit)
    ax.legend(frameon=False)
    return figure


def draw(result: dict[str, Any], folder: Path) -> dict[str, str]:
    """Into the folder; the picture of each question that has one, as seen
    from the folder above."""
    folder.mkdir(exist_ok=True)
    drawn = {}
    with mpl.rc_context(STYLE):
        for name, question in result["questions"].items():
            if question["curve"]:
                figure = lines(question)
            elif name in BARS and figures.comparisons(question):
                figure = bars(question)
            else:
                continue
            file = folder / f"bench-{name}.svg"
            figure.savefig(file, transparent=True, metadata={"Date": None})
            pyplot.close(figure)
            drawn[name] = f"{folder.name}/{file.name}"
    return drawn
