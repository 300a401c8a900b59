"""What the log is told at the start."""

from twisted.logger import Logger

from dinamed import __version__
from dinamed.plane.extension import why_not
from dinamed.server.authority import Authority


def tell_start(authority: Authority, where: str, engine: str) -> None:
    """Log what is about to be served, and how."""
    log = Logger("dinamed")
    log.info(
        "dinamed {version} serves {what} on {where}; UDP engine: {engine}",
        version=__version__,
        what=authority.summary(),
        where=where,
        engine=engine,
    )
    threads = authority.loaded.settings.server.threads
    if why_not and threads != "python":
        log.warn("UDP is answered by Python: {why}", why=why_not)
