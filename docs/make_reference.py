"""The reference pages, made of the code that they describe: `./dev reference` writes them anew.

They are kept beside the code, so that they can be read where it is read; a test holds them to be those of today.
"""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jupyter_schedule.api.openapi import document
from jupyter_schedule.cli.app import cli
from jupyter_schedule.core.errors import ErrorCode
from jupyter_schedule.core.models import NotificationEvent, Reason, RunStatus, ScheduleState, Trigger
from jupyter_schedule.extension import JupyterSchedule
from jupyter_schedule.server.events import SCHEMA
from scheduler_service.__main__ import main as operators
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.slurm import SlurmSettings
from scheduler_service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
#: said on top of each page
MADE = "<!-- Made of the code by `./dev reference`: change the code, not this page. -->"
#: programs on which a person types, and the words that begin each
PROGRAMS: Mapping[str, click.Group] = {"jupyter schedule": cli, "python -m scheduler_service": operators}
#: the tables of the settings that belong to launchers
LAUNCHERS: Mapping[str, type[BaseModel]] = {"ec2": Ec2Settings, "slurm": SlurmSettings}
#: the words of the ledger, and what each list is about
WORDS: Mapping[str, tuple[type[Enum], str]] = {
    "States of a schedule": (ScheduleState, "`state` of a schedule."),
    "Statuses of a run": (RunStatus, "`status` of a run; the terminal ones are final."),
    "Reasons of a run's end": (Reason, "`reason` of a run, beside one sentence for people in `message`."),
    "Triggers of a run": (Trigger, "`trigger` of a run: what asked for it."),
    "Notifications": (NotificationEvent, "What somebody can be told of."),
}


class Setting(NamedTuple):
    """A key of the settings, its type and its default in words, and the sentence about it."""

    key: str
    type: str
    default: str
    text: str


def read_comments(described: type) -> dict[str, str]:
    """The `#:` comments in the source of a class and of those it is made of, by the names they stand above."""
    found: dict[str, str] = {}
    for base in reversed(described.__mro__):
        if base.__module__.startswith(("jupyter_schedule", "scheduler_service")):
            found |= _comments_in(inspect.getsource(base))
    return found


