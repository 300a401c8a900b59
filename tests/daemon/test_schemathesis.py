"""The HTTP API against its own description, by schemathesis."""

import subprocess

from tests.daemon.harness import free_port, program
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
