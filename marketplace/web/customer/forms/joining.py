"""What an insurer types that wants to come in."""

from datetime import date
from decimal import Decimal
from typing import cast

from wtforms import DateField, Field, FileField, StringField
from wtforms.validators import Length, ValidationError

from marketplace.accounts.values import InsurerDetails, NewApplication, NewInsurer
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.text import LocalizedText
from marketplace.web import parties
from marketplace.web.customer.forms.account import email_field
from marketplace.web.fields import Figure, Form, printable, required

COLOUR = "#1f5f78"
"""Of the sign of an insurer that has not chosen one."""
LONGEST_NAME = 200
LONGEST_PAPER_NAME = 100
_PDF = {"accept": "application/pdf"}


def _words(label: str, description: str = "", longest: int = LONGEST_NAME) -> StringField:
    return StringField(label, [required(), Length(max=longest), printable], description=description)


class InsurerForm(Form):
    legal_name = _words(_l("Legal name, English"))
    legal_name_zh = _words(_l("Legal name, Chinese"))
    short_name = _words(_l("Short name, English"), longest=40)
    short_name_zh = _words(_l("Short name, Chinese"), longest=40)
    code = _words(
        _l("Short name in addresses"),
        _l("Small letters, digits and hyphens; it stands in the address of your page."),
        longest=40,
    )
    licence_no = _words(_l("Number of the licence"), longest=60)
    regulator = _words(_l("Regulator, English"))
    regulator_zh = _words(_l("Regulator, Chinese"))
    regions = StringField(
        _l("Where you may sell"),
        [Length(max=LONGEST_NAME), printable],
        description=_l("Codes such as shanghai, separated by commas. Open means everywhere in the country."),
    )
    address = _words(_l("Address, English"))
    address_zh = _words(_l("Address, Chinese"))
    phone = _words(_l("Telephone for customers"), longest=40)
    email = _words(_l("Mail address for customers"), longest=254)
    solvency = Figure(_l("Solvency ratio, per cent"), [required()])
    solvency_source = _words(_l("Where the ratio stands"))
    solvency_on = DateField(_l("Day of the ratio"), [required()])
    licence = FileField(_l("Licence as a file"), description=_l("A PDF of at most 3 MB."), render_kw=_PDF)
    paper = FileField(_l("Another paper"), description=_l("A PDF of at most 3 MB; it may stay open."), render_kw=_PDF)
    admin_name = StringField(
        _l("Name of your first administrator"),
        [required(), Length(max=80), printable],
        render_kw={"autocomplete": "name"},
    )
    admin_email = email_field()

    def validate_regions(self, field: Field) -> None:
        if not set(_codes(field.data)) <= parties.region_codes():
            raise ValidationError(
                _("Please use these codes only: %(codes)s.", codes=", ".join(sorted(parties.region_codes())))
            )

    def to_value(self) -> NewApplication:
        """The application of a valid form, with the bytes of its papers."""
        papers = tuple(
            ((upload.filename or "")[:LONGEST_PAPER_NAME], upload.read())
            for upload in (self.licence.data, self.paper.data)
            if upload
        )
        return NewApplication(
            self._details(), str(self.admin_name.data), str(self.admin_email.data), papers, current_locale()
        )

    def _details(self) -> InsurerDetails:
        short = str(self.short_name.data)
        return InsurerDetails(
            NewInsurer(
                code=str(self.code.data),
                legal_name=LocalizedText(str(self.legal_name.data), self.legal_name_zh.data),
                short_name=LocalizedText(short, self.short_name_zh.data),
                licence_no=str(self.licence_no.data),
                phone=str(self.phone.data),
                email=str(self.email.data),
                colour=COLOUR,
                mark=short[0].upper(),
                regions=_codes(self.regions.data),
                active=False,
            ),
            regulator=LocalizedText(str(self.regulator.data), self.regulator_zh.data),
            address=LocalizedText(str(self.address.data), self.address_zh.data),
            solvency=cast("Decimal", self.solvency.data),
            solvency_source=str(self.solvency_source.data),
            solvency_on=cast("date", self.solvency_on.data),
        )


def _codes(typed: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code.strip() for code in (typed or "").split(",") if code.strip()))
