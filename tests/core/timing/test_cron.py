from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.timing.cron import dates, parse, split_zone


def refusal(text: str) -> str:
    """The sentence with which `text` is refused."""
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.field == "cron"
    assert refused.value.message.isprintable()
    return refused.value.message


@pytest.mark.parametrize(
    ("field", "numbers"),
    [
        ("*", range(60)),
        ("5", [5]),
        ("05", [5]),
        ("5-5", [5]),
        ("1,2,59", [1, 2, 59]),
        ("10-13", [10, 11, 12, 13]),
        ("*/20", [0, 20, 40]),
        ("*/60", [0]),
        ("5/20", [5, 25, 45]),
        ("10-30/10", [10, 20, 30]),
        ("0-3,50/5,59", [0, 1, 2, 3, 50, 55, 59]),
    ],
)
def test_a_field_stands_for_its_numbers(field: str, numbers: list[int]) -> None:
    assert parse(f"{field} 0 * * *").minutes == tuple(numbers)


@pytest.mark.parametrize("place", range(5))
def test_every_number_of_every_field_stands_for_itself_alone_and_in_ranges(place: int) -> None:
    low, high = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)][place]

    def numbers(field: str) -> set[int]:
        fields = ["0", "0", "*", "*", "*"]
        fields[place] = field
        found = parse(" ".join(fields))
        clock = ({minute % 60 for minute in found.minutes}, {minute // 60 for minute in found.minutes})
        return set((*clock, found.days, found.months, found.weekdays)[place])

    for first in range(low, high + 1):
        assert numbers(f"{first}") == numbers(f"{first}-{first}") == {first}
        for last in range(first, high + 1):
            assert numbers(f"{first}-{last}") == set(range(first, last + 1))
            assert numbers(f"{first}-{last}/3") == set(range(first, last + 1, 3))


@pytest.mark.parametrize("name", ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
def test_every_month_has_a_name_that_may_stand_in_ranges_and_steps(name: str) -> None:
    (month,) = parse(f"0 0 1 {name} *").months
    assert parse(f"0 0 1 JAN-{name} *").months == set(range(1, month + 1))
    assert parse(f"0 0 1 {name}-DEC/2 *").months == parse(f"0 0 1 {name}/2 *").months == set(range(month, 13, 2))


@pytest.mark.parametrize("name", ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])
def test_every_weekday_has_a_name_that_may_stand_in_ranges(name: str) -> None:
    (weekday,) = parse(f"0 0 * * {name}").weekdays
    assert parse(f"0 0 * * SUN-{name}").weekdays == set(range(weekday + 1))
    assert parse(f"0 0 * * {name}-SAT/2").weekdays == set(range(weekday, 7, 2))


def test_minutes_of_the_day_are_every_hour_with_every_minute_in_order() -> None:
    assert parse("45,15 23,0 * * *").minutes == (15, 45, 23 * 60 + 15, 23 * 60 + 45)


@pytest.mark.parametrize(
    ("field", "weekdays"),
    [
        ("0", {0}),
        ("7", {0}),
        ("SUN", {0}),
        ("mon,Fri", {1, 5}),
        ("1-5", {1, 2, 3, 4, 5}),
        ("MON-FRI", {1, 2, 3, 4, 5}),
        ("5-7", {5, 6, 0}),
        ("FRI-SUN", {5, 6, 0}),
        ("SUN-TUE", {0, 1, 2}),
        ("SUN-SUN", {0}),
        ("7-7", {0}),
        ("*/2", {0, 2, 4, 6}),
        ("1-7/3", {1, 4, 0}),
        ("0-7", set(range(7))),
    ],
)
def test_a_week_starts_and_ends_with_sunday(field: str, weekdays: set[int]) -> None:
    assert parse(f"0 0 * * {field}").weekdays == weekdays


@pytest.mark.parametrize(
    ("field", "months"),
    [("JAN", {1}), ("jan-Mar", {1, 2, 3}), ("*/4", {1, 5, 9}), ("11-12", {11, 12}), ("JUL-SEP", {7, 8, 9})],
)
def test_months_have_numbers_and_names(field: str, months: set[int]) -> None:
    assert parse(f"0 0 1 {field} *").months == months


@pytest.mark.parametrize(
    ("minute_and_hour", "fixed"),
    [
        ("30 2", True),
        ("0,30 2", True),
        ("0 9-17", True),
        ("0-59 0-23", True),
        ("* 2", False),
        ("30 *", False),
        ("*/15 2", False),
        ("0 */2", False),
        ("5/15 2", False),
        ("0 1-5/2", False),
    ],
)
def test_times_are_fixed_without_wildcard_and_step(minute_and_hour: str, fixed: bool) -> None:
    assert parse(f"{minute_and_hour} * * *").fixed is fixed


@pytest.mark.parametrize(
    ("days", "matching"),
    [
        ("* *", range(1, 31)),
        ("31 *", []),
        ("30 *", [30]),
        ("L *", [30]),
        ("1,L *", [1, 30]),
        ("L,30 *", [30]),
        ("* MON", [1, 8, 15, 22, 29]),
        ("13 FRI", [5, 12, 13, 19, 26]),
        ("L MON", [1, 8, 15, 22, 29, 30]),
        ("10,20,30 MON", [1, 8, 10, 15, 20, 22, 29, 30]),
        ("1-30 MON", range(1, 31)),
        ("* MON#1", [1]),
        ("* 1#5", [29]),
        ("* FRI#5", []),
        ("* 5L", [26]),
        ("* FRIL,MON#1", [1, 26]),
        ("* 7#1,0L", [7, 28]),
        ("* TUE,MON#2", [2, 8, 9, 16, 23, 30]),
        ("13 MON#1", [1, 13]),
        ("*/1 MON#1", [1]),
        ("*/2 MON#1,FRI#1", [1, 5]),
        ("1-31 MON#1", range(1, 31)),
        ("L 5L", [26, 30]),
    ],
)
def test_either_day_field_is_enough_when_both_are_restricted(days: str, matching: list[int]) -> None:
    """April 2030 starts on a Monday and has 30 days."""
    day, weekday = days.split()
    assert [found.day for found in dates(f"0 0 {day} * {weekday}", 2030, 4)] == list(matching)


@pytest.mark.promise("P12")
@pytest.mark.parametrize(("year", "last"), [(2024, 29), (2026, 28), (2100, 28)])
def test_the_last_day_of_february_depends_on_the_year(year: int, last: int) -> None:
    assert dates("0 0 L 2 *", year, 2) == (date(year, 2, last),)


def test_a_month_that_is_not_asked_for_has_no_dates() -> None:
    assert dates("0 0 * 5 *", 2026, 4) == ()


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("30 2 30 2 *", "This never happens: February has no 30th."),
        ("0 0 31 4 *", "This never happens: April has no 31st."),
        ("0 0 31 4,6 *", "This never happens: April and June have no 31st."),
        ("0 0 30,31 feb *", "This never happens: February has no 30th or 31st."),
    ],
)
def test_what_never_happens_is_refused(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 31 2-3 *", "0 0 30 2 MON", "0 0 30,L 2 *"])
def test_what_happens_at_times_is_accepted(text: str) -> None:
    assert any(dates(text, year, month) for year in (2027, 2028) for month in (2, 3))


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "this has 0"),
        ("* * * *", "this has 4"),
        ("0 * * * * *", "leave out seconds and years"),
        ("0 0 12 * * ? 2026", "leave out seconds and years"),
        ("0 9 ? * 2-6 *", "leave out seconds and years, write * for “?”, and days of the week by name"),
        ("cron(0 9 ? * 2 *)", "where “?” is written 1 is Sunday"),
        ("cron(0 12 * * ? *)", "leave out seconds and years, write * for “?”"),
        ("0 0 12 ? * 2", "1 is Sunday"),
        ("0 9 ? * 2", "days of the week by name"),
        ("0 9 * * 1, 3", "leave out the blanks beside “,” and “-”"),
        ("0 9 * * mon - fri", "leave out the blanks"),
        ("every day at noon please do it", "this has 7"),
        ("0 12 * * * cd /tmp && ls -l", "this has 10"),
        ("0 0 * * 1#6", "#1 to #5"),
        ("0 0 * * 1#0", "#1 to #5"),
        ("0 0 * * #1", "#1 to #5"),
        ("0 0 * * MON-FRI#1", "#1 to #5"),
        ("0 0 1#1 * *", "#1 to #5"),
        ("0 0 * * 8#1", "#1 to #5"),
        ("0 0 * * XXX#1", "isn't understood in the day-of-week field"),
        ("@daily now", "write five fields"),
        ("0 9 * * 1-5 Europe/Paris", "leave out the zone, and choose it as the time zone"),
        ("0 9 * * * UTC", "leave out the zone"),
        ("CRON_TZ=Europe/Berlin 0 12 * * *", "write “0 12 * * *”, and Europe/Berlin as its time zone"),
        ("0 12 * * * /usr/bin/python3 report.py", "leave out the command"),
        ("0 12 * * * root ./run.sh", "leave out the command"),
        ("@reboot", "isn't a time"),
        ("@fortnightly", "write five fields"),
        ("0 0 ? * 1", "write * in the day-of-month field"),
        ("H 0 * * *", "write a number or * in the minute field"),
        ("H/15 * * * *", "write a number"),
        ("H(0-29)/10 * * * *", "write a number"),
        ("0 R * * *", "in the hour field"),
        ("0 0 15W * *", "nearest weekday"),
        ("0 0 LW * *", "nearest weekday"),
        ("0 0 * * L", "behind a day of the week its last one"),
        ("0 0 * * 1-5L", "behind a day of the week its last one"),
        ("0 0 L-3 * *", "in the day of month, alone"),
        ("0 0 1-L * *", "in the day of month, alone"),
        ("0 0 L/2 * *", "in the day of month, alone"),
        ("L 0 * * *", "in the day of month, alone"),
        ("5L 0 * * *", "in the day of month, alone"),
        ("60 0 * * *", "60 is out of range in the minute field: use 0-59."),
        ("0 24 * * *", "use 0-23"),
        ("0 0 0 * *", "use 1-31"),
        ("0 0 32 * *", "use 1-31"),
        ("0 0 * 13 *", "use 1-12 or JAN-DEC"),
        ("0 0 * * 8", "use 0-7 or SUN-SAT"),
        (f"{'9' * 80} 0 * * *", "out of range"),
        ("0 22-2 * * *", "write 22-23,0-2 instead"),
        ("0 22-2/2 * * *", "“22-2” in the hour field runs backwards"),
        ("0 0 * NOV-FEB *", "write 11-12,1-2 instead"),
        ("0 0 * * FRI-MON", "write 5-6,0-1 instead"),
        ("0 0 * * 5-0", "write 5-7 instead"),
        ("*/0 * * * *", "use 1 or more"),
        ("*/90 * * * *", "use at most 60"),
        ("0 0 * * */8", "use at most 7"),
        ("0 0 * * 1/2", "write 1-6/2 instead"),
        ("1,,2 * * * *", "beside a comma"),
        (", * * * *", "beside a comma"),
        ("-1 * * * *", "isn't understood in the minute field"),
        ("*-5 * * * *", "isn't understood"),
        ("1-2-3 * * * *", "isn't understood"),
        ("1/2/3 * * * *", "isn't understood"),
        ("*/x * * * *", "isn't understood"),
        ("1.5 * * * *", "isn't understood"),
        ("0 0 * FOO *", "isn't understood in the month field"),
        ("MON 0 * * *", "isn't understood in the minute field"),
        ("0 0 * * MONDAY", "use 0-7 or SUN-SAT"),
        ("0 0 * * *\n", "on one line"),
        ("0\n0 * * *", "on one line"),
        ("٣ 0 * * *", "plain letters and digits"),
        ("0\u00a00 * * *", "plain letters and digits"),
        ("0 0 * * 1;rm -rf", "this has 6"),
        ("1," * 50 + "1 0 * * *", "has 109 characters; write at most 100"),
    ],
)
def test_what_is_outside_the_grammar_is_refused_with_advice(text: str, advice: str) -> None:
    assert advice in refusal(text)


