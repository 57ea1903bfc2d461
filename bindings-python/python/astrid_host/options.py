"""What may be set when a host is opened, and what is known about a principal: plain dictionaries."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, TypedDict

Unlimited: TypeAlias = Literal["unlimited"]
"""A limit that is lifted."""


WorkspaceMode: TypeAlias = Literal["direct", "overlay"]
"""What becomes of changes that capsules make in the workspace."""


class Quotas(TypedDict, total=False):
    """How much a principal may use. 0 is refused."""

    max_memory_bytes: int | Unlimited
    """Linear memory and tables of all instances together (64 MiB)."""
    max_timeout_secs: int
    """Wall clock of one trigger in seconds, without the time waited for people (300); at most a day."""
    max_ipc_throughput_bytes: int | Unlimited
    """Bytes published a second by one capsule (10 MiB)."""
    max_background_processes: int
    """Background processes at once, over all capsules; at most 256."""
    max_storage_bytes: int | Unlimited
    """Bytes one capsule keeps in the key-value store, and writes to files (1 GiB)."""
    max_files: int | Unlimited
    """Files, folders and further names of files one capsule makes while the host is open (1,000,000)."""
    max_cpu_fuel_per_sec: int | Unlimited
    """Fuel a second over all capsules (2,000,000,000)."""
    max_in_flight_calls: int
    """Triggers that run at once, each of which may burn this share of the fuel (4); at most 64."""
    max_subscriptions: int
    """Subscriptions of one capsule at once."""
    max_pollables: int
    """Pollables of one capsule at once."""
    max_sockets: int
    """Streams of TCP and Unix sockets one capsule has open at once."""
    max_listeners: int
    """TCP listeners one capsule has open at once."""
    max_udp_sockets: int
    """UDP sockets one capsule has open at once."""
    max_http_streams: int
    """HTTP streams and uploads one capsule has open at once."""
    max_file_handles: int
    """Files one capsule has open at once."""
    max_retained_processes: int
    """Processes that are kept under an id, running or ended, over all capsules; at most 256."""


class Scoped(TypedDict):
    """A part of what a principal may."""

    allow: Sequence[str]
    deny: Sequence[str]
    """These beat those allowed."""


class KeyScope(TypedDict):
    """The scope of a device's key that may do a part only."""

    scoped: Scoped


class _Key(TypedDict):
    pubkey: str


class DeviceKey(_Key, total=False):
    """A key of a principal's device; ``pubkey`` is Ed25519, 64 lower-case hexadecimal digits."""

    key_id: str
    """16 lower-case hexadecimal digits; the first of the key's BLAKE3 unless given."""
    label: str
    """What people call the device; at most 256 bytes."""
    created_at: str
    """RFC 3339."""
    scope: Literal["full"] | KeyScope


class Auth(TypedDict, total=False):
    """How a principal may authenticate."""

    methods: Sequence[Literal["keypair", "passkey", "system"]]
    public_keys: Sequence[str | DeviceKey]
    """A text ``ed25519:`` and the key stands for one of full scope."""


class Network(TypedDict, total=False):
    """Where a principal in the group ``restricted`` may connect to."""

    egress: Sequence[str]
    """``host:port`` patterns."""
    capsule_egress: Mapping[str, Sequence[str]]
    """Further ones through one capsule only, by its id."""


class Process(TypedDict, total=False):
    """What a principal in the group ``restricted`` may run."""

    allow: Sequence[str]
    """Commands."""


class _Standing(TypedDict):
    command: str
    location: Literal["hosted", "astrid_workspace"]


class StandingCommand(_Standing, total=False):
    """A command that was approved for good."""

    workspace: str
    """The one workspace it is approved for; with the location ``hosted`` only."""


class Approvals(TypedDict, total=False):
    """What a principal has approved for good."""

    command_always: Sequence[StandingCommand]


class Profile(TypedDict, total=False):
    """What the host knows about a principal, with the names of the profile's file; what is absent has its default."""

    profile_version: int
    """The format, 1."""
    enabled: bool
    """False refuses every new call (True)."""
    groups: Sequence[str]
    grants: Sequence[str]
    """Capabilities besides those of its groups, such as ``audit:read_all``."""
    revokes: Sequence[str]
    """Capabilities it does not have, whatever gives them."""
    capsules: Sequence[str]
    """Ids of the capsules whose tools and commands it may call."""
    quotas: Quotas
    auth: Auth
    network: Network
    process: Process
    approvals: Approvals


class Restart(TypedDict, total=False):
    """What becomes of run loops that trap or cannot be started."""

    enabled: bool
    """Whether they are started again (True)."""
    first: float
    """Seconds before the first attempt (2); each further pause is twice as long."""
    most: float
    """Seconds of the longest pause (120)."""
    attempts: int
    """Attempts until the capsule is left alone (5)."""
    recovery: float
    """Seconds a run loop must have been ready and running before its failures are forgotten (60)."""


class Instances(TypedDict, total=False):
    """The instances of one (capsule, principal)."""

    warm: int
    """How many are kept while the principal is at work (4)."""
    most: int
    """How many there are at once, at least 1; a trigger beyond waits (twice the processors, from 8 to 64)."""
    idle: float
    """Seconds one may wait for work (60)."""


