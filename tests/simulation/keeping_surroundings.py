"""What must hold of what is beside runs: files that go, words, money, ad-hoc workers, clocks, copies of a ledger."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from math import ceil

from jupyter_schedule.core.costs import HOURLY
from jupyter_schedule.core.models import NotificationEvent, Reason, Run, RunStatus, Trigger
from jupyter_schedule.core.object_keys import RESULT, WORKERS
from scheduler_service import quotas
from scheduler_service.notifications.rules import QUIET
from tests.simulation.history import History, Life
from tests.simulation.memory_store import MemoryStore
from tests.simulation.memory_tables import Sent
from tests.simulation.surroundings import CHANNELS, MOST_TRIES

#: seconds of a machine that are billed at least
LEAST_BILLED = 60
#: seconds that may pass between the look at what is used and the start that follows, in a calm world
LOOK = 60
#: seconds for which a request may be under way after it asked what time it is
UNDER_WAY = 1200
#: seconds that a machine may take to end, by its own hand
LAST_MOMENT = 120
BAD = {RunStatus.FAILED: NotificationEvent.FAILURE, RunStatus.TIMED_OUT: NotificationEvent.TIME_OUT}


def p25_the_latest_good_run_keeps_its_files(seen: History) -> Iterator[str]:
    """By occurrence and by end; so does every run that hasn't ended."""
    of_token = {attempt.token: run_id for run_id, attempts in seen.ledger.attempts_of.items() for attempt in attempts}
    for at, key in seen.seen.work.deleted:
        run_id = of_token.get(key.split("/")[2]) if key.startswith(WORKERS) and key.endswith(f"/{RESULT}") else None
        if run_id is None:
            continue
        life = seen.lives[run_id]
        if life.ended > at:
            yield f"{life.run.key} lost its files at {at:.0f}, before its end"
        good = [other for other in seen.of_schedule[life.run.schedule_id] if _is_good(other) and other.ended <= at]
        if life in good and life in (max(good, key=_occurrence), max(good, key=_end)):
            yield f"{life.run.key} lost its files at {at:.0f}, the latest good run"


def every_word_arrives_or_is_accounted_for(seen: History) -> Iterator[str]:
    """Once for each channel of a run that ended badly; what wasn't delivered was given up with a reason."""
    found, store = seen.seen.surroundings, seen.ledger.store
    if found is None or not isinstance(store, MemoryStore) or not seen.seen.ended_well:
        return
    words = {(sent.notification.channel, sent.notification.message_id): sent for sent in store.tables.outbox}
    if len(words) != len(store.tables.outbox):
        yield "a word is in the outbox twice"
    arrived = Counter(found.arrived)
    for word, sent in words.items():
        if how := _how_it_was_lost(sent, arrived[word]):
            yield f"{word[0]}: {sent.notification.occasion} of {sent.notification.run_id} {how}"
        if arrived[word] > 1 and seen.calm and not seen.troubles and word[0] == "good":
            yield f"{word} arrived {arrived[word]} times"


def every_bad_end_is_told(seen: History) -> Iterator[str]:
    """Once to each channel, whoever died."""
    store = seen.ledger.store
    if seen.seen.surroundings is None or not isinstance(store, MemoryStore):
        return
    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for sent in store.tables.outbox:
        told[sent.notification.run_id, sent.notification.occasion].append(sent.notification.channel)
    for run in seen.ledger.ended.values():
        occasion = BAD.get(run.status)
        if occasion is not None and run.trigger not in QUIET and sorted(told[run.id, occasion]) != sorted(CHANNELS):
            yield f"{run.key} was told to {told[run.id, occasion]}"


def p30_a_cap_ends_nothing_that_goes(seen: History) -> Iterator[str]:
    """Whoever was skipped for a cap had no attempt, and no machine."""
    for run in seen.ledger.ended.values():
        if run.reason == Reason.CAP and (run.attempt or seen.ledger.attempts_of[run.id]):
            yield f"{run.key} was ended by a cap"


def p30_nothing_starts_above_a_cap(seen: History) -> Iterator[str]:
    """In a calm world: of machine-hours, counted by the attempts alone, those that go up to then."""
    found = seen.seen.surroundings
    if found is None or not seen.calm or seen.troubles:
        return
    caps = (found.ec2.max_machine_hours, found.ec2.max_machine_hours_per_owner)
    for (run_id, number), at in seen.ledger.recorded.items():
        run = seen.ledger.runs_by_id[run_id]
        # what is used when the look began, at the latest
        used = _used_seconds(seen, at - LOOK)
        for cap, seconds in zip(caps, (sum(used.values()), used[seen.owner(run)]), strict=True):
            if number == 1 and cap is not None and seconds > cap * 3600:
                yield f"{run.key} started after {seconds:.0f} s of {cap} h"


def p39_machine_hours_are_counted_once(seen: History) -> Iterator[str]:
    """Of a run by its attempts' machines, of an owner by their runs and ad-hoc workers, where no clock is wrong."""
    store = seen.ledger.store
    # a service whose clock is set in between reckons the end of one machine twice
    if seen.seen.surroundings is None or seen.seen.clocks_set:
        return
    total: dict[str, int] = defaultdict(int)
    for run in seen.ledger.ended.values():
        now = seen.ledger.runs_by_id[run.id]
        had = [one for one in seen.ledger.attempts_of[run.id] if one.handle and one.handle.get("instance")]
        lived = sum(
            max(ceil((one.ended_at - one.created_at).total_seconds()), LEAST_BILLED) for one in had if one.ended_at
        )
        if (now.machine_seconds or 0) != lived:
            yield f"{run.key} counts {now.machine_seconds} s, its machines {lived}"
        total[seen.owner(run)] += lived
    for worker in store.ad_hoc.list_newest(limit=1000):
        total[worker.owner] += worker.machine_seconds or 0
    counted = Counter(quotas.used_seconds(store, "ec2", seen.seen.world.now))
    if seen.seen.ended_well and +counted != +Counter(total):
        yield f"{counted} are counted, and {dict(total)} were used"


