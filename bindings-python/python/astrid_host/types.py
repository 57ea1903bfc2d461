"""What goes into a host's callbacks and what comes out of its calls: plain, frozen records."""

from __future__ import annotations

import enum
import json
import pathlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ._component import ComponentReport as ComponentReport  # noqa: PLC0414 - offered here, with the other records
from ._component import ImportedFunction as ImportedFunction  # noqa: PLC0414 - offered here, with the other records
from ._component import ImportedInterface as ImportedInterface  # noqa: PLC0414 - offered here, with the other records

if TYPE_CHECKING:
    from .errors import AstridError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Any value that JSON has."""

Payload: TypeAlias = "bytes | bytearray | memoryview | Json"
"""What a capsule is given: bytes go as they are, text as UTF-8, every other value as JSON text."""


class State(str, enum.Enum):
    """Where a capsule is in its life."""

    LOADING = "loading"
    READY = "ready"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    UNLOADED = "unloaded"


class Decision(str, enum.Enum):
    """What a person may answer to an approval question."""

    DENY = "deny"
    APPROVE = "approve"
    APPROVE_SESSION = "approve_session"
    APPROVE_ALWAYS = "approve_always"


class Delivery(str, enum.Enum):
    """What became of an uplink's message."""

    DELIVERED = "delivered"
    DROPPED = "dropped"
    NO_SESSION = "no_session"


@dataclass(frozen=True, slots=True)
class Installed:
    """A capsule whose bytes are pinned."""

    id: str
    version: str
    hash: str
    """BLAKE3 of the component, 64 hexadecimal digits."""
    upgraded_from: str | None
    """The version that was there before."""
    warnings: list[str]
    """What the manifest says that this host does not know."""


@dataclass(frozen=True, slots=True)
class InstalledVersion:
    """The version of a capsule that is installed."""

    version: str
    hash: str
    """The BLAKE3 that is pinned, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How the capabilities a package asks for differ from those that were accepted, such as ``fs_read: workspace://src``."""

    added: list[str]
    """Asked for, and not accepted."""
    removed: list[str]
    """Accepted, and not asked for any more."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a package is, found out without running anything of it."""

    id: str
    version: str
    hash: str
    """What installing it pins: BLAKE3 of its component, 64 hexadecimal digits."""
    manifest: dict[str, Any]
    """Its manifest, with the capabilities of its components merged."""
    warnings: list[str]
    """What the manifest says that this host ignores."""
    installed: InstalledVersion | None
    """What is installed under its id."""
    changes: Changes
    """From what was accepted for that to what the package asks for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A capsule that lies in a folder."""

    id: str
    version: str
    path: pathlib.Path
    """Its folder or archive, to be installed or loaded."""
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Discovery:
    """The capsules that were found, each id once, and a sentence for everything that was skipped."""

    found: list[Found]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class CapsuleChange:
    """A capsule's folder that is not what it was."""

    folder: pathlib.Path
    gone: bool
    """Whether there is no manifest in it any more."""
    id: str | None
    """The capsule that is loaded from it, if one is."""
    reloaded: bool
    """Whether it was reloaded."""
    error: AstridError | None
    """Why it could not be reloaded."""


