"""The insurance product information document of a version, for `templates/document/ipid.typ`.

Source: Commission Implementing Regulation (EU) 2017/1469: nine headings in this order (articles 4 and 6), a symbol
before each item of some of them but none before what is optional, an icon beside each heading (article 7), two sides of
A4. Equal content, insurer and locale give equal data.
"""

from typing import Any

from marketplace.accounts.values import Insurer
from marketplace.catalog.values import Cover, LimitationKind, ProductContent, ProductInformation
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import ngettext, use_locale
from marketplace.kernel.text import LocalizedText

TEMPLATE = "ipid"
MOST_PAGES = 2
"""Article 4: two sides; three only where that is shown to be necessary, which nobody here can judge."""


def title(locale: str) -> str:
    with use_locale(locale):
        return _("Insurance Product Information Document")


def product_information(
    content: ProductContent, said: ProductInformation, insurer: Insurer, locale: str, *, demonstration: bool
) -> dict[str, Any]:
    """The data of the document, every word in `locale`."""
    with use_locale(locale):
        return {
            "locale": locale,
            "notice": _("SPECIMEN: a demonstration. The insurers are fictional and nobody is insured by this document.")
            if demonstration
            else None,
            "title": title(locale),
            "company": _("Company: %(name)s", name=insurer.legal_name.in_(locale)),
            "licence": _("Licence %(number)s", number=insurer.licence_no),
            "product": _("Product: %(name)s", name=content.marketing_name.in_(locale)),
            "elsewhere": _(
                "This is a summary. The complete information before the contract and the terms are in other documents."
            ),
            "sections": _sections(content, said, locale),
            "labels": {
                "optional": _("Only where chosen and paid for:"),
                "page": _("Page {page} of {pages}"),
                "insured": _("insured"),
                "not_insured": _("not insured"),
                "restrictions": _("restriction"),
                "where": _("covered here"),
            },
        }


def _sections(content: ProductContent, said: ProductInformation, locale: str) -> list[dict[str, Any]]:
    """The nine, in the order of the regulation, worded as it words them."""
    promised = [_promise(cover, locale) for cover in content.covers if not cover.optional]
    optional = [_promise(cover, locale) for cover in content.covers if cover.optional]
    excluded = [each.title.in_(locale) for each in content.exclusions if each.kind is LimitationKind.EXCLUSION]
    parts = [
        ("type", _("What is this type of insurance?"), _lines(said.about, locale)),
        ("insured", _("What is insured?"), promised),
        ("not_insured", _("What is not insured?"), excluded),
        ("restrictions", _("Are there any restrictions on cover?"), _restrictions(content, said, locale)),
        ("where", _("Where am I covered?"), _lines(said.where, locale)),
        ("obligations", _("What are my obligations?"), _lines(said.obligations, locale)),
        ("pay", _("When and how do I pay?"), _lines(content.key_facts.how_to_pay, locale)),
        ("start_end", _("When does the cover start and end?"), _lines(said.start_and_end, locale)),
        ("cancel", _("How do I cancel the contract?"), _lines(said.cancel, locale)),
    ]
    return [
        {"key": key, "heading": heading, "items": items, "optional": optional if key == "insured" else []}
        for key, heading, items in parts
    ]


def _lines(text: LocalizedText | None, locale: str) -> list[str]:
    """Each line of a text that is not blank; none where there is no text."""
    lines = [] if text is None else text.in_(locale).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _promise(cover: Cover, locale: str) -> str:
    return _(
        "%(cover)s: %(pays)s Limit: %(limit)s",
        cover=cover.name.in_(locale),
        pays=cover.pays.in_(locale),
        limit=cover.limit.in_(locale),
    )


def _restrictions(content: ProductContent, said: ProductInformation, locale: str) -> list[str]:
    """Deductibles, rates and proportions; what a cover pays not from the first day or not in whole; and what else."""
    others = (each for each in content.exclusions if each.kind is not LimitationKind.EXCLUSION)
    found = [each.title.in_(locale) for each in others]
    for cover in content.covers:
        name = cover.name.in_(locale)
        if cover.deductible is not None:
            found.append(
                _("%(cover)s: you bear %(deductible)s yourself.", cover=name, deductible=cover.deductible.in_(locale))
            )
        if cover.waiting_days:
            found.append(
                ngettext(
                    "%(cover)s: not within %(num)d day of the start.",
                    "%(cover)s: not within %(num)d days of the start.",
                    cover.waiting_days,
                    cover=name,
                )
            )
    return [*found, *_lines(said.restrictions, locale)]