@pytest.mark.parametrize(
    ("alias", "fields"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        (" @Weekly ", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_crons_names_for_common_times_are_understood(alias: str, fields: str) -> None:
    assert parse(alias) == parse(fields)


@pytest.mark.parametrize(
    ("text", "expression", "zone"),
    [
        ("CRON_TZ=Europe/Berlin 0 12 * * *", "0 12 * * *", "Europe/Berlin"),
        ("TZ=Asia/Tokyo 0 12 * * *", "0 12 * * *", "Asia/Tokyo"),
        (" CRON_TZ = 'UTC'  @daily ", "@daily", "UTC"),
        ('CRON_TZ="Europe/Berlin"\n0 12 * * *\n', "0 12 * * *", "Europe/Berlin"),
        ("TZ=:Europe/Berlin 0 12 * * *", "0 12 * * *", "Europe/Berlin"),
        ("0 12 * * *", "0 12 * * *", None),
        ("TZ=", "TZ=", None),
        ("CRON_TZ=Europe/Berlin", "CRON_TZ=Europe/Berlin", None),
    ],
)
def test_a_zone_before_an_expression_is_taken_off(text: str, expression: str, zone: str | None) -> None:
    assert split_zone(text) == (expression, zone)


def test_a_hundred_characters_are_allowed() -> None:
    assert parse("0 0 * * *".ljust(100)).minutes == (0,)


def test_tabs_and_spaces_separate_fields() -> None:
    assert parse(" 0\t12  * * * ").minutes == (720,)


@given(st.text(alphabet="0123456789*/,-LWRH#?@ \tJANMOSU\n", max_size=30))
def test_any_text_is_either_refused_or_matches_some_day(text: str) -> None:
    try:
        expression = parse(text)
    except Refused:
        return
    # a fifth weekday of February comes every 28 years
    years = 28 if expression.nth_weekdays else 1
    days = (date(2028, 1, 1) + timedelta(days=number) for number in range(366 * years))
    assert any(map(expression.matches, days))
