import locale
from datetime import UTC, datetime

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.timing import builders
from jupyter_schedule.core.timing.describe import describe_timing

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (builders.daily("12:00"), "every day at 12:00 UTC"),
        (builders.weekly(["Monday", "Thursday"], "06:30"), "every Monday and Thursday at 06:30 UTC"),
        (builders.weekly(["sun", "mon"], "00:00"), "every Monday and Sunday at 00:00 UTC"),
        (builders.weekdays("06:00"), "on `0 6 * * 1-5` (weekdays at 06:00 UTC)"),
        (builders.monthly(1, "12:00"), "on day 1 of every month at 12:00 UTC"),
        (builders.monthly(29, "12:00"), "on day 29 at 12:00 UTC (skips February except in leap years)"),
        (builders.monthly(30, "12:00"), "on day 30 at 12:00 UTC (skips February)"),
        (builders.monthly(31, "12:00"), "on day 31 at 12:00 UTC (skips the 5 months without one)"),
        (builders.monthly("L", "12:00"), "on the last day of every month at 12:00 UTC"),
        (builders.hourly(5), "every hour at minute 5"),
        (builders.hourly(5, "Asia/Kolkata"), "every hour at minute 5, Kolkata time"),
        (builders.once(NOW), "once, on Tue 24 Nov 2026 at 09:00 UTC"),
        (builders.once(NOW, "Europe/Paris"), "once, on Tue 24 Nov 2026 at 10:00 Paris time (09:00 UTC)"),
        (
            builders.once(NOW.replace(hour=20), "Asia/Tokyo"),
            "once, on Wed 25 Nov 2026 at 05:00 Tokyo time (20:00 UTC the day before)",
        ),
    ],
)
def test_what_a_form_offers_reads_as_a_sentence(timing: Timing, words: str) -> None:
    assert describe_timing(timing) == words


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 0,12 * * *", "every day at 00:00 and 12:00 UTC"),
        ("5-5 0 * * *", "every day at 00:05 UTC"),
        ("0 0 * * 0-6", "every day at 00:00 UTC"),
        ("0 */5 * * *", "every day at 00:00, 05:00, 10:00, 15:00 and 20:00 UTC"),
        ("0 6 * * 5-7", "every Friday, Saturday and Sunday at 06:00 UTC"),
        ("0 0 13 * 5", "on `0 0 13 * 5` (day 13 of every month, and every Friday at 00:00 UTC)"),
        ("0 6 1-7 * 1-5", "on `0 6 1-7 * 1-5` (days 1 to 7 of every month, and weekdays at 06:00 UTC)"),
        ("0 0 13 6 5", "on `0 0 13 6 5` (day 13 of June, and every Friday in June at 00:00 UTC)"),
        ("0 0 31 * MON", "on `0 0 31 * MON` (day 31, and every Monday at 00:00 UTC)"),
        ("0 0 */1 * 1", "every Monday at 00:00 UTC"),
        ("0 0 1-31 * 1", "on `0 0 1-31 * 1` (every day at 00:00 UTC)"),
        ("0 0 31 6 0-6", "on `0 0 31 6 0-6` (every day in June at 00:00 UTC)"),
        ("0 0 31 * */1", "on day 31 at 00:00 UTC (skips the 5 months without one)"),
        ("0 0 1-7 * */7", "on `0 0 1-7 * */7` (days 1 to 7 of every month, if that is a Sunday at 00:00 UTC)"),
        (
            "0 0 */10 6 MON,FRIL",
            "on `0 0 */10 6 MON,FRIL`"
            " (days 1, 11, 21 and 31 of June, if that is a Monday or the last Friday at 00:00 UTC)",
        ),
        ("0 9 * * MON#1", "on the first Monday of every month at 09:00 UTC"),
        ("0 9 * * 5L,1#3", "on the third Monday and the last Friday of every month at 09:00 UTC"),
        ("0 9 * 6 MON#1", "on `0 9 * 6 MON#1` (the first Monday of June at 09:00 UTC)"),
        ("0 9 * * TUE,MON#1", "every Tuesday, and the first Monday of every month at 09:00 UTC"),
        (
            "0 9 13 * MON#1",
            "on `0 9 13 * MON#1` (day 13 of every month, and the first Monday of every month at 09:00 UTC)",
        ),
        ("@daily", "every day at 00:00 UTC"),
        ("0 0 1,L * *", "on `0 0 1,L * *` (day 1 and the last day of every month at 00:00 UTC)"),
        ("0 0 1-3,9,20,21 * *", "on `0 0 1-3,9,20,21 * *` (days 1 to 3, 9, 20 and 21 of every month at 00:00 UTC)"),
        ("0 0 1 */3 *", "on `0 0 1 */3 *` (day 1 of January, April, July and October at 00:00 UTC)"),
        ("0 0 * 5-9 *", "on `0 0 * 5-9 *` (every day in May to September at 00:00 UTC)"),
        ("0 0 29 2 *", "on `0 0 29 2 *` (day 29 of February at 00:00 UTC; only in leap years)"),
        (
            "0 0 31 1,4,6 *",
            "on `0 0 31 1,4,6 *` (day 31 of January, April and June at 00:00 UTC; skips April and June)",
        ),
        ("*/15 * * * *", "on `*/15 * * * *` (every 15 minutes, UTC)"),
        ("* * * * *", "on `* * * * *` (every minute, UTC)"),
        ("*/45 * * * *", "on `*/45 * * * *` (at 0 and 45 minutes past the hour, UTC)"),
        ("5/15 * * * *", "on `5/15 * * * *` (at 5, 20, 35, and 50 minutes past the hour, UTC)"),
        ("30 */2 * * *", "on `30 */2 * * *` (at 30 minutes past the hour, every 2 hours, UTC)"),
        (
            "*/10 9-17 * * mon-fri",
            "on `*/10 9-17 * * MON-FRI` (every 10 minutes, between 09:00 and 17:59 UTC, on weekdays)",
        ),
        ("* 3 L * *", "on `* 3 L * *` (every minute, between 03:00 and 03:59 UTC, on the last day of every month)"),
    ],
)
def test_another_expression_has_true_words_beside_it(cron: str, words: str) -> None:
    assert describe_timing(Timing(cron=cron)) == words


