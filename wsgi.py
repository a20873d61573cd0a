"""Entry point of the site, `gunicorn wsgi:app`, and of Flask's own commands: `flask --app wsgi db upgrade`."""

import os

from config import Settings
from marketplace.app import before_forking, create_app

app = create_app(Settings.or_exit())

if os.environ.get("FLASK_RUN_FROM_CLI") == "true":  # set by `flask`; the site itself carries no commands
    from marketplace.cli import main

    app.cli.commands.update(main.commands)
else:
    before_forking()
