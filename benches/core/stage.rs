//! Hosts and guests to measure.

use std::path::Path;

use astrid_host::{Capsule, Host, HostBuilder, HostOptions, Principal};
use serde_json::Value;
use tempfile::TempDir;

/// An open host on a home of its own, which goes with it.
pub struct Stage {
    /// The host.
    pub host: Host,
    /// Its home, which goes with it.
    _home: TempDir,
}

/// A guest's bytes and their BLAKE3.
pub struct Guest {
    /// The component.
    pub bytes: Vec<u8>,
    /// Its hash, as hex.
    pub hash: String,
}

/// The guest the build has made under this name.
pub fn guest(name: &str) -> Guest {
    let index = std::fs::read(env!("GUESTS_INDEX")).expect("the build has made the guests");
    let index: Value = serde_json::from_slice(&index).expect("the index is JSON");
    let entry = &index[name];
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(entry["path"].as_str().expect("the guest is in the index"));
    let hash = entry["hash"].as_str().expect("the guest has a hash").to_owned();
    Guest { bytes: std::fs::read(path).expect("the guest can be read"), hash }
}

impl Stage {
    /// Opens a host whose quotas do not end what is measured.
    pub async fn open() -> Self {
        Self::open_with(HostOptions::default()).await
    }

    /// As [`Self::open`], with these options.
    pub async fn open_with(options: HostOptions) -> Self {
        Self::build(|home| Host::builder(home), options).await
    }

    /// As [`Self::open_with`], by a builder of the caller's.
    pub async fn build(builder: impl FnOnce(&Path) -> HostBuilder, mut options: HostOptions) -> Self {
        options.quotas.set("max_cpu_fuel_per_sec", u64::MAX).expect("a legal quota");
        options.quotas.set("max_in_flight_calls", 64).expect("a legal quota");
        options.quotas.set("max_ipc_throughput_bytes", u64::MAX).expect("a legal quota");
        let home = tempfile::tempdir().expect("a folder");
        let host = builder(home.path()).options(options).open().await.expect("a host");
        Self { host, _home: home }
    }

    /// Loads a guest under this id with these further lines of its manifest.
    pub async fn load(&self, guest: &Guest, id: &str, lines: &str) -> Capsule {
        self.load_for("default", guest, id, lines).await
    }

    /// As [`Self::load`], for this owner.
    pub async fn load_for(&self, owner: &str, guest: &Guest, id: &str, lines: &str) -> Capsule {
        let owner = Principal::parse(owner).expect("a principal");
        let manifest = format!(
            "[package]\nname = \"{id}\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n{lines}"
        );
        self.host
            .load_component(guest.bytes.clone(), &manifest, &guest.hash)
            .principal(owner)
            .await
            .expect("the guest loads")
    }

    /// Closes the host.
    pub async fn close(self) {
        self.host.close().await.expect("the host closes");
    }
}
