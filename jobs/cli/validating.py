"""The command that compares scores with what happened next."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import labels
from jobs.cli import display
from jobs.cli.display import say
from jobs.cli.options import FLAG, Day, Sample, Verbose, log, methodology_of, open_to_read
from jobs.labels import plain
from schemas.validations import OUTCOMES

if TYPE_CHECKING:
    from jobs.validation.tables import Validation


def validate(
    day: Day,
    methodology: Annotated[
        list[str] | None,
        typer.Option(
            "--methodology",
            metavar="VERSION",
            help="Methodology; can be repeated. The official one of the day if left out.",
        ),
    ] = None,
    ahead: Annotated[int, typer.Option(min=1, max=3660, metavar="DAYS", help="How many days after it count.")] = 7,
    outcome: Annotated[
        str, typer.Option(metavar="|".join(OUTCOMES), help="What a person receives on the days after.")
    ] = "engaged",
    to: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder for `report.html` and CSV files.")] = None,
    record: Annotated[
        bool, typer.Option("--record", metavar=FLAG, help="Write the figures into the table `validations`.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="JSON instead of tables.")] = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Say how well a day's scores predicted who was engaged with on the days after, beside simple baselines.

    Example: clout validate --day 2012-07-05 --outcome reshared --to report
    """
    from jobs import validations as job
    from jobs.night_settings import nights
    from jobs.people.admission import decide
    from jobs.report import page
    from jobs.validation import report
    from jobs.validation.tables import Params
    from jobs.warehouse.runs import Batch

    log(verbose)
    chosen = tuple(methodology_of(version, day.date()) for version in methodology or (None,))
    params = Params(day=day.date(), methodologies=chosen, ahead=ahead, outcome=outcome)
    warehouse = open_to_read(sample)
    folder = page.folder(to) if to else None
    admission = decide(warehouse)
    label = admission.label if admission.basis else labels.NOBODY_NAMED
    with display.progress() as bar:
        bar.show("comparing scores with what happened next")
        validation = job.run(warehouse, params, nights().min_group)
    if record:
        job.record(warehouse, validation, Batch(f"validate {params.day} {ahead} {outcome} {','.join(params.versions)}"))
    if as_json:
        display.print_json(report.figures(validation).to_pylist())
    else:
        _print(validation, label)
    if folder:
        written = report.write(validation, label, folder)
        if not as_json:
            say(f"report: {written}")


def _print(validation: "Validation", label: str) -> None:
    """Prints the label of real people, the sentences, a table of predictors, a table of the tenths by score, and, if there are
    several platforms, a table of their AUC."""
    from jobs.validation import report
    from jobs.validation.charts import name_of
    from jobs.validation.figures import TENTHS, TOPS

    params, whole, predictors = validation.params, validation.whole, validation.predictors
    first = params.versions[0]
    say(report.headline(validation))
    for sentence in report.sentences(validation):
        say(f"  {sentence}")
    say()
    figures = ("auc", *TOPS, "spearman")
    names = ("predictor", "AUC", *TOPS, "Spearman", f"{first} ahead by (AUC)", "people")
    cells = [
        [name_of(predictor), *(report.shown(whole.figure(predictor, figure)) for figure in figures),
         "" if predictor == first else report.shown(whole.figure(predictor, "lead_auc", first), signed=True),
         plain(max(each.people for each in whole.figures if each.predictor == predictor))]
        for predictor in predictors
    ]  # fmt: skip
    title = f"Predictors of {params.day}, outcome {params.outcome}, 95 % intervals"
    display.print_table(title, names, cells, ("predictor",), ("predictor", "AUC"))
    tenths = [
        [f"{tenth}", *(cell for version in params.versions for cell in _tenth(validation, version, tenth))]
        for tenth in range(TENTHS, 0, -1)
    ]
    by_version = [head for version in params.versions for head in (f"{version} from", f"{params.outcome} by {version}")]
    display.print_table(
        "What a score means: tenths of people, 10 the highest", ("tenth", *by_version), tenths, ("tenth",)
    )
    if len(validation.platforms) > 1:
        by_platform = [
            [plain(platform.name), plain(platform.people), plain(platform.with_outcome), plain(platform.covered_days),
             *(report.shown(platform.figure(predictor, "auc")) for predictor in predictors)]
            for platform in validation.platforms[1:]
        ]  # fmt: skip
        heads = ("platform", "people", params.outcome, "covered days", *map(name_of, predictors))
        display.print_table("AUC by platform", heads, by_platform, ("platform",), ("platform", first))
    say(report.label_of(validation, label))


def _tenth(validation: "Validation", version: str, tenth: int) -> tuple[str, str]:
    """The lowest score of a tenth, and how many of its people had the outcome."""
    from jobs.validation import report

    lowest = validation.whole.figure(version, f"from_{tenth}")
    return f"{lowest.value:.1f}" if lowest else "", report.rate(validation.whole.figure(version, f"rate_{tenth}"))
