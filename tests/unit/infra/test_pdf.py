"""Documents: standards, one truth for people and machines, equal bytes, and a refusal instead of an empty box."""

import copy
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pikepdf
import psutil
import pytest

from marketplace.infra import pdf, signing
from marketplace.infra.pdf import Unprintable

ISSUED_AT = datetime(2026, 11, 22, 4, 3, 11, tzinfo=UTC)


def needs(program: str):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program} on PATH")


def printed(data: dict, issued_at: datetime = ISSUED_AT) -> bytes:
    return pdf.render("policy", data, qr_svg=pdf.qr_svg(data["policy"]["verify_url"]), issued_at=issued_at)


def pages(document: bytes, folder) -> list[str]:
    (folder / "document.pdf").write_bytes(document)
    command = ["pdftotext", "-raw", "document.pdf", "-"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split("\f")[:-1]


def fonts(document: pikepdf.Pdf) -> list[pikepdf.Object]:
    """Every font dictionary that carries, or should carry, a font file."""
    return [
        thing
        for thing in document.objects
        if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor"
    ]


# Standards


@pytest.mark.parametrize("is_sealed", [False, True], ids=["unsealed", "sealed"])
def test_a_policy_declares_pdf_a_3a_and_pdf_ua_1_and_keeps_them_under_the_seal(policy_data, sealer, is_sealed):
    document = printed(policy_data)
    if is_sealed:
        document = sealer.seal(document, reason="Issue")
    with pikepdf.open(BytesIO(document)) as opened:
        declared = opened.open_metadata()
        assert declared["pdfaid:part"] == "3"
        assert declared["pdfaid:conformance"] == "A"
        assert declared["pdfuaid:part"] == "1"
        assert opened.Root.MarkInfo.Marked is True
        assert opened.Root.ViewerPreferences.DisplayDocTitle is True
        assert str(opened.Root.Lang) == {"en": "en", "zh_Hans_CN": "zh-CN"}[policy_data["locale"]]
        assert policy_data["policy"]["number"] in declared["dc:title"]
        assert opened.Root.StructTreeRoot.Type == "/StructTreeRoot"
        assert opened.check_pdf_syntax() == []


def test_every_font_is_embedded(policy_data):
    with pikepdf.open(BytesIO(printed(policy_data))) as opened:
        found = fonts(opened)
        assert len(found) >= 2
        assert all("NotoSansCJK" in str(font.FontName) for font in found)
        assert all("/FontFile3" in font or "/FontFile2" in font for font in found)


@pytest.mark.parametrize("is_sealed", [False, True], ids=["unsealed", "sealed"])
def test_the_data_are_attached_byte_for_byte(policy_data, sealer, is_sealed):
    document = printed(policy_data)
    if is_sealed:
        document = sealer.seal(document, reason="Issue")
    with pikepdf.open(BytesIO(document)) as opened:
        [attachment] = opened.Root.AF
        assert attachment.AFRelationship == "/Data"
        assert str(attachment.UF) == "policy.json"
        assert attachment.EF.F.Subtype == "/application/json"
        assert attachment.EF.F.read_bytes() == pdf.machine_readable(policy_data)
        assert opened.attachments["policy.json"].get_file().read_bytes() == pdf.machine_readable(policy_data)


@needs("qpdf")
def test_qpdf_finds_nothing_wrong(policy_data, sealer, tmp_path):
    (tmp_path / "policy.pdf").write_bytes(sealer.seal(printed(policy_data), reason="Issue"))
    done = subprocess.run(["qpdf", "--check", "policy.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# The seal on it


@pytest.mark.requirement("SCM-10")
def test_a_sealed_policy_is_valid_until_any_part_changes(policy_data, sealer, roots):
    document = printed(policy_data)
    assert not document.endswith(b"\n")
    sealed = sealer.seal(document, reason="Issue")
    assert sealed.startswith(document + b"\n")
    assert signing.check(sealed, roots).valid

    attached = sealed.index(b"stream", sealed.index(b"/EmbeddedFile")) + 60
    metadata = sealed.index(b"<x:xmpmeta") + 300
    content = len(document) // 2
    for at in (attached, metadata, content):
        altered = bytearray(sealed)
        altered[at] ^= 1
        report = signing.check(bytes(altered), roots)
        assert (report.valid, report.reason) == (False, "damaged")


@needs("pdfsig")
def test_pdfsig_accepts_a_sealed_policy(policy_data, sealer, tmp_path):
    (tmp_path / "policy.pdf").write_bytes(sealer.seal(printed(policy_data), reason="Issue"))
    done = subprocess.run(["pdfsig", "-nocert", "policy.pdf"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Signature Validation: Signature is Valid." in done.stdout
    assert "Total document signed" in done.stdout


# What stands on the pages


@needs("pdftotext")
def test_the_pages_say_what_the_data_say(policy_data, tmp_path):
    text = "".join("".join(pages(printed(policy_data), tmp_path)).split())
    said = [
        policy_data["policy"]["product"],
        policy_data["policy"]["check_code"],
        policy_data["policy"]["verify_at"],
        policy_data["insurer"]["name"],
        policy_data["intermediary"]["name"],
        policy_data["period"]["starts"]["text"],
        policy_data["period"]["ends"]["text"],
        policy_data["premium"]["total"]["text"],
        *(person["name"] for person in policy_data["persons"]),
        *(cover["name"] for cover in policy_data["covers"]),
        *(cover["limit"] for cover in policy_data["covers"]),
        *(exclusion["title"] for exclusion in policy_data["exclusions"]),
        *(line["label"] for line in policy_data["premium"]["lines"]),
        *(line["amount"]["text"] for line in policy_data["premium"]["lines"]),
        *(section["title"] for section in policy_data["sections"]),
        *(document["title"] for document in policy_data["documents"]),
    ]
    assert [words for words in said if "".join(words.split()) not in text] == []


@needs("pdftotext")
def test_every_page_bears_the_notice_the_insurer_the_number_and_its_place(policy_data, tmp_path):
    found = pages(printed(policy_data), tmp_path)
    assert len(found) > 2
    for number, page in enumerate(found, start=1):
        together = "".join(page.split())
        place = policy_data["labels"]["page"].format(page=number, pages=len(found))
        for words in (
            policy_data["notice"],
            policy_data["insurer"]["name"],
            policy_data["policy"]["number"],
            place,
        ):
            assert "".join(words.split()) in together, (number, words)


@needs("pdftotext")
def test_without_a_notice_no_page_has_one(policy_data, tmp_path):
    found = pages(printed({**policy_data, "notice": None}), tmp_path)
    assert policy_data["notice"].split()[0] not in "".join(found)


@needs("pdftotext")
def test_the_head_of_a_table_comes_again_on_the_next_page(policy_data, tmp_path):
    many = policy_data["covers"] * (40 // len(policy_data["covers"]))
    found = pages(printed({**policy_data, "covers": many}), tmp_path)
    head = policy_data["labels"]["what"].replace(" ", "")
    with_head = [number for number, page in enumerate(found) if head in page.replace(" ", "")]
    assert len(with_head) >= 3
    assert with_head == list(range(with_head[0], with_head[0] + len(with_head)))


@needs("pdftotext")
def test_text_of_a_person_is_printed_never_obeyed(policy_data, tmp_path):
    hostile = '#panic("x") *b* $x^2$ `r` @ref // c \\ #read("/etc/hostname") <script>'
    data = copy.deepcopy(policy_data)
    data["persons"][0]["name"] = hostile
    document = printed(data)
    assert "".join(hostile.split()) in "".join("".join(pages(document, tmp_path)).split()).replace("\u200b", "")


def test_a_contract_with_few_words_is_printed_as_well(policy_data):
    data = copy.deepcopy(policy_data)
    data |= {"covers": [], "exclusions": [], "documents": [], "sections": [], "facts": [], "notice": None}
    data["persons"] = [{"role": "Insured", "name": "Li", "facts": []}]
    data["policy"]["clause_name"] = data["period"]["note"] = data["premium"]["note"] = None
    document = pdf.render("policy", data, qr_svg=None, issued_at=ISSUED_AT)
    with pikepdf.open(BytesIO(document)) as opened:
        assert len(opened.pages) in {1, 2}


# Equal bytes


def test_equal_data_and_instant_give_equal_bytes_whatever_the_order_of_the_keys(policy_data):
    turned = dict(reversed(policy_data.items()))
    assert list(turned) != list(policy_data)
    assert printed(turned) == printed(policy_data)


def test_another_instant_or_another_word_gives_another_file(policy_data):
    document = printed(policy_data)
    assert printed(policy_data, ISSUED_AT + timedelta(seconds=1)) != document
    assert printed({**policy_data, "seal": policy_data["seal"] + "."}) != document


def test_the_zone_in_which_the_instant_is_written_does_not_matter(policy_data):
    assert printed(policy_data, ISSUED_AT.astimezone(ZoneInfo("Asia/Shanghai"))) == printed(policy_data)


def test_an_instant_without_a_zone_is_refused(policy_data):
    with pytest.raises(ValueError, match="time zone"):
        printed(policy_data, ISSUED_AT.replace(tzinfo=None))


@pytest.mark.asvs("15.4.1")
def test_threads_render_side_by_side(policy_data):
    document = printed(policy_data)
    with ThreadPoolExecutor(4) as workers:
        made = list(workers.map(lambda _: printed(policy_data), range(12)))
    assert made == [document] * 12


# Typst's process


def typst_process() -> psutil.Process:
    [process] = [each for each in psutil.Process().children() if pdf._TYPESETTER in each.cmdline()]
    return process


def test_typst_runs_in_one_other_process_that_is_given_no_setting(policy_data, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "not for it")
    pdf._typesetter.end()
    printed(policy_data)
    first = typst_process()
    assert set(first.environ()) <= {"LANG", "LC_CTYPE"}
    printed(policy_data)
    assert typst_process().pid == first.pid
    assert (
        "typst"
        not in subprocess.run(
            [sys.executable, "-c", "import sys, marketplace.infra.pdf; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    )


def test_a_process_that_died_is_replaced_and_makes_the_same_document(policy_data):
    document = printed(policy_data)
    died = typst_process()
    died.kill()
    died.wait(10)
    assert printed(policy_data) == document
    assert typst_process().pid != died.pid


def test_one_that_dies_over_every_document_is_given_up_and_the_next_document_is_made(policy_data, monkeypatch):
    document = printed(policy_data)
    pdf._typesetter.end()
    with monkeypatch.context() as patched:
        patched.setattr(pdf, "_TYPESETTER", "this")  # prints the Zen of Python, and ends
        patched.setattr(pdf.json, "loads", lambda _: {"size": 10**9})
        with pytest.raises(pdf.TypesettingFailedError):
            printed(policy_data)
    assert printed(policy_data) == document


def test_one_that_takes_too_long_is_ended(policy_data, monkeypatch):
    pdf._typesetter.end()
    with monkeypatch.context() as patched:
        patched.setattr(pdf, "_LONGEST_SECONDS", 0.0)
        with pytest.raises(pdf.TypesettingFailedError):
            printed(policy_data)
    assert printed(policy_data).startswith(b"%PDF-")


def test_it_ends_when_nothing_is_asked_and_when_its_asker_is_gone():
    program = "import sys; from marketplace.infra import typesetter as it; it.IDLE_SECONDS = {}; it.main()"
    folders = ["templates", "fonts"]
    command = [sys.executable, "-c", program.format(0), *folders]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as idle:
        assert idle.wait(30) == 0
    gone = subprocess.run([sys.executable, "-c", program.format(600), *folders], input=b"", timeout=30, check=False)
    assert gone.returncode == 0


# What cannot be printed


@pytest.mark.parametrize("name", ["王玥", "李喆", "赵芃彧", "孙赟堃珺", "𠮷野家", "Zoë Nguyễn-Åström", "Zoe\u0308"])
def test_names_that_people_bear_can_be_printed(name):
    assert pdf.missing_glyphs(name) == ()


def test_characters_the_font_lacks_are_named_once_in_order():
    assert pdf.missing_glyphs("Li 🙂 عم 🙂") == ("🙂", "ع", "م")
    assert pdf.missing_glyphs("") == ()


def test_a_document_with_such_a_character_is_refused_not_printed_with_a_gap(policy_data):
    data = copy.deepcopy(policy_data)
    data["persons"][0]["name"] = "Li 🙂"
    with pytest.raises(Unprintable) as refused:
        printed(data)
    assert refused.value.code == "document:unprintable"
    assert refused.value.missing == ("🙂",)
    assert "Li" not in str(refused.value)


def test_data_that_do_not_fit_the_template_are_refused(policy_data):
    data = copy.deepcopy(policy_data)
    del data["labels"]["schedule"]
    with pytest.raises(Unprintable, match="policy") as refused:
        printed(data)
    assert refused.value.missing == ()


def test_a_compiler_that_refused_prints_the_next_document(policy_data):
    document = printed(policy_data)
    with pytest.raises(Unprintable):
        printed({**policy_data, "labels": {}})
    assert printed(policy_data) == document


def test_the_qr_picture_is_a_picture_of_its_address():
    one = pdf.qr_svg("https://evenfold.example/verify?number=1")
    assert one.startswith("<svg ")
    assert one == pdf.qr_svg("https://evenfold.example/verify?number=1")
    assert one != pdf.qr_svg("https://evenfold.example/verify?number=2")
