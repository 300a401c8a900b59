"""What is packaged: setup.cfg against the folders, and the dropin against twistd."""

import ast
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_namespace_packages
from twisted.trial.unittest import SynchronousTestCase

import dinamed
from dinamed.commands.completion import SHELLS

ROOT = Path(__file__).resolve().parents[1]


def setup_list(section: str, key: str) -> list[str]:
    """The lines of one list in setup.cfg."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return [
        line
        for line in parser.get(section, key).split("\n")[1:]
        if not line.startswith("#")
    ]


def package_folders() -> set[str]:
    """Every folder under dinamed/ that holds Python modules, as a package name."""
    return {
        ".".join(module.parent.relative_to(ROOT).parts)
        for module in (ROOT / "dinamed").rglob("*.py")
    }


def run_elsewhere(code: str) -> str:
    """Run code in a new interpreter, in an empty folder, with the checkout on its path.

    Returns what it prints; raises CalledProcessError if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}",
            ],
            cwd=folder,
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
    return done.stdout


class PackageListTests(SynchronousTestCase):
    """setup.cfg finds packages, so it can find too many or too few."""

    def test_every_folder_is_found(self) -> None:
        """What is found: the folders with modules, the dropin's folder, no more."""
        found = find_namespace_packages(
            str(ROOT),
            include=setup_list("options.packages.find", "include"),
            exclude=setup_list("options.packages.find", "exclude"),
        )
        self.assertEqual(set(found), package_folders() | {"twisted.plugins"})

    def test_packages_are_packages(self) -> None:
        """Each of our packages has an __init__.py."""
        for name in package_folders():
            with self.subTest(name):
                self.assertTrue(
                    (ROOT.joinpath(*name.split(".")) / "__init__.py").exists()
                )

    def test_dropin_folders_are_none(self) -> None:
        """twisted/ and twisted/plugins/ have no __init__.py: they belong to Twisted."""
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_test_folders_are_packages(self) -> None:
        """Trial finds the tests of each folder only if the folder is a package."""
        for test in (ROOT / "tests").rglob("test_*.py"):
            with self.subTest(str(test)):
                self.assertTrue((test.parent / "__init__.py").exists())

    def test_init_files_run_nothing(self) -> None:
        """An __init__.py holds a docstring and names, nothing that runs."""
        allowed = (ast.Expr, ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom)
        for init in (ROOT / "dinamed").rglob("__init__.py"):
            with self.subTest(str(init)):
                body = ast.parse(init.read_text("utf-8")).body
                self.assertEqual([n for n in body if not isinstance(n, allowed)], [])

    def test_example_is_data(self) -> None:
        """The built-in example and the mark of typing are package data."""
        data = setup_list("options.package_data", "dinamed")
        self.assertEqual(
            set(data),
            {"py.typed", "example/*", "simulator/scenarios/*.toml", "web/page/*"},
        )
        for pattern in data:
            self.assertNotEqual(list((ROOT / "dinamed").glob(pattern)), [])

    def test_example_files_are_there(self) -> None:
        """Every zone file that a shipped config names is shipped beside it."""
        for config in (
            ROOT / "dinamed" / "example" / "dinamed.toml",
            ROOT / "etc" / "dinamed.toml",
        ):
            for zone in tomllib.loads(config.read_text("utf-8"))["zones"].values():
                with self.subTest(f"{config}: {zone['file']}"):
                    self.assertTrue((config.parent / zone["file"]).is_file())


class DropinTests(SynchronousTestCase):
    """The dropin is read by every twistd of its environment, ours or not."""

    def test_plugin_is_found(self) -> None:
        """Twisted finds one service maker of our name, with a description."""
        printed = run_elsewhere(
            "from twisted.application.service import IServiceMaker\n"
            "from twisted.plugin import getPlugins\n"
            "for maker in getPlugins(IServiceMaker):\n"
            "    if maker.tapname == 'dinamed':\n"
            "        print(maker.module, maker.description)\n"
        )
        self.assertEqual(
            printed, "dinamed.tap Load-balancing authoritative DNS server.\n"
        )

    def test_dropin_is_light(self) -> None:
        """Reading the dropin imports neither dinamed nor a reactor."""
        printed = run_elsewhere(
            "import twisted.plugins.dinamed_plugin\n"
            "print([m for m in sys.modules if m.startswith('dinamed')\n"
            "       or m == 'twisted.internet.reactor'])\n"
        )
        self.assertEqual(printed, "[]\n")

    def test_rooms_leave_the_reactor_alone(self) -> None:
        """No module but dinamed.tap may install the default reactor on import."""
        modules = sorted(
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for path in (ROOT / "dinamed").rglob("*.py")
            if path.name not in ("__init__.py", "__main__.py")
        )
        printed = run_elsewhere(
            "import importlib\n"
            f"for name in {modules!r}:\n"
            "    importlib.import_module(name)\n"
            "    if 'twisted.internet.reactor' in sys.modules:\n"
            "        sys.exit(name)\n"
            "print('none')\n"
        )
        self.assertEqual(printed, "none\n")


