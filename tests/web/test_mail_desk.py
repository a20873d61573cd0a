"""A mail that did not arrive: its holder reads it on the policy's page, staff on a page of their own."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from marketplace.accounts.values import Role
from marketplace.checkout.models import DeliveryRow
from marketplace.correspondence import queries, services
from marketplace.correspondence.models import MessageRow
from marketplace.correspondence.values import MessageFilter, MessageKind, MessageState
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.oversight.values import Sale
from marketplace.policy import queries as policies
from marketplace.privacy import services as privacy
from marketplace.web import mail_words
from sandbox.demo.visitor import Visitor, words
from tests.factories.correspondence import a_message
from tests.factories.delivery_reports import a_report
from tests.web.conftest import LI_NA, count
from tests.web.desk_visits import at_the_desk, links
from tests.web.walked_site import TOKEN

DESK = "/admin/mail"
AGAIN = rf"{DESK}/[0-9a-f-]{{36}}/again"


@pytest.fixture
def staff(shop: Flask) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_SALES)


def come_back(shop: Flask, status: str = "5.1.1", number: int = 0) -> None:
    """The mail with the policy, or the copy of that number, comes back."""
    with shop.app_context():
        key = f"%/{number}" if number else "%-%"
        kind = MessageRow.kind == MessageKind.POLICY_ISSUED, MessageRow.subject_key.like(key)
        (header,) = db.session.scalars(select(MessageRow.message_id).where(*kind, MessageRow.state == "sent"))
        services.take_report(a_report(header, status=status))
        db.session.commit()


def policy_mails(shop: Flask) -> list[bytes]:
    with shop.app_context():
        found = queries.outlines(MessageFilter(troubled=False, kind=MessageKind.POLICY_ISSUED), 1, 25).messages
        return [queries.message_eml(each.id) for each in found]


def paper_of(shop: Flask) -> set[bytes]:
    with shop.app_context():
        kind = MessageFilter(troubled=False, kind=MessageKind.POLICY_ISSUED)
        mails = [queries.message_parts(each.id) for each in queries.outlines(kind, 1, 25).messages]
        return {file.content for mail in mails for file in mail.files if file.media_type == "application/pdf"}


def test_every_kind_and_every_state_of_a_mail_has_words() -> None:
    assert set(mail_words.KINDS) == set(MessageKind)
    assert set(mail_words.STATES) == set(MessageState)


@pytest.mark.requirement("N108-03")
def test_the_holder_of_a_policy_reads_that_its_mail_came_back(
    shop: Flask, sale: Sale, customer: Visitor, work: Callable[[], list[str]]
) -> None:
    page = f"/policies/{sale.policy_id}"
    assert "did not arrive" not in words(customer.get(page))
    come_back(shop)
    work()
    said = words(customer.get(page))
    assert "The mail with this policy did not arrive. There is no such mailbox." in said
    assert "Your cover is in force all the same. Download the policy here and keep it." in said
    assert "Download the policy (PDF)" in said
    others = links(customer.text, rf"{page}/papers/[0-9a-f-]{{36}}\.pdf")
    assert [customer.client.get(path).status_code for path in others] == [200, 200], "the certificate and the receipt"
    with shop.app_context():
        assert db.session.scalar(select(DeliveryRow.fetched_at)) is None, "neither is the policy"
    assert customer.client.get(f"{page}/document.pdf").status_code == 200
    with shop.app_context():
        assert db.session.scalar(select(DeliveryRow.fetched_at)) is not None, "it reached its holder"


def test_the_holder_has_the_policy_mailed_again_with_the_same_paper_three_times_a_day(
    shop: Flask, sale: Sale, customer: Visitor, work: Callable[[], list[str]]
) -> None:
    come_back(shop)
    page = f"/policies/{sale.policy_id}"
    customer.get(page)
    said = words(customer.post({}, f"{page}/mail"))
    assert "We mail you the policy again." in said
    assert "did not arrive" not in said, "the latest mail counts"
    work()
    assert len(set(policy_mails(shop))) == 2
    assert len(paper_of(shop)) == 3, "the policy, the same in both, its certificate and the receipt"
    with shop.app_context():
        row = db.session.scalars(select(DeliveryRow)).one()
        assert (row.copies, row.mailed_at is not None) == (1, True)
    for _ in range(2):
        customer.get(page)
        customer.post({}, f"{page}/mail")
    customer.get(page)
    assert "There were too many tries." in words(customer.post({}, f"{page}/mail"))
    work()
    assert len(policy_mails(shop)) == 4


@pytest.mark.requirement("N108-03")
def test_a_copy_that_comes_back_does_not_make_late_what_arrived(
    shop: Flask, sale: Sale, customer: Visitor, work: Callable[[], list[str]]
) -> None:
    page = f"/policies/{sale.policy_id}"
    customer.get(page)
    customer.post({}, f"{page}/mail")
    work()
    come_back(shop, number=1)
    work()
    assert "did not arrive" in words(customer.get(page))
    with shop.app_context():
        assert db.session.scalar(select(DeliveryRow.mailed_at)) is not None


def test_staff_see_what_did_not_arrive_and_why_but_no_word_and_no_address(
    shop: Flask, sale: Sale, staff: Visitor
) -> None:
    page = words(staff.get(DESK))
    assert "No mail fits these filters." in page
    assert "Policies that did not reach their holders" not in page
    come_back(shop, "5.2.2")
    page = staff.get(DESK)
    assert "came back" in words(page)
    assert "That mailbox is full. 5.2.2" in words(page)
    assert f"{LI_NA.email[0]}…@{LI_NA.email.partition('@')[2]}" in page
    for word in (LI_NA.email, LI_NA.name, "Harbour Term", str(sale.policy_number)):
        assert word not in page
    assert "came back" in words(staff.get(f"{DESK}?state=bounced&kind=policy_issued"))
    assert "No mail fits these filters." in words(staff.get(f"{DESK}?state=bounced&kind=refund_made"))
    assert "taken by the mail server" in words(staff.get(f"{DESK}?state=all"))
    staff.get(f"{DESK}?state=nothing")
    assert staff.status == 422


def test_staff_send_it_again_once_and_it_is_written_down(
    shop: Flask, sale: Sale, staff: Visitor, work: Callable[[], list[str]]
) -> None:
    come_back(shop)
    (before,) = policy_mails(shop)
    (again,) = re.findall(AGAIN, staff.get(DESK))
    acts = count(shop, "accounts_security_event", "type = 'staff_act'")
    page = words(staff.post({}, again))
    assert "The mail is on its way again." in page
    assert count(shop, "accounts_security_event", "type = 'staff_act'") == acts + 1
    assert work().count("correspondence.send_message") == 1
    assert policy_mails(shop) == [before]
    with shop.app_context():
        (mail,) = queries.outlines(MessageFilter(troubled=False, kind=MessageKind.POLICY_ISSUED), 1, 25).messages
    assert (mail.state, mail.resendable) == (MessageState.SENT, False)
    token = TOKEN.findall(staff.get(DESK))[0]
    assert "Nothing was sent." in words(staff.post({"csrf_token": token}, f"{DESK}/{mail.id}/again"))
    assert "correspondence.send_message" not in work()


@pytest.mark.requirement("T26-47")
def test_what_is_restricted_is_sent_again_by_compliance_alone(
    shop: Flask, sale: Sale, staff: Visitor, work: Callable[[], list[str]]
) -> None:
    come_back(shop)
    (again,) = re.findall(AGAIN, staff.get(DESK))
    with shop.app_context():
        assert sale.policy_id
        privacy.close_account(policies.policy(sale.policy_id).account_id)
        db.session.commit()
    work()
    staff.get(DESK)
    staff.post({}, again)
    assert staff.status == 403
    assert "correspondence.send_message" not in work()
    compliance = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    compliance.get(DESK)
    assert "The mail is on its way again." in words(compliance.post({}, again))
    assert work().count("correspondence.send_message") == 1


def test_what_is_put_off_or_given_up_is_told_in_words(shop: Flask, staff: Visitor) -> None:
    failures = {
        "recipient refused (550)": (MessageState.FAILED, "The mail server of that address refused it."),
        "TimeoutError": (MessageState.FAILED, "The mail server of that address could not be reached for a long time."),
        "ConnectionRefusedError": (MessageState.READY, "Our mail server does not take it at the moment."),
    }
    with shop.app_context():
        for failure, (state, _words) in failures.items():
            services.queue(a_message(MessageKind.REFUND_MADE))
            newest = queries.inbox(1)[0].id
            change = update(MessageRow).where(MessageRow.id == newest)
            db.session.execute(change.values(state=state, attempts=1, last_failure=failure))
        db.session.commit()
    page = words(staff.get(DESK))
    for failure, (_state, said) in failures.items():
        assert f"{said} {failure}" in page
    assert "3 mails" in page


@pytest.mark.requirement("N108-03")
def test_a_policy_that_is_late_stands_on_the_page_until_it_left(
    shop: Flask, sale: Sale, staff: Visitor, work: Callable[[], list[str]]
) -> None:
    come_back(shop)
    work()
    with shop.app_context():
        past = clock.business_now() - timedelta(days=1)
        late = {"warn_at": past - timedelta(days=1), "due_at": past, "presumed": True}
        db.session.execute(update(DeliveryRow).values(late))
        db.session.commit()
    (again,) = re.findall(AGAIN, staff.get(DESK))
    page = words(staff.text)
    assert "Policies that did not reach their holders" in page
    assert f"{sale.policy_number}" in page
    assert "late" in page
    assert "The working days of that year are not known yet; it may be later." in page
    assert "came back There is no such mailbox." in page
    staff.post({}, again)
    work()
    assert "Policies that did not reach their holders" not in words(staff.get(DESK))


def test_the_page_is_chinese_for_whoever_reads_chinese(shop: Flask, sale: Sale, staff: Visitor) -> None:
    come_back(shop)
    staff.get(DESK)
    staff.post({"locale": "zh_Hans_CN", "back": DESK}, "/language")
    page = words(staff.get(DESK))
    assert "该邮箱不存在。" in page
    assert "被退回" in page
