//! Hosts, guests and what a host counts.

use std::path::Path;

use astrid_host::{Capsule, Host, HostOptions, Principal};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// The engine belongs to the process, and so do its counters: one test at a time.
pub async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// The component of a guest.
pub fn guest(name: &str) -> Vec<u8> {
    let index: Value =
        serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
    let path = index[name]["path"].as_str().expect("a path");
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the component")
}

/// The same component with a section that means nothing: to the engine it is another.
pub fn variant(component: &[u8], n: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'n', n]].concat()
}

/// A host on this home with quotas that end nothing here.
pub async fn open(home: &Path) -> Host {
    open_with(home, HostOptions::default()).await
}

/// The same with these options.
pub async fn open_with(home: &Path, mut options: HostOptions) -> Host {
    options.quotas.set("max_in_flight_calls", 64).expect("a legal quota");
    options.quotas.set("max_cpu_fuel_per_sec", u64::MAX).expect("a legal quota");
    Host::builder(home).options(options).open().await.expect("a host")
}

/// Loads a component that may publish and hear `test.*`.
pub async fn load(
    host: &Host,
    id: &str,
    owner: &Principal,
    component: &[u8],
) -> astrid_host::Result<Capsule> {
    let manifest = format!(
        "[package]\nname = \"{id}\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n\
         [publish]\n\"test.*\" = \"opaque\"\n[subscribe]\n\"test.*\" = \"opaque\"\n"
    );
    let hash = blake3::hash(component).to_hex();
    host.load_component(component.to_vec(), &manifest, &hash).principal(owner.clone()).await
}

/// A principal.
pub fn principal(name: &str) -> Principal {
    Principal::parse(name).expect("a principal")
}

/// The number behind this sample in the host's metrics.
pub fn counted(host: &Host, sample: &str) -> u64 {
    let text = host.metrics().expect("metrics");
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.expect("the sample").parse().expect("a number")
}