@dataclass(frozen=True, slots=True)
class HookResult:
    """What a capsule answered to a trigger."""

    action: str
    """``continue``, ``deny``, ``final`` or a word of the capsule's own."""
    data: str | None
    """The answer's text, if it has one."""

    def json(self) -> Any:
        """Read the data as JSON; ``None`` if there is none. Raises :class:`ValueError` if it is not JSON."""
        return None if self.data is None else json.loads(self.data)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a published message."""

    delivered: int
    """Subscriptions that have it in their queue."""
    handlers: int
    """Handlers that ran."""
    decision: Literal["continue", "final", "deny"]
    data: str | None
    """The response of a ``final``, or the payload if a handler changed it."""
    reason: str | None
    """Why it was denied."""


@dataclass(frozen=True, slots=True)
class BusMessage:
    """A message of the bus."""

    topic: str
    payload: str
    """JSON text."""
    source: str
    """The sender's id."""
    attribution: Literal["verified", "claimed", "system"]
    """How sure it is that ``principal`` sent it."""
    principal: str | None

    def json(self) -> Any:
        """Read the payload as JSON."""
        return json.loads(self.payload)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What works on this machine."""

    processes: bool
    """Whether programs of capsules can be started at all."""
    missing: list[str]
    """What stands in the way, in words."""
    sandbox: str | None
    """The program that builds the sandbox."""
    limits: dict[str, Literal["cgroup", "rlimit", "nothing"]]
    """What enforces each limit: ``memory``, ``cpu``, ``pids`` and ``files``."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """An approval that is remembered.

    It answers the same request, and the same command with other arguments, of the same capsule.
    """

    id: str
    principal: str
    """For whom it counts."""
    capsule: str
    """The capsule that asked."""
    artifact: str
    """The BLAKE3 of the capsule's component, 64 hexadecimal digits; another version asks again."""
    action: str
    """What was approved."""
    resource: str
    """For what."""
    created_ms: int
    """When, in milliseconds since 1970."""
    session_only: bool
    """Whether it ends when the host is closed."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose accounts on outside platforms the host knows."""

    id: str
    """A UUID."""
    principal: str
    """Who the user is in this host."""
    display_name: str | None
    """The name to show, if one was given."""
    created_at: str
    """When the user was created (RFC 3339, UTC)."""


@dataclass(frozen=True, slots=True)
class AccountLink:
    """An account of an outside platform, and whose it is."""

    platform: str
    platform_user_id: str
    """The account's id on that platform."""
    user: str
    """The user's id."""
    method: str
    """How the link was established."""
    linked_at: str
    """When it was (RFC 3339, UTC)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one principal has used since it was first named, each beside its limit; storage is counted for good.

    Where a limit holds for each capsule, the counter beside it sums all capsules up. A limit that is lifted is
    ``"unlimited"``.
    """

    principal: str
    enabled: bool
    """Whether its profile lets calls begin."""
    triggers: int
    """Triggers, whatever their outcome."""
    host_calls: int
    """Host calls its guests made."""
    denied: int
    """Calls that were refused."""
    in_flight_calls: int
    """Triggers and hooks that run now."""
    in_flight_calls_limit: int
    timeout_secs_limit: int
    """Wall clock of one trigger."""
    fuel: int
    """Fuel its guests burned, in the engine's units."""
    fuel_this_second: int
    fuel_per_second_limit: int | Literal["unlimited"]
    published_messages: int
    published_bytes: int
    published_bytes_this_second: int
    published_bytes_per_second_limit: int | Literal["unlimited"]
    """Bytes one capsule may publish in a second."""
    received_bytes: int
    """Bytes its guests received from sockets."""
    sent_bytes: int
    """Bytes its guests sent through sockets."""
    stored_bytes: int
    """Bytes it stores over all capsules."""
    written_bytes: int
    """Bytes it wrote to files over all capsules."""
    stored_bytes_limit: int | Literal["unlimited"]
    """Bytes it may store in one capsule, and write to files in one."""
    memory_bytes: int
    """The memory its instances hold now, tables included."""
    memory_peak_bytes: int
    """The most memory its instances held at once."""
    memory_limit_bytes: int | Literal["unlimited"]
    instances: int
    """Instances that exist for it now."""
    subscriptions: int
    subscriptions_limit: int
    """Of one capsule."""
    pollables: int
    pollables_limit: int
    """Of one capsule."""
    sockets: int
    sockets_limit: int
    """Of one capsule."""
    listeners: int
    listeners_limit: int
    """Of one capsule."""
    udp_sockets: int
    udp_sockets_limit: int
    """Of one capsule."""
    http_streams: int
    http_streams_limit: int
    """Of one capsule."""
    file_handles: int
    file_handles_limit: int
    """Of one capsule."""
    background_processes: int
    background_processes_limit: int
    retained_processes: int
    retained_processes_limit: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log."""

    seq: int
    """The place in the log, from 1 up."""
    time_ns: int
    """Nanoseconds since 1970."""
    count: int
    """How many it stands for: more than 1 where repeats beyond the rate were counted together."""
    first_ns: int
    """When the first of them was recorded."""
    last_ns: int
    """When the last of them was recorded."""
    operation: str
    capsule: str | None
    artifact: str | None
    """BLAKE3 of the capsule's component, hexadecimal."""
    principal: str | None
    claimed: str | None
    outcome: Literal["allowed", "denied", "failed", "cancelled"]
    reason: str
    subject: str
    """What was touched: a key, a topic, an action. Never a secret."""
    bytes: int
    """Bytes moved, over all it stands for."""
    elapsed_ns: int
    """Nanoseconds it took, over all it stands for."""
    commitment: str | None
    """The salted commitment to the content, hexadecimal."""
    detail: dict[str, str]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The host's signature under the audit log so far. Kept elsewhere, it proves later that the log was cut."""

    sequence: int
    """Its own place in the log."""
    entries: int
    """How many records it covers."""
    time_ns: int
    """When it was signed, in nanoseconds since 1970."""
    head: str
    """The hash of the last record it covers, 64 hexadecimal digits."""
    public_key: str
    """The Ed25519 key it was signed with, 64 hexadecimal digits."""
    signature: str
    """128 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a capsule logged."""

    capsule: str
    principal: str
    level: Literal["trace", "debug", "info", "warn", "error"]
    message: str
    """The capsule's own text, with control characters made visible and its secrets taken out; at most 64 KiB."""
    time_ns: int
    """When it was written, in nanoseconds since 1970."""
    lost: int
    """0 for what a capsule wrote. Otherwise the line is the host's own, and stands where so many lines were lost."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the audit log that is not as it was written."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a reading of the whole audit log found."""

    intact: bool
    entries: int
    checkpoints: int
    head: str
    """The hash of the last record, hexadecimal."""
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class ElicitQuestion:
    """A capsule's install or upgrade hook asks a person for a value.

    The texts are the capsule's own, with control characters made visible: show them, do not trust them.
    """

    request_id: str
    principal: str
    capsule: str
    phase: Literal["install", "upgrade"]
    key: str
    kind: Literal["text", "secret", "select", "array"]
    description: str
    options: list[str]
    default: str | None
    timeout: float
    """Seconds left to answer."""


