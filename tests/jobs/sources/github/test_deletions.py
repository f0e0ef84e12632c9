"""Users who are not there any more, through the whole pull: deleted ones take back what they did on earlier days."""

from datetime import date, timedelta

import pytest

from jobs import pull_activity
from jobs.sources import github
from jobs.sources.live.recording import GONE
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.github.made import DAY, NEXT_NOON, GitHub, event, user
from tests.jobs.sources.platform_server import Reply

NEXT = DAY + timedelta(days=1)
ANA = "/users/ana/events/public"


@pytest.fixture
def public(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """Also what Ana does in public. All pulls are two days later."""
    monkeypatch.setattr(github, "_now", lambda: NEXT_NOON + timedelta(days=1))
    hub.lists[ANA] = [event("30", kind="PushEvent"), event("8")]
    return hub


def pull(hub: GitHub, warehouse: Warehouse, day: date = DAY, users: tuple[str, ...] = ("ana",)) -> None:
    ask = {"repositories": ["bo/tool"], "users": list(users), "api": hub.platform.url}
    spec = SourceSpec("gh", "github", (), None, LiveOptions(ask=ask))
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=day, last_day=day), Batch("test"))


def actors(warehouse: Warehouse, day: date = DAY) -> set[str]:
    return set(warehouse.read(ACTIVITY, {"day": day})["actor_id"].to_pylist())


def reason(warehouse: Warehouse, day: date = NEXT) -> str:
    return str(warehouse.read(COVERAGE, {"day": day}).to_pylist()[0]["reason"])


def test_a_deleted_user_takes_back_all_acts_of_earlier_days(public: GitHub, warehouse: Warehouse) -> None:
    pull(public, warehouse)
    assert actors(warehouse) == {"ana", "cleo"}
    del public.lists[ANA]
    public.platform.asked.clear()
    pull(public, warehouse, NEXT)
    assert actors(warehouse) == {"cleo"}  # also those that events of the repository report
    assert "/user/1" in public.paths()
    assert reason(warehouse) == f"1 of 2 repositories and accounts: {GONE}"
    asked = len(public.platform.asked)
    pull(public, warehouse)
    assert (actors(warehouse), len(public.platform.asked)) == ({"cleo"}, asked)


def test_a_renamed_user_takes_back_nothing(public: GitHub, warehouse: Warehouse) -> None:
    pull(public, warehouse)
    del public.lists[ANA]
    whole = public.answer
    public.platform.answer = lambda path: Reply(user("Ana2")) if path == "/user/1" else whole(path)
    pull(public, warehouse, NEXT)
    assert actors(warehouse) == {"ana", "cleo"}
    assert reason(warehouse) == "1 of 2 repositories and accounts: renamed"


@pytest.mark.parametrize(
    "reply", [Reply(user("Ana")), Reply({}, 451)], ids=["the number still has the name", "withheld"]
)
def test_a_user_who_is_hidden_takes_back_nothing(public: GitHub, warehouse: Warehouse, reply: Reply) -> None:
    pull(public, warehouse)
    del public.lists[ANA]
    whole = public.answer
    public.platform.answer = lambda path: reply if path == "/user/1" else whole(path)
    pull(public, warehouse, NEXT)
    assert actors(warehouse) == {"ana", "cleo"}


def test_a_platform_that_denies_that_anybody_exists_takes_back_nothing(public: GitHub, warehouse: Warehouse) -> None:
    for name in ("cy", "di"):
        public.lists[f"/users/{name}/events/public"] = [event("31", kind="PushEvent", actor=name)]
    pull(public, warehouse, users=("ana", "cy", "di"))
    public.lists = {"/repos/bo/tool/events": public.lists["/repos/bo/tool/events"]}
    pull(public, warehouse, NEXT, users=("ana", "cy", "di"))
    assert actors(warehouse) == {"ana", "cy", "di", "cleo"}


def test_a_user_of_whom_nothing_was_recorded_is_not_looked_up(public: GitHub, warehouse: Warehouse) -> None:
    pull(public, warehouse, users=("nobody",))
    pull(public, warehouse, NEXT, users=("nobody",))
    assert actors(warehouse) == {"ana", "cleo"}
    assert not [path for path in public.paths() if path.startswith("/user/")]


def test_a_user_who_is_deleted_while_the_day_is_read_is_not_whole(public: GitHub, warehouse: Warehouse) -> None:
    first = event("31", kind="PushEvent")
    public.lists[ANA] = [first, first, first]
    whole = public.answer
    public.platform.answer = lambda path: (
        Reply({}, 404) if path.startswith(f"{ANA}?") and "page=2" in path else whole(path)
    )
    pull(public, warehouse)
    assert reason(warehouse, DAY) == f"1 of 2 repositories and accounts: {GONE}"
