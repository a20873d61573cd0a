"""`make import-real`: the published plans and premiums of real insurers, loaded as each insurer's own upload would be.

The folder REAL_DATA (default ../shared/data beside the repository) holds `health-plans-ma-2017/plans.csv` (94 plan
years of 64 plans of 8 insurers) and `premiums.csv` (75,484 monthly premiums). Source: Massachusetts small-group market
2017-2018, as kept in the public repository ideacrew/enroll (MIT License). They are test data: profile `rates_only`,
quotable and comparable, refused in production, never bought. Loading them again changes nothing.
"""

import csv
import json
import os
import re
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sqlalchemy.exc import OperationalError

from config import Settings, UnsafeSettingsError
from marketplace.accounts import queries as accounts
from marketplace.accounts import services as account_services
from marketplace.accounts.values import Account, Insurer, InsurerNotFound, NewInsurer, NewStaff, Role
from marketplace.app import create_app
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.text import LocalizedText
from marketplace.listing import queries as listing_queries
from sandbox.catalog_road import Reviewers, put_on_sale
from sandbox.embedded_db import EmbeddedDatabaseError, EmbeddedServer
from sandbox.instance import Instance

ROOT = Path(__file__).parents[1]
OLDEST = 120
EXAMPLES = 5
# The first and last age of a year's premiums stand for everybody younger or older (2017: 20 and 65, 2018: 14 and 64).
OPEN_AGES: Mapping[str, tuple[int, int]] = {"2017": (20, 65), "2018": (14, 64)}
COLOURS = ("#285577", "#7b3f23", "#3c5a2c", "#5b3a6e", "#8a6a10", "#1f5f5b", "#8c2f39", "#444f5a")


