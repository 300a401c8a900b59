"""deploy/: the examples parse, and the configs in them are ones that dinamed takes."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with schemathesis
from twisted.trial.unittest import SynchronousTestCase

import dinamed

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "dinamed"
ROLE = DEPLOY / "ansible" / "roles" / "dinamed"
KEY = """\
key "{name}" {{
    algorithm hmac-sha256;
    secret "c2VjcmV0c2VjcmV0c2VjcmV0IQ==";
}};
"""


def documents(path: Path) -> list[Any]:
    """All documents of a file of YAML."""
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def manifests() -> dict[str, Any]:
    """The plain manifests, by kind and name."""
    return {
        f"{one['kind']} {one['metadata']['name']}": one
        for path in (DEPLOY / "kubernetes").glob("*.yaml")
        for one in documents(path)
        if one["kind"] != "Kustomization"
    }


class ConfigTests(SynchronousTestCase):
    """What `dinamed check` says of each config."""

    def assert_passes(self, files: Mapping[str, str]) -> None:
        """Write the files to a folder, and check the config among them."""
        folder = Path(self.mktemp()).resolve()
        (folder / "state").mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
            (folder / name).chmod(0o600)
        config = folder / "dinamed.toml"
        text = config.read_text("utf-8").replace("/var/lib/dinamed", "state")
        config.write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "dinamed.cli", "check", "--strict", config],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_manifests(self) -> None:
        """The ConfigMap."""
        self.assert_passes(manifests()["ConfigMap dinamed"]["data"])

    def test_chart(self) -> None:
        """The files of the chart's values, which are those of the plain ConfigMap."""
        (values,) = documents(CHART / "values.yaml")
        self.assertEqual(values["files"], manifests()["ConfigMap dinamed"]["data"])
        self.assert_passes(values["files"])

    def test_role(self) -> None:
        """The files of the role's defaults."""
        (defaults,) = documents(ROLE / "defaults" / "main.yml")
        self.assert_passes(defaults["dinamed_files"])

    def test_beside_others(self) -> None:
        """The configs for external-dns and octoDNS, with the key that each names."""
        for name in ("external-dns", "octodns"):
            files = {
                path.name: path.read_text("utf-8")
                for path in (DEPLOY / name).iterdir()
                if path.suffix in (".toml", ".zone")
            }
            with self.subTest(name):
                self.assert_passes({**files, f"{name}.key": KEY.format(name=name)})


class FileTests(SynchronousTestCase):
    """What holds of the files beside their configs."""

    def test_all_parse(self) -> None:
        """Every file of YAML that is no template has something in it."""
        found = [*DEPLOY.rglob("*.yaml"), *DEPLOY.rglob("*.yml")]
        plain = [path for path in found if path.parent.name != "templates"]
        self.assertGreater(len(plain), 10)
        for path in plain:
            with self.subTest(str(path)):
                self.assertTrue(all(documents(path)))

    def test_pod(self) -> None:
        """Without root and privileges, ready by /readyz, alive by /healthz."""
        pod = manifests()["Deployment dinamed"]["spec"]["template"]["spec"]
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        (container,) = pod["containers"]
        security = container["securityContext"]
        self.assertFalse(security["allowPrivilegeEscalation"])
        self.assertEqual(security["capabilities"]["drop"], ["ALL"])
        for probe, path in (("readiness", "/readyz"), ("liveness", "/healthz")):
            self.assertEqual(container[f"{probe}Probe"]["httpGet"]["path"], path)
        ports = {one["containerPort"] for one in container["ports"]}
        self.assertEqual(ports, {int(container["args"][-1]), 8053})

    def test_service(self) -> None:
        """Both families and protocols, and the client's own address."""
        spec = manifests()["Service dinamed"]["spec"]
        self.assertEqual(spec["ipFamilyPolicy"], "PreferDualStack")
        self.assertEqual(spec["externalTrafficPolicy"], "Local")
        self.assertEqual(
            {(one["port"], one["protocol"]) for one in spec["ports"]},
            {(53, "UDP"), (53, "TCP")},
        )

    def test_values_of_chart(self) -> None:
        """The templates name values that there are, and leave none out."""
        (values,) = documents(CHART / "values.yaml")
        templates = "".join(
            path.read_text("utf-8") for path in (CHART / "templates").iterdir()
        )
        named = set(re.findall(r"\.Values\.([\w.]+)", templates))
        for path in named:
            inner = values
            for key in path.split("."):
                self.assertIn(key, inner, path)
                inner = inner[key]
        self.assertEqual({path.split(".")[0] for path in named}, set(values))

    def test_versions(self) -> None:
        """Chart and manifests name the image of the version there is."""
        (chart,) = documents(CHART / "Chart.yaml")
        self.assertEqual(chart["appVersion"], dinamed.__version__)
        (kustomization,) = documents(DEPLOY / "kubernetes" / "kustomization.yaml")
        self.assertEqual(kustomization["images"][0]["newTag"], dinamed.__version__)
        for name in kustomization["resources"]:
            self.assertTrue((DEPLOY / "kubernetes" / name).is_file(), name)

    def test_unit_of_role(self) -> None:
        """The role installs the unit of etc/, for the same environment."""
        tasks = (ROLE / "tasks" / "main.yml").read_text("utf-8")
        (path,) = re.findall(r"role_path }}/(\S+\.service)", tasks)
        self.assertEqual((ROLE / path).resolve(), ROOT / "etc" / "dinamed.service")

    def test_pools_are_left_alone(self) -> None:
        """octoDNS does not touch the names that dinamed's config binds to pools."""
        (config,) = documents(DEPLOY / "octodns" / "production.yaml")
        rejected = config["processors"]["pools"]["rejectlist"]
        text = (DEPLOY / "octodns" / "dinamed.toml").read_text("utf-8")
        bound = re.findall(r'^(\S+) = "mirrors"$', text, re.MULTILINE)
        self.assertEqual(rejected, bound)
