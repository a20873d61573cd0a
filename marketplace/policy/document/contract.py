"""What a contract says: its canonical body, from which pages, papers and mails are made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.accounts.values import Insurer
from marketplace.catalog.values import Cover, DocumentRef, Exclusion, KeyFacts, LineDefinition, ProductContent, Risk
from marketplace.infra.letterhead import LEGAL_NAME, Letterhead
from marketplace.kernel.text import LocalizedText
from marketplace.policy.values import CoverPeriod, IssuePolicy, PolicyPerson, PremiumLine
from marketplace.traceability.values import Channel

FORMAT = "evenfold-policy/1"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the moment of conclusion adds to the command. `channel` is how the customer came to buy."""

    number: str
    channel: Channel
    concluded_at: datetime
    period: CoverPeriod


def contract_body(
    command: IssuePolicy, conclusion: Conclusion, content: ProductContent, insurer: Insurer, agency: Letterhead
) -> dict[str, Any]:
    """Version 1 of the contract in plain JSON, in both languages; its canonical bytes are what is hashed.

    Amounts are whole minor units of `premium.currency`; days are those of `period.zone`, both ends included.
    """
    stated = {} if command.statement is None else {"needs": dict(command.statement)}
    return {
        **stated,
        "format": FORMAT,
        "number": conclusion.number,
        "version": 1,
        "demonstration": agency.demonstration,
        "concluded_at": conclusion.concluded_at.isoformat(),
        "insurer": _insurer(insurer),
        "agency": {
            "legal_name": LEGAL_NAME.to_json(),
            "licence_no": agency.licence_number,
            "email": agency.support_email,
            "site": agency.public_url,
        },
        "channel": conclusion.channel.value,
        "product": _product(command, content),
        "persons": [_person(person) for person in command.persons],
        "chosen": _chosen(command, content),
        "period": {
            "start_on": conclusion.period.start_on.isoformat(),
            "end_on": conclusion.period.end_on.isoformat(),
            "zone": conclusion.period.zone,
        },
        "premium": _premium(command, content),
        # What is optional was not asked for, so it is not promised.
        "covers": [_cover(cover, command.risk, content.definition) for cover in content.covers if not cover.optional],
        "exclusions": [
            *(_exclusion(exclusion) for exclusion in content.exclusions),
            *(_exclusion(exclusion) | {"added": True} for exclusion in command.added_exclusions),
        ],
        "key_facts": _key_facts(content.key_facts) | _early_end(content),
        "documents": [_paper(paper) for paper in content.documents],
    }


def _insurer(insurer: Insurer) -> dict[str, Any]:
    return {
        "code": insurer.code,
        "legal_name": insurer.legal_name.to_json(),
        "licence_no": insurer.licence_no,
        "phone": insurer.phone,
        "email": insurer.email,
    }


def _product(command: IssuePolicy, content: ProductContent) -> dict[str, Any]:
    return {
        "code": content.code,
        "line": content.line.value,
        "line_name": content.definition.name.to_json(),
        "name": content.marketing_name.to_json(),
        "clause_name": _words(content.clause_name),
        "filing_no": content.filing_no,
        "clause_code": content.clause_code,
        "version_id": str(command.product_version_id),
        "content_sha256": content.sha256,
    }


def _person(person: PolicyPerson) -> dict[str, Any]:
    return {
        "role": person.role.value,
        "name": person.name,
        "birth_on": person.birth_on.isoformat(),
        "relationship": _words(person.relationship),
    }


def _chosen(command: IssuePolicy, content: ProductContent) -> list[dict[str, Any]]:
    """The rated factors in the order of the form. `value` is exact; `words` is for a reader. How often is paid is said
    with the premium.
    """
    return [
        {
            "factor": factor.name,
            "label": factor.label.to_json(),
            "value": command.risk[factor.name],
            "words": factor.words(command.risk[factor.name]).to_json(),
            "unit": _words(factor.unit),
        }
        for factor in content.definition.factors
        if factor.name in command.risk and factor.name != content.definition.frequency_factor
    ]


def _premium(command: IssuePolicy, content: ProductContent) -> dict[str, Any]:
    return {
        "currency": command.premium.currency,
        "minor": command.premium.minor,
        "frequency": content.payment.frequency_of(command.risk).value,
        "times": content.payment.times_of(command.risk),
        "lines": [_premium_line(line) for line in command.premium_lines],
    }


def _premium_line(line: PremiumLine) -> dict[str, Any]:
    return {"label": line.label.to_json(), "kind": line.kind, "minor": line.amount.minor}


def _cover(cover: Cover, risk: Risk, definition: LineDefinition) -> dict[str, Any]:
    """A promise. Where the customer chose how much, `limit` says what was chosen."""
    chosen = cover.limit_factor
    limit = cover.limit if chosen is None else definition.factor(chosen).words(risk[chosen])
    return {
        "code": cover.code,
        "name": cover.name.to_json(),
        "pays": cover.pays.to_json(),
        "limit": limit.to_json(),
        "limit_minor": cover.limit_minor,
        "limit_units": None if chosen is None else risk[chosen],
        "sub_limit": _words(cover.sub_limit),
        "deductible": _words(cover.deductible),
        "waiting_days": cover.waiting_days,
    }


def _exclusion(exclusion: Exclusion) -> dict[str, Any]:
    return {
        "code": exclusion.code,
        "kind": exclusion.kind.value,
        "title": exclusion.title.to_json(),
        "explanation": _words(exclusion.plain_explanation),
        "clause_ref": exclusion.clause_ref,
    }


def _key_facts(facts: KeyFacts) -> dict[str, Any]:
    return {
        "cooling_off_days": facts.cooling_off_days,
        "waiting_days": facts.waiting_days,
        "grace_days": facts.grace_days,
        "term": _words(facts.term),
        "renewal": _words(facts.renewal),
        "cash_value": _words(facts.cash_value),
        "surrender": _words(facts.surrender),
        "surrender_how": _words(facts.surrender_how),
        "reinstatement": _words(facts.reinstatement),
        "claim_how": _words(facts.claim_how),
    }


def _early_end(content: ProductContent) -> dict[str, Any]:
    return {"early_end": content.early_end.words.to_json()} if content.early_end else {}


def _paper(paper: DocumentRef) -> dict[str, Any]:
    return {
        "kind": paper.kind.value,
        "locale": paper.locale,
        "title": paper.title,
        "media_type": paper.media_type,
        "sha256": paper.sha256,
    }


def _words(text: LocalizedText | None) -> dict[str, str] | None:
    return None if text is None else text.to_json()