def p39_money_ends_with_the_machine(seen: History) -> Iterator[str]:
    """In a calm world: an attempt counts no longer than its machine lived, however late that was seen."""
    if not seen.calm or seen.troubles:
        return
    ends = {(each.run, each.number): each.end for each in seen.cloud.machines.values() if each.end is not None}
    for run_id, attempts in seen.ledger.attempts_of.items():
        for attempt in attempts:
            end = ends.get((run_id, attempt.number)) if HOURLY in attempt.parameters else None
            if end is not None and attempt.ended_at and seen.seconds(attempt.ended_at) > end + 2 * LOOK:
                yield f"{run_id}.{attempt.number} counts {seen.seconds(attempt.ended_at) - end:.0f} s too many"


def p21_an_ad_hoc_worker_ends_in_time(seen: History) -> Iterator[str]:
    """One machine at most is had for a worker at once, and none outlives the deadline or, for long, its row."""
    workers = {worker.id: worker for worker in seen.ledger.store.ad_hoc.list_newest(limit=1000)}
    living: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for instance in seen.seen.region.instances.values():
        worker = workers.get(next((tag["Value"] for tag in instance.tags if tag["Key"].endswith("ad-hoc")), ""))
        if worker is None:
            continue
        start = seen.seconds(instance.launched_at)
        end = seen.seconds(instance.ended_at) if instance.ended_at else seen.seen.world.time
        if end > seen.seconds(worker.deadline) + LAST_MOMENT:
            yield f"{instance.id} of {worker.owner} outlived its deadline"
        if any(start < other_end and other_start < end for other_start, other_end in living[worker.id]):
            yield f"{worker.owner} had two machines for one"
        living[worker.id].append((start, end))
        over = seen.seconds(worker.ended_at) if worker.ended_at else None
        if over is not None and end > over + LOOK and seen.calm and not seen.troubles:
            yield f"{instance.id} lived on after its worker was over"
    if seen.seen.ended_well:
        yield from (f"{worker.id} is {worker.status} for ever" for worker in workers.values() if worker.status.live)


def p38_a_copy_starts_nothing_and_ends_nothing(seen: History) -> Iterator[str]:
    """From its first moment on, also while the work area is away."""
    copied, found = seen.seen.copied, seen.seen.surroundings
    if copied is None or found is None:
        return
    yield from (f"a copy asked for {act}" for act in sorted(set(found.copy_acts)))
    yield from (f"a copy moved {move.run.key} to {move.run.status}" for move in copied.moves)
    yield from (f"a copy recorded {key}" for key in copied.recorded)


def p15_requests_are_taken_by_the_ledgers_time(seen: History) -> Iterator[str]:
    """Whatever the clock of the machine says that somebody asks from: where the ledger has one."""
    if not seen.seen.shared:
        return
    changes = [(made.created_at, made.changed_by, at, made.name) for at, made in seen.ledger.made]
    changes += [
        (one.after.changed_at, one.after.changed_by, one.at, one.after.name)
        for one in seen.ledger.settled
        if one.after.changed_at != one.before.changed_at
    ]
    for changed, by, at, name in changes:
        ahead = seen.seconds(changed) - at
        if by != "scheduler" and not -UNDER_WAY < ahead < 1:
            yield f"{name} was changed {ahead:+.0f} s from the time"


INVARIANTS: tuple[Callable[[History], Iterator[str]], ...] = (
    p25_the_latest_good_run_keeps_its_files,
    every_word_arrives_or_is_accounted_for,
    every_bad_end_is_told,
    p30_a_cap_ends_nothing_that_goes,
    p30_nothing_starts_above_a_cap,
    p39_machine_hours_are_counted_once,
    p39_money_ends_with_the_machine,
    p21_an_ad_hoc_worker_ends_in_time,
    p38_a_copy_starts_nothing_and_ends_nothing,
    p15_requests_are_taken_by_the_ledgers_time,
)


def _is_good(life: Life) -> bool:
    return life.run.status == RunStatus.SUCCEEDED and life.run.trigger != Trigger.REHEARSAL


def _occurrence(life: Life) -> tuple[object, ...]:
    run: Run = life.run
    return run.scheduled_for, run.created_at, run.queued, run.id


def _used_seconds(seen: History, moment: float) -> dict[str, float]:
    """By owner, the seconds that runs' machines had lived by then."""
    used: dict[str, float] = defaultdict(float)
    for run_id, attempts in seen.ledger.attempts_of.items():
        for attempt in attempts:
            begun, ended = seen.seconds(attempt.created_at), attempt.ended_at
            if begun < moment and attempt.handle:
                until = min(seen.seconds(ended) if ended else moment, moment)
                used[seen.owner(seen.ledger.runs_by_id[run_id])] += until - begun
    return used


def _end(life: Life) -> tuple[object, ...]:
    return life.run.ended_at, _occurrence(life)


def _how_it_was_lost(sent: Sent, arrived: int) -> str | None:
    """What became of a word that was neither delivered nor given up with a reason."""
    if sent.next_try is not None:
        return "waits for ever"
    if sent.delivered:
        return None if arrived else "never arrived"
    may_be_given_up = sent.notification.channel == "refusing" or sent.attempts >= MOST_TRIES
    return None if sent.trouble and may_be_given_up else f"was given up after {sent.attempts} tries: {sent.trouble}"
