"""The papers of a contract in one language: the policy, which is its schedule too, and the certificate. The templates
`templates/document/policy.typ` and `certificate.typ` state the shapes.

Equal body, face and locale give equal data, so the unsigned document can be made again byte for byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from marketplace.infra.formatting import format_day, format_instant, format_money, ngettext, use_locale, zone_name
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText

_MOST_COVERS = 12  # a certificate is one page
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facing:
    """What stands on the paper and not in the contract: how to check it, whose seal it carries, and whom to trust about
    the log of evidence (`log_key` is its vkey; None where nothing was signed yet).
    """

    check_code: str
    verify_url: str
    verify_page: str
    seal_name: str
    trust_policy: str
    log_key: str | None


def paper(body: Body, facing: Facing, locale: str) -> dict[str, Any]:
    """The data of the schedule, every word in `locale`."""
    with use_locale(locale):
        return {
            "locale": locale,
            "notice": _notice(body),
            "policy": _policy(body, facing, locale),
            "insurer": _insurer(body["insurer"], locale),
            "intermediary": _intermediary(body["agency"], locale),
            "period": _period(body["period"]),
            "facts": facts_of(body, locale),
            "persons": [_person(person, locale) for person in body["persons"]],
            "covers": [_cover(cover, locale) for cover in body["covers"]],
            "exclusions": [_exclusion(exclusion, locale) for exclusion in body["exclusions"]],
            "premium": _premium(body["premium"], locale),
            "sections": [section for section in _sections(body, locale) if section["paragraphs"]],
            "documents": [{"title": each["title"], "sha256": each["sha256"]} for each in body["documents"]],
            "log": {"key": facing.log_key, "trust_policy": facing.trust_policy},
            "seal": _seal(facing),
            "labels": _labels(),
        }


def certificate(body: Body, facing: Facing, locale: str) -> dict[str, Any]:
    """The data of the certificate: for others to see, so without days of birth and what it costs."""
    with use_locale(locale):
        covers = [_cover(cover, locale) for cover in body["covers"]]
        more = len(covers) - _MOST_COVERS
        return {
            "locale": locale,
            "notice": _notice(body),
            "policy": _policy(body, facing, locale),
            "insurer": _insurer(body["insurer"], locale),
            "intermediary": _intermediary(body["agency"], locale),
            "period": _period(body["period"]),
            "persons": [{"role": _role(person), "name": person["name"]} for person in body["persons"]],
            "covers": [{"name": cover["name"], "limit": cover["limit"]} for cover in covers[:_MOST_COVERS]],
            "more": ngettext("and %(num)s more in the policy", "and %(num)s more in the policy", more)
            if more > 0
            else None,
            "statement": _(
                "%(insurer)s confirms that this insurance has been concluded. What is insured, and what is not, stands in the policy of the same number, which alone counts.",  # noqa: E501
                insurer=_said(body["insurer"]["legal_name"], locale),
            ),
            "seal": _seal(facing),
            "labels": _labels() | {"certificate": _("Certificate of insurance")},
        }


def sealed_order_paper(content: Body, facing: Facing, locale: str) -> dict[str, Any]:
    """A paper about money, ready to print: what checkout says, and how to check it."""
    verify = urlsplit(facing.verify_page)
    with use_locale(locale):
        return {
            **content,
            "locale": locale,
            "seal": _seal(facing),
            "verify_url": facing.verify_url,
            "verify_at": f"{verify.netloc}{verify.path}",
        }


def _seal(facing: Facing) -> str:
    return _("Digital seal: %(name)s", name=facing.seal_name)


def _said(words: Mapping[str, str] | None, locale: str) -> str | None:
    return None if words is None else LocalizedText.from_json(words).in_(locale)


def _notice(body: Body) -> str | None:
    if not body["demonstration"]:
        return None
    return _("SPECIMEN: a demonstration. The insurers are fictional and nobody is insured by this document.")


def _policy(body: Body, facing: Facing, locale: str) -> dict[str, Any]:
    product = body["product"]
    verify = urlsplit(facing.verify_page)
    concluded = datetime.fromisoformat(body["concluded_at"])
    zone = body["period"]["zone"]
    return {
        "number": body["number"],
        "check_code": facing.check_code,
        "product": _said(product["name"], locale),
        "clause_name": _said(product["clause_name"], locale),
        "concluded": {
            "text": format_instant(concluded, zone).replace("\u202f", " "),  # the narrow blank is in no font
            "iso": concluded.astimezone(ZoneInfo(zone)).isoformat(),
        },
        "verify_url": facing.verify_url,
        "verify_at": f"{verify.netloc}{verify.path}",
    }


def _insurer(insurer: Body, locale: str) -> dict[str, Any]:
    return {
        "name": _said(insurer["legal_name"], locale),
        "lines": [
            _("Licence %(number)s", number=insurer["licence_no"]),
            _("Telephone %(number)s", number=insurer["phone"]),
            insurer["email"],
        ],
    }


def _intermediary(agency: Body, locale: str) -> dict[str, Any]:
    licence = [_("Licence %(number)s", number=agency["licence_no"])] if agency["licence_no"] else []
    return {"name": _said(agency["legal_name"], locale), "lines": [*licence, agency["email"], agency["site"]]}


def _period(period: Body) -> dict[str, Any]:
    """Cover begins with the first moment of the first day and ends with the last moment of the last."""
    zone = ZoneInfo(period["zone"])
    first, last = date.fromisoformat(period["start_on"]), date.fromisoformat(period["end_on"])
    return {
        "starts": {
            "text": _("%(day)s, 00:00", day=format_day(first)),
            "iso": datetime.combine(first, time.min, zone).isoformat(),
        },
        "ends": {
            "text": _("%(day)s, 24:00", day=format_day(last)),
            "iso": datetime.combine(last + timedelta(days=1), time.min, zone).isoformat(),
        },
        "note": _("All times are %(zone)s.", zone=zone_name(period["zone"])),
    }


def facts_of(body: Body, locale: str) -> list[dict[str, Any]]:
    """What was chosen and how it is paid and was bought: label and value each, in words."""
    product, premium = body["product"], body["premium"]
    chosen = [{"label": _said(fact["label"], locale), "value": _with_unit(fact, locale)} for fact in body["chosen"]]
    stated = {
        _("Premium is paid"): _payment(premium),
        _("Bought"): _channel(body["channel"]),
        _("Filing number"): product["filing_no"],
        _("Clause code"): product["clause_code"],
    }
    return [*chosen, *({"label": label, "value": value} for label, value in stated.items() if value)]


def _channel(channel: str) -> str:
    words = {
        "self": _("online, without a salesperson"),
        "assisted": _("online, with the help of a person"),
        "terminal": _("at a terminal of the intermediary"),
    }
    return words[channel]


def _with_unit(fact: Body, locale: str) -> str:
    words, unit = _said(fact["words"], locale) or "", _said(fact["unit"], locale)
    return words if unit is None else _("%(value)s %(unit)s", value=words, unit=unit)


def _payment(premium: Body) -> str:
    times = premium["times"]
    match premium["frequency"]:
        case "yearly":
            return ngettext("yearly, %(num)s payment", "yearly, %(num)s payments", times)
        case "half_yearly":
            return ngettext("half-yearly, %(num)s payment", "half-yearly, %(num)s payments", times)
        case "quarterly":
            return ngettext("quarterly, %(num)s payment", "quarterly, %(num)s payments", times)
        case "monthly":
            return ngettext("monthly, %(num)s payment", "monthly, %(num)s payments", times)
        case _:
            return _("once")


def _person(person: Body, locale: str) -> dict[str, Any]:
    facts = [{"label": _("Date of birth"), "value": format_day(date.fromisoformat(person["birth_on"]))}]
    relationship = _said(person["relationship"], locale)
    if relationship:
        facts.append({"label": _("Relationship to the applicant"), "value": relationship})
    return {"role": _role(person), "name": person["name"], "facts": facts}


def _role(person: Body) -> str:
    return {"applicant": _("Applicant"), "insured": _("Insured")}[person["role"]]


def _cover(cover: Body, locale: str) -> dict[str, Any]:
    days = cover["waiting_days"]
    sub_limit = _said(cover["sub_limit"], locale)
    return {
        "code": cover["code"],
        "name": _said(cover["name"], locale),
        "what": " ".join(filter(None, (_said(cover["pays"], locale), sub_limit))),
        "limit": _said(cover["limit"], locale),
        "deductible": _said(cover["deductible"], locale),
        "waiting_period": ngettext("%(num)s day", "%(num)s days", days) if days else None,
    }


def _exclusion(exclusion: Body, locale: str) -> dict[str, Any]:
    title = _said(exclusion["title"], locale)
    return {
        "code": exclusion["code"],
        "title": _("Agreed for this contract: %(what)s", what=title) if exclusion.get("added") else title,
        "explanation": _said(exclusion["explanation"], locale) or "",
        "clause": exclusion["clause_ref"] or None,
    }


def _premium(premium: Body, locale: str) -> dict[str, Any]:
    currency = premium["currency"]
    note = None if premium["times"] == 1 else _("This is the first premium of %(times)s.", times=premium["times"])
    return {
        "currency": currency,
        "lines": [
            {"kind": line["kind"], "label": _said(line["label"], locale), "amount": _amount(line["minor"], currency)}
            for line in premium["lines"]
        ],
        "total": _amount(premium["minor"], currency),
        "note": note,
    }


def _amount(minor: int, currency: str) -> dict[str, Any]:
    return {"text": format_money(Money(minor, currency)), "minor": minor}


def _sections(body: Body, locale: str) -> list[dict[str, Any]]:
    facts, insurer, agency = body["key_facts"], body["insurer"], body["agency"]
    cash_value = _said(facts["cash_value"], locale)
    ending = [
        _said(facts["surrender"], locale),
        cash_value and _("Cash value: %(words)s", words=cash_value),
        _said(facts.get("early_end"), locale),
        _said(facts.get("surrender_how"), locale),
    ]
    renewal = _said(facts["renewal"], locale)
    claims = _("To report a loss, call %(phone)s or write to %(email)s.", **insurer)
    complaints = _(
        "Complain to the insurer on %(phone)s, or to the intermediary at %(email)s. Either must answer you.",
        phone=insurer["phone"],
        email=agency["email"],
    )
    return [
        {"key": "needs", "title": _("What you said you need"), "paragraphs": _stated(body, locale)},
        {"key": "cooling_off", "title": _("If you change your mind"), "paragraphs": _cooling_off(facts)},
        {"key": "renewal", "title": _("Renewal"), "paragraphs": [renewal] if renewal else []},
        {"key": "ending", "title": _("If you end it early"), "paragraphs": [each for each in ending if each]},
        {"key": "grace", "title": _("If a premium is late"), "paragraphs": _late(facts, locale)},
        {
            "key": "claims",
            "title": _("If something happens"),
            "paragraphs": [each for each in (_said(facts["claim_how"], locale), claims) if each],
        },
        {"key": "complaints", "title": _("If you are not content"), "paragraphs": [complaints]},
    ]


def _stated(body: Body, locale: str) -> list[str]:
    """The statement of demands and needs, word for word as it was declared (EU-07, UK-03)."""
    stated = body.get("needs")
    return [] if stated is None else [_said(each, locale) or "" for each in stated["paragraphs"]]


def _cooling_off(facts: Body) -> list[str]:
    days = facts["cooling_off_days"]
    if not days:
        return [_("This contract has no cooling-off period.")]
    return [
        ngettext(
            "You may withdraw within %(num)s day after receiving this document, without giving a reason.",
            "You may withdraw within %(num)s days after receiving this document, without giving a reason.",
            days,
        )
    ]


def _late(facts: Body, locale: str) -> list[str]:
    days, again = facts["grace_days"], _said(facts.get("reinstatement"), locale)
    grace = days and ngettext(
        "You have %(num)s day of grace in which the cover goes on.",
        "You have %(num)s days of grace in which the cover goes on.",
        days,
    )
    return [each for each in (grace, again) if each]


def _labels() -> dict[str, str]:
    return {
        "schedule": _("Insurance policy"),
        "policy_number": _("Policy number"),
        "check_code": _("Check code"),
        "insurer": _("Insurer"),
        "intermediary": _("Sold by"),
        "period": _("Period of cover"),
        "from": _("From"),
        "to": _("Until"),
        "concluded": _("Concluded"),
        "persons": _("Persons"),
        "covers": _("What is covered"),
        "cover": _("Cover"),
        "what": _("What is paid"),
        "limit": _("At most"),
        "deductible": _("You bear yourself"),
        "waiting_period": _("Waiting period"),
        "none": _("none"),
        "exclusions": _("What is not covered"),
        "premium": _("Premium"),
        "premium_line": _("Part of the premium"),
        "amount": _("Amount"),
        "total": _("Total"),
        "documents": _("Documents of this contract"),
        "document": _("Document"),
        "sha256": _("Fingerprint (SHA-256)"),
        "check": _("Check this policy"),
        "check_how": _("Anyone can check it with its number and code at"),
        "qr": _("QR code that leads to {url}"),
        "seal": _("Digitally sealed"),
        "log_key": _("Key of the evidence log"),
        "log_how": _("That this contract was recorded is proven by the receipt in this file. Whom to trust stands at"),
        "page": _("Page {page} of {pages}"),
    }
