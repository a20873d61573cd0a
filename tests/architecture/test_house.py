"""The house keeps its own rules: doors, migrations, settings, templates, words."""

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from sqlalchemy import create_engine, pool

from config import Settings
from marketplace.infra import jobs
from marketplace.infra.db import Base
from marketplace.web.access import ACCESS
from marketplace.wiring import SUBSCRIBERS

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html"))
NOT_OURS = ("procrastinate_", "infra_business_clock")


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
    """Every string that the code or a template shows has Chinese words of its own, with the same placeholders."""
    with (ROOT / "marketplace/translations/zh_Hans_CN/LC_MESSAGES/messages.po").open("rb") as file:
        catalog = read_po(file, locale="zh_Hans_CN")
    methods = [("marketplace/**.py", "python"), ("templates/**", "jinja2"), ("sandbox/stripe_simulator/**", "ignore")]
    keywords = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
    wanted = {
        message if isinstance(message, str) else message[0]
        for _, _, message, _, _ in extract_from_dir(
            str(ROOT), methods, {"**": {"trimmed": "true"}}, keywords=keywords,
            directory_filter=lambda folder: not re.search(r"/(\.venv|instance|tests|sandbox|node_modules|static)(/|$)", folder),
        )
    }  # fmt: skip
    said = {
        (m.id if isinstance(m.id, str) else m.id[0]): m.string for m in catalog if m.id and not m.fuzzy
    }
    assert sorted(message for message in wanted if not said.get(message)) == []
    wrong = [m.id for m in catalog if m.id and list(m.check())]
    assert wrong == []


def test_stylesheet_is_small() -> None:
    assert (ROOT / "static/css/evenfold.css").stat().st_size <= 20_000