@pytest.mark.parametrize(
    ("cron", "zone", "words"),
    [
        ("0 9 * * *", "Europe/Paris", "every day at 09:00 Paris time (08:00 UTC; 07:00 UTC from 28 Mar)"),
        ("30 1 * * *", "Europe/Paris", "every day at 01:30 Paris time"
         " (00:30 UTC; 23:30 UTC the day before from 29 Mar)"),
        ("30 2 * * *", "Europe/Paris", "every day at 02:30 Paris time (01:30 UTC; 00:30 UTC from 29 Mar)"),
        ("0 9 * * *", "Asia/Tokyo", "every day at 09:00 Tokyo time (00:00 UTC)"),
        ("0 18 * * *", "America/Los_Angeles", "every day at 18:00 Los Angeles time"
         " (02:00 UTC the day after; 01:00 UTC the day after from 14 Mar)"),
        ("0 6 * * 1-5", "Europe/Paris", "on `0 6 * * 1-5`"
         " (weekdays at 06:00 Paris time; 05:00 UTC; 04:00 UTC from 28 Mar)"),
        ("0 12 31 * *", "Asia/Tokyo", "on day 31 at 12:00 Tokyo time (03:00 UTC; skips the 5 months without one)"),
        ("0 9,18 * * *", "Europe/Paris", "every day at 09:00 and 18:00 Paris time"),
        ("0 9 * * *", "Etc/GMT-2", "every day at 09:00 UTC+02:00 (07:00 UTC)"),
        ("0 9 * * *", "CET", "every day at 09:00 CET (08:00 UTC; 07:00 UTC from 28 Mar)"),
        ("0 9 * * *", "Etc/UTC", "every day at 09:00 UTC"),
    ],
)  # fmt: skip
def test_a_time_in_another_zone_has_its_utc_time_beside_it(cron: str, zone: str, words: str) -> None:
    assert describe_timing(Timing(cron=cron, timezone=zone), NOW) == words


def test_the_words_are_english_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "getlocale", lambda *_: ("de_DE", "UTF-8"))
    assert "every 15 minutes" in describe_timing(Timing(cron="*/15 * * * *"))


def test_what_cannot_be_scheduled_has_no_words() -> None:
    with pytest.raises(Refused):
        describe_timing(Timing(cron="0 0 31 4 *"))
