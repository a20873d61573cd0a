"""The house keeps its own rules: doors, migrations, settings, templates, words."""

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from babel.messages.catalog import Message
from flask import Flask
from sqlalchemy import create_engine, pool

from config import Settings
from marketplace.infra import jobs
from marketplace.infra.db import Base
from marketplace.web.doors import ACCESS
from marketplace.wiring import SUBSCRIBERS
from tests.architecture import messages

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html"))
NOT_OURS = ("procrastinate_", "infra_business_clock", "infra_key_revision", "infra_public_revision")
PLACE = re.compile(r"%\(\w+\)|\{\w+\}")


@pytest.mark.requirement("T26-04")
def test_every_route_states_who_may_enter(migrated_app: Flask) -> None:
    assert {rule.endpoint for rule in migrated_app.url_map.iter_rules()} == set(ACCESS)


def test_every_fact_has_known_subscribers(migrated_app: Flask) -> None:
    deferred = {name for names in SUBSCRIBERS.values() for name in names}
    assert deferred <= set(jobs.known_tasks())


def test_models_equal_migrations(migrated_app: Flask) -> None:
    def ours(_object: object, name: str | None, kind: str, _reflected: bool, _to: object) -> bool:  # noqa: FBT001  alembic's shape
        return not (kind == "table" and name is not None and name.startswith(NOT_OURS))

    engine = create_engine(migrated_app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


def test_the_head_file_names_the_last_migration() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert [(ROOT / "migrations" / "HEAD").read_text().strip()] == script.get_heads()


def test_readme_lists_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [name.upper() for name in Settings.model_fields if f"`{name.upper()}`" not in readme]
    assert missing == []


def test_env_example_lists_every_setting() -> None:
    example = (ROOT / ".env.example").read_text()
    missing = [name.upper() for name in Settings.model_fields if f"{name.upper()}=" not in example]
    assert missing == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_compile_and_keep_the_content_policy(migrated_app: Flask, path: Path) -> None:
    source = path.read_text()
    migrated_app.jinja_env.parse(source)
    if "mail" in path.relative_to(ROOT / "templates").parts:
        return
    assert not re.search(r'\sstyle="', source), "inline style is refused by the policy"
    assert not re.search(r"\son[a-z]+=", source), "inline script is refused by the policy"
    assert not re.search(r"<script(?![^>]*nonce)", source), "script without nonce"
    assert not re.search(r"<form(?![^>]*method=\"(?:post|get)\")", source), "a form says its method"


def test_no_post_form_without_its_token() -> None:
    for path in TEMPLATES:
        source = path.read_text()
        posts = len(re.findall(r'<form[^>]*method="post"', source))
        tokens = source.count("csrf_token()") + len(re.findall(r"\{\{ hidden\(", source))
        assert tokens >= posts, path


def test_chinese_is_complete() -> None:
    """Every sentence that the code or a template shows has Chinese words, and no others are kept (`make messages`)."""
    kept = {key_of(message): message for message in messages.catalog() if message.id}
    shown = {key_of(message) for message in messages.sentences() if message.id}
    assert sorted(shown - kept.keys()) == []
    assert sorted(kept.keys() - shown) == []
    assert sorted(key for key, message in kept.items() if not messages.said(message) or message.fuzzy) == []


def test_chinese_keeps_what_is_put_in() -> None:
    for message in messages.catalog():
        places = {name for text in strings(message.id) for name in PLACE.findall(text)} - {"%(num)"}
        for words in messages.said(message) if message.id else ():
            assert set(PLACE.findall(words)) - {"%(num)"} == places, message.id
        assert list(message.check()) == []


def key_of(message: Message) -> str:
    return strings(message.id)[0]


def strings(id_: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (id_,) if isinstance(id_, str) else tuple(id_)


def test_stylesheet_is_small() -> None:
    assert (ROOT / "static/css/evenfold.css").stat().st_size <= 20_000
