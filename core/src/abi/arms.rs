//! How the error arms of each interface are named, and which of them says that a call was refused.

use super::bindings::astrid;

/// Why the envelope itself turned a call away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The capsule is being unloaded.
    Cancelled,
    /// The manifest does not grant it.
    Denied,
    /// The audit log cannot take the entry.
    Audit,
    /// The principal's host calls under way hold as many bytes as they may.
    Bytes,
}

impl Refusal {
    /// The text inside `unknown`, for interfaces without an arm of their own for it.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Refusal::Cancelled => "cancelled",
            Refusal::Denied => "denied",
            Refusal::Audit => "audit unavailable",
            Refusal::Bytes => "too many bytes in calls under way",
        }
    }
}

/// An interface's error variant, as the envelope sees it.
pub trait Arm: Sized + Send {
    /// The arm's name in WIT.
    fn name(&self) -> &'static str;
    /// The arm that says why the envelope refused.
    fn refuse(why: Refusal) -> Self;
    /// The arm that says a fault of the host; the text never carries a path, an address or an id.
    fn fault(text: &'static str) -> Self;
}

/// Names every arm of an error variant once; `Unknown` always carries text and is the arm of last resort.
macro_rules! arms {
    ($($ty:ty { $($variant:ident $name:literal,)* } $(cancelled $cancelled:ident)? $(denied $denied:ident)?;)+) => {$(
        impl Arm for $ty {
            fn name(&self) -> &'static str {
                match self { $(Self::$variant => $name,)* Self::Unknown(_) => "unknown" }
            }

            fn refuse(why: Refusal) -> Self {
                match why {
                    $(Refusal::Cancelled => Self::$cancelled,)?
                    $(Refusal::Denied => Self::$denied,)?
                    #[allow(unreachable_patterns)] // Interfaces that name both arms leave the others here.
                    why => Self::Unknown(why.text().to_owned()),
                }
            }

            fn fault(text: &'static str) -> Self {
                Self::Unknown(text.to_owned())
            }
        }
    )+};
}

arms! {
    astrid::kv::host::ErrorCode {
        InvalidKey "invalid-key", TooLarge "too-large", Quota "quota", CasMismatch "cas-mismatch",
    };
    astrid::fs::host::ErrorCode {
        NotFound "not-found", Access "access", CapabilityDenied "capability-denied", BoundaryEscape "boundary-escape",
        InvalidPath "invalid-path", WouldBlock "would-block", IsDirectory "is-directory",
        NotDirectory "not-directory", NotEmpty "not-empty", TooLarge "too-large", Quota "quota",
        CrossVfs "cross-vfs", AlreadyExists "already-exists", Closed "closed",
    } cancelled Closed denied CapabilityDenied;
    astrid::sys::host::ErrorCode {
        CapabilityDenied "capability-denied", ConfigKeyReserved "config-key-reserved", TooLarge "too-large",
        RegistryUnavailable "registry-unavailable", Cancelled "cancelled",
    } cancelled Cancelled denied CapabilityDenied;
    astrid::ipc::host::ErrorCode {
        CapabilityDenied "capability-denied", InvalidInput "invalid-input", Closed "closed",
        RateLimited "rate-limited", Backpressure "backpressure", Quota "quota", Timeout "timeout",
    } cancelled Closed denied CapabilityDenied;
    astrid::io::poll::ErrorCode {
        InvalidInput "invalid-input", Closed "closed", TooLarge "too-large", Cancelled "cancelled",
    } cancelled Cancelled;
    astrid::net::host::ErrorCode {
        WouldBlock "would-block", Closed "closed", CapabilityDenied "capability-denied",
        AirlockRejected "airlock-rejected", ConnectionRefused "connection-refused",
        ConnectionReset "connection-reset", Timeout "timeout", AddressInUse "address-in-use",
        AddressNotAvailable "address-not-available", NameUnresolvable "name-unresolvable",
        InvalidHandle "invalid-handle", NotTcp "not-tcp", Quota "quota",
    } cancelled Closed denied CapabilityDenied;
    astrid::elicit::host::ErrorCode {
        NotInLifecycle "not-in-lifecycle", Timeout "timeout", Cancelled "cancelled", InvalidInput "invalid-input",
        StoreUnavailable "store-unavailable",
    } cancelled Cancelled denied NotInLifecycle;
    astrid::approval::host::ErrorCode {
        InvalidInput "invalid-input", Timeout "timeout", StoreUnavailable "store-unavailable",
    } cancelled Timeout;
    astrid::identity::host::ErrorCode {
        CapabilityDenied "capability-denied", InvalidInput "invalid-input", UserNotFound "user-not-found",
        LinkNotFound "link-not-found", AlreadyLinked "already-linked", StoreUnavailable "store-unavailable",
    } denied CapabilityDenied;
    astrid::uplink::host::ErrorCode {
        CapabilityDenied "capability-denied", InvalidInput "invalid-input", InvalidProfile "invalid-profile",
        UnknownUplink "unknown-uplink", NoSession "no-session", Quota "quota",
    } denied CapabilityDenied;
}
