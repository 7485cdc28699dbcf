"""Notebooks in other languages than Python, from a request to what their kernels were told.

R is run by IRkernel itself.  For languages that no machine of ours has, a kernel keeps each cell's code as it got it.
"""

import json
import shutil
import sys
from pathlib import Path

import pytest

from jupyter_schedule.core.bundles.packaging import PackagingRequest, build_bundle
from jupyter_schedule.core.models import Reason, RunStatus
from jupyter_schedule.core.notebooks.kernels import list_kernels
from tests.engine import DAILY, Engine, notebook_of

#: in every language something of it would be code, if it weren't quoted as that language wants it
NASTY = "a\"b'c\\d$(touch made)${x}`touch made`\"); system('touch made') #\n\té—數"

#: keeps what it is told, and answers as if all were well
ECHO = """
import os
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel
class Echo(Kernel):
    implementation = banner = "echo"
    implementation_version = language_version = "1"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}
    async def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, **_):
        if not silent:
            with open(os.path.join(os.environ["OUTPUT_DIR"], "code.txt"), "a") as file:
                file.write(code + "\\n")
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}
IPKernelApp.launch_instance(kernel_class=Echo)
"""
has_r = shutil.which("R") is not None and "ir" in list_kernels()
needs_r = pytest.mark.skipif(not has_r, reason="needs r-base-core and r-cran-irkernel")
pytestmark = pytest.mark.proof("faults")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def scheduled(engine: Engine, kernel: str, language: str, *cells: str, parameters: str, **texts: str) -> None:
    """A schedule named `told` of a notebook in that language."""
    path = engine.root / "told.ipynb"
    content = notebook_of(*cells, parameters=parameters, kernel=kernel)
    content["metadata"]["kernelspec"]["language"] = language
    content["metadata"]["language_info"] = {"name": language}
    path.write_text(json.dumps(content))
    request = PackagingRequest(timing=DAILY, notebook=path, parameter_texts=texts)
    engine.operations.schedules.create("told", build_bundle(request, engine.root, engine.objects).spec)


R_PARAMETERS = 'region <- "north"  # where\nn <- 5L\nshare = 0.5\nfresh <- FALSE\nyears <- list(2024L, 2025L)'
R_CELL = """
writeBin(charToRaw(enc2utf8(region)), "output/region.txt")
writeLines(c(class(n), n, class(share), share, class(fresh), fresh, class(years), sum(years)), "output/rest.txt")
writeLines(as.character(file.exists("made")), "output/made.txt")
"""


@pytest.mark.parametrize(
    "text", [NASTY, "", '"', "\\", "a\r\nb", "\x7f\x1b", "%s %d", "\u2019quoted\u2019", "NO", "x" * 20_000]
)
@pytest.mark.r
@needs_r
def test_r_gets_its_parameters_as_they_were_given_and_never_as_code(engine: Engine, text: str) -> None:
    scheduled(
        engine,
        "ir",
        "R",
        R_CELL,
        parameters=R_PARAMETERS,
        region=text,
        n="7",
        share="1e-3",
        fresh="true",
        years="[1, 2]",
    )
    with engine.service():
        run = engine.ended(engine.run("told"))
    assert run.status == RunStatus.SUCCEEDED, (run.message, engine.log(run))
    published = engine.published("told")
    assert (engine.root / "published/told/data/region.txt").read_bytes().decode() == text
    assert published["made.txt"] == "FALSE\n"
    assert published["rest.txt"].split() == ["numeric", "7", "numeric", "0.001", "logical", "TRUE", "numeric", "3"]


@pytest.mark.r
@needs_r
def test_an_error_in_r_is_told_with_its_cell(engine: Engine) -> None:
    scheduled(engine, "ir", "R", "1 + 1", 'stop("no such region")', parameters=R_PARAMETERS)
    with engine.service():
        run = engine.ended(engine.run("told"))
    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.CELL_FAILED)
    assert "cell 3 of 3" in (run.message or "")
    assert "no such region" in (run.message or "")


@pytest.mark.r
@needs_r
def test_quit_ends_an_r_notebook_well_where_it_stands(engine: Engine) -> None:
    write = 'writeLines("x", "output/{}.txt")'
    cells = [write.format("before"), "quit()", write.format("after")]
    scheduled(engine, "ir", "R", *cells, parameters=R_PARAMETERS)
    with engine.service():
        run = engine.ended(engine.run("told"))
    assert run.status == RunStatus.SUCCEEDED, run.message
    assert engine.published("told") == {"before.txt": "x\n"}


#: by language: its kernel's name, a parameters cell, and the assignments that the kernel is told
TOLD = {
    "julia": (
        "julia-1.10",
        'note = "x"\nn = 5\nfresh = false',
        ['note = "\\$(exit(3)) \\"100\\$\\""', "n = 7", "fresh = true"],
    ),
    "bash": ("bash", "note=x\nn=5\nfresh=false", ["note='$(exit(3)) \"100$\"'", "n=7", "fresh=true"]),
    "scala": (
        "scala212",
        'val note = "x"\nval n = 5\nval fresh = false',
        ['val note = "$(exit(3)) \\"100$\\""', "val n = 7", "val fresh = true"],
    ),
}


@pytest.mark.parametrize("language", TOLD)
def test_a_kernel_is_told_the_values_as_its_language_writes_them(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    kernel, parameters, told = TOLD[language]
    folder = tmp_path / "jupyter" / "kernels" / kernel
    folder.mkdir(parents=True)
    (folder / "echo.py").write_text(ECHO)
    spec = {
        "argv": [sys.executable, "{resource_dir}/echo.py", "-f", "{connection_file}"],
        "display_name": kernel,
        "language": language,
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    scheduled(engine, kernel, language, "last", parameters=parameters, note='$(exit(3)) "100$"', n="7", fresh="true")
    with engine.service():
        run = engine.ended(engine.run("told"))
    assert run.status == RunStatus.SUCCEEDED, run.message
    lines = engine.published("told")["code.txt"].splitlines()
    assert [line for line in lines if line in told] == told
    assert lines[-1] == "last"
