"""validations: how well the scores of a day predicted what happened next, beside simple baselines."""

from schemas.table import Column, Table

EVERY_PLATFORM = "*"  # the value of `platform` in rows on all platforms together

# Outcome -> its meaning, as the dictionary and the report state it.
OUTCOMES = {
    "engaged": "accounts that engaged with the person in any way",
    "newly-engaged": "accounts that engaged with the person and had not in the window before",
    "reshared": "accounts that reshared or quoted the person",
}

SCORE = "score"

# Baseline -> its meaning. All count acts of the methodology's window.
BASELINES = {
    "engagers": "distinct accounts that engaged with the person",
    "acts": "acts on the person's content",
    "faded_acts": "acts, each of which counts half after two days",
    "pagerank": "PageRank with damping 0.85, pairs weighted by their acts",
    "pagerank_unweighted": "PageRank with damping 0.85, all pairs alike",
    "followers": "the newest known number of followers",
}

VALIDATIONS = Table(
    name="validations",
    version=1,
    doc="How well the scores of `day`, and baselines of the same acts, ranked people by what others did to them on the days"
    " after. Of the people scored on `day` only those count with whom somebody had engaged by then.",
    grain=("methodology", "day", "ahead", "outcome", "platform", "predictor", "figure"),
    partition_by=("methodology", "day"),
    columns=(
        Column("day", "date", "UTC day of the scores; no later act is known to a predictor."),
        Column("methodology", "string", "Version of the methodology of the scores."),
        Column("ahead", "long", "Days after `day` that count, > 0; those that were not covered are missing."),
        Column(
            "outcome",
            "string",
            "What a person received on those days: "
            + "; ".join(f"`{name}`: {meaning}" for name, meaning in OUTCOMES.items())
            + ".",
        ),
        Column("platform", "string", f"Platform of the people; `{EVERY_PLATFORM}` for all people together."),
        Column(
            "predictor",
            "string",
            f"`{SCORE}`, or a baseline. "
            + "; ".join(f"`{name}`: {meaning}" for name, meaning in BASELINES.items())
            + ".",
        ),
        Column(
            "figure",
            "string",
            "`auc`: how often a person with the outcome ranks above one without it, ties half, 0 to 1; `top_1%`, `top_0.1%`:"
            " share of the outcome that the people ranked highest received, 0 to 1; `spearman`: rank correlation of"
            " predictor and outcome among people with the outcome, -1 to 1; `rate_1` to `rate_10`: share of people with the"
            " outcome in each tenth by the predictor, 10 the highest; `from_1` to `from_10`: lowest value of the predictor"
            " in that tenth; `lead_auc`, `lead_top_1%`, `lead_top_0.1%`: that figure of the score minus the baseline's.",
        ),
        Column("value", "double", "Value of the figure; null if it is not defined for these people.", nullable=True),
        Column(
            "low", "double", "2.5th percentile of the figure among resampled people; null like `value`.", nullable=True
        ),
        Column("high", "double", "97.5th percentile of the figure, likewise.", nullable=True),
        Column("people", "long", "People that the figure is computed over."),
    ),
)
