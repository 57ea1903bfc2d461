//! The native half of `Host`: packages, and the capsules made of them.

use astrid_host::Result;
use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;

use crate::capsule::NativeCapsule;
use crate::host::NativeHost;
use crate::letter::Value;
use crate::options::{self, Installing, Loading};
use crate::{changes, failure, payload, shapes};

#[napi]
impl NativeHost {
    /// Looks at a package without running anything.
    #[napi]
    pub fn inspect(&self, call: u32, path: String) {
        self.begin(call, move |host| async move {
            Ok(shapes::settled(&shapes::shape(&host.inspect(path).await?)?))
        });
    }

    /// Finds the capsules in folders.
    #[napi]
    pub fn discover(&self, call: u32, folders: Vec<String>) {
        self.begin(call, move |host| async move {
            Ok(shapes::settled(&shapes::discovery(&host.discover(&folders).await?)?))
        });
    }

    /// Installs a capsule; `options` is JSON, see [`Installing`].
    #[napi]
    pub fn install(&self, call: u32, path: String, options: String) {
        self.begin(call, move |host| async move {
            let install = options::read::<Installing>(&options)?.apply(host.install(path))?;
            Ok(shapes::settled(&shapes::installed(&install.await?)))
        });
    }

    /// Loads an installed capsule; `options` is JSON, see [`Loading`].
    #[napi]
    pub fn load(&self, call: u32, path: String, options: String) {
        self.begin(call, move |host| async move {
            Ok(Value::Capsule(options::read::<Loading>(&options)?.apply(host.load(path))?.await?))
        });
    }

    /// Loads every capsule of a folder in the order of their dependencies.
    #[napi]
    pub fn load_all(&self, call: u32, folder: String) {
        self.begin(call, move |host| async move { Ok(Value::Capsules(host.load_all(folder).await?)) });
    }

    /// Loads a capsule from memory.
    #[napi]
    pub fn load_component(
        &self,
        call: u32,
        bytes: Uint8Array,
        manifest: String,
        hash: String,
        options: String,
    ) {
        let bytes = bytes.to_vec();
        self.begin(call, move |host| async move {
            let load = host.load_component(bytes, &manifest, &hash);
            Ok(Value::Capsule(options::read::<Loading>(&options)?.apply(load)?.await?))
        });
    }

    /// Replaces what runs of a capsule by what lies where it came from.
    #[napi]
    pub fn reload(&self, call: u32, id: String) {
        self.begin(call, move |host| async move { Ok(Value::Capsule(host.reload(&id).await?)) });
    }

    /// Removes a capsule for good.
    #[napi]
    pub fn uninstall(&self, call: u32, id: String) {
        self.begin(call, move |host| async move {
            host.uninstall(&id).await?;
            Ok(Value::Done)
        });
    }

    /// Watches the folders of capsules.
    #[napi]
    pub fn watch(&self, call: u32, folder: String, reload: bool) {
        let calls = std::sync::Arc::clone(&self.calls);
        self.begin(call, move |host| async move {
            changes::begin(host.watch(folder).reload(reload), host.handle()?, calls).await
        });
    }

    /// Sets a field of a capsule's `[env]`, for everybody or for one principal.
    #[napi]
    pub fn configure(
        &self,
        call: u32,
        capsule: String,
        principal: Option<String>,
        key: String,
        value: String,
    ) {
        self.begin_blocking(call, move |host| {
            match payload::principal(principal)? {
                Some(principal) => host.configure_for(&capsule, &principal, &key, &value)?,
                None => host.configure(&capsule, &key, &value)?,
            }
            Ok(Value::Done)
        });
    }

    /// The capsules that are loaded.
    #[napi]
    pub fn capsules(&self) -> Vec<NativeCapsule> {
        let Ok(host) = self.opened() else { return Vec::new() };
        host.capsules().into_iter().map(|capsule| self.handle(capsule)).collect()
    }

    /// The loaded capsule of this id; a text is the failure.
    #[napi]
    pub fn capsule(&self, id: String) -> Either<NativeCapsule, String> {
        let found: Result<_> = self.opened().and_then(|host| host.capsule(&id));
        match found {
            Ok(capsule) => Either::A(self.handle(capsule)),
            Err(error) => Either::B(failure::text(&error)),
        }
    }
}
