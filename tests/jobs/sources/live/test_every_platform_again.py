"""Every live platform asked a second time, through its real client: the same night, after a kill, with more members."""

from datetime import timedelta

import pytest

from tests.jobs.sources.killed import killed_at
from tests.jobs.sources.live.worlds import DAY, WORLDS, Live, pulled


def test_the_same_night_twice_asks_nothing_and_gives_the_same_rows(live: Live) -> None:
    found = live.pulled()
    assert found.acts
    live.platform.asked.clear()
    assert live.pulled() == found
    assert live.platform.asked == []


def test_each_platform_knows_who_asks(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_CONTACT", "ops@example.org")
    live.pulled()
    agents = [value for name, value in live.platform.headers.items() if name.lower() == "user-agent"]
    assert agents[0].startswith("clout/")
    assert "(ops@example.org)" in agents[0]


@pytest.mark.parametrize(
    "live", [world for world in WORLDS if world.type != "hackernews"], ids=lambda world: world.type, indirect=True
)
def test_a_pull_that_is_killed_between_a_page_and_its_rename_gives_the_same_rows(live: Live) -> None:
    """That of Hacker News asks so often that only its own tests kill it."""
    expected = live.pulled("whole")
    asked = len(live.platform.asked)
    renames = sum(path.is_file() for path in (live.landing / "whole").rglob("*"))
    for number in range(renames):
        live.platform.asked.clear()
        with killed_at(number):
            live.pulled(f"{number}")
        assert live.pulled(f"{number}") == expected
        assert len(live.platform.asked) <= 2 * asked


@pytest.mark.parametrize(
    "live", [world for world in WORLDS if world.population], ids=lambda world: world.type, indirect=True
)
def test_a_changed_population_counts_from_the_next_day_on_and_is_said(live: Live) -> None:
    found = live.pulled()
    key = str(live.world.population)
    more = {key: [*live.world.ask(live.platform.url)[key], live.world.member]}
    live.platform.asked.clear()
    assert live.pulled("landing", **more) == found
    assert live.platform.asked == []
    source = live.world.opened(live.platform, live.landing / "landing", live.clock, **more)
    reasons = [note.reason for note in pulled(source, DAY + timedelta(days=1)).notes]
    assert f"the population changed since {DAY}: 1 new" in reasons
