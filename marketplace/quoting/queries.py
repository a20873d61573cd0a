"""Tell needs and offers. The price of an offer is only ever read from its row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import LINES, Factor, Line, Loading, ProductContent, ProductVersion, Risk, Scalar
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE, current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.quoting.models import NeedRow, OfferRow
from marketplace.quoting.rules import choosing
from marketplace.quoting.rules.pricing import Candidate, no_sale, price
from marketplace.quoting.rules.ranking import RULES, Criterion, RankingRule
from marketplace.quoting.values import (
    ChangedTerms,
    Choice,
    Curve,
    Fit,
    Indication,
    InsurerNotSelling,
    Need,
    NeedErased,
    NeedNotFound,
    NotForSale,
    NotOffered,
    OfferExpired,
    OfferNotFound,
    OfferView,
    OfferVoided,
    OpenOffer,
    Panel,
    ProductWithdrawn,
    RankingWords,
    SaleStopped,
    StartDayPassed,
    TariffNotPublished,
    Today,
    Trial,
    WayToPay,
)
from marketplace.rating import queries as rating
from marketplace.rating.queries import Rater
from marketplace.rating.values import ExtraPremium, RiskOutOfRange
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import Ineligible

PREMIUM_FORMAT = "evenfold-premium/1"


def need(reference: str) -> Need:
    """The need behind a comparison's link, or NeedNotFound, or NeedErased. It holds rating factors, nothing about a
    person.
    """
    found = _one_need(NeedRow.reference == reference)
    if found.erased:
        raise NeedErased
    return found


def need_by_id(need_id: UUID) -> Need:
    """The need, erased or not, or NeedNotFound."""
    return _one_need(NeedRow.id == need_id)


def need_ids() -> tuple[UUID, ...]:
    """Every need, first to last; for rebuilding what was derived from them."""
    return tuple(db.session.scalars(select(NeedRow.id).order_by(NeedRow.created_at, NeedRow.id)))


def offers_for(need_id: UUID) -> tuple[OfferView, ...]:
    """The offers of a need in the order in which they were ranked: three statements, however many they are."""
    return offers_of(need_by_id(need_id))


def offers_of(asked: Need) -> tuple[OfferView, ...]:
    """The offers of a need that was read already."""
    rows = db.session.scalars(select(OfferRow).where(OfferRow.need_id == asked.id).order_by(OfferRow.place)).all()
    versions = catalog.product_versions([row.product_version_id for row in rows])
    return tuple(_offer(row, asked, versions[row.product_version_id]) for row in rows)


def offer(offer_id: UUID) -> OfferView:
    """An offer as it was made, live or not, or OfferNotFound."""
    row = db.session.scalars(
        select(OfferRow).where(OfferRow.id == offer_id).execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise OfferNotFound
    return _offer(row, need_by_id(row.need_id), catalog.product_version(row.product_version_id))


def recomputable(offer_id: UUID) -> dict[str, Any]:
    """Everything the premium of an offer follows from, as JSON: anybody can recompute it offline (`verify/premium.py`).
    It holds rating factors, nothing about a person. Raises OfferNotFound, NeedErased.
    """
    made = offer(offer_id)
    if made.need.erased:
        raise NeedErased
    return {
        "format": PREMIUM_FORMAT,
        "need": made.need.reference,
        "place": made.place,
        "insurer": str(made.insurer_id),
        "product": made.version.content.code,
        "product_version": made.version.number,
        "content_sha256": made.content_sha256,
        "made_at": made.need.created_at.isoformat(),
        "payments": made.payments,
        "risk": dict(made.need.risk),
        "tariff": rating.proof_of(made.version.id, made.need.risk),
        "breakdown": made.breakdown.to_json(),
    } | ({} if made.terms is None else {"terms": terms_json(made.terms)})


def published_tariff(offer_id: UUID) -> dict[str, Any]:
    """The whole tariff that the premium of an offer follows from, as JSON, where its insurer publishes it.

    Raises OfferNotFound, TariffNotPublished.
    """
    version = offer(offer_id).version
    if not version.content.tariff_published:
        raise TariffNotPublished
    return rating.whole_tariff(version.id)


def live_offer(offer_id: UUID) -> OfferView:
    """An offer that may be bought now.

    Raises OfferNotFound; NotForSale for published rates; OfferVoided, ProductWithdrawn, InsurerNotSelling, OfferExpired
    (all Conflict) when it no longer binds, StartDayPassed where it expired with its first day of cover. At the instant
    of expiry it has expired.
    """
    found = offer(offer_id)
    require_live(found)
    return found


def require_live(found: OfferView) -> None:
    """The refusals of `live_offer` for an offer that was read in this transaction."""
    if not found.can_be_bought:
        raise NotForSale
    if found.voided_at is not None or found.need.erased:
        raise OfferVoided
    require_not_withdrawn(found)
    if found.expires_at <= clock.business_now():
        raise StartDayPassed if found.need.start_on < clock.today(ZONE) else OfferExpired


def require_not_withdrawn(found: OfferView) -> None:
    """Raises ProductWithdrawn, InsurerNotSelling: what makes an offer worthless whatever its price and its day."""
    if found.version.withdrawn_at is not None:
        raise ProductWithdrawn
    if not accounts.may_sell(found.insurer_id):
        raise InsurerNotSelling


def require_on_sale(found: OfferView) -> None:
    """Raises SaleStopped: an offer may be live still and nothing new be begun on it."""
    if found.version.stopped_at(clock.business_now()):
        raise SaleStopped


def with_open_offers(version_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these versions have an offer that binds now."""
    asked = select(OfferRow.product_version_id).join(NeedRow, NeedRow.id == OfferRow.need_id).where(*_open(version_ids))
    return frozenset(db.session.scalars(asked.distinct()))


