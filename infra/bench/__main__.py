"""Figures of speed and memory; run it as `bash infra/bench.sh`. Nothing here asserts a time."""

import argparse
import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import acts
import budget
import cost
import cost_load
import distributed
import engines
import graphs
import growth
import here
import kills
import leaving
import links
import live
import months
import night
import page
import picture
import pipeline
import ranks
import records
import ten_years
import validate_report
import validate_search
from rich.console import Console

from jobs import __version__
from jobs.places import data_home

ON_GRAPHS = {"engines": engines, "distributed": distributed, "budget": budget, "growth": growth}
ALONE = {
    "acts": acts,
    "cost": cost,
    "history": ten_years,
    "kills": kills,
    "leaving": leaving,
    "links": links,
    "live": live,
    "months": months,
    "night": night,
    "ranks": ranks,
    validate_search.NAME: validate_search,
    validate_report.NAME: validate_report,
}
JUDGES = (validate_search, validate_report)  # these measure no cost
ON_REQUEST = ("setup", "cost", "kills", "night", "ranks", validate_search.NAME, validate_report.NAME)
FIGURES = (*pipeline.NAMES, *ON_GRAPHS, *ALONE)


def main() -> None:
    """Measures the figures named on the command line, and writes each to a file of JSON lines. Prints the tables, and writes a
    page of these figures and the kept ones."""
    parser = argparse.ArgumentParser(prog="infra/bench.sh", description=__doc__)
    names = f"of {', '.join(FIGURES)}; all but {', '.join(ON_REQUEST)} if left out"
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=names)
    parser.add_argument("--graphs", default=",".join(graphs.GRAPHS), help=f"for {', '.join(ON_GRAPHS)}; with commas")
    parser.add_argument("--acts", default=",".join(acts.MILLIONS), help="millions of acts, for acts; with commas")
    parser.add_argument("--predict", choices=cost.PREDICTED, default=cost.DEFAULT, help="millions of acts, for cost")
    parser.add_argument("--load", default="", help=f"for cost; {cost_load.NAMES}: NAME=NUMBER, with commas")
    parser.add_argument(
        "--night-acts", default=",".join(night.DEFAULT), help="millions of acts, or skew, for night; with commas"
    )
    parser.add_argument("--nights", default="", help="for cost: raw figures of an earlier run, to measure nothing")
    parser.add_argument("--events", type=int, default=live.EVENTS, help="of Jetstream, for live")
    parser.add_argument("--leaving-acts", type=int, default=leaving.ACTS, help="in the warehouse, for leaving")
    parser.add_argument("--people", type=int, default=kills.PEOPLE, help="who leave, for kills")
    parser.add_argument("--ranked", type=int, default=ranks.PEOPLE, help="people, for ranks")
    parser.add_argument("--kills", type=int, default=kills.KILLS, help="of the process, for kills")
    parser.add_argument("--to", type=Path, default=data_home() / "bench", help="folder of the raw figures and the page")
    parser.add_argument("--record", action="store_true", help="keep the figures in infra/bench/history.jsonl")
    arguments = parser.parse_args()
    wanted = arguments.figures or [name for name in FIGURES if name not in ON_REQUEST]
    if not set(wanted) <= set(FIGURES):
        parser.error(f"FIGURE is {names}")
    on = arguments.graphs.split(",")
    if not set(on) <= set(graphs.GRAPHS):
        parser.error(f"--graphs are of {', '.join(graphs.GRAPHS)}")

    sizes = {
        "acts": arguments.acts.split(","),
        "cost": [arguments.predict, arguments.load, arguments.nights],
        "kills": [str(arguments.people), str(arguments.kills)],
        "leaving": [str(arguments.leaving_acts)],
        "live": [str(arguments.events)],
        "night": arguments.night_acts.split(","),
        "ranks": [str(arguments.ranked)],
    }
    if not set(sizes["acts"]) <= set(acts.MILLIONS):
        parser.error(f"--acts are of {', '.join(acts.MILLIONS)}")
    if not set(sizes["night"]) <= set(night.SIZES):
        parser.error(f"--night-acts are of {', '.join(night.SIZES)}")

    try:
        cost_load.stated(arguments.load)
    except ValueError as error:
        parser.error(f"--load {error}")

    if arguments.record:
        here.refuse_changes()
    kept, run = records.read(records.HISTORY), here.run()
    arguments.to.mkdir(parents=True, exist_ok=True)
    raw = arguments.to / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.jsonl"
    tables, measured = [], []
    with raw.open("w", encoding="utf-8") as lines:
        for part, choice in (
            (pipeline, [name for name in wanted if name in pipeline.NAMES]),
            *((part, on) for name, part in ON_GRAPHS.items() if name in wanted),
            *((part, sizes.get(name, [])) for name, part in ALONE.items() if name in wanted),
        ):
            figures = []
            for figure in part.figures(choice):
                figures.append(figure)
                where = {"clout": __version__, "cores": os.cpu_count(), "load": os.getloadavg()}
                name = {"name": part.__name__}
                lines.write(json.dumps({"at": str(datetime.now(UTC)), **where, **name, **asdict(figure)}) + "\n")
                lines.flush()  # keeps these figures if a later one fails
            if figures:
                tables.append(part.table(figures))
            if part not in JUDGES:
                new = records.recorded(part.measured(figures), run)
                measured += new
                if arguments.record:
                    records.append(new, records.HISTORY)
    for table in tables:
        Console(width=160).print(table)
    print(f"raw figures: {raw}")
    if kept or measured:
        shown = raw.with_suffix(".html")
        shown.write_text(page.html(kept, measured), encoding="utf-8")
        print(f"page: {shown}")
    if arguments.record:
        picture.write()
        print(f"recorded: {records.HISTORY}, {here.PICTURE}")


if __name__ == "__main__":
    main()
