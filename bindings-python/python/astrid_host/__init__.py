"""Runs Astrid capsules inside a Python program.

>>> import astrid_host
>>> with astrid_host.Host.open("home") as host:  # doctest: +SKIP
...     host.install("capsules/notes")
...     notes = host.load("capsules/notes")
...     notes.trigger("add", {"text": "milk"}, principal="alice").json()
"""

from . import errors
from ._async import AsyncAudit, AsyncCapsule, AsyncHost, AsyncMessages
from ._host import Audit, Capsule, Host, Messages
from ._native import __version__
from .errors import *  # noqa: F403 - every error kind's class
from .errors import AstridError
from .types import (
    ApprovalQuestion,
    AuditEntry,
    BusMessage,
    Decision,
    Delivery,
    ElicitQuestion,
    Finding,
    HookResult,
    HostOptions,
    Installed,
    Outcome,
    State,
    UplinkEvent,
    Usage,
    Verification,
)

__all__ = [
    "ApprovalQuestion",
    "AstridError",
    "AsyncAudit",
    "AsyncCapsule",
    "AsyncHost",
    "AsyncMessages",
    "Audit",
    "AuditEntry",
    "BusMessage",
    "Capsule",
    "Decision",
    "Delivery",
    "ElicitQuestion",
    "Finding",
    "HookResult",
    "Host",
    "HostOptions",
    "Installed",
    "Messages",
    "Outcome",
    "State",
    "UplinkEvent",
    "Usage",
    "Verification",
    "__version__",
    "errors",
]
__all__ += errors.__all__
