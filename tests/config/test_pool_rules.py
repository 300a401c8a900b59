"""Tests of what must hold of pools."""

from dinamed.config.settings import StageSettings, Ttl
from tests.config.folder import FolderTestCase


def pool(*lines: str, name: str = "p", address: str = "192.0.2.1") -> str:
    """A pool with one member; `lines` begin on line 2, or at the next pool's second."""
    member = f'members = [{{name = "m", addresses = ["{address}"]}}]'
    return "\n".join((f"[pools.{name}]", *lines, member)) + "\n"


def members(*tables: str) -> str:
    """A pool whose members are on the lines from 3."""
    return "[pools.p]\nmembers = [\n" + "".join(f"{{{one}}},\n" for one in tables) + "]"


class PoolTests(FolderTestCase):
    """Keys of a pool."""

    def test_ttl(self) -> None:
        """Seconds, or a range, which needs the stage that adapts it."""
        wrong = (
            'expected a whole number of seconds, or text such as "5m", "30-300" or '
            '"30s-5m", got'
        )
        seconds = "expected seconds from 0 to 2147483647, got"
        adaptive = (
            'an adaptive TTL needs a select that ends with "predictive" or "spill"'
        )
        self.check_table(
            [
                (pool("ttl = 0"), []),
                (pool("ttl = 2147483647"), []),
                (pool('ttl = "60-60"'), []),
                (pool("ttl = -1"), [f"2: pools.p.ttl: {seconds} -1"]),
                (pool("ttl = 2147483648"), [f"2: pools.p.ttl: {seconds} 2147483648"]),
                (
                    pool('ttl = "0-2147483648"'),
                    [f"2: pools.p.ttl: {seconds} 2147483648"],
                ),
                (pool('ttl = "5m"'), []),
                (pool('ttl = "60"'), []),
                (pool('ttl = "5 m"'), [f'2: pools.p.ttl: {wrong} "5 m"']),
                (pool('ttl = "5y"'), [f'2: pools.p.ttl: {wrong} "5y"']),
                (
                    pool('ttl = "0.5s"'),
                    ['2: pools.p.ttl: a TTL is a whole number of seconds, got "0.5s"'],
                ),
                (
                    pool('ttl = "30-\u0663\u0660\u0660"'),
                    [f"2: pools.p.ttl: {wrong} {NOT_ASCII}"],
                ),
                (pool("ttl = 60.0"), [f"2: pools.p.ttl: {wrong} 60.0"]),
                (pool("ttl = true"), [f"2: pools.p.ttl: {wrong} true"]),
                (pool("ttl = 07:32:00"), [f"2: pools.p.ttl: {wrong} a date or time"]),
                (
                    pool('ttl = "300-30"'),
                    [
                        "2: pools.p.ttl: 300 is higher than 30: "
                        "write the lower one first"
                    ],
                ),
                (pool('ttl = "30-300"'), [f"2: pools.p.ttl: {adaptive}"]),
                (
                    pool('ttl = "30-300"', 'select = ["predictive"]'),
                    [],
                ),
            ]
        )
        read = self.settings(pool("ttl = 30")).pools[0]
        self.assertEqual(read.ttl, Ttl(30, 30))

    def test_numbers_and_flags(self) -> None:
        """Counts and flags."""
        self.check_table(
            [
                (pool("answers = 1"), []),
                (
                    pool("answers = 0"),
                    [
                        "2: pools.p.answers: expected a whole number "
                        "from 1 to 65535, got 0"
                    ],
                ),
                (
                    pool("answers = 1.5"),
                    ["2: pools.p.answers: expected a whole number, got 1.5"],
                ),
                (
                    pool("regions = 1"),
                    ["2: pools.p.regions: expected true or false, got 1"],
                ),
                (
                    pool("regions = true"),
                    ['2: pools.p.regions: needs a select that begins with "country"'],
                ),
            ]
        )

    def test_select(self) -> None:
        """Narrowing stages, then one that picks; arguments as the stages want them."""
        self.check_table(
            [
                (pool('select = ["priority", "hash"]'), []),
                (pool('select = ["all"]'), []),
                (pool("select = []"), ["2: pools.p.select: needs at least one stage"]),
                (
                    pool('select = "hash"'),
                    ['2: pools.p.select: expected a list, got "hash"; write ["hash"]'],
                ),
                (
                    pool('select = ["priority"]'),
                    [
                        '2: pools.p.select[0]: "priority" narrows; '
                        "the last stage must pick"
                    ],
                ),
                (
                    pool("select = [", '"hash",', '"weighted"]'),
                    [
                        '3: pools.p.select[0]: "hash" picks, '
                        "so it must be the last stage"
                    ],
                ),
                (
                    pool('select = ["wieghted"]'),
                    [
                        '2: pools.p.select[0]: no stage "wieghted"; '
                        'did you mean "weighted"?'
                    ],
                ),
                (
                    pool("select = [3, 'all']"),
                    [
                        "2: pools.p.select[0]: expected a stage's name or "
                        "{NAME = ARGUMENT}, got 3"
                    ],
                ),
                (
                    pool("select = [{nearest = 0}, {shed = 1}, {all = 1}]"),
                    [
                        "2: pools.p.select[0].nearest: "
                        "expected a whole number of at least 1",
                        "2: pools.p.select[1].shed: expected two numbers, [LOW, HIGH]",
                        '2: pools.p.select[2].all: "all" takes no argument',
                    ],
                ),
                (
                    pool("select = ['shed', {}, 'least']"),
                    [
                        "2: pools.p.select[1]: expected one key, {NAME = ARGUMENT}; "
                        "each stage is an entry of its own"
                    ],
                ),
                (
                    pool("select = ['shed', 'least']"),
                    [
                        '2: pools.p.select[0]: "shed" needs an argument',
                    ],
                ),
                (pool("select = [{trickle = 0.05}, 'each']"), []),
                (
                    pool("select = ['trickle', {trickle = 1}, 'all']"),
                    [
                        '2: pools.p.select[0]: "trickle" needs an argument',
                        "2: pools.p.select[1].trickle: "
                        "expected a number over 0 and under 1",
                    ],
                ),
            ]
        )
        read = self.settings(pool('select = ["priority", "all"]')).pools[0]
        self.assertEqual(read.select, (StageSettings("priority"), StageSettings("all")))

    def test_check_and_load(self) -> None:
        """The tables of checks and feeds are read by their own rules."""
        self.check_table(
            [
                (
                    pool('check = {type = "tcp"}', "load = [{}]"),
                    [
                        "2: pools.p.check.port: this key is required",
                        "3: pools.p.load: expected a table, got a list",
                    ],
                ),
                (
                    pool("check = 1"),
                    ["2: pools.p.check: expected a table or a list, got 1"],
                ),
                (
                    pool() + "[pools.p.load]\ntype = 'lbcd'\n",
                    [],
                ),
            ]
        )

    def test_names(self) -> None:
        """Names of pools are labels, and differ by more than case."""
        rule = (
            "a pool's name has letters, digits, '_', '-' and '.', "
            "and begins with none of the last two"
        )
        parts = "the parts between dots have from 1 to 63 characters"
        cased = pool() + pool(name="P")
        self.check_table(
            [
                (pool(name='"a.B_c-9"'), []),
                (pool(name='"a b"'), [f'1: pools."a b": {rule}']),
                (pool(name='"-a"'), [f"1: pools.-a: {rule}"]),
                (pool(name='"a..b"'), [f'1: pools."a..b": {parts}']),
                (pool(name="a" * 64), [f"1: pools.{'a' * 64}: {parts}"]),
                (pool(name='""'), ['1: pools."": empty name']),
                (
                    pool(name="last"),
                    ['1: pools.last: "last" has a meaning of its own in when_down'],
                ),
                (cased, ['3: pools.P: this pool and "p" differ only by case']),
                (
                    "[pools.eu.west]\nmembers = []\n",
                    [
                        "1: pools.eu.members: a pool needs at least one member",
                        "1: pools.eu.west: unknown key; a name with dots is written "
                        'in quotes: pools."eu.west"',
                    ],
                ),
                ("pools = 3", ["1: pools: expected tables [pools.NAME], got 3"]),
                ("[pools]\np = 3", ["2: pools.p: expected a table, got 3"]),
            ]
        )

    def test_references(self) -> None:
        """Other pools must be there, and lead to no loop."""
        to_b = '[pools.a]\nmembers = [{name = "m", pool = "b"}]\n'
        self.check_table(
            [
                (to_b + pool('when_down = "none"', name="b"), []),
                (
                    to_b,
                    ['2: pools.a.members[0].pool: no pool "b"'],
                ),
                (
                    pool('when_down = "nome"'),
                    ['2: pools.p.when_down: no pool "nome"; did you mean "none"?'],
                ),
                (
                    pool('when_down = "p"'),
                    ["2: pools.p.when_down: a loop of pools: p -> p"],
                ),
                (
                    to_b
                    + pool('when_down = "c"', name="b")
                    + "[pools.c]\n[[pools.c.members]]\nname = 'x'\npool = 'a'\n"
                    "[pools.d]\nmembers = [{name = 'x', pool = 'a'}]",
                    ["9: pools.c.members[0].pool: a loop of pools: a -> b -> c -> a"],
                ),
            ]
        )

    def test_long_chain(self) -> None:
        """So many may stand in each other, and no more; told once."""
        for size, told in (
            (16, []),
            (17, ["2: pools.p0.when_down: more than 16 pools inside each other"]),
            (
                1500,
                [
                    f"{3 * 1483 + 2}: pools.p1483.when_down: "
                    "more than 16 pools inside each other"
                ],
            ),
        ):
            chain = "".join(
                pool(f'when_down = "p{number + 1}"', name=f"p{number}")
                for number in range(size - 1)
            )
            self.assertEqual(self.told(chain + pool(name=f"p{size - 1}")), told)


