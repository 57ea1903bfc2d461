"""The synchronous face: every verb waits on the caller's own thread, with the interpreter free for others."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _native
from ._audit import Audit
from ._callbacks import Callbacks
from ._capsule import Capsule
from ._lifetime import Path, remember, shut
from ._payload import to_bytes
from ._streams import CapsuleChanges, Messages
from .options import HostOptions, Profile, WorkspaceMode
from .types import (
    AccountLink,
    Allowance,
    Diagnosis,
    Discovery,
    Inspection,
    Installed,
    OnApproval,
    OnCheckpoint,
    OnElicit,
    OnLog,
    OnUplink,
    Outcome,
    Payload,
    Usage,
    User,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class Host:
    """Runs capsules for this program. Open one with :meth:`open`; it may be used from any thread.

    Every method raises a subclass of :class:`~astrid_host.errors.AstridError`; after :meth:`close`, and in a forked
    child, that is :class:`~astrid_host.errors.Closed`. Ctrl-C ends any wait and stops the guest that was waited for.

    >>> with Host.open(home) as host:
    ...     installed = host.install("examples/capsules/concierge", principal="alice")
    ...     concierge = host.load("examples/capsules/concierge", principal="alice")
    ...     concierge.trigger("greet", principal="bob").data
    'Hello friend! That makes 1.'
    """

    def __init__(self, native: _native.Host, callbacks: Callbacks, home: Path) -> None:
        """Wrap an open host; use :meth:`open`."""
        self._native = native
        self._callbacks = callbacks
        self._home = os.fspath(home)
        remember(self)

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        workspace: Path | None = None,
        workspace_mode: WorkspaceMode = "direct",
        on_elicit: OnElicit | None = None,
        on_approval: OnApproval | None = None,
        on_uplink: OnUplink | None = None,
        on_log: OnLog | None = None,
        on_checkpoint: OnCheckpoint | None = None,
        **options: Unpack[HostOptions],
    ) -> Self:
        """Open the home folder, making it if it is new.

        Args:
            home: The folder that holds everything the host keeps. One host at a time may have it open.
            workspace: The folder that capsules know as their workspace; without it they have none.
            workspace_mode: ``direct``: what they change there changes. ``overlay``: each (capsule, principal) sees its
                own changes alone until :meth:`Capsule.commit` or :meth:`Capsule.rollback`.
            on_elicit: Answers the questions of install and upgrade hooks. Without it they are cancelled.
            on_approval: Decides what a capsule may do. Without it everything is denied.
            on_uplink: Takes the messages of chat platforms. Without it they are dropped.
            on_log: Hears every line that capsules log, besides the files under ``home/log``.
            on_checkpoint: Hears of every checkpoint of the audit log once the disk has it, to keep it elsewhere.
            options: See :class:`~astrid_host.options.HostOptions`.

        A callback is a plain function, run on a thread of its own, or a coroutine function, run on an event loop on a
        thread of its own. If it raises, the capsule is refused, and the call that caused the question raises
        :class:`~astrid_host.errors.CallbackFailed` from that exception; a ``BaseException`` that is no ``Exception``
        comes out of that call as it is.

        ``on_log`` and ``on_checkpoint`` answer nothing. Each is called with one thing after the other; what it raises
        goes to :func:`sys.unraisablehook`. Lines that come faster than it takes them are lost, and a line whose
        ``lost`` counts them stands in their place. Of more than 64 checkpoints that wait the oldest is forgotten,
        which the later ones cover. Closing the host waits a second until they have heard everything.

        Raises:
            HomeLocked: Another host has the home open.
            HomeUnusable: The home cannot be made, read or written, has a newer format, or its secrets another key.
            InvalidArgument: An option breaks a rule.
            AuditUnavailable: The audit log cannot be written, or does not hold the expected checkpoint.

        """
        callbacks = Callbacks(
            None,
            on_elicit=on_elicit,
            on_approval=on_approval,
            on_uplink=on_uplink,
            on_log=on_log,
            on_checkpoint=on_checkpoint,
        )
        return cls(_native.Host.open(home, workspace, workspace_mode, callbacks, options), callbacks, home)

    def inspect(self, path: Path) -> Inspection:
        """Say what a package is, and what it asks for beyond what was accepted, without running or keeping any of it.

        Args:
            path: A folder with a ``Capsule.toml``, a ``.capsule`` archive, or the manifest itself.

        Raises:
            NotFound: There is no package.
            ManifestInvalid: As :meth:`install`, like everything that would refuse it before its hook runs.

        """
        return self._native.inspect(path).wait()

    def discover(self, folders: Sequence[Path]) -> Discovery:
        """Find the capsules in folders: subfolders, archives, and a ``Capsule.toml`` directly inside, in this order.

        Of several with one id the first is taken; what is broken, is a link or comes second is a warning.
        """
        return self._native.discover(folders).wait()

    def install(
        self,
        path: Path,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        hash: str | None = None,
        accept_new_capabilities: bool = False,
    ) -> Installed:
        """Run a capsule's install (or upgrade) hook and pin its bytes; it is not loaded by this.

        A capsule that is loaded is upgraded: the new version takes its place when it is ready, and handles follow it.

        Args:
            path: A folder with a ``Capsule.toml``, a ``.capsule`` archive, or the manifest itself.
            principal: Whom the hook runs for.
            attenuate: The capabilities to keep of those the manifest asks for. Never widens.
            hash: The BLAKE3 that the package must have, 64 hexadecimal digits.
            accept_new_capabilities: Whether an upgrade may ask for more than was accepted before.

        Raises:
            ManifestInvalid: The manifest breaks a rule; the message names table and field.
            ComponentInvalid: The file is no component.
            AbiMismatch: It imports what this host does not offer.
            HashMismatch: It has another hash.
            CapabilityDenied: An upgrade asks for more; the message names what.
            InstallFailed: The hook failed; nothing was pinned.
            NotReady: The new version of a loaded capsule did not become ready; the old one goes on.
            CallbackFailed: A callback raised or answered wrongly.

        """
        call = self._native.install(path, principal, attenuate, hash, accept_new_capabilities)
        return call.wait()

    def load(
        self,
        path: Path,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        shared: bool = False,
    ) -> Capsule:
        """Load an installed capsule, or one whose manifest names its hash, and start its run loop if it has one.

        Args:
            path: A folder with a ``Capsule.toml``, a ``.capsule`` archive, or the manifest itself.
            principal: The owner of the run loop, whose messages it hears.
            attenuate: The capabilities to keep of those the manifest asks for. Never widens.
            shared: Whether the run loop serves every principal.

        Raises:
            NotInstalled: No hash is pinned.
            HashMismatch: The bytes are not those that were pinned.
            AlreadyLoaded: A capsule of this id is loaded.

        """
        return Capsule(self, self._native.load(path, principal, attenuate, shared).wait())

    def load_all(self, folder: Path) -> list[Capsule]:
        """Load every capsule of a folder, providers before those who import from them; all of them or none.

        Raises:
            NotReady: A run loop was not ready within 5 seconds. As with every failure of :meth:`load`, what this call
                has loaded is unloaded again, and the error names the capsule.

        """
        return [Capsule(self, native) for native in self._native.load_all(folder).wait()]

    def load_component(
        self,
        component: bytes,
        manifest: str,
        hash: str,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        shared: bool = False,
    ) -> Capsule:
        """Load a capsule from memory.

        Args:
            component: The component's bytes.
            manifest: The text of its ``Capsule.toml``.
            hash: BLAKE3 of the bytes, 64 hexadecimal digits.
            principal: As in :meth:`load`.
            attenuate: As in :meth:`load`.
            shared: As in :meth:`load`.

        Raises:
            ComponentInvalid: The bytes are no component.
            HashMismatch: They have another hash.
            AlreadyLoaded: A capsule of this id is loaded.

        """
        call = self._native.load_component(component, manifest, hash, principal, attenuate, shared)
        return Capsule(self, call.wait())

    def reload(self, id: str) -> Capsule:
        """Replace what runs of a capsule by what lies where it came from now, if that is pinned.

        Raises:
            NotFound: It is not loaded, or its files are gone.
            InvalidArgument: It was loaded from memory.
            HashMismatch: The bytes are not those that were pinned: install them first.
            NotReady: The new run loop did not become ready within ``ready_within``; the old generation goes on.

        """
        return Capsule(self, self._native.reload(id).wait())

    def watch(self, folder: Path, *, reload: bool = False) -> CapsuleChanges:
        """Hear when a capsule's folder changes, or one of the folders of capsules in it, those to come included.

        A change is told when the folder was left alone for half a second and its files are not what they were.

        Args:
            folder: The folder.
            reload: Whether to reload what is loaded from there. A changed component is not run by that: it is a
                ``HashMismatch`` until it is installed.

        Raises:
            NotFound: There is no such folder.

        """
        return CapsuleChanges(self, self._native.watch(folder, reload).wait())

    def uninstall(self, id: str) -> None:
        """Remove a capsule for good: unload it, and erase its pin, settings, secrets, allowances and everyone's data.

        Raises:
            NotInstalled: It is neither installed nor loaded, and nothing of it is kept.

        """
        self._native.uninstall(id).wait()

    def configure(self, capsule: str, key: str, value: str, *, principal: str | None = None) -> None:
        """Set a value that a capsule's manifest declares under ``[env]``, for one principal or for all."""
        self._native.configure(capsule, key, value, principal).wait()

    def publish(
        self, topic: str, payload: Payload = None, *, principal: str | None = None, fan_out: int | None = None
    ) -> Outcome:
        """Publish a message, and wait for what the handlers decide.

        Args:
            topic: Where to.
            payload: Any JSON value; text and bytes must be JSON.
            principal: Whom it speaks for; the system itself if not given.
            fan_out: The most handlers and subscriptions it may reach; no limit if not given. More handlers than that
                deny the message; subscriptions beyond do not get it.

        >>> with host.subscribe("news.*") as messages:
        ...     outcome = host.publish("news.weather", {"sky": "clear"})
        ...     outcome.delivered, messages.next(timeout=5).json()
        (1, {'sky': 'clear'})

        """
        return self._native.publish(topic, to_bytes(payload), principal, fan_out).wait()

    def subscribe(self, pattern: str) -> Messages:
        """Hear every message whose topic fits; ``*`` at the end stands for one or more segments."""
        return Messages(self, self._native.subscribe(pattern))

    def profile(self, principal: str) -> Profile:
        """Read the profile in force for a principal, with every field.

        Raises:
            PrincipalRefused: Its profile is unreadable.

        """
        return self._native.profile(principal).wait()

    def set_profile(self, principal: str, profile: Profile) -> None:
        """Give a principal a profile of its own, in force for every call that begins from now on.

        What ``profile`` does not name has its default. A field nobody knows is ignored with a :class:`UserWarning`.

        Raises:
            InvalidArgument: The profile breaks a rule; the message names the field.
            PrincipalRefused: The name is reserved, the principal is being removed, or there are too many.

        >>> host.set_profile("carol", {"quotas": {"max_storage_bytes": 1_000_000}})
        >>> host.profile("carol")["quotas"]["max_storage_bytes"]
        1000000

        """
        self._native.set_profile(principal, profile).wait()

    def principals(self) -> list[str]:
        """List the principals that were named since the host was opened, or have a profile of their own; sorted."""
        return self._native.principals().wait()

    def remove_principal(self, principal: str) -> None:
        """Cancel what a principal does, unload its capsules, and erase its data, settings, secrets and profile.

        The audit log keeps what it did. Once begun, this goes on even if it is interrupted.

        Raises:
            StoreUnavailable: Its data could not be erased; it stays refused until this is called again.

        """
        self._native.remove_principal(principal).wait()

    def allowances(self, principal: str) -> list[Allowance]:
        """List what was approved for a principal, for good or until the host is closed, oldest first."""
        return self._native.allowances(principal).wait()

    def revoke_allowance(self, principal: str, id: str) -> bool:
        """Take back what was approved and tell whether it was there: the same request is asked about again."""
        return self._native.revoke_allowance(principal, id).wait()

    def users(self) -> list[User]:
        """List the users of outside platforms that this host knows, by id."""
        return self._native.users().wait()

    def create_user(self, display_name: str | None = None, *, principal: str | None = None) -> User:
        """Create a user, who is this principal in the host, or a new one that nobody else is."""
        return self._native.create_user(display_name, principal).wait()

    def remove_user(self, user: str) -> bool:
        """Remove a user with all linked accounts and tell whether there was one. The principal stays."""
        return self._native.remove_user(user).wait()

    def links(self, user: str) -> list[AccountLink]:
        """List the accounts that are linked to a user."""
        return self._native.links(user).wait()

    def link_account(self, user: str, platform: str, account: str, *, method: str) -> None:
        """Link an account of a platform to a user; ``method`` says how that was established."""
        self._native.link_account(user, platform, account, method).wait()

    def unlink_account(self, platform: str, account: str) -> None:
        """End the link of an account."""
        self._native.unlink_account(platform, account).wait()

    def usage(self, principal: str) -> Usage:
        """Tell what a principal has used."""
        return self._native.usage(principal).wait()

    def metrics(self) -> str:
        """Count everything, in the text format that Prometheus reads; ``docs/observability.md`` names what there is."""
        return self._native.metrics().wait()

    def diagnose(self) -> Diagnosis:
        """Find out by trying what works on this machine, and what stands in the way of capsules' programs."""
        return self._native.diagnose().wait()

    def backup(self, target: Path) -> None:
        """Copy the home into a new folder that a host can open, while this one stays open.

        Whoever can read the copy can read its secrets, unless ``secret_key`` seals them.

        Args:
            target: The folder to make; its parent has to exist.

        Raises:
            InvalidArgument: Something is there already, it lies in the home, or it cannot be written.

        """
        self._native.backup(target).wait()

    def rotate_keys(self, *, secret_key: bytes | None = None) -> None:
        """Make a new key that signs the audit log and a new one that seals secrets, and seal them anew.

        Args:
            secret_key: The next key of 32 bytes, where the host was opened with one.

        Raises:
            InvalidArgument: The key is missing though the host was opened with one, or given though it was not.

        """
        self._native.rotate_keys(secret_key).wait()

    @property
    def audit(self) -> Audit:
        """The log of everything that happened."""
        return Audit(self._native)

    def capsules(self) -> list[Capsule]:
        """List the loaded capsules."""
        return [Capsule(self, native) for native in self._native.capsules()]

    def capsule(self, id: str) -> Capsule:
        """Find a loaded capsule. Raises :class:`~astrid_host.errors.NotFound`."""
        return Capsule(self, self._native.capsule(id))

    @property
    def closed(self) -> bool:
        """Whether the host was closed, or belongs to the parent of a fork."""
        return self._native.closed

    def close(self) -> None:
        """Stop every guest, write everything down and give the home free. Closing twice does nothing."""
        shut(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        native: _native.Host | None = getattr(self, "_native", None)
        if native is not None and not native.closed:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)
            self._callbacks.close()

    def __repr__(self) -> str:
        return f"<Host {self._home!r}{' closed' if self._native.closed else ''}>"
