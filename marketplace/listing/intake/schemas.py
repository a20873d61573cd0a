"""JSON Schemas of the upload's TOML files, made from the same types that read them.

`python -m marketplace.listing.intake.schemas` writes them to marketplace/listing/schema/; a test holds both equal.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from marketplace.catalog.values import content_schema
from marketplace.listing.intake.catalog import CatalogFile
from marketplace.listing.intake.tables import TableEntry
from marketplace.rating.values import tariff_schema

FOLDER = Path(__file__).parent.parent / "schema"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MADE_BY_INTAKE = ("sha256", "size", "media_type")


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema."""
    return {
        "catalog.json": _titled(TypeAdapter(CatalogFile).json_schema(), "catalog.toml"),
        "product.json": _titled(_product(), "product.toml"),
        "questions.json": _titled(_questions(), "questions.toml"),
        "tariff.json": _titled(_tariff(), "tariff.toml"),
    }


def _titled(schema: dict[str, Any], title: str) -> dict[str, Any]:
    return {"$schema": _DIALECT, **schema, "title": title}


def _product() -> dict[str, Any]:
    """The content without what stands in other files, or is computed when the upload is read."""
    schema = content_schema()
    del schema["properties"]["questions"]
    schema["$defs"].pop("Question")
    schema["$defs"].pop("Outcome")
    document = schema["$defs"]["DocumentRef"]
    for name in _MADE_BY_INTAKE:
        del document["properties"][name]
    document["required"] = [name for name in document["required"] if name not in _MADE_BY_INTAKE]
    day = {"type": "string", "format": "date"}
    schema["properties"]["effective"] = {
        "type": "object",
        "description": "Narrows the catalog's range for this product: on sale from `from` until before `to`.",
        "properties": {"from": day, "to": day},
        "additionalProperties": False,
    }
    schema["required"] = [name for name in schema["required"] if name != "code"]
    return schema


def _questions() -> dict[str, Any]:
    schema = content_schema()
    return {
        "type": "object",
        "properties": {"questions": schema["properties"]["questions"]},
        "additionalProperties": False,
        "$defs": {name: schema["$defs"][name] for name in ("Question", "Outcome", "LocalizedText")},
    }


def _tariff() -> dict[str, Any]:
    """The tariff with its tables as references to CSV files."""
    schema = tariff_schema()
    schema["$defs"]["Table"] = TypeAdapter(TableEntry).json_schema()
    return schema


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
