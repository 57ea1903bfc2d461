//! `astrid:sys`: configuration, the caller, time, randomness, the log and the capsule's own capabilities.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::arms::Arm;
use super::bindings::astrid::sys::host::{
    CallerContext, CapabilityCheckRequest, CapabilityCheckResponse, ErrorCode, Host, LogLevel,
};
use super::call::{Touch, Verdict};
use super::ops;
use super::state::{Phase, State};
use crate::limits;
use crate::logs::{Level, LogLine, Owner};
use crate::manifest::EnvKind;
use crate::store::Scope;

/// Keys the host keeps for itself.
const RESERVED_PREFIX: &str = "ASTRID_";

/// The zero of `clock-monotonic-ns`, set by the first guest that asks.
static ANCHOR: OnceLock<Instant> = OnceLock::new();

impl State {
    /// The value of a declared key: this principal's, else the host's, else the manifest's default.
    fn config(&mut self, key: &str) -> crate::Result<Option<String>> {
        let Some(field) = self.capsule.manifest.env.iter().find(|field| field.key == key) else {
            return Ok(None);
        };
        let store = &self.capsule.host.store;
        if field.kind == EnvKind::Secret {
            let secret = store.secrets().get_effective(self.principal(), &self.capsule.id, key)?;
            let secret = secret.filter(|value| !value.is_empty());
            let text = secret.as_ref().map(|value| value.as_str().to_owned());
            self.remember_secret(secret);
            return Ok(text);
        }
        let capsule = self.capsule.id.to_string();
        let own = Scope { principal: Some(self.principal().clone()), capsule };
        if let Some(value) = store.settings().get(&own, key)? {
            return Ok(Some(value));
        }
        let wide = Scope { principal: None, ..own };
        if let Some(value) = store.settings().get(&wide, key)? {
            return Ok(Some(value));
        }
        // A declared key without a value is the empty string, so that guests tell "not declared" from "not set".
        Ok(Some(default_text(field.default.as_ref())))
    }
}

impl State {
    /// Keeps a secret that the guest has read, so that it can be taken out of what the guest logs.
    pub(super) fn remember_secret(&mut self, secret: Option<Zeroizing<String>>) {
        let Some(secret) = secret.filter(|secret| !self.secrets.contains(secret)) else { return };
        if self.secrets.len() >= limits::LOG_SECRETS {
            self.secrets.remove(0);
        }
        self.secrets.push(secret);
    }
}

