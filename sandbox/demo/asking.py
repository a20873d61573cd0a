"""What visitors of the history ask insurers, and what these answer: through the site's pages and the same services.

The register of practitioners first: one person for each insurer, with a number that says SPECIMEN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts import services as account_services
from marketplace.accounts.values import Account, CertificateTaken, NewPractitioner
from marketplace.catalog import queries as catalog
from marketplace.consultation import queries, services
from marketplace.consultation.values import Asker, Said, Thread
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from sandbox.demo.visitor import Visitor

EN, ZH = "en", "zh_Hans_CN"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer; where the asker agrees, what everybody may read of them, by locale."""

    line: str
    asked: str
    answered: str
    public: Mapping[str, Said] | None = None


QUESTIONS = (
    Exchange(
        "term_life",
        "等待期内确诊疾病，但等待期结束后才身故，能赔吗？",
        "以合同条款中等待期的约定为准：等待期从合同生效时起算，条款写明了等待期内出现的情形如何处理。意外伤害不受等待期限制。",
        {
            ZH: Said(
                "等待期内出现的疾病怎么处理？",
                "等待期从合同生效时起算，等待期内出现的情形按条款的约定处理；意外伤害不受等待期限制。请在投保前阅读条款的等待期一节。",
            ),
            EN: Said(
                "What about an illness that shows during the waiting period?",
                "The waiting period begins with the contract, and the clauses say how an illness within it is treated. "
                "Accidents are covered from the first day. Please read that part of the clauses before you apply.",
            ),
        },
    ),
    Exchange(
        "travel",
        "My flight is delayed and I come home a day later than planned. Does the cover simply go on?",
        "The period of cover stands on your policy. What the clauses say of a delayed return applies without a call; "
        "please keep the confirmation of the airline.",
        {
            EN: Said(
                "Does cover go on when a flight home is delayed?",
                "The clauses say how long cover goes on after a delayed return. Keep the confirmation of the airline.",
            ),
        },
    ),
    Exchange(
        "household",
        "房子出租给别人住，这份家财险还有效吗？",
        "投保时需要如实说明房屋是否出租。出租的房屋按产品的承保规则处理，租客自己的物品不在保障范围内。",
        {
            ZH: Said(
                "房屋出租还能投保吗？",
                "请在投保时如实说明是否出租，是否承保以产品的规则为准；租客自己的物品不在保障范围内。",
            ),
        },
    ),
    Exchange(
        "accident",
        "I ride a motorcycle to work. Is that covered?",
        "It depends on the occupation class and on the exclusions, which name what is not covered. With a valid "
        "licence an ordinary way to work is no sport. Please read the exclusions before you decide.",
    ),
    Exchange(
        "hospital",
        "免赔额可以用社保报销的部分抵扣吗？",
        "不可以。社保已经报销的金额不能抵扣本产品的免赔额，条款的免赔额一节有说明。",
        {
            ZH: Said("社保报销可以抵扣免赔额吗？", "不可以。免赔额如何计算，请见条款的免赔额一节。"),
            EN: Said(
                "Does what social insurance pays count towards the deductible?",
                "No. How the deductible is counted stands in the clauses, in the part about it.",
            ),
        },
    ),
)  # fmt: skip
IN_THE_APPLICATION = Exchange(
    "",
    "Where do I see the contract number once it is concluded?",
    "On the last page of this application, in the mail with your policy, and under My policies at any time.",
)
VALID_FROM, YEARS = date(2024, 1, 1), 6


def register(insurer_id: UUID, colleague: Account, by: tuple[Account, Account], number: str) -> None:
    """Enter and check the certificate of a colleague, unless that was done: by the insurer's owner and by an admin."""
    owner, admin = by
    lines = {version.line.value for version in catalog.products_of_insurer(insurer_id)}
    if not lines or accounts.practitioners_of(insurer_id):
        return
    last = date(clock.today(ZONE).year + YEARS, 12, 31)
    new = NewPractitioner(colleague.id, number, tuple(sorted(lines)), VALID_FROM, last)
    try:
        entry = account_services.propose_practitioner(new, owner)
    except CertificateTaken:
        return
    account_services.check_practitioner(entry.id, admin, good=True)


def ask(visitor: Visitor, offer: str, said: Exchange, email: str) -> None:
    """At the page of a product; the mail with the code is on its way then."""
    visitor.get(offer)
    visitor.get(f"{offer}/ask")
    visitor.post({"words": said.asked, "email": email})
    visitor.expect("/ask/code$")


def answer(app: Flask, said: Exchange, admin: str) -> None:
    """The insurer answers what waits. Where the asker agrees, it becomes public by a second person."""
    with app.app_context():
        for thread in queries.waiting_threads():
            colleague = _colleague(thread.insurer_id)
            if colleague is None:
                continue
            services.answer_question(thread.id, colleague, said.answered)
            if said.public:
                _publish(thread, colleague, said.public, admin)
        db.session.commit()


def _colleague(insurer_id: UUID) -> Account | None:
    found = accounts.practitioners_of(insurer_id)
    return accounts.account(found[0].account_id) if found else None


def _publish(thread: Thread, colleague: Account, public: Mapping[str, Said], admin: str) -> None:
    wording = disclosure.wording(WordingKey.PUBLIC_ANSWER_CONSENT, thread.locale)
    services.consent_to_public_answer(thread.id, Asker(thread.journey_id, thread.account_id), wording.sha256)
    proposed = services.propose_answer(thread.id, colleague, public)
    services.publish_answer(proposed.id, next(each for each in accounts.staff() if each.email == admin))