class CannotImportError(Exception):
    """The data cannot be loaded as asked. The message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class RealPremium:
    """A published monthly premium in USD of who starts within the period, lives in the area and has the age."""

    hios_id: str
    start_from: str
    start_to: str
    area: str
    age: int
    amount: str

    @property
    def year(self) -> str:
        return self.start_from[:4]

    @property
    def ages(self) -> tuple[int, int]:
        """The ages the premium stands for, both included."""
        youngest, oldest = OPEN_AGES[self.year]
        return 0 if self.age == youngest else self.age, OLDEST if self.age == oldest else self.age


@dataclass(frozen=True, slots=True)
class RealPlan:
    """A plan in one year, with its premiums."""

    facts: Mapping[str, str]
    premiums: tuple[RealPremium, ...]

    @property
    def code(self) -> str:
        return self.facts["hios_id"].lower()

    @property
    def year(self) -> str:
        return self.facts["from"][:4]

    @property
    def folder(self) -> str:
        return f"products/{self.code}@{self.year}/"


def data_folder() -> Path:
    """Where the plans are: below REAL_DATA."""
    return Path(os.environ.get("REAL_DATA") or ROOT / "../shared/data").resolve() / "health-plans-ma-2017"


def read_premiums(folder: Path) -> tuple[RealPremium, ...]:
    with (folder / "premiums.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            RealPremium(
                row["hios_id"],
                row["effective_from"],
                row["effective_to"],
                row["rating_area"],
                int(row["age"]),
                row["monthly_cost"],
            )
            for row in csv.DictReader(file)
        )


def read_plans(folder: Path) -> dict[str, list[RealPlan]]:
    """The plans of each insurer, by the insurer's name."""
    premiums: dict[tuple[str, str], list[RealPremium]] = defaultdict(list)
    for premium in read_premiums(folder):
        premiums[premium.hios_id, premium.year].append(premium)
    insurers: dict[str, list[RealPlan]] = defaultdict(list)
    with (folder / "plans.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            insurers[row["issuer"]].append(RealPlan(row, tuple(premiums[row["hios_id"], row["from"][:4]])))
    return dict(insurers)


def insurer_code(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def catalog_files(name: str, plans: Iterable[RealPlan]) -> dict[str, bytes]:
    """The catalog an insurer would upload: one product version for each plan and year."""
    files = {
        "catalog.toml": _toml(
            f"""
            # Published rates of a real insurer, used as test data. The insurer has nothing to do with this marketplace.
            format = "evenfold-catalog/1"
            insurer = {_text(insurer_code(name))}
            label = {_text(f"{name}: published rates 2017-2018")}
            effective_from = 2017-01-01
            effective_to = 2019-01-01
            """
        )
    }
    for plan in plans:
        files[f"{plan.folder}product.toml"] = _product(plan)
        files[f"{plan.folder}tariff.toml"] = _tariff()
        files[f"{plan.folder}tables/monthly.csv"] = _table(plan)
        files[f"{plan.folder}examples.csv"] = _examples(plan)
    return files


def _product(plan: RealPlan) -> bytes:
    facts = plan.facts
    starts = sorted({start for premium in plan.premiums for start in _quarters(premium)})
    areas = sorted({premium.area for premium in plan.premiums})
    yes_no = {"True": ("yes", "是"), "False": ("no", "否")}
    rows = {
        "plan_kind": (facts["health_plan_kind"].upper(), facts["health_plan_kind"].upper()),
        "metal_level": _METALS[facts["metal_level_kind"]],
        "deductible": (facts["deductible"], facts["deductible"]),
        "family_deductible": (facts["family_deductible"], facts["family_deductible"]),
        "hsa": yes_no[facts["hsa_eligibility"]],
        "standard_plan": yes_no[facts["is_standard_plan"]],
        "essential_benefits": (f"{Decimal(facts['ehb']):.2%} of the premium", f"占保费{Decimal(facts['ehb']):.2%}"),
    }
    said = "\n".join(f"            {key} = {_words(en, zh)}" for key, (en, zh) in rows.items())
    summary = _words(
        "Published rates of a real plan, shown as test data. It cannot be bought here.",
        "真实计划的已公布费率，仅作测试数据展示，不能在此购买。",
    )
    return _toml(
        f"""
            code = {_text(plan.code)}
            line = "us_health"
            profile = "rates_only"
            currency = "USD"
            marketing_name = {_words(facts["title"])}
            summary = {summary}

            [effective]
            from = {plan.year}-01-01
            to = {int(plan.year) + 1}-01-01

            [term]
            unit = "year"
            length = 1

            [payment]
            frequency = "monthly"
            times = 12

            [eligibility]
            start_on = {{ values = {json.dumps(starts)} }}
            rating_area = {{ values = {json.dumps(areas)} }}

            [facts]
{said}
        """
    )


_METALS = {
    "bronze": ("Bronze", "青铜"),
    "silver": ("Silver", "白银"),
    "gold": ("Gold", "黄金"),
    "platinum": ("Platinum", "铂金"),
}


def _quarters(premium: RealPremium) -> Iterator[str]:
    """The first days of the quarters in which the premium's period lies."""
    for month in (1, 4, 7, 10):
        start = f"{premium.year}-{month:02d}-01"
        if premium.start_from <= start <= premium.start_to:
            yield start


def _tariff() -> bytes:
    return _toml(
        """
        currency = "USD"
        rounding = "half_up"

        [[tables]]
        name = "monthly"
        file = "tables/monthly.csv"
        value = "amount"
        exact = ["rating_area"]
        banded = ["start_on", "age"]

        [[steps]]
        id = "monthly"
        kind = "lookup"
        table = "monthly"
        line = "risk"
        label = { en = "Published monthly premium", zh = "公布的月保费" }
        """
    )


def _table(plan: RealPlan) -> bytes:
    lines = ["rating_area,start_on_from,start_on_to,age_from,age_to,amount"]
    for premium in plan.premiums:
        youngest, oldest = premium.ages
        lines.append(f"{premium.area},{premium.start_from},{premium.start_to},{youngest},{oldest},{premium.amount}")
    return ("\n".join(lines) + "\n").encode()


def _examples(plan: RealPlan) -> bytes:
    """Premiums as they were published, spread over the periods, areas and ages of the plan."""
    last = len(plan.premiums) - 1
    chosen = [plan.premiums[number * last // (EXAMPLES - 1)] for number in range(EXAMPLES)]
    lines = [f"{each.start_from},{each.area},{each.age},{each.amount}" for each in chosen]
    return ("\n".join(["start_on,rating_area,age,premium", *lines]) + "\n").encode()


def _toml(text: str) -> bytes:
    return ("\n".join(line.strip() for line in text.strip().splitlines()) + "\n").encode()


def _text(text: str) -> str:
    """A TOML string: JSON's spelling is one of TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _words(en: str, zh: str | None = None) -> str:
    return f"{{ en = {_text(en)} }}" if zh is None else f"{{ en = {_text(en)}, zh = {_text(zh)} }}"


def register(name: str, colour: str) -> Insurer:
    """The real insurer, known already or entered now; its licence and addresses are not part of the data."""
    code = insurer_code(name)
    try:
        return accounts.insurer_by_code(code)
    except InsurerNotFound:
        return account_services.register_insurer(
            NewInsurer(
                code=code,
                legal_name=LocalizedText(name),
                short_name=LocalizedText(name),
                licence_no="not part of the data",
                phone="000",
                email=f"{code}@insurers.example",
                colour=colour,
                mark=name[0],
                fictional=False,
            )
        )


def reviewers(insurer: Insurer) -> Reviewers:
    """Two people of the insurer and one of the marketplace; nobody knows their passwords, so none of them signs in."""
    known = {account.email: account for account in accounts.staff()}

    def member(email: str, role: Role) -> Account:
        of = insurer.id if role.value.startswith("insurer") else None
        return known.get(email) or account_services.create_staff(
            NewStaff(email, "Import of published rates", role, secrets.token_urlsafe(24), of)
        )

    return Reviewers(
        member(f"import-1@{insurer.code}.example", Role.INSURER_CATALOG),
        member(f"import-2@{insurer.code}.example", Role.INSURER_CATALOG),
        member("import@evenfold.example", Role.ADMIN_REVIEWER),
    )


def load(name: str, plans: list[RealPlan], colour: str) -> tuple[int, bool]:
    """Upload and publish the catalog of one insurer; how many premiums it has, and whether they are new."""
    insurer = register(name, colour)
    before = {upload.id for upload in listing_queries.uploads_of_insurer(insurer.id)}
    upload = put_on_sale(insurer, catalog_files(name, plans), reviewers(insurer))
    if upload.findings:
        first = upload.findings[0]
        said = listing_queries.explain(first)
        raise CannotImportError(
            f"{name}: {len(upload.findings)} findings; {first.file} {first.row or ''}: {said.wrong} {said.right}"
        )
    return sum(len(plan.premiums) for plan in plans), upload.id not in before


def import_real(folder: Path) -> int:
    """Load every insurer, each in a transaction of its own; returns the number of premiums. Needs an app context."""
    if not (folder / "premiums.csv").exists():
        raise CannotImportError(f"There are no plans in {folder}; say where they are with REAL_DATA=.")
    total = 0
    for (name, plans), colour in zip(sorted(read_plans(folder).items()), COLOURS, strict=True):
        premiums, is_new = load(name, plans, colour)
        db.session.commit()
        total += premiums
        codes = {plan.code for plan in plans}
        print(
            f"  {name:<30} {len(codes):>3} plans {premiums:>7,} premiums{'' if is_new else '  (there already)'}",
            flush=True,
        )
    return total


def settings() -> Settings:
    """Those of the environment, or of the demonstration under instance/ that `make run` started; never production's."""
    if os.environ.get("DATABASE_URL"):
        given = Settings.from_env()
        if not given.demonstration:
            raise CannotImportError("Published rates of real insurers are test data; production refuses them.")
        return given
    instance = Instance(Path(os.environ.get("INSTANCE_FOLDER") or ROOT / "instance").absolute())
    if not (instance.folder / "demo.env").exists():
        raise CannotImportError("There is no demonstration yet: start it with `make run` and try again.")
    server, secrets = EmbeddedServer(instance.database), instance.secrets()
    return Settings.model_validate(
        {
            "demonstration": True,
            "public_url": "http://localhost",
            "secret_key": secrets["SECRET_KEY"],
            "database_url": server.url("marketplace_app"),
            "database_reader_url": server.url("marketplace_reader"),
            "storage_folder": instance.storage,
            "seals_folder": instance.seals,
            "keeper_socket": instance.keeper_socket,
            "stripe_secret_key": secrets["STRIPE_SECRET_KEY"],
            "stripe_webhook_secret": secrets["STRIPE_WEBHOOK_SECRET"],
            "stripe_api_base": "http://127.0.0.1:1",
            "mail_transport": "demonstration",
            "identity_verifier": "demonstration",
        }
    )


def main() -> int:
    """0 when everything is loaded, 1 with one line that says why not."""
    started = time.monotonic()
    try:
        with use_scope(Scope.all()), create_app(settings()).app_context():
            total = import_real(data_folder())
    except (CannotImportError, UnsafeSettingsError, EmbeddedDatabaseError) as error:
        print(error)
        return 1
    except OperationalError:
        print("The database does not answer: start the demonstration with `make run` first.")
        return 1
    print(f"{total:,} premiums are there ({time.monotonic() - started:.0f} s). Compare them under /compare/us_health.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
