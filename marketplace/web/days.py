"""A day in an address: `<day:day>`, as it is written in ISO 8601."""

from datetime import date

from werkzeug.routing import BaseConverter, ValidationError


class DayConverter(BaseConverter):
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError from None

    def to_url(self, value: date) -> str:
        return value.isoformat()
