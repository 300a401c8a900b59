"""The HTTP API against its own description, by schemathesis."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.daemon.harness import free_port, program, wait_until
from tests.daemon.scenario import CONFIG, OwnDaemonCase

SETTINGS = """\
[parameters]
"path.pool" = "mirrors"
"path.member" = "fra1"
"path.zone" = "example.org."
"query.name" = "ftp.example.org"
"""

PATIENCE = 300.0  # it takes 20 s of a processor, and others may want that too
UNFIT = ",".join(
    (
        # Which names, members and pools there are is nothing that a schema says.
        "positive_data_acceptance",
        # On the host itself no token is needed.
        "ignored_auth",
    )
)


class SchemathesisTests(OwnDaemonCase):
    """Requests that the description allows, and some that it does not."""

    def test_api(self) -> None:
        """No reply that is not described, no error of ours, no traceback."""
        daemon = self.make_daemon()
        self.addCleanup(self.end_all, daemon.folder)
        port = free_port(["127.0.0.1"])
        config = CONFIG.replace("[server]", f'[server]\nhttp = "127.0.0.1:{port}"', 1)
        (daemon.folder / "dinamed.toml").write_text(config)
        (daemon.folder / "schemathesis.toml").write_text(SETTINGS)
        daemon.start()
        done = subprocess.run(
            [
                program("schemathesis"),
                "--config-file",
                str(daemon.folder / "schemathesis.toml"),
                "run",
                f"http://127.0.0.1:{port}/api/v1/openapi.json",
                *("--checks", "all", "--exclude-checks", UNFIT),
                *("--phases", "examples,coverage,fuzzing"),
                *("--max-examples", "20", "--seed", "1", "--workers", "1"),
                # An endless stream, and what would read all files over and over.
                *("--exclude-path", "/api/v1/live"),
                *("--exclude-path", "/api/v1/reload"),
            ],
            cwd=daemon.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        daemon.assert_quiet()

    def end_all(self, folder: Path) -> None:
        """Kill the processes with this folder's config: what has taken over, too."""

        def none_left() -> bool:
            found = _with_argument(str(folder / "dinamed.toml"))
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not found

        self.assertTrue(wait_until(none_left, 30))


def _with_argument(argument: str) -> list[int]:
    """Processes that have this argument, but for those that have ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if argument.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found