class ShippedFilesTests(SynchronousTestCase):
    """The files of packages for Debian and for containers fit the rest."""

    def read(self, name: str) -> str:
        """One file of the checkout."""
        return (ROOT / name).read_text(encoding="utf-8")

    def test_one_version(self) -> None:
        """The newest entry of Debian's changelog is for the version there is."""
        first = self.read("debian/changelog").split("\n")[0]
        self.assertTrue(first.startswith(f"dinamed ({dinamed.__version__}) "), first)

    def test_config_without_its_hashes(self) -> None:
        """What the first config has commented out is right too, but for other files."""
        text = re.sub(r'^#(?=[a-z"\[])', "", self.read("etc/dinamed.toml"), flags=re.M)
        text = re.sub(r"^(databases|token_file) = .*\n", "", text, flags=re.M)
        folder = Path(self.mktemp()).resolve()
        shutil.copytree(ROOT / "etc" / "zones", folder / "zones")
        (folder / "dinamed.toml").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "dinamed.cli", "check", folder / "dinamed.toml"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertIn("ok: 1 zone, 1 pool, 2 members", done.stdout + done.stderr)

    def test_one_user(self) -> None:
        """The unit, the list of users and that of folders name the same user."""
        unit = self.read("etc/dinamed.service")
        self.assertIn("\nUser=dinamed\n", unit)
        self.assertIn("\nu dinamed ", self.read("etc/sysusers.d/dinamed.conf"))
        folders = self.read("etc/tmpfiles.d/dinamed.conf").split("\n")[1:-1]
        self.assertEqual({line.split()[3] for line in folders}, {"dinamed"})

    def test_what_rules_install_is_there(self) -> None:
        """Every file under etc/ that debian/rules names exists."""
        words = self.read("debian/rules").split()
        named = [word for word in words if word.startswith("etc/")]
        self.assertGreater(len(named), 4)
        for pattern in named:
            self.assertTrue(list(ROOT.glob(pattern)), pattern)

    def test_man_page_and_completion(self) -> None:
        """The Debian package has what the program makes, where each tool looks."""
        rules = self.read("debian/rules")
        for place in (
            "usr/share/man/man1",
            "usr/share/bash-completion/completions/dinamed",
            "usr/share/zsh/vendor-completions/_dinamed",
            "usr/share/fish/vendor_completions.d/dinamed.fish",
        ):
            self.assertIn(f"debian/dinamed/{place}", rules)
        (shells,) = re.findall(r"^SHELLS = (.*)$", rules, re.M)
        self.assertEqual(tuple(shells.split()), SHELLS)
        self.assertIn("completion $$shell", rules)
        # Made before what made them is taken away, and never packaged itself.
        self.assertLess(rules.index("-b man"), rules.index("uninstall --yes pip"))
        (tools,) = re.findall(r"^TOOLS = (.*)$", rules, re.M)
        self.assertFalse(tools.startswith("debian/dinamed/"))
        self.assertIn(f"prune {tools}\n", self.read("MANIFEST.in"))

    def test_report_rtt(self) -> None:
        """The program for mirrors is in the share folder, to be run as it is."""
        self.assertIn(
            "install -D -m 755 etc/rtt/report-rtt $(SHARE)/", self.read("debian/rules")
        )

    def test_release_page(self) -> None:
        """What the page on releases has one run is there: targets and modules."""
        page, makefile = self.read("docs/releasing.rst"), self.read("Makefile")
        targets = set(re.findall(r"``make (\w+)``", page))
        self.assertEqual(targets, {"dist", "sbom"})
        for target in targets:
            self.assertRegex(makefile, rf"(?m)^{target}:")
            self.assertRegex(makefile, rf"(?m)^\.PHONY: .*\b{target}\b")
        for name in re.findall(r"``((?:tests|benchmarks)\.\w+)``", page):
            self.assertTrue((ROOT / (name.replace(".", "/") + ".py")).is_file(), name)

    def test_same_place(self) -> None:
        """The unit, the package and the image have the environment in one place."""
        for name in ("etc/dinamed.service", "debian/rules", "Containerfile"):
            self.assertIn("opt/dinamed", self.read(name), name)

    def test_debian_links(self) -> None:
        """What debhelper looks for in debian/ is what stands in etc/."""
        for name, there in (
            ("sysusers", "sysusers.d/dinamed.conf"),
            ("tmpfiles", "tmpfiles.d/dinamed.conf"),
            ("logrotate", "logrotate.d/dinamed"),
        ):
            link = ROOT / "debian" / f"dinamed.{name}"
            self.assertEqual(link.resolve(), ROOT / "etc" / there)