def open_offers(version_ids: Iterable[UUID], most: int) -> tuple[OpenOffer, ...]:
    """The offers of these versions that bind now, `most` at most, the newest first. For the marketplace's own work."""
    rows = db.session.execute(
        select(OfferRow.id, OfferRow.premium_minor, OfferRow.currency, NeedRow.line, NeedRow.risk)
        .join(NeedRow, NeedRow.id == OfferRow.need_id)
        .where(*_open(version_ids))
        .order_by(NeedRow.created_at.desc(), OfferRow.id)
        .limit(most)
    )
    return tuple(
        OpenOffer(row.id, LINES[Line(row.line)].completed(row.risk), Money(row.premium_minor, row.currency))
        for row in rows
    )


def _open(version_ids: Iterable[UUID]) -> tuple[ColumnElement[bool], ...]:
    return (
        OfferRow.product_version_id.in_(set(version_ids)),
        OfferRow.voided_at.is_(None),
        OfferRow.expires_at > clock.business_now(),
        NeedRow.erased_at.is_(None),
    )


def candidates(line: Line, day: date, risk: Risk) -> tuple[Candidate, ...]:
    """Everything of the line that is on sale on `day`, whether it fits the risk, ready to be rated."""
    versions = catalog.on_sale(line, day)
    raters = rating.raters_of([version.id for version in versions])
    insurers = accounts.insurers({version.insurer_id for version in versions})
    return tuple(
        Candidate(
            version,
            raters[version.id].root,
            no_sale(insurers[version.insurer_id].regions, version.content, risk)
            or underwriting.assess_eligibility(version.content, risk),
            raters[version.id].premium,
        )
        for version in versions
    )


def indications(line: Line, risks: Sequence[Risk]) -> tuple[tuple[Indication, ...], ...]:
    """By risk (complete), what every product on sale today that can be bought would cost; by product code. Nothing is
    kept, and the number of statements depends on neither risks nor products.
    """
    versions = [each for each in catalog.on_sale(line, clock.today(ZONE)) if each.content.profile.can_be_bought]
    raters = rating.raters_of([version.id for version in versions])
    insurers = accounts.insurers({version.insurer_id for version in versions})
    ordered = sorted(versions, key=lambda version: version.content.code)
    return tuple(
        tuple(
            Indication(version.content.code, point[0] * version.content.payment.times_in_first_year(risk), point[1])
            for version in ordered
            if no_sale(insurers[version.insurer_id].regions, version.content, risk) is None
            and (point := _point(version.content, raters[version.id], risk)) is not None
        )
        for risk in risks
    )


