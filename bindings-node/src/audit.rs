//! The native half of `AuditLog`.

use std::sync::Arc;

use astrid_host::Result;
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use serde_json::json;

use crate::export::NativeExport;
use crate::host::NativeHost;
use crate::options::{self, EntryFilter};
use crate::{failure, shapes};

#[napi]
impl NativeHost {
    /// The audit entries that a filter selects; `filter` is JSON, see [`EntryFilter`].
    #[napi]
    pub fn audit_entries(&self, call: u32, filter: String) {
        self.begin_blocking(call, move |host| {
            let filter = options::read::<EntryFilter>(&filter)?.filter()?;
            let entries = host.audit().entries(&filter)?;
            let shaped: Result<Vec<_>> = entries.iter().map(shapes::entry).collect();
            Ok(shapes::settled(&json!(shaped?)))
        });
    }

    /// Verifies the whole audit log.
    #[napi]
    pub fn audit_verify(&self, call: u32) {
        self.begin_blocking(call, move |host| Ok(shapes::settled(&shapes::shape(&host.audit().verify()?)?)));
    }

    /// Signs the present head of the chain.
    #[napi]
    pub fn audit_checkpoint(&self, call: u32) {
        self.begin_blocking(call, |host| {
            Ok(shapes::settled(&shapes::checkpoint(&host.audit().checkpoint()?)))
        });
    }

    /// What a filter selects, one JSON object a line, in pieces; a text is the failure.
    #[napi]
    pub fn audit_pieces(&self, filter: String) -> Either<NativeExport, String> {
        let begun = self.opened().and_then(|host| {
            let filter = options::read::<EntryFilter>(&filter)?.filter()?;
            NativeExport::begin(&host, filter, Arc::clone(&self.calls))
        });
        match begun {
            Ok(export) => Either::A(export),
            Err(error) => Either::B(failure::text(&error)),
        }
    }

    /// The public key under which the audit log is signed, in hex.
    #[napi]
    pub fn audit_public_key(&self, call: u32) {
        self.begin_blocking(call, move |host| {
            Ok(shapes::settled(&json!(shapes::hex(&host.audit().public_key()?))))
        });
    }
}
