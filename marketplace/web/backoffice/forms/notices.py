"""What staff announce, in both languages."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from wtforms import DateTimeLocalField, Field, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, Optional

from marketplace.accounts.values import Insurer
from marketplace.disclosure.values import Announcement, AnnouncementKind, NewAnnouncement
from marketplace.infra.formatting import ZONE, current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.text import LocalizedText
from marketplace.web.fields import Form, lines_of_text, printable, required
from marketplace.web.notice_words import KINDS

LONGEST_TITLE = 120
LONGEST_TEXT = 1000


def _text(label: str, description: str = "", *, needed: bool = True) -> TextAreaField:
    presence = required() if needed else Optional()
    return TextAreaField(
        label, [presence, lines_of_text, Length(max=LONGEST_TEXT)], description=description, render_kw={"rows": "4"}
    )


def _instant(label: str, description: str) -> DateTimeLocalField:
    return DateTimeLocalField(label, [Optional()], format=["%Y-%m-%dT%H:%M"], description=description)


class AnnouncementForm(Form):
    kind = SelectField(
        _l("Kind"),
        choices=[
            SelectChoice("", _l("Please choose")),
            *(
                SelectChoice(kind.value, KINDS[kind])
                for kind in AnnouncementKind
                if kind is not AnnouncementKind.REVOCATION
            ),
        ],
        validators=[required()],
        description=_l(
            "A closing is announced 20 working days ahead, a change of what is sold here 10 days ahead. While a "
            "closing or an interruption is in force, nothing is sold."
        ),
    )
    insurer = SelectField(
        _l("Insurer"), default="", description=_l("Only where it is about one insurer; leave it open otherwise.")
    )
    title = StringField(_l("Title, English"), [required(), Length(max=LONGEST_TITLE), printable])
    title_zh = StringField(_l("Title, Chinese"), [required(), Length(max=LONGEST_TITLE), printable])
    text = _text(_l("What is so, and why, English"))
    text_zh = _text(_l("What is so, and why, Chinese"))
    handling = _text(
        _l("What will be done, English"),
        _l("Of a closing: what becomes of contracts. Of an interruption: what is done meanwhile and after."),
        needed=False,
    )
    handling_zh = _text(_l("What will be done, Chinese"), needed=False)
    starts_at = _instant(_l("From when"), _l("Beijing time. Left open, it holds from its release on."))
    ends_at = _instant(_l("Until when"), _l("Beijing time. Left open, it has no end."))

    def offer_insurers(self, insurers: Iterable[Insurer]) -> None:
        locale = current_locale()
        named = (SelectChoice(str(each.id), each.short_name.in_(locale)) for each in insurers)
        self.insurer.choices = [SelectChoice("", _("None")), *named]

    def is_of(self, kind: AnnouncementKind) -> None:
        """Of this kind and no other: what takes an announcement back is begun from that one."""
        self.kind.choices, self.kind.data = [SelectChoice(kind.value, KINDS[kind])], kind.value

    def to_value(self, revokes_id: UUID | None) -> NewAnnouncement:
        """The announcement of a valid form."""
        handling = LocalizedText(str(self.handling.data or ""), str(self.handling_zh.data or ""))
        return NewAnnouncement(
            kind=AnnouncementKind(self.kind.data),
            title=LocalizedText(str(self.title.data), str(self.title_zh.data)),
            text=LocalizedText(str(self.text.data), str(self.text_zh.data)),
            handling=handling if handling.en or handling.zh else None,
            starts_at=_at_home(self.starts_at),
            ends_at=_at_home(self.ends_at),
            insurer_id=UUID(self.insurer.data) if self.insurer.data else None,
            revokes_id=revokes_id,
        )


def _at_home(field: Field) -> datetime | None:
    return field.data.replace(tzinfo=ZoneInfo(ZONE)) if field.data else None


def data_of(found: Announcement) -> dict[str, object]:
    """The form's data that write an announcement anew."""
    said = found.said
    handling = said.handling or LocalizedText("")
    return {
        "kind": said.kind.value,
        "insurer": str(said.insurer_id or ""),
        "title": said.title.en,
        "title_zh": said.title.zh,
        "text": said.text.en,
        "text_zh": said.text.zh,
        "handling": handling.en,
        "handling_zh": handling.zh,
        "starts_at": said.starts_at and said.starts_at.astimezone(ZoneInfo(ZONE)),
        "ends_at": said.ends_at and said.ends_at.astimezone(ZoneInfo(ZONE)),
    }
