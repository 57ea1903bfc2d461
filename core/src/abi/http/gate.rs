//! What is asked about every hop, and what is recorded of it.

use std::sync::Arc;

use url::Url;

use super::super::arms::Arm as _;
use super::super::context::CapsuleContext;
use super::super::state::State;
use super::super::tenant::Tenant;
use crate::audit::{Draft, Outcome};
use crate::http::{Gate, Hop, HttpError};

/// The manifest, the profile and the audit of one request.
pub(super) struct Watch {
    capsule: Arc<CapsuleContext>,
    tenant: Arc<Tenant>,
}

impl Watch {
    pub(super) fn of(state: &State) -> Arc<Self> {
        Arc::new(Self { capsule: Arc::clone(&state.capsule), tenant: Arc::clone(&state.acting) })
    }

    fn record(
        &self,
        operation: &'static str,
        hop: &Hop<'_>,
        (outcome, reason): (Outcome, &'static str),
        detail: &[(&str, &str)],
    ) -> Result<(), HttpError> {
        let draft = Draft {
            capsule: Some(&self.capsule.id),
            artifact: Some(&self.capsule.artifact),
            principal: Some(self.tenant.principal().as_str()),
            reason,
            subject: hop.subject,
            content: Some(hop.path.as_bytes()),
            detail,
            ..Draft::new(operation, outcome)
        };
        let recorded = self.capsule.host.audit.record(&draft);
        recorded.map(drop).map_err(|_| HttpError::Fault("audit unavailable"))
    }

    /// Records that a body was given up or has been read to its end.
    pub(super) fn ended(&self, subject: &str, bytes: u64, complete: bool) {
        let draft = Draft {
            capsule: Some(&self.capsule.id),
            artifact: Some(&self.capsule.artifact),
            principal: Some(self.tenant.principal().as_str()),
            subject,
            bytes,
            detail: &[("complete", if complete { "true" } else { "false" })],
            ..Draft::new("http.body", Outcome::Allowed)
        };
        // Nobody is left to be told; a log that is full refuses the next call.
        drop(self.capsule.host.audit.record(&draft));
    }
}

impl Gate for Watch {
    fn admit(&self, url: &Url) -> Result<bool, HttpError> {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default());
        let port = port.ok_or(HttpError::Invalid)?;
        let declared = self.capsule.capabilities.may_request(host);
        if !declared || !self.tenant.profile().may_reach(&self.capsule.id, host, Some(port)) {
            return Err(HttpError::Denied);
        }
        Ok(self.capsule.host.network.exempts(&self.capsule.id, host, port))
    }

    fn sending(&self, hop: &Hop<'_>) -> Result<(), HttpError> {
        let redirects = hop.redirects.to_string();
        self.record("http.hop.sending", hop, (Outcome::Allowed, ""), &[("redirects", &redirects)])
    }

    fn answered(&self, hop: &Hop<'_>, outcome: Result<u16, HttpError>) -> Result<(), HttpError> {
        let status = outcome.unwrap_or_default().to_string();
        match outcome {
            Ok(_) => self.record("http.hop.answered", hop, (Outcome::Allowed, ""), &[("status", &status)]),
            Err(error @ (HttpError::Denied | HttpError::Airlock)) => {
                self.record("http.hop.answered", hop, (Outcome::Denied, error.name()), &[])
            }
            Err(error) => self.record("http.hop.answered", hop, (Outcome::Failed, error.name()), &[]),
        }
    }
}
