//! The capsules of the stress: the puppet under twenty names, in folders whose versions move on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use astrid_host::{Host, Result};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::named;

/// One capsule on disk.
struct Package {
    id: String,
    folder: PathBuf,
    version: AtomicU64,
    /// Held by whoever changes the capsule; calls do not take it.
    changing: Mutex<()>,
}

/// All capsules.
pub struct Capsules(Vec<Package>);

impl Capsules {
    /// Writes so many capsules below `folder`.
    pub fn write(folder: &Path, count: usize) -> Self {
        let index: Value =
            serde_json::from_slice(&std::fs::read(env!("GUESTS_INDEX")).expect("an index")).expect("JSON");
        let puppet =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(index["puppet"]["path"].as_str().expect("a path"));
        let packages = (0..count).map(|n| {
            let id = format!("c{n}");
            let folder = folder.join(&id);
            std::fs::create_dir(&folder).expect("a folder");
            std::fs::copy(&puppet, folder.join("guest.wasm")).expect("the component");
            let package = Package { id, folder, version: AtomicU64::new(0), changing: Mutex::default() };
            package.next();
            package
        });
        Self(packages.collect())
    }

    /// The id of the n-th.
    pub fn id(&self, n: usize) -> &str {
        &self.0[n].id
    }

    /// Installs and loads all.
    pub async fn install_all(&self, host: &Host) {
        for package in &self.0 {
            host.install(&package.folder).await.expect("installed");
            host.load(&package.folder).await.expect("loaded");
        }
    }

    /// Does everything once, so that what is made only once is there.
    pub async fn warm(&self, host: &Host) {
        self.upgrade(host, 0).await.expect("upgraded");
        self.reload(host, 0).await.expect("reloaded");
        self.away_and_back(host, 0).await.expect("loaded again");
        let capsule = host.capsule(self.id(0)).expect("loaded");
        capsule.trigger("script", r#"{"calls":[]}"#).principal(named(0)).await.expect("called");
    }

    /// Installs the next version over the running one.
    pub async fn upgrade(&self, host: &Host, n: usize) -> Result<()> {
        let package = &self.0[n];
        let Ok(_mine) = package.changing.try_lock() else { return Ok(()) };
        package.next();
        host.install(&package.folder).await.map(drop)
    }

    /// Reloads what is installed.
    pub async fn reload(&self, host: &Host, n: usize) -> Result<()> {
        let package = &self.0[n];
        let Ok(_mine) = package.changing.try_lock() else { return Ok(()) };
        host.reload(&package.id).await.map(drop)
    }

    /// Unloads a capsule and loads it again.
    pub async fn away_and_back(&self, host: &Host, n: usize) -> Result<()> {
        let package = &self.0[n];
        let Ok(_mine) = package.changing.try_lock() else { return Ok(()) };
        host.capsule(&package.id)?.unload().await?;
        host.load(&package.folder).await.map(drop)
    }
}

impl Package {
    fn next(&self) {
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        let text = format!(
            "[package]\nname = \"{}\"\nversion = \"1.0.{version}\"\n\n[[component]]\nfile = \"guest.wasm\"\n\n\
             [publish]\n\"stress.*\" = \"opaque\"\n\n[subscribe]\n\"stress.*\" = \"opaque\"\n",
            self.id
        );
        std::fs::write(self.folder.join("Capsule.toml"), text).expect("the manifest");
    }
}
