"""Very many zones that are a file each, read apart from the rest of a config."""

import tomllib

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import lone_tables

LONE = "".join(f'[zones."z{n}.example"]\nfile = "z{n}.zone"\n\n' for n in range(5))


class LoneTableTests(SynchronousTestCase):
    """The same as `tomllib`, whatever stands there."""

    def setUp(self) -> None:
        self.patch(lone_tables, "FEWEST", 2)

    def test_the_same(self) -> None:
        """Nothing is lost, wherever other tables and keys stand."""
        for text in (
            LONE,
            f"[server]\nthreads = 1\n{LONE}[pools.a]\nttl = 5\n",
            f'{LONE}[zones."x.example"]\nfile = "x"\nclient_subnet = false\n',
            f'{LONE}[zones."x.example"]\nfile = "x"\n[zones."x.example".names]\na = 1',
            f'[zones."z9.example"]\nprimary = []\n{LONE}# the end\n',
            f"[[zones]]\n{LONE}",
            f'{LONE}[server]\nidentity = """\n[zones."y.example"]\nfile = "y"\n"""\n',
        ):
            self.assertEqual(lone_tables.loads(text), tomllib.loads(text), text)

    def test_the_same_faults(self) -> None:
        """What is wrong is told as though nothing had been cut out."""
        for text in (
            LONE + LONE,
            f"{LONE}x = \n",
            f"a = [\n{LONE}]\n",
            f"zones = 5\n{LONE}",
            f'{LONE}[zones]\n"z1.example" = 5\n',
            f'{LONE}[zones."z1.example"]\nfile = "again"\nclient_subnet = true\n',
        ):
            with self.assertRaises(ValueError) as ours:
                lone_tables.loads(text)
            with self.assertRaises(ValueError) as theirs:
                tomllib.loads(text)
            self.assertEqual(str(ours.exception), str(theirs.exception), text)
