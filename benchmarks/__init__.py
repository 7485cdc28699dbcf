"""The speed we claim: each row is ours beside a floor or a peer, measured in the same run, and read as a ratio."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison, in seconds."""

    name: str
    ours: float
    floor_name: str
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the floor ours takes."""
        return self.ours / self.floor
