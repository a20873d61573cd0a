"""What is typed to invite somebody to an insurer's desk: by the marketplace, or by the insurer's own administrator."""

from uuid import UUID

from wtforms import SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length

from marketplace.accounts.values import NewInvitation, Role
from marketplace.infra.formatting import LOCALES, locale_name
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.fields import Form, printable, required
from marketplace.web.role_words import AT_THE_DESK


class InvitationForm(Form):
    name = StringField(_l("Name"), [required(), Length(max=80), printable])
    email = StringField(_l("Mail address"), [required(), Length(max=254), printable])
    role = SelectField(_l("Role"), choices=[SelectChoice(role.value, words) for role, words in AT_THE_DESK.items()])
    language = SelectField(_l("Language"), choices=[SelectChoice(locale, locale_name(locale)) for locale in LOCALES])

    def to_value(self, insurer_id: UUID) -> NewInvitation:
        """The invitation of a valid form."""
        return NewInvitation(
            insurer_id, str(self.email.data), str(self.name.data), Role(self.role.data), str(self.language.data)
        )