NOT_ASCII = '"30-\\u0663\\u0660\\u0660"'


class MemberTests(FolderTestCase):
    """Keys of a member."""

    def test_needed(self) -> None:
        """A pool has members; a member has a name, and addresses or a pool."""
        none = "pools.p.members: a pool needs at least one member"
        neither = "3: pools.p.members[0]: a member needs addresses or a pool"
        both = "3: pools.p.members[0].pool: a member has addresses or a pool, not both"
        self.check_table(
            [
                ("[pools.p]", [f"1: {none}"]),
                ("[pools.p]\nmembers = []", [f"2: {none}"]),
                (members("name = 'm'"), [neither]),
                (members("name = 'm', addresses = []"), [neither]),
                (
                    members("addresses = ['192.0.2.1']"),
                    ["3: pools.p.members[0].name: this key is required"],
                ),
                (
                    members("name = 'm', addresses = ['192.0.2.1'], pool = 'q'")
                    + "\n"
                    + pool(name="q"),
                    [both],
                ),
                (
                    "[pools.p.members.m]",
                    ["1: pools.p.members: expected a list of tables, got a table"],
                ),
                (
                    members("name = 'a b', addresses = 1", "nmae = 'x'"),
                    [
                        "3: pools.p.members[0].addresses: expected a list, got 1",
                        "3: pools.p.members[0].name: expected visible ASCII "
                        'characters without spaces, got "a b"',
                        "4: pools.p.members[1].name: this key is required",
                        '4: pools.p.members[1].nmae: unknown key; did you mean "name"?',
                    ],
                ),
            ]
        )

    def test_numbers(self) -> None:
        """Numbers are finite, in range, and true is none."""
        start = "name = 'm', addresses = ['192.0.2.1'], "
        weight = "3: pools.p.members[0].weight: expected a number"
        capacity = "3: pools.p.members[0].capacity: expected a number"
        whole = "expected a whole number"
        table = [
            ("weight = 0", []),
            ("weight = 'ten'", [f'{weight}, got "ten"']),
            ("weight = true", [f"{weight}, got true"]),
            ("weight = -1", [f"{weight} of at least 0, got -1"]),
            ("weight = nan", [f"{weight} of at least 0, got nan"]),
            ("weight = inf", [f"{weight} of at least 0, got inf"]),
            (
                f"weight = 1{'0' * 400}",
                [f"{weight} of at least 0, got a number far too large"],
            ),
            ("capacity = 0", [f"{capacity} over 0, got 0"]),
            (
                f"capacity = 0x{'f' * 5000}",
                [f"{capacity} over 0, got a number far too large"],
            ),
            (
                "asn = 4294967296",
                [
                    f"3: pools.p.members[0].asn: {whole} from 0 to 4294967295, "
                    "got 4294967296"
                ],
            ),
            (
                "usable_weight = true",
                ["3: pools.p.members[0].usable_weight: is for members that are pools"],
            ),
            ("priority = 1.0", [f"3: pools.p.members[0].priority: {whole}, got 1.0"]),
        ]
        self.check_table([(members(start + line), told) for line, told in table])

    def test_place(self) -> None:
        """Countries, locations and networks."""
        start = "name = 'm', addresses = ['192.0.2.1'], "
        key = "3: pools.p.members[0]"
        letters = f'{key}.country: expected two letters such as "DE", got'
        table = [
            ("country = 'de', location = [-90, 180.0], network = 'x'", []),
            ("country = 'DEU'", [f'{letters} "DEU"']),
            ("country = 'ß'", [f'{letters} "\\u00df"']),
            ("location = [1]", [f"{key}.location: expected a list of 2, got a list"]),
            (
                "location = [91, 'x']",
                [
                    f"{key}.location[0]: expected a number from -90 to 90, got 91",
                    f'{key}.location[1]: expected a number, got "x"',
                ],
            ),
            ("network = ''", [f"{key}.network: empty name"]),
        ]
        self.check_table([(members(start + line), told) for line, told in table])
        read = self.settings(members(start + table[0][0])).pools[0].members[0]
        self.assertEqual((read.country, read.location), ("DE", (-90.0, 180.0)))

    def test_addresses(self) -> None:
        """Addresses are hosts' own, and each is one member's."""
        key = "pools.p.members"
        own = "the unspecified address, not a host's"
        table = [
            (["addresses = ['192.0.2.1', '2001:DB8::1']"], []),
            (
                [
                    "addresses = ['192.0.2.256', '::', '0.0.0.0',"
                    " 'ff02::1', 'fe80::1%x']"
                ],
                [
                    f"3: {key}[0].addresses[0]: "
                    '"192.0.2.256" is not an IPv4 or IPv6 address',
                    f"3: {key}[0].addresses[1]: :: is {own}",
                    f"3: {key}[0].addresses[2]: 0.0.0.0 is {own}",
                    f"3: {key}[0].addresses[3]: "
                    "ff02::1 is a multicast address, not a host's",
                    f"3: {key}[0].addresses[4]: "
                    '"fe80::1%x": an answer can\'t have a scope',
                ],
            ),
            (
                ["addresses = ['::1', '0::1']"],
                [f"3: {key}[0].addresses[1]: ::1 stands here twice"],
            ),
            (
                ["addresses = ['::1']", "addresses = [\n'1.1.1.1',\n'0:0::1']"],
                [f'6: {key}[1].addresses[1]: ::1 is an address of "M0" too'],
            ),
        ]
        for lines, told in table:
            named = [f"name = 'M{n}', {line}" for n, line in enumerate(lines)]
            self.assertEqual(self.told(members(*named)), told)
        read = self.settings(members("name = 'm', addresses = ['2001:DB8::0:1']"))
        self.assertEqual(read.pools[0].members[0].addresses, ("2001:db8::1",))

    def test_names(self) -> None:
        """Names of members differ by more than case."""
        text = members(
            "name = 'm', addresses = ['192.0.2.1']",
            "name = 'M', addresses = ['192.0.2.2']",
        )
        expected = '4: pools.p.members[1].name: there is a member "m" already'
        self.assertEqual(self.told(text), [expected])