@dataclass(frozen=True, slots=True)
class ApprovalQuestion:
    """A capsule asks whether it may do something. Its texts are the capsule's own: show them, do not trust them."""

    request_id: str
    principal: str
    capsule: str
    action: str
    resource: str
    risk: str
    timeout: float
    """Seconds left to answer."""


@dataclass(frozen=True, slots=True)
class UplinkEvent:
    """An uplink, a capsule's line to people on some platform, was registered, passed a message in, or is gone.

    The answer counts for a message only.
    """

    event: Literal["registered", "message", "unregistered"]
    principal: str
    """Whom the capsule acts for."""
    capsule: str
    uplink_id: str
    platform: str
    name: str = ""
    """The uplink's name; not with a message."""
    profile: str = ""
    """What the uplink is for; not with a message."""
    user: str = ""
    """Who wrote the message, as the platform names people."""
    content: str = ""
    """What they wrote."""
    resolved: str | None = None
    """Who the writer is here, if a link says so."""
    timeout: float | None = None
    """Seconds left to answer a message."""


ElicitAnswer: TypeAlias = "str | Sequence[str] | None"
"""Text, or a list for kind ``array``; ``None`` if the person cancelled."""
ApprovalAnswer: TypeAlias = "Decision | Literal['deny', 'approve', 'approve_session', 'approve_always']"
UplinkAnswer: TypeAlias = "Delivery | Literal['delivered', 'dropped', 'no_session']"

OnElicit: TypeAlias = Callable[[ElicitQuestion], "ElicitAnswer | Awaitable[ElicitAnswer]"]
OnApproval: TypeAlias = Callable[[ApprovalQuestion], "ApprovalAnswer | Awaitable[ApprovalAnswer]"]
OnUplink: TypeAlias = Callable[[UplinkEvent], "UplinkAnswer | Awaitable[UplinkAnswer]"]
OnLog: TypeAlias = Callable[[LogLine], "Awaitable[None] | None"]
OnCheckpoint: TypeAlias = Callable[[Checkpoint], "Awaitable[None] | None"]
