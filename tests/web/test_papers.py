"""The papers beside the policy: on the customer's page, on the desks that may have them, and nowhere else."""

import re

from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.oversight.values import Sale
from marketplace.policy import queries as policies
from marketplace.policy.values import Paper, PaperKind
from sandbox.demo.visitor import Visitor, words
from tests.web.desk_visits import at_the_desk, links


def papers_of(shop: Flask, sale: Sale) -> dict[PaperKind, Paper]:
    with shop.app_context():
        return {each.kind: each for each in policies.papers_of_sale(sale.policy_id, sale.order_id)}


def taken(visitor: Visitor) -> list[bytes]:
    """Each paper that the page before us links to."""
    paths = links(visitor.text, r"/[a-z]+/(?:sales/)?[0-9a-f-]{36}/papers/[0-9a-f-]{36}\.pdf")
    answers = [visitor.client.get(path) for path in paths]
    assert {(each.status_code, each.mimetype) for each in answers} <= {(200, "application/pdf")}
    assert all("attachment" in each.headers["Content-Disposition"] for each in answers)
    return [each.data for each in answers]


def test_a_customer_has_them_on_the_page_of_the_policy(shop: Flask, customer: Visitor, sale: Sale) -> None:
    papers = papers_of(shop, sale)
    with shop.app_context():
        made = [policies.paper_bytes(papers[kind]) for kind in (PaperKind.CERTIFICATE, PaperKind.RECEIPT)]
    customer.get(f"/policies/{sale.policy_id}")
    assert taken(customer) == made
    assert papers[PaperKind.RECEIPT].number in words(customer.text)
    with shop.app_context():
        stranger = Visitor(shop.test_client())
    for paper in papers.values():
        assert stranger.client.get(f"/policies/{sale.policy_id}/papers/{paper.id}.pdf").status_code in {302, 303, 404}


def test_a_paper_of_another_sale_is_not_here(shop: Flask, customer: Visitor, sale: Sale) -> None:
    unknown = re.sub("[0-9a-f]", "0", str(sale.id))
    assert customer.client.get(f"/policies/{sale.policy_id}/papers/{unknown}.pdf").status_code == 404


def test_the_desk_has_all_of_them_and_each_taking_is_entered(shop: Flask, sale: Sale) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get(f"/admin/sales/{sale.id}")
    assert len(taken(desk)) == 2
    desk.get(f"/admin/sales/{sale.id}")
    assert words(desk.text).count("took another paper") == 2


def test_an_insurer_has_the_certificate_and_nothing_about_the_money_of_an_order(shop: Flask, sale: Sale) -> None:
    papers = papers_of(shop, sale)
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    desk = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    desk.get(f"/insurer/sales/{sale.id}")
    with shop.app_context():
        assert taken(desk) == [policies.paper_bytes(papers[PaperKind.CERTIFICATE])]
    receipt = papers[PaperKind.RECEIPT]
    assert desk.client.get(f"/insurer/sales/{sale.id}/papers/{receipt.id}.pdf").status_code == 404
