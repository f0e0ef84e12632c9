"""The model of what a night costs, and what it says of a stated load."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from tests.benchmarks import modules
from tests.jobs.engines import on_executors

LOADS = [(1e6, 25), (2.5e6, 25), (5e6, 25), (5e6, 10), (4e6, 2)]  # acts, days
TASK_BYTES = 400_000_000


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return modules(monkeypatch, "cost", "cost_load", "cost_model")


def drivers(acts: float, days: float) -> dict[str, float]:
    """The load of a night: people act equally often each day, so those of fewer days are more."""
    people = acts / 1.6 / days
    return {
        "acts": acts, "counted": acts / 1.5, "rows": acts / 1.5, "day": acts / 1.5 / days, "pairs": people * 14,
        "people": people, "accounts": people * 1.1, "files": days, "ends": people * 28,
        "closing": people * 13,
    }  # fmt: skip


def night(bench: SimpleNamespace, acts: float, days: float = 25, constant: float = 3.0) -> Any:
    """A night whose every quantity is `constant` and a slope of its own for each unit of its driver."""
    load = drivers(acts, days)
    values = {
        (each.what, each.unit): constant + (number + 1) * 1e-6 * sum(each.units(load))
        for number, each in enumerate(bench.cost_model.QUANTITIES)
        if bench.cost_model.TASK_S not in each.drivers
    }
    tasks_s = sum(values[step, bench.cost_model.PROCESSOR] for step in bench.cost_model.STEPS)
    java = {
        bench.cost_model.COMPILING: 10,
        bench.cost_model.COLLECTING: tasks_s / 20,
        bench.cost_model.PLANNING: 5 + tasks_s / 9,
    }
    values |= {(what, bench.cost_model.PROCESSOR): seconds for what, seconds in java.items()}
    return bench.cost_model.Night(load | {bench.cost_model.TASK_S: tasks_s}, values)


def test_a_night_that_follows_the_lines_is_predicted(bench: SimpleNamespace) -> None:
    """Ten times as many acts as in the largest fitted one, seconds of Java from the predicted seconds of tasks."""
    lines = bench.cost_model.fit([night(bench, *size) for size in LOADS])
    large = night(bench, 50e6)
    foreseen = bench.cost_model.predicted(lines, drivers(50e6, 25))
    assert foreseen == pytest.approx({each: large.value(each) for each in bench.cost_model.QUANTITIES}, rel=1e-6)


def test_the_steps_are_those_of_a_night(bench: SimpleNamespace) -> None:
    """`test_on_executors` finds the others in Spark's log of a night."""
    assert tuple(bench.cost_model.STEPS) == on_executors.STEPS


def test_nights_are_read_from_raw_figures(bench: SimpleNamespace, tmp_path: Path) -> None:
    raw = tmp_path / "raw.jsonl"
    raw.write_text(
        '{"name": "5", "is_predicted": true, "measured": {"acts": 1}, "asked": ""}\n{"name": "acts"}\n',
        encoding="utf-8",
    )
    assert [*bench.cost.figures(["50", "days=2", str(raw)])] == [bench.cost.Figure("5", True, {"acts": 1}, "days=2")]
    raw.write_text('{"name": "acts"}\n', encoding="utf-8")
    with pytest.raises(SystemExit, match="holds no nights of `cost`"):
        [*bench.cost.figures(["50", "", str(raw)])]


def test_totals_are_of_one_unit_and_of_the_parts_asked_for(bench: SimpleNamespace) -> None:
    model = bench.cost_model
    values = dict.fromkeys(model.QUANTITIES, 1.0)
    assert model.total(values, model.SHUFFLED) == len(model.STEPS)
    assert model.total(values, model.AT_REST, ["influence", "scores"]) == 2
    assert model.total(values, model.PROCESSOR) == len(model.STEPS) + len(model.JOBS) + len(model.JAVA)


