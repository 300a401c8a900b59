"""The config as a JSON schema, made from the typed settings: for editors.

It knows the tables, keys, types and ranges.  What must hold between keys is for
`dinamed check`.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec
from msgspec import inspect

from dinamed.config.checks import Check
from dinamed.config.file_zones import DEFAULTS
from dinamed.config.settings import Settings, VotingSettings, ZoneSettings
from dinamed.config.sources import INCLUDE

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NAMED = ("keys", "zones", "catalogs", "pools")
"""Tables of tables, by name."""
NO_KEYS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "Settings": frozenset(
            (
                "path",
                "files",
                "include",
                "cookie_secrets",
                "targeting",
                "file_zones",
            )
        ),
        "ZoneSettings": frozenset(("name",)),
        "CatalogSettings": frozenset(("name", "transfer", "notify")),
        "PoolSettings": frozenset(("name", "voting", "check_rule")),
        "FleetSettings": frozenset(("password",)),
        "KeySettings": frozenset(("name",)),
    }
)
"""Fields that no key fills."""
TEXT_OR_TABLE = ("notify", "primary", "update")
"""Lists whose elements may be texts in place of tables."""
ONE_OR_LIST = ("check",)
"""Values that may be one table or a list of them."""
ONE_PRIMARY = (("CatalogSettings", "primary"),)
"""Lists that may be one of their elements too."""

OR_BOOLEAN = (("ZoneSettings", "dnssec"),)
"""Tables that a truth value may stand for."""

COMBINED = "#/$defs/CombinedChecks"

Schema = dict[str, object]


def config_schema() -> Schema:
    """The schema of the whole config."""
    made = _Maker()
    root = made.table(Settings)
    properties = root["properties"]
    assert isinstance(properties, dict)
    properties[INCLUDE] = {"type": "array", "items": {"type": "string"}}
    for name in NAMED:
        if name in properties:
            properties[name] = {
                "type": "object",
                "additionalProperties": _item(properties[name]),
            }
    properties[DEFAULTS] = made.value(inspect.type_info(ZoneSettings))
    return {
        "$schema": DRAFT,
        "title": "The config of dinamed",
        **root,
        "$defs": made.definitions,
    }


def _item(listed: object) -> object:
    assert isinstance(listed, dict)
    return listed["items"]


class _Maker:
    """Collects the definitions of tables as it meets them."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def table(self, kind: type[msgspec.Struct]) -> Schema:
        """The schema of a table."""
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        left_out = NO_KEYS.get(kind.__name__, frozenset())
        properties: Schema = {}
        required = []
        if info.tag_field is not None:
            properties[info.tag_field] = {"const": info.tag}
            required.append(info.tag_field)
        fields = list(info.fields)
        if issubclass(kind, Check):
            # How votes count is said in the same table.
            votes = inspect.type_info(VotingSettings)
            assert isinstance(votes, inspect.StructType)
            fields += votes.fields
        for field in fields:
            if field.name in left_out:
                continue
            schema = self._key(field)
            if (kind.__name__, field.name) in OR_BOOLEAN:
                schema = {"anyOf": [{"type": "boolean"}, schema]}
            if (kind.__name__, field.name) in ONE_PRIMARY:
                schema = {"anyOf": [schema.get("items", {}), schema]}
            properties[field.encode_name] = schema
            if field.required:
                required.append(field.encode_name)
        made: Schema = {"type": "object", "properties": properties}
        if required:
            made["required"] = required
        return {**made, "additionalProperties": False}

    def _key(self, field: inspect.Field) -> Schema:
        schema = self.value(field.type)
        if field.name in TEXT_OR_TABLE:
            items = {"anyOf": [{"type": "string"}, schema.get("items", {})]}
            return {**schema, "items": items}
        if field.name in ONE_OR_LIST:
            one: Schema = {"anyOf": [schema.get("items", {}), {"$ref": COMBINED}]}
            self.definitions["CombinedChecks"] = _combined(one)
            return {"anyOf": [one, {"type": "array", "items": one}]}
        return schema

    def value(self, kind: inspect.Type) -> Schema:
        """The schema of a value."""
        match kind:
            case inspect.Metadata():
                return self._marked(kind)
            case inspect.StructType():
                return self._reference(kind.cls)
            case inspect.UnionType():
                inner = [one for one in kind.types if not _is_none(one)]
                choices = [self.value(one) for one in inner]
                return choices[0] if len(choices) == 1 else {"anyOf": choices}
            case inspect.VarTupleType():
                return {"type": "array", "items": self.value(kind.item_type)}
            case inspect.TupleType():
                items = [self.value(one) for one in kind.item_types]
                count = len(items)
                return {
                    "type": "array",
                    "prefixItems": items,
                    "minItems": count,
                    "maxItems": count,
                }
            case inspect.DictType():
                inner_schema = self.value(kind.value_type)
                return {"type": "object", "additionalProperties": inner_schema}
            case inspect.BoolType():
                return {"type": "boolean"}
            case inspect.StrType():
                return {"type": "string"}
            case inspect.LiteralType():
                return {"enum": list(kind.values)}
            case inspect.IntType() | inspect.FloatType():
                word = "integer" if isinstance(kind, inspect.IntType) else "number"
                return {"type": word, **dict(_bounds(kind))}
        return {}

    def _marked(self, kind: inspect.Metadata) -> Schema:
        """A value with marks of our own: see `settings`."""
        extra = kind.extra or {}
        if "read" in extra:
            return {}  # in a form of its own, which only its reader knows
        schema = self.value(kind.type)
        if extra.get("unit") == "seconds":
            text = {"type": "string", "pattern": "^[0-9.smhdw]+$"}
            return {"anyOf": [schema, text]}
        return schema

    def _reference(self, kind: type[msgspec.Struct]) -> Schema:
        name = kind.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # so that a table in itself ends
            self.definitions[name] = self.table(kind)
        return {"$ref": f"#/$defs/{name}"}


def _combined(part: Schema) -> Schema:
    """Combinations of checks, with such parts."""
    parts: Schema = {"type": "array", "items": part, "minItems": 1}
    least: Schema = {"type": "integer", "minimum": 1}
    forms: tuple[Schema, ...] = (
        {"any": parts},
        {"all": parts},
        {"not": part},
        {"at_least": least, "of": parts},
    )
    made: list[object] = [
        {
            "type": "object",
            "properties": form,
            "required": list(form),
            "additionalProperties": False,
        }
        for form in forms
    ]
    return {"anyOf": made}


def _is_none(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.NoneType)


def _bounds(kind: inspect.IntType | inspect.FloatType) -> Iterator[tuple[str, float]]:
    for key, bound in (
        ("minimum", kind.ge),
        ("exclusiveMinimum", kind.gt),
        ("maximum", kind.le),
        ("exclusiveMaximum", kind.lt),
    ):
        if bound is not None:
            yield key, bound
