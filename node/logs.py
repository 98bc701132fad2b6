"""Logs: one event a line, with its fields, for people or for a log store.

An event has a plain name and fields; ``json`` writes one object a line, ``console`` aligned text. What other libraries
say through ``logging`` comes out in the same form. Secrets do not belong in fields; field names that sound like one
are blanked in case. Time stands here only, never in what consensus decides. The newest events are kept in memory, for
the report of an incident.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterator, MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

BLANKED = ("password", "secret", "seed", "token", "private_key")
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
RECENT = 200
"""Events that `recent_events` can tell of."""
_HANDLER = "synod"
_NOISY = ("uvicorn", "httpx", "httpcore", "asyncio")
"""Libraries that tell at info what our own events say better."""


def configure_logs(
    form: Literal["console", "json"] = "console",
    level: str = "info",
    stream: TextIO | None = None,
    shown: str | None = None,
) -> None:
    """Keep every event of this process at ``level`` or above, and send those at ``shown`` or above, all if it is not
    said, to ``stream`` (standard error). May be called again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        blank_secrets,
        _readable_bytes,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(form, shared, stream or sys.stderr))
    handler.setLevel(_LEVELS[shown or level])
    recent = _Recent()
    recent.setFormatter(_formatter("json", shared, sys.stderr))
    root = logging.getLogger()
    for old in [other for other in root.handlers if other.get_name() == _HANDLER]:
        root.removeHandler(old)
    for new in (handler, recent):
        new.set_name(_HANDLER)
        root.addHandler(new)
    root.setLevel(_LEVELS[level])
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(_LEVELS[level], logging.WARNING))


def logger(name: str, **fields: Any) -> structlog.stdlib.BoundLogger:
    """The logger of a part, with fields that stand in each of its events; sets logs up plainly if nobody has."""
    if not structlog.is_configured():
        configure_logs()
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name, **fields)
    return bound


def recent_events() -> tuple[str, ...]:
    """The newest events of this process, one JSON object each, the oldest first; none before logs were set up."""
    return tuple(line for one in logging.getLogger().handlers if isinstance(one, _Recent) for line in one.lines())


class _Recent(logging.Handler):
    """Keeps the newest records; they become text only when somebody asks."""

    def __init__(self) -> None:
        super().__init__()
        self._records: deque[logging.LogRecord] = deque(maxlen=RECENT)

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def lines(self) -> Iterator[str]:
        return map(self.format, tuple(self._records))


def _formatter(form: str, shared: list[Processor], stream: TextIO) -> logging.Formatter:
    ends: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        ends += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
    else:
        plain = structlog.dev.plain_traceback  # the other shows local variables, and a secret may be one
        ends += [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=ends)


def blank_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank the fields of an event whose names sound like secrets."""
    for name in list(event):
        if any(word in name.lower() for word in BLANKED):
            event[name] = "(blanked)"
    return event


def _readable_bytes(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, bytes):
            event[name] = value.hex()
    return event