impl Host for State {
    async fn get_config(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, ErrorCode>> {
        self.effect(Touch::of(&ops::sys::GET_CONFIG).on(&key), |state| {
            if key.starts_with(RESERVED_PREFIX) {
                return Err(ErrorCode::ConfigKeyReserved);
            }
            state.config(&key).map_err(|error| {
                tracing::error!(%error, "the settings could not be read");
                ErrorCode::fault("store unavailable")
            })
        })
        .await
    }

    async fn get_caller(&mut self) -> wasmtime::Result<Result<CallerContext, ErrorCode>> {
        self.effect(Touch::of(&ops::sys::GET_CALLER), |state| {
            let Some(caller) = &state.call.caller else {
                return Ok(CallerContext {
                    principal: None,
                    source_id: String::new(),
                    timestamp: String::new(),
                });
            };
            Ok(CallerContext {
                principal: caller.principal.as_ref().map(ToString::to_string),
                source_id: caller.source.to_string(),
                timestamp: rfc3339(caller.time),
            })
        })
        .await
    }

    async fn log(&mut self, level: LogLevel, message: String) -> wasmtime::Result<()> {
        let level = Level::from(level);
        let logged: Result<(), ErrorCode> = self
            .effect(Touch::of(&ops::sys::LOG).on(level.name()).moving(message.as_bytes()), |state| {
                let capsule = &state.capsule;
                let owner = Owner { principal: state.principal().clone(), capsule: Arc::clone(&capsule.id) };
                let line = LogLine::new(owner, level, &message, &state.secrets);
                trace(&line);
                capsule.host.logs.write(line, &capsule.metrics);
                Ok(())
            })
            .await?;
        // The function has no result: a line that the audit could not take is not logged, and the guest goes on.
        drop(logged);
        Ok(())
    }

    async fn signal_ready(&mut self) -> wasmtime::Result<()> {
        self.count(&ops::sys::SIGNAL_READY);
        if self.call.phase == Phase::Run {
            self.capsule.ready.give();
        }
        Ok(())
    }

    async fn clock_ms(&mut self) -> wasmtime::Result<u64> {
        self.count(&ops::sys::CLOCK_MS);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    async fn clock_monotonic_ns(&mut self) -> wasmtime::Result<u64> {
        self.count(&ops::sys::CLOCK_MONOTONIC_NS);
        let elapsed = ANCHOR.get_or_init(Instant::now).elapsed();
        Ok(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    async fn sleep_ns(&mut self, duration_ns: u64) -> wasmtime::Result<Result<(), ErrorCode>> {
        self.waiting(
            Touch::of(&ops::sys::SLEEP_NS),
            |()| Verdict::ALLOWED,
            |state| {
                if duration_ns > limits::SLEEP_NS {
                    return Err(ErrorCode::TooLarge);
                }
                let runtime = state.capsule.host.runtime.clone();
                Ok(async move {
                    if duration_ns > 0 {
                        crate::timer::sleep(&runtime, Duration::from_nanos(duration_ns)).await;
                    }
                    Ok(())
                })
            },
        )
        .await
    }

    async fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Result<Vec<u8>, ErrorCode>> {
        self.effect(Touch::of(&ops::sys::RANDOM_BYTES), |_| {
            if length > limits::RANDOM_BYTES {
                return Err(ErrorCode::TooLarge);
            }
            let mut bytes = vec![0; usize::try_from(length).map_err(|_| ErrorCode::TooLarge)?];
            getrandom::fill(&mut bytes).map_err(|_| ErrorCode::fault("no entropy"))?;
            Ok(bytes)
        })
        .await
    }

    async fn check_capsule_capability(
        &mut self,
        request: CapabilityCheckRequest,
    ) -> wasmtime::Result<Result<CapabilityCheckResponse, ErrorCode>> {
        self.effect(Touch::of(&ops::sys::CHECK_CAPSULE_CAPABILITY).on(&request.capability), |state| {
            if !matches!(state.call.phase, Phase::Hook | Phase::Run) {
                return Err(ErrorCode::RegistryUnavailable);
            }
            let source = Uuid::parse_str(&request.source_uuid).ok();
            let allowed =
                source.is_some_and(|source| state.capsule.host.registry.holds(&source, &request.capability));
            Ok(CapabilityCheckResponse { allowed })
        })
        .await
    }

    async fn enumerate_capabilities(&mut self) -> wasmtime::Result<Vec<String>> {
        self.count(&ops::sys::ENUMERATE_CAPABILITIES);
        Ok(self.capsule.capabilities.held().into_iter().map(str::to_owned).collect())
    }
}

/// A default as guests read it: a string as it is, null as nothing, any other JSON written out.
fn default_text(default: Option<&serde_json::Value>) -> String {
    match default {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Trace => Self::Trace,
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
}

/// Hands a line to the subscriber of the embedding program, if there is one.
fn trace(line: &LogLine) {
    let (capsule, principal, text) = (&*line.owner.capsule, line.owner.principal.as_str(), &line.message);
    match line.level {
        Level::Trace => tracing::trace!(target: "astrid::capsule", capsule, principal, "{text}"),
        Level::Debug => tracing::debug!(target: "astrid::capsule", capsule, principal, "{text}"),
        Level::Info => tracing::info!(target: "astrid::capsule", capsule, principal, "{text}"),
        Level::Warn => tracing::warn!(target: "astrid::capsule", capsule, principal, "{text}"),
        Level::Error => tracing::error!(target: "astrid::capsule", capsule, principal, "{text}"),
    }
}

/// The time as RFC 3339 in UTC.
fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map(|stamp| stamp.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::arms::Refusal;
    use super::*;

    #[test]
    fn refusals_of_sys_have_their_own_arms() {
        assert_eq!(ErrorCode::refuse(Refusal::Cancelled).name(), "cancelled");
        assert_eq!(ErrorCode::refuse(Refusal::Audit).name(), "unknown");
    }

    #[test]
    fn the_epoch_is_written_as_rfc3339() {
        assert_eq!(rfc3339(UNIX_EPOCH), "1970-01-01T00:00:00Z");
    }
}
