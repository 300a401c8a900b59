"""The journal of a config's server, read on this machine."""

from dinamed.commands.remote import RemoteError, reach_of
from dinamed.config.default import default_path
from dinamed.journal.files import JournalFiles


def journal_of(config: str | None) -> JournalFiles:
    """The journal in the state folder that a config names.  Raises `RemoteError`."""
    path = config or default_path()
    state = reach_of(path).state
    if state is None:
        raise RemoteError(f"{path}: [server] state is not set: there is no journal")
    return JournalFiles(state)
