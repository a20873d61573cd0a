"""What underwriters of the history ask and decide about referred applications, by the services that their desk uses."""

from uuid import UUID

from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.application import services
from marketplace.application.values import Ruling
from marketplace.catalog.values import Loading
from marketplace.infra.db import db
from marketplace.traceability.values import Actor, ActorRole
from marketplace.underwriting.values import ReasonCode

EN, ZH = "en", "zh_Hans_CN"
QUESTION = {
    EN: "Since when have you been treated for it, and what did the doctor find last?",
    ZH: "您从何时开始接受治疗？最近一次就诊医生的结论是什么？",
}
ANSWER = {
    EN: "Since last spring. At the last visit everything was within its limits.",
    ZH: "从去年春天开始。最近一次就诊各项指标都正常。",
}
WORDS = {
    EN: "What you are treated for makes a claim a little more likely, so we insure you with an extra premium.",
    ZH: "您正在治疗的疾病使出险的可能略有增加，因此我们在加费后承保。",
}
LOADING = "25 percent"


def ask(app: Flask, application_id: UUID) -> None:
    """The applicant is asked; the insurer's clock stands."""
    with app.app_context():
        found = applications.application(application_id)
        services.ask_applicant(found.id, found.insurer_id, QUESTION[found.locale], _underwriter(found.insurer_id))
        db.session.commit()


def offer_other_terms(app: Flask, application_id: UUID) -> None:
    """It is accepted with an extra premium, which the applicant agrees to or not."""
    with app.app_context():
        found = applications.application(application_id)
        words, extra = WORDS[found.locale], Loading.of(LOADING)
        ruling = Ruling(found.id, found.insurer_id, 2, ReasonCode.HEALTH, words, loading=extra)
        services.decide_referral(ruling, _underwriter(found.insurer_id))
        db.session.commit()


def _underwriter(insurer_id: UUID) -> Actor:
    """Whoever of the insurer may decide at its desk."""
    deciding = next(each for each in accounts.staff_of(insurer_id) if each.role is Role.INSURER_ADMIN)
    return Actor(ActorRole.INSURER, deciding.id, deciding.role.value)