def choose(offers: Iterable[OfferView], choice: Choice) -> tuple[OfferView, ...]:
    """The offers of a comparison that a customer wants to see, in the order chosen."""
    return choosing.choose(offers, choice, current_locale())


def changed_since(asked: Need, offers: Sequence[OfferView]) -> dict[UUID, Today]:
    """By offer, what has changed since it was made: another version of its product is on sale, or none. An offer of
    which nothing has changed is left out, so a fresh comparison gets nothing.
    """
    day = LINES[asked.line].day_of_sale(asked.risk, clock.today(ZONE))
    now = {each.version.product_id: each for each in candidates(asked.line, day, asked.risk)}
    return {
        offer.id: _today(now.get(offer.version.product_id), asked.risk)
        for offer in offers
        if offer.version.product_id not in now or now[offer.version.product_id].version.id != offer.version.id
    }


def _today(candidate: Candidate | None, risk: Risk) -> Today:
    if candidate is None:
        return Today(None)
    priced = price(candidate, risk)
    if isinstance(priced, NotOffered):
        return Today(None, reason=priced.reason)
    return Today(priced.version, priced.breakdown.total, priced.total)


def curves(offers: Sequence[OfferView], factor: Factor) -> tuple[Curve, ...]:
    """How the premium of each offer moves with one factor, by its pinned tariff; nothing is asked of the database that
    this process has met before.
    """
    raters = rating.raters_of([offer.version.id for offer in offers])
    return tuple(_curve(offer, raters[offer.version.id], factor) for offer in offers)


def try_out(version: ProductVersion, told: Mapping[str, Scalar], answers: Mapping[str, bool]) -> Trial:
    """What a version of an insurer's own makes of rating factors and answers; nothing is kept, by nobody.

    Raises Invalid naming every factor that is missing or out of range, AnswersIncomplete.
    """
    content = version.content
    risk = content.definition.risk(told)
    decision = underwriting.what_if(content, answers)
    rater = rating.raters_of([version.id])[version.id]
    candidate = Candidate(version, rater.root, underwriting.assess_eligibility(content, risk), rater.premium)
    priced = price(candidate, risk)
    if isinstance(priced, NotOffered):
        return Trial(decision, None, priced.reason)
    extra = [extra_premium(number, each) for number, each in enumerate(decision.terms.loadings, 1)]
    return Trial(decision, rating.loaded(priced.breakdown, extra), None)


def extra_premium(number: int, loading: Loading) -> ExtraPremium:
    """The `number`-th extra premium of a decision as a step beside those of the tariff."""
    return ExtraPremium(f"decided_{number}", loading.rate, loading.words)


def _curve(offer: OfferView, rater: Rater, factor: Factor) -> Curve:
    content = offer.version.content
    return Curve(
        offer.id,
        tuple(
            (int(value), _point(content, rater, {**offer.need.risk, factor.name: value}))
            for value in factor.eligible(None)
        ),
    )


def ways_to_pay(offers: Sequence[OfferView]) -> dict[UUID, tuple[WayToPay, ...]]:
    """By offer, every frequency among which its product lets a customer choose; none where there is no choice."""
    free = [offer for offer in offers if len(offer.version.content.frequencies) > 1]
    raters = rating.raters_of([offer.version.id for offer in free]) if free else {}
    return {offer.id: tuple(_ways(offer, raters[offer.version.id])) for offer in free}


def _ways(offer: OfferView, rater: Rater) -> Iterator[WayToPay]:
    content, factor = offer.version.content, offer.version.content.definition.frequency_factor
    for frequency in content.frequencies:
        risk = {**offer.need.risk, str(factor): frequency.value}
        point = _point(content, rater, risk)
        if point is not None:
            premium, total = point
            payments, chosen = content.payment.times_of(risk), frequency is offer.frequency
            yield WayToPay(frequency, premium, payments, total, total - offer.total, chosen)


def _point(content: ProductContent, rater: Rater, risk: Risk) -> tuple[Money, Money] | None:
    if isinstance(underwriting.assess_eligibility(content, risk), Ineligible):
        return None
    try:
        premium = rater.premium(risk).total
    except RiskOutOfRange:
        return None
    return premium, premium * content.payment.times_of(risk)


