"""Structured logs: one JSON line for each event, with the request's id and without personal data."""

import logging
import re
import sys

import structlog
from structlog.types import EventDict, WrappedLogger

_SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]

_MAIL_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")


# PostgreSQL repeats whole rows: "Failing row contains (...)", "Key (...)=(...) already exists".
_ROW_VALUES = re.compile(r"^DETAIL:  .*$", re.MULTILINE)


def _without_personal_data(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001  structlog's shape
    """The last guard: what looks like a mail address, or tells what a row holds, does not reach the log."""
    return {key: _bare(value) if isinstance(value, str) else value for key, value in event.items()}


def _bare(text: str) -> str:
    """Most values hold neither, which is quicker seen than searched for."""
    if "DETAIL:" in text:
        text = _ROW_VALUES.sub("DETAIL:  <row>", text)
    return _MAIL_ADDRESS.sub("<address>", text) if "@" in text else text


def configure() -> None:
    """Send everything, the libraries' lines included, as JSON to standard error."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _without_personal_data,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for server in ("gunicorn.error", "gunicorn.access"):  # it brings a format of its own
        logging.getLogger(server).handlers = []
        logging.getLogger(server).propagate = True
    for chatty in ("procrastinate", "fontTools", "stripe", "urllib3", "pyhanko", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def bind(**values: object) -> None:
    """Add values (request id, job) to every line of this context."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**values)
