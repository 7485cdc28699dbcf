"""The person who asks, known by credentials that can be trusted, and what they may do.

Whoever vouches is an `Identity`: a file of tokens that an operator made, or a Hub.  A request without a person is
nobody's, and nothing is told to nobody.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from jupyter_schedule.core.errors import Refused


class Role(StrEnum):
    """The rights of a person; each has those of the ones before it."""

    #: look at what is theirs
    READER = "reader"
    #: record, change, run and remove it
    OWNER = "owner"
    #: look at what is others', and keep it from running
    OPERATOR = "operator"

    def includes(self, other: "Role") -> bool:
        """True if whoever has this role may what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Person:
    """Somebody who asks."""

    name: str
    role: Role


class Identity(ABC):
    """Whoever says which person has a token."""

    @abstractmethod
    async def find_person(self, token: str, *, anew: bool) -> Person | None:
        """The person with that token; None when nobody has it, or not any more.

        anew: past every answer that was kept, for what can't be undone.
        Raises Refused `identity_away` when nobody can say now.
        """


def identity_away(who: str, what: str) -> Refused:
    """The refusal for the time in which nobody can say who asks.  who: what says so.  what: what it does instead."""
    message = f"{who} {what}, so nobody can say who you are. Nothing was changed: try again in a moment."
    return Refused("identity_away", message)
