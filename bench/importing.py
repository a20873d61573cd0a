"""The published rates of eight insurers to drafts with findings and differences, beside reading their file and a COPY.

Measured is what the worker does, four uploads at a time as it does: the process that reads each, what it finds, what
each product changes against the one on sale, the draft. The floor reads the same rates with `csv` and sends them to the
same server with COPY; it checks nothing and compares nothing. All of it runs in a process of its own, whose memory is
told with that of the processes it starts, after a round in which no time is taken.
"""

import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import psutil
import psycopg
from flask import Flask

from bench.demonstration import ROOT, Demonstration
from bench.results import Figure
from marketplace.accounts import queries as accounts
from marketplace.app import create_app
from marketplace.infra.db import Scope, db, use_scope
from marketplace.listing import queries as listing
from marketplace.listing import services
from marketplace.listing.intake import pack
from marketplace.listing.values import UploadState
from marketplace.traceability.values import SYSTEM
from marketplace.worker import CONCURRENCY, settle
from sandbox import real_data
from sandbox.embedded_db import EmbeddedServer
from sandbox.instance import Instance

MOST = 5.0
MOST_MEGABYTES = 300
ROUNDS = 15
LOOK_SECONDS = 0.005
_COPY = "COPY rates (plan, start_from, start_to, area, age, amount) FROM STDIN"
_TABLE = "CREATE TEMPORARY TABLE rates (plan text, area text, start_from date, start_to date, age int, amount numeric)"


def measure(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    if not real_data.data_folder().exists():
        print("the published rates are not there (REAL_DATA): their import is not measured", flush=True)
        return
    env = os.environ | {"INSTANCE_FOLDER": str(demonstration.folder / "instance")}
    _run(["sandbox.real_data"], env)
    told = json.loads(_run([__name__, str(_raised(folder / "rates"))], env).splitlines()[-1])
    ratios = [ours / theirs for ours, theirs in zip(told["ours"], told["floor"], strict=True)]
    name, beside = "import of 75,484 premiums", "reading and COPY"
    detail = f"{statistics.median(told['ours']):.2f} s against {statistics.median(told['floor']):.2f} s"
    low, high = round(min(ratios), 2), round(max(ratios), 2)
    yield Figure(name, round(statistics.median(ratios), 2), "x", beside, low, high, MOST, detail)
    detail = "the worker and the processes that read, at their largest together; shared pages counted once"
    yield Figure("memory of that import", told["mb"], "MB", most=MOST_MEGABYTES, detail=detail)


def _run(words: list[str], env: dict[str, str]) -> str:
    command = [sys.executable, "-m", *words]
    return subprocess.run(  # noqa: S603  composed of our own words
        command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _raised(folder: Path) -> Path:
    """The catalogs of all insurers, in each round with premiums that are higher by one per cent more."""
    for name, plans in real_data.read_plans(real_data.data_folder()).items():
        for number in range(1, ROUNDS + 1):
            (place := folder / str(number)).mkdir(parents=True, exist_ok=True)
            raised = [replace(plan, premiums=tuple(_more(each, number) for each in plan.premiums)) for plan in plans]
            catalog = pack(real_data.catalog_files(name, raised))
            (place / f"{real_data.insurer_code(name)}.zip").write_bytes(catalog)
    return folder


def _more(premium: real_data.RealPremium, per_cent: int) -> real_data.RealPremium:
    amount = Decimal(premium.amount) * (100 + per_cent) / 100
    return replace(premium, amount=str(amount.quantize(Decimal("0.01"))))


def main(folder: Path) -> None:
    """Print the seconds of each round and the memory as JSON."""
    owner = EmbeddedServer(Instance(Path(os.environ["INSTANCE_FOLDER"])).database).url("marketplace_owner")
    owner = owner.replace("+psycopg", "")  # the driver's own spelling
    app = create_app(real_data.settings())
    settle()
    _import(app, folder / "1")
    ours, floor = [], []
    for number in range(1, ROUNDS + 1):
        ours.append(_seconds(partial(_import, app, folder / str(number))))
        floor.append(_seconds(partial(_copy, owner)))
    with Largest() as largest:
        _import(app, folder / "1")
    print(json.dumps({"ours": ours, "floor": floor, "mb": largest.megabytes}))


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _import(app: Flask, catalogs: Path) -> None:
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(partial(_import_one, app), sorted(catalogs.iterdir())))


def _import_one(app: Flask, file: Path) -> None:
    """What was written is taken back, so that each round does the same."""
    with use_scope(Scope.all()), app.app_context():
        insurer = accounts.insurer_by_code(file.stem)
        upload = services.upload_catalog(insurer.id, file.read_bytes(), SYSTEM)
        services.read_upload(upload.id)
        state = listing.upload(upload.id).state
        db.session.rollback()
    if state is not UploadState.DRAFT:
        raise RuntimeError(f"{file.stem} is no draft")


class Largest:
    """The most memory (PSS) that this process and those it started held together, looked at every few milliseconds."""

    def __init__(self) -> None:
        self.megabytes = 0
        self._over = Event()
        self._watch = Thread(target=self._look)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(LOOK_SECONDS):
            held = 0
            for each in (me, *me.children(recursive=True)):
                with suppress(psutil.Error):  # it has ended meanwhile
                    held += each.memory_full_info().pss
            self.megabytes = max(self.megabytes, held // 10**6)


def _copy(owner: str) -> None:
    with (real_data.data_folder() / "premiums.csv").open(encoding="utf-8", newline="") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    with psycopg.connect(owner) as connection, connection.cursor() as cursor:
        cursor.execute(_TABLE)
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
