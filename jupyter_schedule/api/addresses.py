"""The addresses of files, for people: a server of ours serves at its own those that browsers couldn't follow."""

from collections.abc import Callable
from urllib.parse import quote

from jupyter_schedule.core.models import Publication, Run, Spec, Trigger, Visibility, publication_name, utc_text
from jupyter_schedule.core.operations.removal import live_publication
from jupyter_schedule.core.publication_keys import PublicationKeys, run_folder
from jupyter_schedule.core.storage.factory import parse_address

#: addresses that browsers don't follow
_HIDDEN = ("file:", "s3:")


class Addresses:
    """Addresses of what runs left and of publications, seen from a server at `base`, or without one."""

    def __init__(self, base: str | None) -> None:
        """`base`: the path of the API, such as `/user/ann/jupyter-schedule/`; None leaves addresses as they are."""
        self.base = base

    def of_run(self, run: Run, path: str, otherwise: Callable[[Run, str], str]) -> str:
        """A file of a run, `output/…` or `report/…`."""
        return otherwise(run, path) if self.base is None else f"{self.base}runs/{run.id}/files/{quote(path)}"

    def archive(self, run: Run) -> str | None:
        """All files of a run in one; None without a server."""
        return None if self.base is None else f"{self.base}runs/{run.id}/archive"

    def stable(self, owner: str, name: str, spec: Spec) -> str | None:
        """The stable address of a schedule's publication; None when it publishes nothing."""
        if spec.visibility == Visibility.NONE:
            return None
        area = parse_address(spec.publication_base).url("")
        return self._here(area, owner, PublicationKeys(publication_name(owner, name)).data)

    def publication(self, run: Run) -> Publication | None:
        """A run's publication, each file at its address."""
        found = live_publication(run)
        if found is None or self.base is None or not found.url.startswith(_HIDDEN):
            return found
        keys = PublicationKeys(run.publication_name)
        files = keys.run_files(run_folder(utc_text(run.scheduled_for), run.id))

        def here(key: str) -> str:
            return self._here(found.url, run.owner, key)

        return Publication(
            url=here(files if run.trigger is Trigger.REHEARSAL else keys.data),
            files=tuple(file.model_copy(update={"url": here(files + file.path)}) for file in found.files),
        )

    def _here(self, area: str, owner: str, key: str) -> str:
        if self.base is None or not area.startswith(_HIDDEN):
            return area + quote(key)
        # a server knows who asks, and shows each their own
        return f"{self.base}publications/{quote(key.removeprefix(publication_name(owner, '')))}"
