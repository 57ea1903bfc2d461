//! Installing and loading, as requests that can be narrowed before they are awaited.

use std::future::IntoFuture;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use super::{Capsule, Host, Rooms};
use crate::capsule::{self, Installed, Loading, Package, Routes, Slot, parse_hash};
use crate::error::{Error, ErrorKind, Result};
use crate::people::BoxFuture;
use crate::principal::Principal;

/// An installation about to happen; await it.
#[derive(Debug)]
#[must_use = "nothing is installed until the request is awaited"]
pub struct Install {
    host: Host,
    path: PathBuf,
    loading: Loading,
    hash: Option<String>,
    accept_new_capabilities: bool,
}

impl Install {
    pub(super) fn new(host: Host, path: PathBuf) -> Self {
        Self { host, path, loading: unnarrowed(), hash: None, accept_new_capabilities: false }
    }

    /// For whom the hook runs; `default` when nobody is named.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.loading.principal = principal;
        self
    }

    /// Keeps only these capabilities of those the manifest asks for, now and at every load.
    pub fn attenuate(mut self, capabilities: Vec<String>) -> Self {
        self.loading.attenuate = Some(capabilities);
        self
    }

    /// Demands that the package has this BLAKE3, 64 lower-case hex digits; otherwise installing is a `hash_mismatch`.
    pub fn hash(mut self, hash_hex: impl Into<String>) -> Self {
        self.hash = Some(hash_hex.into());
        self
    }

    /// Accepts that an upgrade asks for more capabilities than were accepted before; otherwise it is a
    /// `capability_denied` that names them. A first installation accepts what the manifest asks for.
    pub fn accept_new_capabilities(mut self, accept: bool) -> Self {
        self.accept_new_capabilities = accept;
        self
    }
}

impl IntoFuture for Install {
    type Output = Result<Installed>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let rooms = self.host.rooms()?;
            let demanded = self.hash.as_deref().map(parse_hash).transpose()?;
            let package = self.host.read_package(&rooms, &self.path).await?;
            if let Some(hash) = demanded {
                package.demand(&hash)?;
            }
            let id = package.id().to_owned();
            let loaded = || self.host.0.capsules.lock().get(&*id).cloned();
            if loaded().is_some() && !self.host.0.allow_missing_imports {
                self.host.exported().satisfy(&package.manifest)?;
            }
            let (path, accept) = (absolute(self.path), self.accept_new_capabilities);
            let Rooms { context, engine, .. } = &rooms;
            capsule::install(context, engine, package, self.loading, path, &loaded, accept).await
        })
    }
}

/// A load about to happen; await it.
#[derive(Debug)]
#[must_use = "nothing is loaded until the request is awaited"]
pub struct Load {
    host: Host,
    source: Source,
    loading: Loading,
}

#[derive(Debug)]
enum Source {
    Path(PathBuf),
    Read(PathBuf, Box<Package>),
    Memory { component: Vec<u8>, manifest: String, hash: String },
}

impl Load {
    pub(super) fn from_path(host: Host, path: PathBuf) -> Self {
        Self { host, source: Source::Path(path), loading: unnarrowed() }
    }

    pub(super) fn of_package(host: Host, path: PathBuf, package: Package) -> Self {
        Self { host, source: Source::Read(path, Box::new(package)), loading: unnarrowed() }
    }

    pub(super) fn from_memory(host: Host, component: Vec<u8>, manifest: String, hash: String) -> Self {
        Self { host, source: Source::Memory { component, manifest, hash }, loading: unnarrowed() }
    }

    /// The owner; `default` when nobody is named.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.loading.principal = principal;
        self
    }

    /// Keeps only these capabilities of those the manifest asks for.
    pub fn attenuate(mut self, capabilities: Vec<String>) -> Self {
        self.loading.attenuate = Some(capabilities);
        self
    }

    /// Lets the run loop serve every principal instead of its owner alone.
    pub fn shared(mut self, shared: bool) -> Self {
        self.loading.shared = shared;
        self
    }
}

impl IntoFuture for Load {
    type Output = Result<Capsule>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let host = self.host;
            let rooms = host.rooms()?;
            let (package, path) = match self.source {
                Source::Path(path) => (host.read_package(&rooms, &path).await?, Some(absolute(path))),
                Source::Read(path, package) => (*package, Some(absolute(path))),
                Source::Memory { component, manifest, hash } => {
                    let hash = parse_hash(&hash)?;
                    (Package::from_memory(&manifest, component, hash, &host.0.parse)?, None)
                }
            };
            host.refuse_second(package.id())?;
            if !host.0.allow_missing_imports {
                host.exported().satisfy(&package.manifest)?;
            }
            let asked = self.loading.clone();
            let loaded = capsule::load(&rooms.context, &rooms.engine, package, self.loading).await?;
            let routes: Weak<dyn Routes> =
                Arc::downgrade(&(Arc::clone(&rooms.dispatcher) as Arc<dyn Routes>));
            let slot = Slot::new(&loaded, asked, path, host.0.terms.clone(), routes);
            // Another load of the same id may have won meanwhile; the later one gives way.
            let entered = host.enter(&slot);
            let capsule = Capsule::new(host, slot);
            let begun = entered.and_then(|()| loaded.still_stands()).and_then(|()| capsule.begin());
            if let Err(error) = begun {
                // Why it was not loaded is what matters, also where its end cannot be recorded.
                drop(capsule.end().await);
                return Err(error);
            }
            Ok(capsule)
        })
    }
}

impl Host {
    fn refuse_second(&self, id: &str) -> Result<()> {
        if self.0.capsules.lock().contains_key(id) {
            return Err(already(id));
        }
        Ok(())
    }

    fn enter(&self, slot: &Arc<Slot>) -> Result<()> {
        let mut capsules = self.0.capsules.lock();
        if capsules.contains_key(slot.id()) {
            return Err(already(slot.id()));
        }
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, "the host was closed while the capsule was loaded"));
        }
        capsules.insert(Arc::clone(slot.id()), Arc::clone(slot));
        Ok(())
    }
}

/// So that the place is found again, whatever the program's own folder is by then.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn already(id: &str) -> Error {
    Error::new(ErrorKind::AlreadyLoaded, format!("a capsule `{id}` is loaded already"))
}

fn unnarrowed() -> Loading {
    Loading { principal: Principal::default(), attenuate: None, shared: false }
}
