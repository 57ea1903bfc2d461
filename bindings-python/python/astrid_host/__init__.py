"""Runs Astrid capsules inside a Python program.

>>> import astrid_host
>>> with astrid_host.Host.open("home") as host:  # doctest: +SKIP
...     host.install("capsules/notes")
...     notes = host.load("capsules/notes")
...     notes.trigger("add", {"text": "milk"}, principal="alice").json()
"""

from . import errors, options
from ._async_audit import AsyncAudit
from ._async_capsule import AsyncCapsule
from ._async_host import AsyncHost
from ._async_streams import AsyncCapsuleChanges, AsyncMessages
from ._audit import Audit
from ._capsule import Capsule
from ._host import Host
from ._inspect import inspect_component
from ._native import __version__
from ._streams import CapsuleChanges, Messages
from .errors import *  # noqa: F403 - every error kind's class
from .errors import AstridError
from .options import (
    AuditChoices,
    EntryFilter,
    ExpectedCheckpoint,
    HostOptions,
    Instances,
    Profile,
    Quotas,
    Restart,
)
from .types import (
    AccountLink,
    Allowance,
    ApprovalQuestion,
    AuditEntry,
    BusMessage,
    CapsuleChange,
    Changes,
    Checkpoint,
    ComponentReport,
    Decision,
    Delivery,
    Diagnosis,
    Discovery,
    ElicitQuestion,
    Finding,
    Found,
    HookResult,
    ImportedFunction,
    ImportedInterface,
    Inspection,
    Installed,
    InstalledVersion,
    LogLine,
    Outcome,
    State,
    UplinkEvent,
    Usage,
    User,
    Verification,
)

__all__ = [
    "AccountLink",
    "Allowance",
    "ApprovalQuestion",
    "AstridError",
    "AsyncAudit",
    "AsyncCapsule",
    "AsyncCapsuleChanges",
    "AsyncHost",
    "AsyncMessages",
    "Audit",
    "AuditChoices",
    "AuditEntry",
    "BusMessage",
    "Capsule",
    "CapsuleChange",
    "CapsuleChanges",
    "Changes",
    "Checkpoint",
    "ComponentReport",
    "Decision",
    "Delivery",
    "Diagnosis",
    "Discovery",
    "ElicitQuestion",
    "EntryFilter",
    "ExpectedCheckpoint",
    "Finding",
    "Found",
    "HookResult",
    "Host",
    "HostOptions",
    "ImportedFunction",
    "ImportedInterface",
    "Inspection",
    "Installed",
    "InstalledVersion",
    "Instances",
    "LogLine",
    "Messages",
    "Outcome",
    "Profile",
    "Quotas",
    "Restart",
    "State",
    "UplinkEvent",
    "Usage",
    "User",
    "Verification",
    "__version__",
    "errors",
    "inspect_component",
    "options",
]
__all__ += errors.__all__
