"""A service killed, or stopped past its lease, before and after each step of the protocol loses and doubles nothing."""

import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from jupyter_schedule.core.models import Outcome, RunStatus
from tests.faults.cases import IN_THE_WORKER, Case, Story, deployment
from tests.faults.failpoints import STEPS

DATABASES = ("sqlite", "postgresql")
CASES = [
    Case(*parts)
    for parts in itertools.product(STEPS, ("before", "after"), ("killed", "stopped"), ("one", "two"), DATABASES)
]
_WAYS = len(CASES) // len(STEPS) // 2
#: one before and one after each step, each with the next way to fail, so that every way is met at three places
EVERYDAY = {CASES[_WAYS * place + (place + place // _WAYS) % _WAYS] for place in range(2 * len(STEPS))}
#: played side by side: most of the time they wait for a lease
AT_ONCE = 12
#: a lone service that was started again has the run within 15 seconds: it looks once a second
LOOKS = 15


@pytest.fixture(scope="session")
def stories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Case, Future[Story]]]:
    """The story of each case that this session asks for, side by side."""
    folder = tmp_path_factory.mktemp("failpoints")
    functions = [item for item in request.session.items if isinstance(item, pytest.Function)]
    given = [item.callspec.params["case"] for item in functions if "stories" in item.fixturenames]
    asked = [case for case in given if isinstance(case, Case)]
    server = request.getfixturevalue("postgresql") if any(case.database == "postgresql" for case in asked) else None

    def play(number: int, case: Case) -> Story:
        ledgers = server if case.database == "postgresql" else None
        with deployment(case, folder / str(number), ledgers) as played:
            return played.play()

    # those that wait for an unanswered launch first, since they take longest
    longest_first = sorted(asked, key=lambda case: (case.fault, case.step) != ("killed", "attempt commit"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {case: pool.submit(play, number, case) for number, case in enumerate(longest_first)}
        pool.shutdown(cancel_futures=True)


@pytest.mark.promise("P1", "P2")
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=str(case), marks=[] if case in EVERYDAY else pytest.mark.proof("faults")) for case in CASES],
)
def test_one_run_one_execution_an_attempt_one_result_and_nothing_lost(
    case: Case, stories: dict[Case, Future[Story]]
) -> None:
    story = stories[case].result()
    (run,) = story.runs
    assert run.status == RunStatus.SUCCEEDED
    finished = [attempt for attempt in story.attempts if attempt.outcome == Outcome.FINISHED]
    assert [attempt.outcome for attempt in story.attempts if attempt not in finished] in ([], [Outcome.LOST])
    assert [attempt.number for attempt in finished] == [run.attempt]
    assert story.executions == [f"{run.id}.{run.attempt}"]
    assert story.results == [attempt.token for attempt in finished]
    assert len(story.attempts) == (2 if case.step in IN_THE_WORKER and case.fault == "killed" else 1)
    assert story.published == {"a.csv": "1\n"}
    assert story.latest["run"] == run.id
    assert_in_time(case, story)


def assert_in_time(case: Case, story: Story) -> None:
    """Whoever is started in the place of a lone service has the run soon; that another takes over was waited for."""
    nothing_left = (case.moment, case.step) == ("after", "terminal")
    if (case.fault, case.services) == ("killed", "one") and case.step not in IN_THE_WORKER and not nothing_left:
        taken = next(claim for claim in story.claims if claim.pid != story.victim)
        assert taken.looks <= LOOKS
