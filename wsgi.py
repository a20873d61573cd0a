"""Entry point of the site: `gunicorn wsgi:app`."""

from config import Settings
from marketplace.app import create_app

app = create_app(Settings.or_exit())
