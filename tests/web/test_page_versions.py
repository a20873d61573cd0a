"""Only released pages are shown and only present ones answered; what was online on any day is found again."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from uuid import UUID

import pytest
from flask import Flask
from jinja2 import meta
from sqlalchemy import text

from marketplace.accounts.values import Role
from marketplace.disclosure.models import WordingRow
from marketplace.infra import formatting, storage
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.traceability import queries as trail
from marketplace.traceability.jobs.referencing import make_references
from marketplace.traceability.rules.rotation import journey_of_log
from marketplace.traceability.values import PagesNotReleased, journey_of_readings
from marketplace.web.released import TRACED
from sandbox.demo.visitor import Visitor, hidden_fields, ticked, words
from sandbox.embedded_db import EmbeddedServer
from tests.everything import every_row
from tests.factories.log import ORIGIN, a_key_folder, integrate
from tests.factories.pages import changed_pages, changed_words, released_again, taken_away
from tests.web.conftest import ANSWERS, NothingWritten, count
from tests.web.desk_visits import WHY, at_the_desk, buy
from tests.web.test_fail_closed import UNRECORDED

AtStep = Callable[..., Visitor]
Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
PEOPLE = "customer/application/people.html"
EMAIL = "customer/application/form.html"
OLD, NEW = "</form>", "</form><p>One word more.</p>"
HALF_A_KILOBYTE = 512
FIRST = 530  # of a page with one offer; what is random in each answer takes 200 of it
STOPPED = "No insurance is sold here at the moment"


def ready(shop: Flask) -> tuple[int, object]:
    answer = shop.test_client().get("/healthz/ready")
    return answer.status_code, answer.get_json()


@pytest.mark.requirement("T26-33", "T26-34", "T26-54")
def test_pages_that_nobody_released_are_not_shown_and_everything_else_is(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor = at_step("people")
    here, form = visitor.at, hidden_fields(visitor.text)
    assert ready(shop) == (200, {"status": "ready"})
    with changed_pages(shop, PEOPLE, OLD, NEW):
        with nothing_written():
            visitor.get(here)
            assert visitor.status == 503
            assert STOPPED in words(visitor.text)
            assert "One word more." not in visitor.text
            visitor.post(form | {"applicant_name": "Li Na", "applicant_birth_on": "1992-03-05"}, here)
            assert visitor.status == 503
            for path in UNRECORDED:
                assert visitor.client.get(path).status_code == 200, path
            assert ready(shop) == (200, {"status": "ready", "sales": "stopped", "reasons": ["release"]})
        assert released_again(shop).number == 2
        visitor.get(here)
        assert visitor.status == 200
        assert "One word more." in visitor.text
        assert ready(shop) == (200, {"status": "ready"})


@pytest.mark.requirement("T26-33", "T26-35")
@pytest.mark.parametrize("instead", [None, b"p { color: red }"])
@pytest.mark.parametrize("what", ["style", "template", "wording", "sentences"])
def test_no_page_is_shown_whose_files_are_not_kept(
    shop: Flask, visitor: Visitor, what: str, instead: bytes | None
) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    comparison = visitor.at
    content = shop.extensions["pages"].content
    sha256 = {
        "style": content.assets["css/evenfold.css"],
        "template": content.templates["storefront/product.html"],
        "wording": content.wordings["entry_notice.en"],
        "sentences": content.sentences["en"],
    }[what]
    views = count(shop, "traceability_evidence_intake", "page_bytes IS NOT NULL")
    with taken_away(shop, sha256, instead):
        for path in (offer, comparison, f"{offer}?anew=1"):
            visitor.get(path)
            assert visitor.status == 503, path
            assert STOPPED in words(visitor.text)
        assert ready(shop)[1] == {"status": "ready", "sales": "stopped", "reasons": ["release"]}
        assert visitor.client.get("/").status_code == 200
    assert count(shop, "traceability_evidence_intake", "page_bytes IS NOT NULL") == views
    visitor.get(offer)
    assert visitor.status == 200


def version_seen(shop: Flask, visitor: Visitor, path: str, locale: str) -> str:
    """The version of the page that this visitor is shown at `path` in that language."""
    with visitor.client.session_transaction() as session:
        session["locale"] = locale
    visitor.get(path)
    with visitor.client.session_transaction() as session, shop.app_context():
        return str(trail.journey_entries(UUID(session["journey"]))[-1].page_version_id)


@pytest.mark.requirement("T26-05", "T26-33", "T26-34", "T26-35", "T26-36")
def test_a_translation_is_a_part_of_the_pages_in_its_language(shop: Flask, visitor: Visitor, tmp_path: Path) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    english, chinese = (version_seen(shop, visitor, offer, locale) for locale in formatting.LOCALES)
    with changed_words(shop, tmp_path, 'msgstr "许可证编号"', 'msgstr "牌照编号"'):
        visitor.get(offer)
        assert visitor.status == 503
        assert "牌照编号" not in visitor.text
        released_again(shop)
        changed = version_seen(shop, visitor, offer, "zh_Hans_CN")
        assert "牌照编号" in visitor.text
        assert version_seen(shop, visitor, offer, "en") == english
    assert len({english, chinese, changed}) == 3
    with shop.app_context():
        versions = {each.id: each for each in trail.page_versions([chinese, changed])}
        assert versions[changed].series == versions[chinese].series
        assert storage.get(versions[changed].manifest["sentences"]["zh_Hans_CN"]).decode().count("牌照编号") == 2


@pytest.mark.requirement("T26-35")
def test_what_only_staff_read_is_no_part_of_the_pages(shop: Flask, tmp_path: Path) -> None:
    content = shop.extensions["pages"].content
    with changed_words(shop, tmp_path, 'msgstr "%(page)s（发送时的原样）"', 'msgstr "%(page)s"'):
        assert shop.extensions["pages"].content == content


@pytest.mark.requirement("T26-33")
def test_no_page_is_shown_that_names_a_document_which_is_not_kept(shop: Flask, visitor: Visitor) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    visitor.get(offer)
    with shop.app_context():
        sha256 = db.session.execute(text("SELECT min(sha256) FROM catalog_document")).scalar_one()
    with taken_away(shop, sha256):
        visitor.get(offer)
        assert visitor.status == 503
    visitor.get(offer)
    assert visitor.status == 200


@pytest.mark.requirement("T26-26", "T26-38")
@pytest.mark.parametrize("style", ["", "p { color: navy }"])
def test_a_form_from_a_page_that_has_changed_enters_nothing_and_is_shown_the_present_page(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten, style: str
) -> None:
    visitor = at_step("people")
    before, here = hidden_fields(visitor.text), visitor.at
    told = {"applicant_name": "Li Na", "applicant_birth_on": "1992-03-05", "relationship": "self"}
    with changed_pages(shop, PEOPLE, OLD, OLD if style else NEW, style=style):
        released_again(shop)
        with nothing_written():
            visitor.post(before | told)
        assert (visitor.status, visitor.at) == (409, here)
        assert "This page has changed since you opened it." in words(visitor.text)
        assert ("One word more." in visitor.text) is not style
        assert 'value="Li Na"' not in visitor.text
        with visitor.client.session_transaction() as session, shop.app_context():
            shown = trail.journey_entries(UUID(session["journey"]))[-1]
            assert shown.page_sha256 == sha256_hex(visitor.text.encode())
            assert shown.body["status"] == 409
        visitor.post(told)
        assert (visitor.status, visitor.at.split("/")[3]) == (200, "identity")


@pytest.mark.requirement("T26-35", "T26-38")
def test_a_form_is_taken_after_a_release_that_left_its_page_as_it_was(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("people")
    told = {"applicant_name": "Li Na", "applicant_birth_on": "1992-03-05", "relationship": "self"}
    with changed_pages(shop, "customer/application/review.html", OLD, NEW):
        assert released_again(shop).number == 2
        visitor.post(told)
        assert (visitor.status, visitor.at.split("/")[3]) == (200, "identity")


@pytest.mark.requirement("T26-26", "T26-38")
def test_a_form_from_before_a_text_of_ours_changed_enters_nothing(
    shop: Flask, visitor: Visitor, nothing_written: NothingWritten
) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    visitor.get(offer.replace("/offers/", "/apply/"))
    with shop.app_context():
        changed = "Entering here is recorded, from now on in other words."
        db.session.add(
            WordingRow(
                id=ids.new_id(), key="entry_notice", locale="en", version=2, text=changed,
                sha256=storage.put(changed.encode()), published_at=clock.now(),
            )
        )  # fmt: skip
        db.session.commit()
    with nothing_written():
        visitor.post(ticked(visitor.text))
    assert visitor.status == 409
    assert changed in words(visitor.text)
    visitor.post(ticked(visitor.text))
    assert visitor.at.endswith("/email")


@pytest.mark.requirement("T26-38")
def test_a_form_that_a_newer_process_showed_is_taken_by_an_older_one(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("people")
    told = {"applicant_name": "Li Na", "applicant_birth_on": "1992-03-05", "relationship": "self"}
    with changed_pages(shop, PEOPLE, OLD, NEW):
        released_again(shop)
        visitor.get(visitor.at)
    visitor.post(told)
    assert (visitor.status, visitor.at.split("/")[3]) == (200, "identity")


@pytest.mark.requirement("T26-37", "T26-48")
def test_the_pages_of_a_day_are_found_with_who_released_them_and_what_the_customer_was_shown(
    shop: Flask, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    with shop.app_context():
        sale = next(each for each in oversight.sales(SaleFilter()).sales if each.policy_id)
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    path = f"/admin/sales/{sale.id}/day"
    assert path in desk.get(f"/admin/sales/{sale.id}")
    assert "Release" not in words(desk.get(path))
    today = clock.today(formatting.ZONE)
    desk.post({"day": "yesterday"})
    assert desk.status == 422
    assert "Mei Chen" not in desk.text
    begun = perf_counter()
    desk.post({"day": today.isoformat()})
    assert perf_counter() - begun < 1
    assert desk.status == 200
    told = words(desk.text)
    assert "made by Mei Chen (specimen) , reviewed by Tom Weber (specimen)" in told
    for page in ("Comparison", "Product", "Entry", "Review", "Payment"):
        assert page in told
    shown = desk.text.split(f"/admin/sales/{sale.id}/pages/")[1].split('"')[0]
    stored = desk.get(f"/admin/sales/{sale.id}/pages/{shown}/stored")
    with shop.app_context():
        assert trail.page_bytes(UUID(shown)) == stored.encode()
        assert sale.application_id
        readings = [each.body for each in trail.journey_entries(journey_of_readings(sale.application_id))]
        assert [each["what"] for each in readings] == ["told", "file", "day", "day", "bytes"]
        assert (readings[3]["day"], readings[3]["reason"]) == (today.isoformat(), WHY)
    desk.get(path)
    desk.post({"day": (today - timedelta(days=1)).isoformat()})
    assert "No sales page was online then." in words(desk.text)


@pytest.mark.requirement("T26-34", "T26-36")
def test_every_version_stands_in_the_list_with_its_times(
    shop: Flask, visitor: Visitor, server: EmbeddedServer, tmp_path: Path
) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    visitor.get(offer)
    with changed_pages(shop, "storefront/product.html", "<h1", '<h1 class="wide"'):
        released_again(shop)
        visitor.get(offer)
        desk = at_the_desk(shop, Role.ADMIN_SALES)
        before = words(desk.get("/admin/pages"))
        with shop.app_context():
            integrate(server, a_key_folder(tmp_path / "log"))
            (first, second) = (
                each.log_index for each in trail.journey_entries(journey_of_log(ORIGIN)) if each.log_index is not None
            )
        told = words(desk.get("/admin/pages"))
    assert "Release 2, made by Tom Weber , reviewed by Anna Li , not in the log" in before
    assert f"Release 2, made by Tom Weber , reviewed by Anna Li , entry {second} of the log" in told
    released = "Release 1, made by Mei Chen (specimen) , reviewed by Tom Weber (specimen) , entry"
    assert f"{released} {first} of the log" in told
    assert "not in the log" not in told
    assert told.index("Release 2") < told.index("Release 1")
    assert "/admin/pages" in desk.get("/admin")


@pytest.mark.requirement("T26-42")
def test_what_was_shown_stays_what_it_was_when_templates_and_styles_change(shop: Flask, visitor: Visitor) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    sent = visitor.get(offer)
    with changed_pages(shop, "storefront/product.html", "<h1", '<h1 class="wide"', style="p { color: navy }"):
        released_again(shop)
        assert visitor.get(offer) != sent
        with visitor.client.session_transaction() as session, shop.app_context():
            pages = list(trail.pages_of_journey(UUID(session["journey"])).values())
            manifest = trail.page_version(
                next(e.page_version_id for e in trail.journey_entries(UUID(session["journey"])) if e.page_sha256)
            ).manifest
            assert [storage.get(sha256) for sha256 in manifest["assets"].values()]
    assert pages[-2] == sent.encode()


def test_a_view_of_a_known_page_is_kept_in_about_half_a_kilobyte(shop: Flask, visitor: Visitor) -> None:
    """What people were shown alike is kept once; then each further view is small, its seal included."""
    for age in range(36, 48):
        other = Visitor(shop.test_client())
        (offer, *_) = other.compare("term_life", ANSWERS | {"age": str(age)})
        other.get(offer)
    with shop.app_context():
        make_references()
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    visitor.get(offer)
    with shop.app_context(), every_row() as owner:
        sizes = owner.execute(
            text(
                "SELECT type, length(page_bytes) FROM traceability_evidence_intake "
                "WHERE page_reference IS NOT NULL ORDER BY recorded_at"
            )
        ).all()
        references = owner.execute(text("SELECT sha256 FROM traceability_page_reference")).scalars().all()
        held = b"".join(storage.get(sha256) for sha256 in references)
    assert [kind for kind, _size in sizes] == ["comparison:shown", "product:shown"]
    assert [size for _kind, size in sizes if size > FIRST] == [], sizes
    assert len(references) == 2
    for personal in (b"34 years", b"1,320.75", offer.encode()):
        assert personal not in held


def test_a_repeated_view_is_kept_in_half_a_kilobyte_before_others_saw_the_page(
    shop: Flask, visitor: Visitor, server: EmbeddedServer, tmp_path: Path
) -> None:
    """Against what the journey itself was shown, whatever others were; and as evidence it is what was sent."""
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    first = visitor.get(offer)
    integrate(server, a_key_folder(tmp_path / "log"))
    again = visitor.get(offer)
    with shop.app_context(), every_row() as owner:
        size, base = owner.execute(
            text("SELECT length(page_bytes), page_base FROM traceability_evidence_intake ORDER BY recorded_at DESC")
        ).first() or (0, None)
        assert trail.page_bytes(base) == first.encode()
    with visitor.client.session_transaction() as session, shop.app_context():
        assert list(trail.pages_of_journey(UUID(session["journey"])).values())[-1] == again.encode()
    assert 0 < size <= HALF_A_KILOBYTE


def test_what_a_template_names_is_found_as_jinja_finds_it(shop: Flask) -> None:
    environment, pages = shop.jinja_env, shop.extensions["pages"]
    for template in TRACED:
        waiting, found = [template], set()
        while waiting:
            name = waiting.pop()
            found.add(name)
            named = meta.find_referenced_templates(environment.parse(pages.sources[name]))
            waiting += [each for each in named if each and each not in found]
        assert set(pages.closure(template)) == found


def test_a_template_that_is_not_released_is_no_recorded_page(shop: Flask) -> None:
    with pytest.raises(PagesNotReleased):
        shop.extensions["pages"].closure("storefront/home.html")
