"""`completion`: what a shell needs to complete commands, options and names of schedules."""

import click
from click.shell_completion import get_completion_class

from jupyter_schedule.cli.server_option import COMPLETE

#: the script that `jupyter schedule` starts
_SCRIPT = "jupyter-schedule"
#: lets the shell complete `jupyter schedule …`, as `jupyter` itself completes nothing
_THROUGH_JUPYTER = {
    "bash": """
_jupyter_schedule_through_jupyter() {
    [ "${COMP_WORDS[1]}" = schedule ] && [ "$COMP_CWORD" -gt 1 ] || return 0
    COMP_WORDS=(jupyter-schedule "${COMP_WORDS[@]:2}")
    COMP_CWORD=$((COMP_CWORD - 1))
    _jupyter_schedule_completion jupyter-schedule
}
complete -o default -F _jupyter_schedule_through_jupyter jupyter
""",
    "zsh": """
_jupyter_schedule_through_jupyter() {
    [[ "${words[2]}" == schedule ]] && (( CURRENT > 2 )) || return 1
    words=(jupyter-schedule "${words[@]:2}")
    (( CURRENT -= 1 ))
    _jupyter_schedule_completion
}
compdef _jupyter_schedule_through_jupyter jupyter
""",
    "fish": """
complete --command jupyter --condition "__fish_seen_subcommand_from schedule" --no-files \
    --arguments "(complete --do-complete (commandline -cp | string replace 'jupyter schedule' jupyter-schedule))"
""",
}


@click.command()
@click.argument("shell", type=click.Choice(tuple(_THROUGH_JUPYTER)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what SHELL needs, to put into its start-up file: `jupyter schedule completion bash >> ~/.bashrc`."""
    kind = get_completion_class(shell)
    assert kind is not None
    root = ctx.find_root().command
    click.echo(kind(root, {}, _SCRIPT, COMPLETE).source() + _THROUGH_JUPYTER[shell])
