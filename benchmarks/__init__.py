"""The speed we claim: each row is ours beside a floor or a peer, measured in the same run, and read as a ratio."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison."""

    name: str
    ours: float
    floor_name: str
    floor: float
    #: what it is measured in, nothing for what is counted
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """How many times the floor ours takes."""
        return self.ours / self.floor if self.floor else float("nan")

    def amounts(self) -> tuple[str, str]:
        """Ours and the floor, in words."""
        return self._amount(self.ours), self._amount(self.floor)

    def _amount(self, value: float) -> str:
        return f"{value:.3f} s" if self.unit == "s" else f"{value:,.0f}"
