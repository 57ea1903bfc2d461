//! `astrid:kv`: the capsule's own keys, one namespace per (principal, capsule).

use super::bindings::astrid::kv::host::{ErrorCode, Host, KeyPage};
use super::call::{Touch, Verdict};
use super::ops;
use super::state::State;
use crate::store::{KvError, Namespace};

impl From<KvError> for ErrorCode {
    fn from(error: KvError) -> Self {
        match error {
            KvError::InvalidKey => ErrorCode::InvalidKey,
            KvError::TooLarge => ErrorCode::TooLarge,
            KvError::Quota => ErrorCode::Quota,
            KvError::CasMismatch => ErrorCode::CasMismatch,
            KvError::Unavailable(error) => {
                tracing::error!(%error, "the key-value store failed");
                ErrorCode::Unknown("store unavailable".to_owned())
            }
        }
    }
}

impl State {
    fn keys(&self) -> Namespace {
        self.capsule.host.store.kv(self.principal(), &self.capsule.id)
    }

    fn storage_quota(&self) -> u64 {
        self.acting.profile().quotas.max_storage_bytes
    }
}

fn told_bytes(bytes: usize) -> Verdict {
    Verdict { bytes: bytes as u64, ..Verdict::ALLOWED }
}

impl Host for State {
    async fn kv_get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, ErrorCode>> {
        let told = |value: &Option<Vec<u8>>| told_bytes(value.as_ref().map_or(0, Vec::len));
        self.effect_told(Touch::of(&ops::kv::KV_GET).on(&key), told, |state| Ok(state.keys().get(&key)?))
            .await
    }

    async fn kv_set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), ErrorCode>> {
        self.effect(Touch::of(&ops::kv::KV_SET).on(&key).moving(&value), |state| {
            Ok(state.keys().set(&key, &value, state.storage_quota())?)
        })
        .await
    }

    async fn kv_delete(&mut self, key: String) -> wasmtime::Result<Result<(), ErrorCode>> {
        self.effect(Touch::of(&ops::kv::KV_DELETE).on(&key), |state| Ok(state.keys().delete(&key)?)).await
    }

    async fn kv_list_keys(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, ErrorCode>> {
        self.effect(Touch::of(&ops::kv::KV_LIST_KEYS).on(&prefix), |state| Ok(state.keys().list(&prefix)?))
            .await
    }

    async fn kv_list_keys_page(
        &mut self,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<KeyPage, ErrorCode>> {
        self.effect(Touch::of(&ops::kv::KV_LIST_KEYS_PAGE).on(&prefix), |state| {
            let page = state.keys().page(&prefix, cursor.as_deref(), limit)?;
            Ok(KeyPage { keys: page.keys, next_cursor: page.next })
        })
        .await
    }

    async fn kv_clear_prefix(&mut self, prefix: String) -> wasmtime::Result<Result<u64, ErrorCode>> {
        self.effect(Touch::of(&ops::kv::KV_CLEAR_PREFIX).on(&prefix), |state| {
            Ok(state.keys().clear_prefix(&prefix)?)
        })
        .await
    }

    async fn kv_cas(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> wasmtime::Result<Result<(), ErrorCode>> {
        self.effect(Touch::of(&ops::kv::KV_CAS).on(&key).moving(&new), |state| {
            Ok(state.keys().cas(&key, expected.as_deref(), &new, state.storage_quota())?)
        })
        .await
    }
}