def _comments_in(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting: list[str] = []
    for line in map(str.strip, source.splitlines()):
        name = re.match(r"(\w+)\s*[:=]", line)
        if line.startswith("#:"):
            waiting.append(line[2:].strip())
            continue
        if name and waiting:
            found[name[1]] = " ".join(waiting)
        waiting = []
    return found


def make_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def make_sentence(text: str) -> str:
    """The text with a capital letter in front and a full stop behind it."""
    text = " ".join(text.split())
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.!?…' else '.'}" if text else ""


def list_settings(model: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """All keys of a model of settings, those of its tables included, as they are written in TOML."""
    said = read_comments(model)
    for name, field in model.model_fields.items():
        key, text = prefix + name, make_sentence(said.get(name, field.description or ""))
        inner, many = _model_in(field.annotation)
        if inner is None:
            yield Setting(key, _type_text(field.annotation), _default_text(field), text)
            continue
        below = f"{key}.NAME." if many else f"{key}."
        about = text or make_sentence((inspect.getdoc(inner) or "").partition("\n")[0])
        yield Setting(below.removesuffix("."), "table", "required" if field.is_required() else "none", about)
        yield from list_settings(inner, below)


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model that a key's table is read by, and True where there may be many of them by names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    parts = [part for part in get_args(annotation) if part is not type(None)]
    named = get_origin(annotation) is dict
    found = next((inner for part in parts if (inner := _model_in(part)[0]) is not None), None)
    return found, named


def _type_text(annotation: Any) -> str:
    plain = {str: "text", int: "number", float: "number", bool: "true or false", Path: "path", type(None): ""}
    origin, parts = (
        get_origin(annotation),
        [part for part in get_args(annotation) if isinstance(part, type) or get_args(part)],
    )
    if annotation in plain:
        return plain[annotation]
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in get_args(annotation))
    if origin is dict:
        return f"{_type_text(parts[1])} by name"
    if origin in {tuple, list, frozenset}:
        return f"list of {_type_text(parts[0])}"
    if parts:
        return " or ".join(filter(None, dict.fromkeys(map(_type_text, parts))))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{each.value}`" for each in annotation)
    return "size in bytes" if getattr(annotation, "__name__", "") == "ByteSize" else "text"


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default is None or isinstance(field.default, BaseModel):
        return "none"
    return f"`{json.dumps(field.default, default=str)}`"


def make_commands() -> str:
    """The page of every command and option of both programs."""
    parts = ["# Commands", "Each command answers `--help`; what stands here is the same, on one page."]
    for program, group in PROGRAMS.items():
        parts += [f"## {program}", *_command_parts(program, group)]
    return _page(parts)


def _command_parts(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    if isinstance(command, click.Group):
        own = [*_options(command, context)]
        if own:
            yield make_table(("option", "what it does"), own)
        for name in command.list_commands(context):
            each = command.get_command(context, name)
            if each is not None and not each.hidden:
                yield from _command_parts(f"{path} {name}", each)
        return
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"### {path}"
    yield f"```text\n{path} {pieces}\n```"
    yield inspect.cleandoc((command.help or "").replace("\b\n", "").partition("\f")[0])
    if own := [*_options(command, context)]:
        yield make_table(("option", "what it does"), own)


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Argument):
            continue
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            yield f"`{record[0]}`", make_sentence(record[1])


def make_settings() -> str:
    """The page of every key of `service.toml`."""
    parts = [
        "# Settings of the service",
        "The settings are `service.toml` in the folder with the ledger, or the file that `--config` names. "
        "Every key may be left out unless it says *required*; one that doesn't exist is refused with the nearest one.",
        make_table(("key", "type", "default", "meaning"), _rows(list_settings(Settings))),
    ]
    for name, model in LAUNCHERS.items():
        parts += [
            f"## The table [{name}]",
            make_table(("key", "type", "default", "meaning"), _rows(list_settings(model, f"{name}."))),
        ]
    return _page(parts)


def _rows(settings: Iterable[Setting]) -> Iterator[tuple[str, str, str, str]]:
    for each in settings:
        yield f"`{each.key}`", each.type, each.default, each.text


def make_server() -> str:
    """The page of the server extension: its traits, and the events that it emits."""
    own = JupyterSchedule.class_own_traits(config=True)
    traits = (
        (f"`c.JupyterSchedule.{name}`", f"`{trait.default_value!r}`", make_sentence(trait.help))
        for name, trait in own.items()
    )
    events = (
        (f"`{name}`", said["type"], make_sentence(said["description"])) for name, said in SCHEMA["properties"].items()
    )
    return _page(
        [
            "# The server extension",
            "Traits for `jupyter_server_config.py`, "
            "or as options: `jupyter lab --JupyterSchedule.embedded_service=False`.",
            make_table(("trait", "default", "meaning"), traits),
            "## Events",
            f"Each change is an event of the server's event bus, by the schema `{SCHEMA['$id']}`. "
            f"{SCHEMA['description']}",
            make_table(("field", "type", "meaning"), events),
        ]
    )


def make_http() -> str:
    """The page of every request that the API answers, and of every code with which it refuses."""
    paths = document()["paths"]
    requests = (
        (f"`{method.upper()} {path}`", make_sentence(said["summary"]), _query_text(said))
        for path, methods in paths.items()
        for method, said in methods.items()
    )
    codes = (
        (f"`{code.value}`", str(code.status)) for code in sorted(ErrorCode, key=lambda code: (code.status, code.value))
    )
    return _page(
        [
            "# HTTP",
            "All requests are below `/jupyter-schedule` of a Jupyter server and need its token: "
            "`Authorization: token …`. `/jupyter-schedule/openapi.json` describes bodies and answers in full. "
            "Each request may say in `reader` the zone in which the person reads, an IANA name such as `Europe/Paris`.",
            make_table(("request", "what it does", "query and headers"), requests),
            "## Refusals",
            "A refusal is an object with `code`, `message` (a sentence for people) and `field` where one is wrong.",
            make_table(("code", "status"), codes),
        ]
    )


def _query_text(operation: Mapping[str, Any]) -> str:
    named = [each for each in operation.get("parameters", ()) if each["in"] != "path" and each["name"] != "reader"]
    return " ".join(f"`{each['name']}`: {make_sentence(each.get('description', ''))}" for each in named)


def make_words() -> str:
    """The page of the ledger's words: states, statuses, reasons, triggers, notifications."""
    parts = ["# States and reasons", "Stable words for programs. People read the sentences beside them."]
    for title, (words, about) in WORDS.items():
        said = read_comments(words)
        rows = ((f"`{word.value}`", make_sentence(said.get(word.name, ""))) for word in words)
        parts += [f"## {title}", about, make_table(("word", "meaning"), rows)]
    return _page(parts)


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join([MADE, *filter(None, parts)]) + "\n"


#: the pages, by their files' names
PAGES = {
    "commands.md": make_commands,
    "settings.md": make_settings,
    "server-extension.md": make_server,
    "http.md": make_http,
    "states.md": make_words,
}


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
