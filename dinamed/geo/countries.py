"""Countries, the continents they are in, and groups of their regions.

The continents are those of geodns, country by country (Turkey is in Europe, Cyprus in
Asia), so that its zone files mean here what they meant there; countries that it does
not know are added.
"""

from collections.abc import Mapping
from types import MappingProxyType

CONTINENTS = (
    "africa",
    "antarctica",
    "asia",
    "europe",
    "north-america",
    "oceania",
    "south-america",
)
CONTINENT_CODES: Mapping[str, str] = MappingProxyType(
    dict(zip(("AF", "AN", "AS", "EU", "NA", "OC", "SA"), CONTINENTS, strict=True))
)
"""The codes that databases have for continents."""

_COUNTRIES = {
    "africa": """
        AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR
        LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN
        TZ UG YT ZA ZM ZW""",
    "antarctica": "AQ BV GS HM TF",
    "asia": """
        AE AF AM AZ BD BH BN BT CC CN CX CY GE HK ID IL IN IO IQ IR JO JP KG KH KP KR
        KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TW UZ VN
        YE""",
    "europe": """
        AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS
        IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM TR UA VA
        XK""",
    "north-america": """
        AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF
        MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI""",
    "oceania": """
        AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF
        WS""",
    "south-america": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
_FORMER = {"AN": "north-america", "AP": "asia", "EU": "europe", "FX": "europe"}
_IN = {
    code: continent for continent, codes in _COUNTRIES.items() for code in codes.split()
}

COUNTRIES: frozenset[str] = frozenset(_IN)
"""ISO 3166-1 alpha-2, and XK (Kosovo), which databases use."""

CONTINENT_OF: Mapping[str, str] = MappingProxyType({**_FORMER, **_IN})
"""The continent of each country, and of the codes that old databases have besides."""

# The federal districts of Russia by the letter geodns gives them, and thirds of the US.
_GROUPS = {
    "us-west": "AK AZ CA CO HI ID MT NM NV OR UT WA WY",
    "us-central": "AR IA IL IN KS LA MN MO ND NE OK SD TX WI",
    "us-east": """
        AL CT DC DE FL GA KY MA MD ME MI MS NC NH NJ NY OH PA RI SC TN VA VT WV""",
    "ru-dfd": "AMU BU CHU KAM KHA MAG PRI SA SAK YEV ZAB",
    "ru-kfd": "CE DA IN KB KC SE STA",
    "ru-pfd": "BA CU KIR ME MO NIZ ORE PER PNZ SAM SAR TA UD ULY",
    "ru-sfd": "AL ALT IRK KEM KK KYA NVS OMS TOM TY",
    "ru-tfd": """
        BEL BRY IVA KLU KOS KRS LIP MOS MOW ORL RYA SMO TAM TUL TVE VLA VOR YAR""",
    "ru-ufd": "CHE KGN KHM SVE TYU YAN",
    "ru-vfd": "ARK KGD KO KR LEN MUR NEN NGR PSK SPE VLG",
    "ru-yfd": "AD AST KDA KL ROS VGG",
}

REGION_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        f"{group[:2]}-{code.lower()}": group
        for group, codes in _GROUPS.items()
        for code in codes.split()
    }
)
"""The group of each region that is in one, `us-ca` in `us-west`."""
