"""Give libFuzzer the tables of the agreement tests; started by `plane.sh`."""

import random
import sys
import tempfile
from pathlib import Path

from dinamed.plane import table_compiler
from tests.plane.fuzz import broken, message
from tests.plane.support import Pair
from tests.plane.test_agreement import CLIENT, CLIENT6

SEEDS = 500


def main() -> None:
    """Teach the plane, write the first corpus, and let go."""
    seconds, corpus, place = sys.argv[1:]
    rng = random.Random(1)
    pair = Pair()
    for number in range(20_000):
        pair.ask_plane(bytes(message(rng)), CLIENT6 if number & 1 else CLIENT)
    with tempfile.TemporaryDirectory() as seeds:
        for number in range(SEEDS):
            data = bytes(message(rng)) if number & 1 else broken(rng)
            Path(seeds, str(number)).write_bytes(rng.randbytes(1) + data)
        options = [
            f"-max_total_time={seconds}",
            f"-artifact_prefix={place}",
            "-max_len=1500",
            "-print_final_stats=1",
        ]
        if Path(corpus).is_dir():
            arguments = ["plane", *options, corpus, seeds]
        else:
            arguments = ["plane", corpus]
        fuzz = vars(table_compiler.native)["fuzz"]  # from `driver.pxi`
        fuzz(pair.plane, [one.encode() for one in arguments])


if __name__ == "__main__":
    main()