def ranking_rules() -> tuple[RankingWords, ...]:
    """Every rule that ever ranked in the words of the page "how we rank", the one in force first (EU-24)."""
    return tuple(_ranking_words(rule) for rule in RULES.values())


def ranking_rule(rule_id: str) -> RankingWords:
    """The rule that a comparison was ordered by."""
    return _ranking_words(RULES[rule_id])


def _ranking_words(rule: RankingRule) -> RankingWords:
    said = {
        Criterion.NEEDS_MET: _(
            "The share of the needs you stated that the product meets. A greater share comes first; a need of which "
            "we do not know whether it is met counts as not met. Where you state none, all are equal here."
        ),
        Criterion.TOTAL_COST: _(
            "The total cost over the whole term: the premium times the number of payments, with taxes and fees. "
            "Lower comes first. Amounts in different currencies are not converted; they stand in separate groups."
        ),
        Criterion.PRODUCT_CODE: _(
            "Where the total is the same, the code of the product in alphabetical order. It says nothing about quality."
        ),
    }
    by_needs = Criterion.NEEDS_MET in rule.criteria
    sentence = (
        _("In order of stated needs met, then total cost over the term.")
        if by_needs
        else _("In order of total cost over the term.")
    )
    return RankingWords(rule.id, sentence, tuple(said[criterion] for criterion in rule.criteria))


def _one_need(condition: ColumnElement[bool]) -> Need:
    row = db.session.scalars(select(NeedRow).where(condition)).one_or_none()
    if row is None:
        raise NeedNotFound
    line, erased = Line(row.line), row.erased_at is not None
    asked_since = () if erased else LINES[line].assumed(row.risk)
    return Need(
        id=row.id,
        reference=row.reference,
        line=line,
        risk={} if erased else LINES[line].completed(row.risk),
        assumed=(*row.assumed, *(factor.name for factor in asked_since)),
        stated=tuple(row.stated),
        follows=row.follows_id,
        start_on=row.start_on or row.business_at.astimezone(ZoneInfo(ZONE)).date(),
        journey_id=row.journey_id,
        ranking_rule=row.ranking_rule,
        panel=_panel(row.panel),
        created_at=row.created_at,
        business_at=row.business_at,
        expires_at=row.expires_at,
        erased=erased,
    )


def _panel(data: dict[str, Any]) -> Panel:
    return Panel(
        data["products"], data["offered"], data["insurers"], tuple(_not_offered(each) for each in data["not_offered"])
    )


def _not_offered(data: dict[str, Any]) -> NotOffered:
    return NotOffered(
        UUID(data["product_version_id"]),
        UUID(data["insurer_id"]),
        data["product_code"],
        LocalizedText.from_json(data["name"]),
        data["factor"],
        LocalizedText.from_json(data["reason"]),
    )


def _offer(row: OfferRow, asked: Need, version: ProductVersion) -> OfferView:
    return OfferView(
        id=row.id,
        need=asked,
        place=row.place,
        version=version,
        insurer_id=row.insurer_id,
        premium=Money(row.premium_minor, row.currency),
        payments=row.payments,
        total=Money(row.total_minor, row.currency),
        lines=row.breakdown,
        tariff_root=row.tariff_root,
        content_sha256=row.content_sha256,
        expires_at=row.expires_at,
        voided_at=row.voided_at,
        fits={code: Fit(fit) for code, fit in row.fits.items()},
        terms=None if row.terms is None else _terms(row.terms),
    )


def _terms(data: dict[str, Any]) -> ChangedTerms:
    loadings = (
        ExtraPremium(each["step"], each["rate"], LocalizedText.from_json(each["label"])) for each in data["loadings"]
    )
    return ChangedTerms(UUID(data["follows"]), data["decision_sha256"], tuple(loadings))


def terms_json(terms: ChangedTerms) -> dict[str, Any]:
    """The terms as they are kept, and as anybody recomputes the premium by them."""
    return {
        "follows": str(terms.follows),
        "decision_sha256": terms.decision_sha256,
        "loadings": [{"step": each.step, "rate": each.rate, "label": each.label.to_json()} for each in terms.loadings],
    }