@pytest.mark.parametrize(
    ("points", "constant", "slopes"),
    [
        ([((1,), 3), ((2,), 5), ((4,), 9)], 1, (2,)),
        ([((1,), 1), ((2,), 4)], 0, (1.2,)),  # of least squared relative errors: (s - 1)^2 + (2s/4 - 1)^2
        ([((1,), 4), ((2,), 4), ((3,), 2)], 8 / 3, (0,)),  # of (4, 4, 2): the weights are 1/16, 1/16, 1/4
        ([((1, 1), 6), ((2, 1), 8), ((2, 3), 14), ((5, 2), 17)], 1, (2, 3)),
        # The second falls; 30/13 is the best of 3 and 2, 180/41 that of 5 and 4.
        ([((1, 1), 3), ((2, 1), 5), ((1, 2), 2), ((2, 2), 4)], 60 / 13 - 180 / 41, (180 / 41 - 30 / 13, 0)),
        ([((), 4), ((), 4), ((), 2)], 8 / 3, ()),  # a constant alone
        ([((1, 0), 3), ((2, 0), 5), ((4, 0), 9)], 1, (2, 0)),  # no night pays for the second
    ],
)
def test_constants_and_slopes_are_never_negative(
    bench: SimpleNamespace, points: list[tuple[tuple[float, ...], float]], constant: float, slopes: tuple[float, ...]
) -> None:
    line = bench.cost_model.fitted(points)
    assert (line.constant, *line.slopes) == pytest.approx((constant, *slopes))


def test_a_large_day_is_written_in_several_files(bench: SimpleNamespace) -> None:
    """5 million acts a file."""
    files = [bench.cost_model.following(acts, days, 9, 7)["files"] for acts, days in ((50e6, 25), (22e6, 2), (4e6, 1))]
    assert files == [25, 6, 1]


def test_what_is_rare_is_pooled(bench: SimpleNamespace) -> None:
    """Two of three nights miss it."""
    assert bench.cost_model.pooled([((10,), 0.5), ((20,), 1), ((70,), 8.5)]) == bench.cost_model.Line(0, (0.1,))
    assert [each.what for each in bench.cost_model.QUANTITIES if each.pools] == [bench.cost_model.COLLECTING]


def test_a_line_needs_different_units(bench: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match=r"2 points of .* units, expected different units"):
        bench.cost_model.fitted([((3,), 1), ((3,), 2)])


def test_what_sorts_pays_for_n_log_n(bench: SimpleNamespace) -> None:
    sorts, scans = (bench.cost_model.Quantity("a job", "s", ("rows",), sorts) for sorts in (True, False))
    assert [each.units({"rows": 1024}) for each in (sorts, scans)] == [(1024 * 10,), (1024,)]


def test_shuffled_rows_take_more_bytes_the_more_partitions_share_them(bench: SimpleNamespace) -> None:
    """16 partitions of 400,000 rows: log2 is 4. A single partition has nothing to share."""
    shuffled = bench.cost_model.Quantity("a step", "bytes", ("pairs", "people"), splits=True)
    assert [shuffled.units({"pairs": pairs, "people": 7}) for pairs in (6_400_000, 9)] == [
        (6_400_000, 7, 4 * 6_400_000),
        (9, 7, 0),
    ]
    assert shuffled.terms == ("pairs", "people", "pairs, n log2 p")


def test_the_small_nights_tell_the_drivers_apart(bench: SimpleNamespace) -> None:
    """One has as many people and as many acts a day as the large night; none has as many acts."""
    loads = {size: drivers(people * 1.6 * days, days) for size, (people, days) in bench.cost.FITTED.items()}
    people, days = bench.cost.PREDICTED[bench.cost.DEFAULT]
    large = drivers(people * 1.6 * days, days)
    assert max(load["people"] for load in loads.values()) == large["people"]
    assert max(load["day"] for load in loads.values()) == large["day"]
    assert max(load["acts"] for load in loads.values()) < large["acts"] / 9


# A stated load


def test_the_default_load_is_what_klout_published(bench: SimpleNamespace) -> None:
    asked = bench.cost_load.stated("")
    assert (asked.acts, asked.people) == (45e9, 750e6)
    changed = bench.cost_load.stated("acts=3e6,people=2e5,acts_a_row=2,days=10,pairs=20")
    assert changed.load() == {
        "acts": 3e6, "counted": 1.5e6, "rows": 15e6, "day": 1.5e6, "pairs": 4e6, "people": 2e5, "accounts": 2e5,
        "files": 1, "ends": 8e6, "closing": 3.8e6,
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["act=1", "acts", "acts=many", "acts=0", "acts=inf", "acts=nan"])
def test_a_load_that_is_none_is_refused(bench: SimpleNamespace, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"expected|could not convert"):
        bench.cost_load.stated(wrong)


def answers(bench: SimpleNamespace, text: str) -> dict[str, float]:
    lines = bench.cost_model.fit([night(bench, *size) for size in LOADS])
    return {each.what: each.value for each in bench.cost_load.answers(lines, bench.cost_load.stated(text), TASK_BYTES)}


