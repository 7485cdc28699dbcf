"""The form: what it asks for, how it is found again, how it is patched."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from jupyter_schedule.api.forms import edit_spec, form_of, number_limits, patched, request_of, spec_to_edit
from jupyter_schedule.api.requests import EditSchedule, Form, Frequency
from jupyter_schedule.api.validation import validated
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel, Overlap, Spec, Timing, Visibility
from tests.engine import DAILY, Engine
from tests.factories import make_schedule, make_spec

ROOT = Path("/home/ann")
FORM = Form(notebook="work/a.ipynb", name="daily", parameters={"n": 1}, files=("x.csv",))


def test_texts_are_typed_by_the_notebook_and_values_have_their_types_already() -> None:
    form = Form(notebook="a.ipynb", parameters={"text": "NO", "number": 1, "none": None, "list": ["a"]})
    request = request_of(form, DAILY, ROOT)
    assert request.parameter_texts == {"text": "NO"}
    assert request.parameters == {"number": 1, "none": None, "list": ["a"]}
    assert request.notebook == ROOT / "a.ipynb"


@pytest.mark.parametrize("path", ["../a.ipynb", "/etc/passwd", "a/../../b.ipynb", "", "a\0.ipynb"])
def test_a_notebook_outside_the_root_is_refused(path: str) -> None:
    with pytest.raises(Refused) as refused:
        request_of(Form(notebook=path), DAILY, ROOT)
    assert (refused.value.code, refused.value.field) == ("outside_root", "notebook")


class TestFormOf:
    def form(self, base: str, **changes: Any) -> Form:
        spec = make_spec(publication_base=base, source="work/a.ipynb", files=("work/*.csv",), **changes)
        return form_of(make_schedule(spec=spec), ROOT)

    def test_a_schedule_made_here_has_the_form_that_made_it(self) -> None:
        kernel = Kernel(name="r", display_name="R", argv=("/r",))
        form = self.form(
            "file:///home/ann/published",
            timing=Timing(cron="0 6 * * 1", timezone="Asia/Tokyo"),
            parameters={"n": 1},
            left_out=("work/big.csv",),
            kernel=kernel,
            overlap=Overlap.SKIP,
            visibility=Visibility.NONE,
            timeout=5,
        )
        assert form == Form(
            notebook="work/a.ipynb",
            name="daily",
            frequency=Frequency(kind="weekly", at="06:00", days=("Mon",), timezone="Asia/Tokyo"),
            parameters={"n": 1},
            files=("work/*.csv",),
            left_out=("work/big.csv",),
            output_dir="output",
            timeout_minutes=5,
            kernel="r",
            overlap=Overlap.SKIP,
            visibility=Visibility.NONE,
        )

    def test_one_made_in_a_folder_below_is_seen_from_the_root(self) -> None:
        form = self.form("file:///home/ann/some%20project/published")
        assert (form.notebook, form.files) == ("some project/work/a.ipynb", ("some project/work/*.csv",))

    def test_one_made_elsewhere_has_no_notebook_here(self) -> None:
        form = self.form("file:///srv/other/published")
        assert (form.notebook, form.files) == (None, ())


class TestPatch:
    def test_who_moves_to_another_launcher_leaves_size_and_role_behind_unless_they_are_said(self) -> None:
        form = FORM.model_copy(update={"launcher": "ec2", "size": "large", "data_role": "weather"})
        moved = patched(form, {"launcher": "local"})
        assert (moved.launcher, moved.size, moved.data_role) == ("local", None, None)
        stayed = patched(form, {"launcher": "ec2", "timeout_minutes": 5})
        assert (stayed.size, stayed.data_role) == ("large", "weather")
        said = patched(form, {"launcher": "gcp", "size": "small"})
        assert (said.size, said.data_role) == ("small", None)

    def test_a_patch_merges_and_null_removes(self) -> None:
        form = FORM.model_copy(update={"parameters": {"a": 1, "b": 2}})
        after = patched(form, {"parameters": {"a": None, "c": [1]}, "frequency": {"at": "6:00"}, "files": ["y"]})
        assert after.parameters == {"b": 2, "c": [1]}
        assert after.frequency == Frequency(at="6:00")
        assert after.files == ("y",)
        assert patched(form, {"files": None}).files == ()

    @pytest.mark.parametrize(
        ("patch", "code", "field"),
        [
            ({"colour": 1}, "unknown_key", "colour"),
            ({"frequency": {"hour": 1}}, "unknown_key", "hour"),
            ({"frequency": "daily"}, "invalid", "frequency"),
            ({"timeout_minutes": 1441}, "bad_timeout", "timeout_minutes"),
            ({"files": [1]}, "invalid", "files"),
            ({"name": "else"}, "name_fixed", "name"),
            ({"name": None}, "name_fixed", "name"),
        ],
    )
    def test_what_cannot_be_is_refused_beside_its_field(self, patch: dict[str, Any], code: str, field: str) -> None:
        with pytest.raises(Refused) as refused:
            patched(FORM, patch)
        assert (refused.value.code, refused.value.field) == (code, field)

    def test_what_is_no_object_at_all_is_one_sentence(self) -> None:
        with pytest.raises(Refused) as refused:
            validated([], TypeAdapter(EditSchedule))
        assert refused.value.code == "invalid"
        assert refused.value.message.endswith(".")


class TestEdited:
    def test_only_what_differs_changes(self) -> None:
        spec = make_spec(parameters={"n": 1}, source="work/a.ipynb", notebook="a.ipynb")
        after = FORM.model_copy(update={"timeout_minutes": 5, "overlap": Overlap.ALLOW, "output_dir": "out/"})
        changed = edit_spec(spec, FORM, after)
        assert changed == spec.model_copy(update={"timeout": 5, "overlap": Overlap.ALLOW, "output_dir": "out"})

    def test_a_timing_that_the_form_cannot_tell_stays_as_long_as_the_frequency_does(self) -> None:
        spec = make_spec(timing=Timing(cron="0 12 * * 7"))
        assert edit_spec(spec, FORM, FORM).timing == spec.timing
        after = FORM.model_copy(update={"frequency": Frequency(at="6:00")})
        assert edit_spec(spec, FORM, after).timing.cron == "0 6 * * *"

    @pytest.mark.parametrize("change", [{"notebook": "b.ipynb"}, {"files": ()}, {"left_out": ("x",)}, {"kernel": "r"}])
    def test_code_never_changes_by_the_way(self, change: dict[str, Any]) -> None:
        with pytest.raises(Refused) as refused:
            edit_spec(make_spec(), FORM, FORM.model_copy(update=change))
        assert refused.value.code == "needs_rebundle"


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ({"timeout_minuts": 5}, "There is no “timeout_minuts” here: did you mean “timeout_minutes”?"),
        ({"policies": {"retrys": 5}}, "There is no “policies.retrys” here: did you mean “retries”?"),
        ({"hunter2": 5}, "There is no “hunter2” here: leave it out."),
    ],
)
def test_a_field_that_there_is_not_is_refused_with_the_nearest_that_there_is(patch: Any, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        patched(FORM, patch)
    assert (caught.value.code, caught.value.message) == ("unknown_key", sentence)


def test_the_limits_of_numbers_are_those_that_the_form_is_checked_by() -> None:
    limits = number_limits()
    assert (limits["timeout_minutes"].least, limits["timeout_minutes"].most) == (1, 1440)
    assert (limits["policies.retries"].least, limits["policies.retries"].most) == (0, 10)
    with pytest.raises(Refused):
        patched(FORM, {"policies": {"retries": 11}})


def test_an_edit_of_parameters_looks_at_the_files_that_they_name(tmp_path: Path) -> None:
    """They are taken along when that is said; where the notebook is gone nothing is known, and nothing refused."""
    engine = Engine(tmp_path)
    for name in ("north", "south"):
        (tmp_path / f"{name}.csv").write_text("x\n1\n")
    schedule = engine.notebook("report", "print(open(f'{region}.csv').read())", parameters="region = 'north'")
    patch = {"parameters": {"region": "south"}}

    def edited(*, rebundle: bool) -> Spec:
        return spec_to_edit(engine.operations, tmp_path, schedule, patch, rebundle=rebundle)

    with pytest.raises(Refused) as refused:
        edited(rebundle=False)
    assert (refused.value.code, refused.value.field) == ("needs_rebundle", "parameters")
    assert "south.csv" in refused.value.message
    assert edited(rebundle=True).parameters == {"region": "south"}
    (tmp_path / "report.ipynb").unlink()
    assert edited(rebundle=False).parameters == {"region": "south"}
    engine.store.close()
