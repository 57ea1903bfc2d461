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

    /// Changes the capsule's keys. The change has its entry and is in the operating system's hands; where the embedding
    /// program wants it on the disk before it is acknowledged, the guest waits for that, and no thread does.
    async fn change<T: Send>(
        &mut self,
        touch: Touch<'_>,
        work: impl FnOnce(&Namespace, u64) -> Result<T, KvError>,
    ) -> wasmtime::Result<Result<T, ErrorCode>> {
        let quota = self.acting.profile().quotas.max_storage_bytes;
        let changed = self.effect(touch, |state| Ok(work(&state.keys(), quota)?)).await?;
        let settled = self.capsule.host.store.settled();
        Ok(match changed {
            Ok(changed) => settled.await.map(|()| changed).map_err(|error| KvError::from(error).into()),
            Err(arm) => Err(arm),
        })
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
        let touch = Touch::of(&ops::kv::KV_SET).on(&key).moving(&value);
        self.change(touch, |keys, quota| keys.set(&key, &value, quota)).await
    }

    async fn kv_delete(&mut self, key: String) -> wasmtime::Result<Result<(), ErrorCode>> {
        self.change(Touch::of(&ops::kv::KV_DELETE).on(&key), |keys, _| keys.delete(&key)).await
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
        let touch = Touch::of(&ops::kv::KV_CLEAR_PREFIX).on(&prefix);
        self.change(touch, |keys, _| keys.clear_prefix(&prefix)).await
    }

    async fn kv_cas(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> wasmtime::Result<Result<(), ErrorCode>> {
        let touch = Touch::of(&ops::kv::KV_CAS).on(&key).moving(&new);
        self.change(touch, |keys, quota| keys.cas(&key, expected.as_deref(), &new, quota)).await
    }
}
