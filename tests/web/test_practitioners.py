"""Who answers customers: by a certificate that was checked, which everybody can look up."""

import re

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts import services as account_services
from marketplace.accounts.values import Insurer, NewPractitioner, Role, Standing
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from sandbox.demo.visitor import Visitor, words
from tests.everything import every_row
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.consultation import NINETY, registered
from tests.web.asking import (
    CodeFor,
    answers,
    asks,
    token,
)
from tests.web.desk_visits import at_the_desk, links


@pytest.mark.requirement("N108-02")
def test_without_a_certificate_a_member_of_staff_cannot_answer(
    shop: Flask, visitor: Visitor, desk: Visitor, insurer: Insurer, code_for: CodeFor
) -> None:
    """And with one, the answer names institution and number; nobody is written to who did not ask."""
    asks(visitor, code_for)
    colleague = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    question = links(colleague.get("/insurer/questions"), "/insurer/questions/[0-9a-f-]{36}")[0]
    colleague.get(question)
    assert "<textarea" not in colleague.text
    assert "You have no valid practising certificate" in words(colleague.text)
    colleague.post({"words": NINETY, "csrf_token": token(colleague)}, question)
    assert colleague.status == 403
    assert "Only staff with a valid practising certificate" in words(colleague.text)
    with shop.app_context(), every_row() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM consultation_message").scalar() == 1
        answered = "SELECT count(*) FROM traceability_evidence_intake WHERE type = 'consultation:answered'"
        assert reader.exec_driver_sql(answered).scalar() == 0
    answers(desk)
    assert "practising certificate SPECIMEN-4711" in words(visitor.get(visitor.at))
    assert "<textarea" not in desk.text, "no question waits, so there is nothing to write in"
    desk.post({"words": "Buy more!", "csrf_token": token(desk)}, question)
    assert desk.status == 409
    assert "Buy more!" not in words(visitor.get(visitor.at))


def test_staff_of_another_insurer_find_no_question(
    shop: Flask, visitor: Visitor, desk: Visitor, code_for: CodeFor
) -> None:
    asks(visitor, code_for)
    question = links(desk.get("/insurer/questions"), "/insurer/questions/[0-9a-f-]{36}")[0]
    with shop.app_context():
        others = an_insurer("farshore")
        db.session.commit()
    stranger = at_the_desk(shop, Role.INSURER_ADMIN, others)
    assert "Nobody has asked yet." in words(stranger.get("/insurer/questions"))
    for path in (question, f"{question}/public"):
        stranger.get(path)
        assert stranger.status == 404
    assert visitor.client.get(question).status_code == 403


@pytest.mark.requirement("O13-39")
def test_everybody_can_check_who_advises(shop: Flask, visitor: Visitor, insurer: Insurer) -> None:
    """A known number gives name, institution, scope and state; an unknown one, or one not checked yet, is not found."""
    with shop.app_context():
        staff = a_member_of_staff(Role.INSURER_CLAIMS, insurer, name="Zhao Lei")
        entry = registered(staff, insurer, ("term_life", "travel"), certificate_no="SPECIMEN-4711")
        owner = a_member_of_staff(Role.INSURER_ADMIN, insurer)
        today = clock.today(ZONE)
        new = NewPractitioner(owner.id, "SPECIMEN-4712", ("travel",), today, today)
        account_services.propose_practitioner(new, owner)
        db.session.commit()
    page = words(visitor.get("/practitioners?number=specimen-+4711"))
    assert visitor.status == 200
    for said in ("Zhao Lei", "Harbour Life Insurance Co.", "SPECIMEN-4711", "Term life, Travel", "State valid"):
        assert said in page, said
    for number in ("SPECIMEN-4712", "SPECIMEN-9999"):
        assert "This number is not in our register." in words(visitor.get(f"/practitioners?number={number}"))
        assert visitor.status == 404
        assert "Zhao Lei" not in visitor.text
    with shop.app_context():
        account_services.end_practitioner(entry.id, owner)
        db.session.commit()
    assert "State ended" in words(visitor.get("/practitioners?number=SPECIMEN-4711"))


def test_a_number_is_looked_up_so_often_and_no_more(visitor: Visitor) -> None:
    answered = [visitor.client.get(f"/practitioners?number=SPECIMEN-{number}").status_code for number in range(31)]
    assert answered == [404] * 30 + [429]


def test_who_leaves_answers_no_more(shop: Flask, insurer: Insurer) -> None:
    with shop.app_context():
        staff = a_member_of_staff(Role.INSURER_CLAIMS, insurer)
        registered(staff, insurer, ("term_life",))
        account_services.end_access(staff.id, a_member_of_staff(Role.INSURER_ADMIN, insurer))
        (entry,) = accounts.practitioners_of(insurer.id)
    assert entry.standing is Standing.ENDED


def test_an_owner_enters_a_certificate_and_another_institutions_person_checks_it(
    shop: Flask, insurer: Insurer, visitor: Visitor
) -> None:
    """Until it is checked nobody finds it, and nothing typed is lost on the way."""
    with shop.app_context():
        colleague = a_member_of_staff(Role.INSURER_CLAIMS, insurer, name="Zhao Lei")
        db.session.commit()
    owner, admin = at_the_desk(shop, Role.INSURER_ADMIN, insurer), at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert " checked" not in owner.get("/insurer/practitioners"), "nothing is ticked beforehand"
    days = {"valid_from": "2026-01-01", "valid_to": "2030-12-31"}
    entry = {"colleague": str(colleague.id), "certificate_no": "specimen-4711", **days}
    owner.post(entry, "/insurer/practitioners/enter")
    assert owner.status == 422
    assert "Please tick what the certificate covers." in words(owner.text)
    assert 'value="specimen-4711"' in owner.text
    owner.post(entry | {"lines-term_life": "yes"}, "/insurer/practitioners/enter")
    assert "to be checked by the marketplace" in words(owner.text)
    owner.post(entry | {"lines-term_life": "yes"}, "/insurer/practitioners/enter")
    assert "There is an entry with this number in the register already." in words(owner.text)
    visitor.get("/practitioners?number=SPECIMEN-4711")
    assert visitor.status == 404
    accept = re.findall(r'action="(/admin/practitioners/[0-9a-f-]+/accept)"', admin.get("/admin/practitioners"))
    assert len(accept) == 1
    admin.post({}, accept[0])
    assert "Zhao Lei" in words(visitor.get("/practitioners?number=SPECIMEN-4711"))
