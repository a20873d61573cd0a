"""What an insurer's admin types to make a key."""

from wtforms import SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length

from marketplace.accounts.values import KeyScope
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.fields import Form, printable, required

LONGEST_NAME = 60
LASTS = {"30": _l("30 days"), "90": _l("90 days"), "180": _l("180 days"), "365": _l("365 days")}

OPENS = {KeyScope.CATALOGS_WRITE: _l("Send catalogs"), KeyScope.BORDEREAUX_READ: _l("Take bordereaux")}


class KeyForm(Form):
    name = StringField(
        _l("Name of the key"),
        [required(), Length(max=LONGEST_NAME), printable],
        description=_l("By which you know it again, such as the machine that uses it."),
    )
    opens = SelectField(
        _l("Opens"),
        choices=[SelectChoice(scope.value, words) for scope, words in OPENS.items()],
        default=KeyScope.CATALOGS_WRITE.value,
    )
    days = SelectField(
        _l("Works for"),
        choices=[SelectChoice(days, words) for days, words in LASTS.items()],
        default="90",
    )
