"""Refusals: what a person asked for can't be done, and what to do instead.

A module of its own, standard library only, because it travels to the worker with `bundle` and `objects`.
"""


class Refused(Exception):  # noqa: N818  (it names what happened to a request, not a fault of ours)
    """A request can't be carried out, for a reason that the person who asked can act on.

    code: a stable word for programs, such as `name_taken`.
    message: one sentence for a person, which says what is wrong and what to do next.
    field: the field of the form that it belongs to, or None.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