def test_cores_memory_and_money_follow_from_the_lines(bench: SimpleNamespace) -> None:
    text = (
        "acts=5e8,people=1e6,pairs=20,acts_a_row=2,days=30,hours=2,busy=0.5,core_hour=0.1,gb_month=0.03,requests=0.01"
    )
    found = answers(bench, text)
    model, lines = bench.cost_model, bench.cost_model.fit([night(bench, *size) for size in LOADS])
    values = model.predicted(lines, bench.cost_load.stated(text).load())
    cluster_h = model.total(values, model.PROCESSOR, [*model.STEPS, *model.JAVA]) / 3600
    assert found["cores"] == math.ceil(cluster_h / (2 * 0.5)) > 1
    assert found["in one process"] == pytest.approx(model.total(values, model.PROCESSOR) / 3600 - cluster_h)
    assert found["memory of the driver"] == pytest.approx(
        max(values[each] for each in values if each.unit == model.DRIVER) / 1e9
    )
    assert found["memory of tasks"] == pytest.approx(found["cores"] * 0.4)
    of_day = model.total(values, model.AT_REST, ["activity", "engagement", "influence", "scores"])
    whole_gb = (of_day * 30 + model.total(values, model.AT_REST, ["accounts"])) / 1e9
    assert found["at rest"] == pytest.approx(whole_gb)
    files = 100  # of a day, each of 5 million acts
    of_requests = bench.cost_load
    requests = (
        of_requests.REQUESTS + of_requests.REQUESTS_OF_A_READ * files * 31 + of_requests.REQUESTS_OF_A_WRITE * files
    )
    assert found["store requests"] == requests > 0
    prices = {"cores": found["cores"] * 2 * 0.1, "at rest": whole_gb * 0.03 / 30, "store requests": requests / 1e5}
    assert {name: found[f"price: {name}"] for name in prices} == pytest.approx(prices)
    assert found["price"] == pytest.approx(sum(prices.values()))


# The table


def measured(bench: SimpleNamespace, found: Any) -> dict[str, Any]:
    """A night as `cost_night` prints it."""
    model = bench.cost_model

    def of(unit: str, names: Any, prefix: str = "") -> dict[str, float]:
        return {name: found.values[f"{prefix}{name}", unit] for name in names}

    seconds, shuffled = of(model.PROCESSOR, model.STEPS), of(model.SHUFFLED, model.STEPS)
    used = {"task_bytes": TASK_BYTES, "spilled_bytes": 0}
    driver_s, peaks = of(model.PROCESSOR, model.JOBS, "driver: "), of(model.DRIVER, model.JOBS, "driver: ")
    return {
        **{name: found.load[name] for name in ("acts", "rows", "pairs", "people", "accounts")},
        "days": found.load["rows"] / found.load["day"],
        "java_s": sum(found.values[what, model.PROCESSOR] for what in model.JAVA) + found.load[model.TASK_S],
        "compiling_s": found.values[model.COMPILING, model.PROCESSOR],
        "collecting_s": found.values[model.COLLECTING, model.PROCESSOR],
        "kept_bytes": found.values[model.FRAMES, model.KEPT],
        "steps": {
            step: used | {"processor_s": seconds[step], "shuffled_bytes": shuffled[step]} for step in model.STEPS
        },
        "bytes_at_rest": of(model.AT_REST, model.TABLES),
        "driver": {job: (driver_s[job], peaks[job]) for job in model.JOBS},
    }


@pytest.mark.parametrize(("constant", "is_over"), [(3.0, False), (2000.0, True)])
def test_a_prediction_that_is_off_is_marked(bench: SimpleNamespace, constant: float, is_over: bool) -> None:
    cost = bench.cost
    nights = [cost.Figure(f"{acts}", False, measured(bench, night(bench, acts, days))) for acts, days in LOADS]
    large = cost.Figure("50", True, measured(bench, night(bench, 50e6, constant=constant)))
    assert large.night().load == pytest.approx(night(bench, 50e6, constant=constant).load)
    assert large.night().values == pytest.approx(night(bench, 50e6, constant=constant).values)
    records = {each.what: each for each in cost.measured([*nights, large])}
    assert (records["processor time: prediction off by"].share > 1) is is_over
    console = Console(width=200)
    with console.capture() as said:
        console.print(cost.table([*nights, large]))
    assert ("over the limit of 20%" in said.get()) is is_over
    assert "a night of 45,000,000,000 acts a day and 750,000,000 people" in said.get()
