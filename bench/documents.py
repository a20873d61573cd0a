"""A policy from its data to the sealed file in the store, warm: beside WeasyPrint with the same words, attachment, seal
and store. `python -m bench.documents` measures this alone.

WeasyPrint is a peer, no part of the product (`bench/peers.txt`); where it is not installed that is said. It makes
PDF/A-3a or PDF/UA-1, ours is both in one file. With our variable font it takes minutes and its file is broken, so it
is given one weight of the same typeface.

And what a process that has loaded the worker holds, its typesetter beside it, after a hundred and after a thousand.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from jinja2 import Environment, FileSystemLoader

from bench.results import Figure
from bench.rounds import compare
from marketplace.infra import pdf, signing, storage, timestamping
from marketplace.infra.signing import SealSettings
from marketplace.infra.storage.folder import Folder
from sandbox import demo_pki

SAMPLE = Path(__file__).parents[1] / "tests" / "unit" / "infra" / "samples" / "policy.zh_Hans_CN.json"
AT = datetime(2026, 11, 22, 4, 3, 11, tzinfo=UTC)
_PEERS_FONT = "pylopdf_fonts_zh_cn"
MOST_OF_WEASYPRINT = 0.2
MOST_MEGABYTES = 200
MANY, FEW = 1000, 100
MEGABYTE = 1e6
Setter = Callable[[Mapping[str, Any], str], bytes]

_numbers = count(1)


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        seal = _sealer(Path(folder))
        storage.configure(Folder(Path(folder) / "store"))
        peer = _weasyprint(Path(folder))

        def made(setter: Setter) -> Callable[[], object]:
            return lambda: storage.put(seal.seal(_set(setter), reason="Issue"))

        if peer is None:
            alone = compare(made(_typst), made(_typst), rounds=8, calls=5)
            words = "WeasyPrint is not installed (bench/peers.txt), so nothing is compared"
            yield Figure("policy, set, sealed, stored", round(alone.seconds * 1e3, 1), "ms", detail=words)
        else:
            compared = compare(made(_typst), made(peer), rounds=8, calls=5)
            yield Figure.ratio("policy, set, sealed, stored", "WeasyPrint's", compared, MOST_OF_WEASYPRINT)
        yield from _memory()


def _memory() -> Iterator[Figure]:
    command = [sys.executable, "-m", "bench.documents", "many"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  ours
    told = {row["documents"]: row for row in map(json.loads, done.stdout.splitlines())}
    for process, most in (("worker", MOST_MEGABYTES), ("typesetter", None)):
        few, many = (round(told[number][process]) for number in (FEW, MANY))
        detail = f"after {FEW}: {few} MB" + ("" if most else "; it ends when nothing is set for a while")
        yield Figure(f"{process} over {MANY} policies", many, "MB", most=most, detail=detail)


def _many() -> None:
    """Make many policies, each another, with the worker's code loaded, and tell what is held."""
    import marketplace.worker  # noqa: F401, PLC0415  all that a worker has in memory

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        seal = _sealer(Path(folder))
        storage.configure(Folder(Path(folder) / "store"))
        for number in range(1, MANY + 1):
            storage.put(seal.seal(_set(_typst), reason="Issue"))
            if number in {FEW, MANY // 2, MANY}:
                me = psutil.Process()
                held = {"worker": _held(me), "typesetter": sum(map(_held, me.children()))}
                print(json.dumps({"documents": number, **held}), flush=True)


def _held(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss) / MEGABYTE
    return 0.0


def _sealer(folder: Path) -> signing.Sealer:
    keys = folder / "keys"
    demo_pki.make_pki(keys, {"harbour": "Harbour Life Insurance Co."})
    authority = timestamping.load_authority(SealSettings.in_folder(keys, timestamping.SEAL_CODE))
    return signing.load_sealer(SealSettings.in_folder(keys, "harbour"), authority)


def _set(setter: Setter) -> bytes:
    """A policy that was never set before: of another number, for another person."""
    data, number = json.loads(SAMPLE.read_text()), next(_numbers)
    data["policy"]["number"] = f"EF-HARBOUR-2026-{number:06d}"
    data["persons"][0]["name"] += f" {number}"
    return setter(data, pdf.qr_svg(data["policy"]["verify_url"]))


def _typst(data: Mapping[str, Any], square: str) -> bytes:
    return pdf.render("policy", data, qr_svg=square, issued_at=AT)


def _weasyprint(folder: Path) -> Setter | None:
    """The peer's way to the same paper, or None where it is not installed."""
    if find_spec("weasyprint") is None or find_spec(_PEERS_FONT) is None:
        return None
    fonts = files(_PEERS_FONT)
    (folder / "fonts.conf").write_text(
        f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>{fonts}</dir>'
        f"<cachedir>{folder}/cache</cachedir></fontconfig>"
    )
    os.environ["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
    try:
        import weasyprint  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415  a peer, installed or not
        from weasyprint.text.fonts import FontConfiguration  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    except OSError:  # its system libraries are missing
        return None
    template = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True).get_template(
        "peer_policy.html"
    )
    known = FontConfiguration()

    def set_by_peer(data: Mapping[str, Any], square: str) -> bytes:
        attached = weasyprint.Attachment(
            string=pdf.machine_readable(data), name="policy.json", relationship="Data", description="policy"
        )
        html = weasyprint.HTML(string=template.render(d=data, l=data["labels"], qr=square))
        made = html.write_pdf(pdf_variant="pdf/a-3a", font_config=known, attachments=[attached])
        return bytes(made)

    return set_by_peer


if __name__ == "__main__":
    if sys.argv[1:] == ["many"]:
        _many()
    else:
        for figure in measure():
            print(figure, flush=True)