class HostNetwork(TypedDict, total=False):
    """What capsules may reach and bind beyond the public network. No manifest can say any of it."""

    local_egress: Mapping[str, Sequence[str]]
    """What the airlock lets a capsule reach though it is not public, by the capsule's id: ``host:port``, ``host:*``."""
    public_binds: Mapping[str, Sequence[str]]
    """Addresses beyond loopback at which a capsule may listen or take datagrams, by the capsule's id."""
    dns_servers: Sequence[str]
    """``address:port`` of servers that are asked for names in place of the system's."""
    http_connect: float
    """Seconds a lookup, connection and secure setup may take (30); may only be lowered, and so with those below."""
    http_first_byte: float
    """Seconds to wait for the headers of a response (120)."""
    http_between_bytes: float
    """Seconds to wait between two pieces of a body (120)."""
    http_total: float
    """Seconds a request may ask for in all (900)."""
    tls_roots: str
    """Roots that are trusted besides the platform's, in PEM."""


class ProcessLimits(TypedDict, total=False):
    """Limits of a program that a capsule starts; ``None`` is no limit."""

    memory_bytes: int | None
    """Memory of each of its processes, and of all together where there are control groups (2 GiB)."""
    cpu_secs: int | None
    """Processor time of each of its processes, in seconds (no limit)."""
    pids: int | None
    """Processes and threads together (512)."""
    open_files: int | None
    """Open files of each of its processes (1,024)."""


class HostProcesses(TypedDict, total=False):
    """What programs that capsules start may see and use. No manifest can say any of it."""

    bubblewrap: str | os.PathLike[str] | None
    """The bubblewrap to use in place of the one the system has installed."""
    readable: Sequence[str | os.PathLike[str]]
    """Files and folders they may read besides the installed programs, at their own paths."""
    host_network: Sequence[str]
    """Ids of capsules whose programs share the machine's network, which no airlock binds then."""
    user: tuple[int, int] | None
    """User and group they run as when the host is root (the owner of the workspace, or nobody)."""
    scratch_bytes: int
    """Bytes of each of their scratch folders (64 MiB)."""
    limits: ProcessLimits
    """Limits of a program that asks for none, and the most that it may ask for."""


class AuditChoices(TypedDict, total=False):
    """How durable, fast and patient the audit log is. Nothing of it switches the log off."""

    power_operations: Sequence[str]
    """Operations whose entry is on the disk before the call's result is seen: ``capsule.install``, ``kv.*``."""
    entries_per_sec: int
    """Entries one capsule may cause for one principal in a second (5,000)."""
    bytes_per_sec: int
    """The same in bytes of the log (2 MiB), at least 1,024."""
    merge_within: float
    """Seconds in which repeats beyond the rate are collected in one counted entry (5)."""


class ExpectedCheckpoint(TypedDict):
    """Of a :class:`~astrid_host.types.Checkpoint` that was kept elsewhere."""

    entries: int
    head: str


class HostOptions(TypedDict, total=False):
    """What may be set when a host is opened; every one has a default."""

    runtime_version: str
    """What a manifest's ``astrid-version`` is compared with."""
    worker_threads: int
    """Threads of the host's own runtime (2)."""
    elicit_timeout: float
    """Seconds a person has to answer an elicit question (120); may only be lowered."""
    approval_timeout: float
    """Seconds a person has to answer an approval question (60); may only be lowered."""
    uplink_timeout: float
    """Seconds the uplink callback has (5); may only be lowered."""
    ready_within: float
    """Seconds the run loop of a new generation has to become ready before the old one is kept instead (0.5)."""
    default_profile: Profile
    """The profile of every principal without one of its own. A field nobody knows is a ``UserWarning``."""
    quotas: Quotas
    """The quotas of that profile, for those who change nothing else in it."""
    max_principals: int
    """How many principals may be named before a new one is refused."""
    require_principal: bool
    """Whether calls that name no principal are refused (False)."""
    authenticated_uplinks: Sequence[str]
    """Ids of capsules whose ``publish-as`` is taken for true: their messages arrive as ``verified``."""
    recv_empty_on_timeout: bool
    """Whether ``recv`` gives an empty batch instead of ``timeout`` (False)."""
    durability: Literal["process", "power"]
    """What acknowledged writes to the store survive: the end of the process (``process``), or the loss of power too,
    for which each waits for the disk (``power``)."""
    audit_limit_bytes: int | None
    """Bytes the audit log may take before audited calls are refused (no limit)."""
    audit_segment_bytes: int | None
    """Bytes of one file of the audit log."""
    audit: AuditChoices
    expected_checkpoint: ExpectedCheckpoint | None
    """A home whose audit log does not hold this checkpoint does not open: AuditUnavailable."""
    secret_key: bytes | None
    """32 bytes that seal secrets, in place of a key in the home; to be given at every opening."""
    allow_missing_imports: bool
    """Whether a capsule may load though nobody exports what it requires (False)."""
    restart: Restart
    instances: Instances
    network: HostNetwork
    processes: HostProcesses
    code_cache: bool
    """Whether compiled code is kept in the home, so that a capsule is not compiled at every start (True)."""
    trust_hard_links: bool
    """Whether capsules may open files that have more names than the host gave them (False)."""
    signal_traps: bool
    """Whether guests' faults are found by handlers of signals, which hand on what is not a guest's (True).

    Without it the host installs none, and guests check for themselves, which makes them slower.
    """


class EntryFilter(TypedDict, total=False):
    """Which entries of the audit log are wanted; what is not named matches all."""

    principal: str | None
    capsule: str | None
    """A capsule's id."""
    operation: str | None
    """For example ``kv.kv-set``."""
    outcome: Literal["allowed", "denied", "failed", "cancelled"] | None
    since: int
    """Only those from this ``seq`` on (0)."""
    limit: int | None
    """At most so many, the first that match."""
