//! An open host.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use astrid_host::Principal;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use pyo3::{PyTraverseError, PyVisit};

use crate::bridge::Bridge;
use crate::call::Call;
use crate::capsule::Capsule;
use crate::changes::watching;
use crate::export::Export;
use crate::failure::raise;
use crate::filter::AuditFilter;
use crate::messages::Messages;
use crate::notices::{checkpoint_sink, log_sink};
use crate::record::{plain, serialised};
use crate::reply::callback;
use crate::{options, profile, shown};

/// The native side of `Host` and `AsyncHost`.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Host {
    host: astrid_host::Host,
    bridge: Arc<Bridge>,
}

impl Host {
    fn call<T: Send + 'static>(
        &self,
        work: impl Future<Output = astrid_host::Result<T>> + Send + 'static,
        show: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Call {
        Call::new(&self.host, &self.bridge, work, show)
    }

    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(astrid_host::Host) -> astrid_host::Result<T> + Send + 'static,
        show: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Call {
        let host = self.host.clone();
        Call::blocking(&self.host, &self.bridge, move || work(host), show)
    }

    /// How a loaded capsule is shown.
    fn shown(&self) -> impl Fn(Python<'_>, astrid_host::Capsule) -> PyResult<Py<PyAny>> + Send + 'static {
        let (host, bridge) = (self.host.clone(), Arc::clone(&self.bridge));
        move |py, capsule| {
            Ok(Py::new(py, Capsule::new(capsule, host.clone(), Arc::clone(&bridge)))?.into_any())
        }
    }

    fn load(
        &self,
        py: Python<'_>,
        mut load: astrid_host::Load,
        owner: Option<&str>,
        attenuate: Option<Vec<String>>,
        shared: bool,
    ) -> PyResult<Call> {
        if let Some(owner) = owner {
            load = load.principal(principal(py, owner)?);
        }
        if let Some(capabilities) = attenuate {
            load = load.attenuate(capabilities);
        }
        let load = load.shared(shared);
        Ok(self.call(async move { load.await }, self.shown()))
    }
}

impl Drop for Host {
    /// Before the core's host goes with it: what still waits to be told would need the interpreter, which waits here.
    fn drop(&mut self) {
        self.bridge.forget();
    }
}

#[pymethods]
impl Host {
    #[staticmethod]
    fn open(
        py: Python<'_>,
        home: PathBuf,
        workspace: Option<PathBuf>,
        workspace_mode: &str,
        callbacks: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let kinds: Vec<String> = callbacks.call_method0("kinds")?.extract()?;
        let bridge = Bridge::new(callbacks.clone().unbind())?;
        let mut builder = astrid_host::Host::builder(home).options(options::read(options)?);
        if let Some(workspace) = workspace {
            builder = builder.workspace(workspace);
        }
        builder = builder.workspace_mode(options::workspace_mode(workspace_mode)?);
        for kind in &kinds {
            builder = match kind.as_str() {
                "elicit" => builder.on_elicit(callback(&bridge)),
                "approval" => builder.on_approval(callback(&bridge)),
                "uplink" => builder.on_uplink(callback(&bridge)),
                "log" => builder.on_log(log_sink(&bridge)),
                _ => builder.on_checkpoint(checkpoint_sink(&bridge)),
            };
        }
        let host = py.detach(|| builder.open_blocking()).map_err(|error| raise(py, &error))?;
        Ok(Self { host, bridge })
    }

    fn inspect(&self, path: PathBuf) -> Call {
        let host = self.host.clone();
        self.call(async move { host.inspect(path).await }, shown::inspection)
    }

    fn discover(&self, folders: Vec<PathBuf>) -> Call {
        let host = self.host.clone();
        self.call(async move { host.discover(&folders).await }, shown::discovery)
    }

    fn install(
        &self,
        py: Python<'_>,
        path: PathBuf,
        principal: Option<&str>,
        attenuate: Option<Vec<String>>,
        hash: Option<&str>,
        accept_new_capabilities: bool,
    ) -> PyResult<Call> {
        let mut install = self.host.install(path);
        if let Some(name) = principal {
            install = install.principal(self::principal(py, name)?);
        }
        if let Some(capabilities) = attenuate {
            install = install.attenuate(capabilities);
        }
        if let Some(hash) = hash {
            install = install.hash(hash);
        }
        let install = install.accept_new_capabilities(accept_new_capabilities);
        Ok(self.call(async move { install.await }, shown::installed))
    }

    #[pyo3(name = "load")]
    fn load_path(
        &self,
        py: Python<'_>,
        path: PathBuf,
        principal: Option<&str>,
        attenuate: Option<Vec<String>>,
        shared: bool,
    ) -> PyResult<Call> {
        self.load(py, self.host.load(path), principal, attenuate, shared)
    }

    #[expect(clippy::too_many_arguments, reason = "the verb has these arguments in every language")]
    fn load_component(
        &self,
        py: Python<'_>,
        component: Vec<u8>,
        manifest: &str,
        hash: &str,
        principal: Option<&str>,
        attenuate: Option<Vec<String>>,
        shared: bool,
    ) -> PyResult<Call> {
        let load = self.host.load_component(component, manifest, hash);
        self.load(py, load, principal, attenuate, shared)
    }

    fn load_all(&self, folder: PathBuf) -> Call {
        let host = self.host.clone();
        let show = self.shown();
        self.call(async move { host.load_all(folder).await }, move |py, capsules| {
            let list = PyList::empty(py);
            for capsule in capsules {
                list.append(show(py, capsule)?)?;
            }
            Ok(list.into_any().unbind())
        })
    }

    fn reload(&self, id: String) -> Call {
        let host = self.host.clone();
        self.call(async move { host.reload(&id).await }, self.shown())
    }

    fn watch(&self, folder: PathBuf, reload: bool) -> Call {
        watching(&self.host, &self.bridge, self.host.watch(folder).reload(reload))
    }

    fn uninstall(&self, id: String) -> Call {
        let host = self.host.clone();
        self.call(async move { host.uninstall(&id).await }, shown::nothing)
    }

    fn configure(
        &self,
        py: Python<'_>,
        capsule: String,
        key: String,
        value: String,
        principal: Option<&str>,
    ) -> PyResult<Call> {
        let principal = principal.map(|name| self::principal(py, name)).transpose()?;
        let work = move |host: astrid_host::Host| match principal {
            Some(principal) => host.configure_for(&capsule, &principal, &key, &value),
            None => host.configure(&capsule, &key, &value),
        };
        Ok(self.blocking(work, shown::nothing))
    }

    fn publish(
        &self,
        py: Python<'_>,
        topic: String,
        payload: Vec<u8>,
        principal: Option<&str>,
        fan_out: Option<usize>,
    ) -> PyResult<Call> {
        let mut publish = self.host.publish(topic, payload);
        if let Some(name) = principal {
            publish = publish.principal(self::principal(py, name)?);
        }
        if let Some(most) = fan_out {
            publish = publish.fan_out(most);
        }
        Ok(self.call(async move { publish.await }, shown::outcome))
    }

    fn subscribe(&self, py: Python<'_>, pattern: &str) -> PyResult<Messages> {
        let messages = self.host.subscribe(pattern).map_err(|error| raise(py, &error))?;
        Ok(Messages::new(messages, self.host.clone(), Arc::clone(&self.bridge)))
    }

    fn profile(&self, py: Python<'_>, principal: &str) -> PyResult<Call> {
        let principal = self::principal(py, principal)?;
        Ok(self.blocking(
            move |host| host.profile(&principal)?.to_json(),
            |py, profile| Ok(plain(py, &profile)?.unbind()),
        ))
    }

    fn set_profile(&self, py: Python<'_>, principal: &str, profile: &Bound<'_, PyAny>) -> PyResult<Call> {
        let (principal, profile) = (self::principal(py, principal)?, profile::read(profile)?);
        Ok(self.blocking(move |host| host.set_profile(&principal, profile), shown::nothing))
    }

    fn principals(&self) -> Call {
        self.blocking(|host| host.principals(), |py, principals| Ok(plain(py, &principals)?.unbind()))
    }

    fn remove_principal(&self, py: Python<'_>, principal: &str) -> PyResult<Call> {
        let (host, principal) = (self.host.clone(), self::principal(py, principal)?);
        Ok(self.call(async move { host.remove_principal(&principal).await }, shown::nothing))
    }

    fn allowances(&self, py: Python<'_>, principal: &str) -> PyResult<Call> {
        let principal = self::principal(py, principal)?;
        Ok(self.blocking(
            move |host| host.allowances(&principal),
            |py, kept| shown::records(py, "Allowance", &kept),
        ))
    }

    fn revoke_allowance(&self, py: Python<'_>, principal: &str, id: String) -> PyResult<Call> {
        let principal = self::principal(py, principal)?;
        Ok(self.blocking(
            move |host| host.revoke_allowance(&principal, &id),
            |py, found| Ok(plain(py, &found)?.unbind()),
        ))
    }

    fn users(&self) -> Call {
        self.blocking(|host| host.users(), |py, users| shown::records(py, "User", &users))
    }

    fn create_user(
        &self,
        py: Python<'_>,
        display_name: Option<String>,
        principal: Option<&str>,
    ) -> PyResult<Call> {
        let principal = principal.map(|text| self::principal(py, text)).transpose()?;
        Ok(self.blocking(
            move |host| host.create_user(display_name.as_deref(), principal),
            |py, user| Ok(serialised(py, "User", &user)?.unbind()),
        ))
    }

    fn remove_user(&self, user: String) -> Call {
        self.blocking(move |host| host.remove_user(&user), |py, found| Ok(plain(py, &found)?.unbind()))
    }

    fn links(&self, user: String) -> Call {
        self.blocking(move |host| host.links(&user), |py, links| shown::records(py, "AccountLink", &links))
    }

    fn link_account(&self, user: String, platform: String, account: String, method: String) -> Call {
        self.blocking(move |host| host.link_account(&user, &platform, &account, &method), shown::nothing)
    }

    fn unlink_account(&self, platform: String, account: String) -> Call {
        self.blocking(move |host| host.unlink_account(&platform, &account), shown::nothing)
    }

    fn usage(&self, py: Python<'_>, principal: &str) -> PyResult<Call> {
        let principal = self::principal(py, principal)?;
        Ok(self.blocking(
            move |host| host.usage(&principal),
            |py, usage| Ok(serialised(py, "Usage", &usage)?.unbind()),
        ))
    }

    fn metrics(&self) -> Call {
        self.blocking(|host| host.metrics(), |py, text| Ok(PyString::new(py, &text).into_any().unbind()))
    }

    fn diagnose(&self) -> Call {
        let host = self.host.clone();
        let shown = |py: Python<'_>, found| Ok(serialised(py, "Diagnosis", &found)?.unbind());
        self.call(async move { host.diagnose().await }, shown)
    }

    fn backup(&self, target: PathBuf) -> Call {
        let backup = self.host.backup(target);
        self.call(async move { backup.await }, shown::nothing)
    }

    fn rotate_keys(&self, secret_key: &Bound<'_, PyAny>) -> PyResult<Call> {
        let mut rotate = self.host.rotate_keys();
        if let Some(key) = options::secret_key(secret_key)? {
            rotate = rotate.secret_key(key);
        }
        Ok(self.call(async move { rotate.await }, shown::nothing))
    }

    fn audit_entries(&self, filter: AuditFilter) -> Call {
        self.blocking(move |host| host.audit().entries(&filter.0), shown::entries)
    }

    fn audit_verify(&self) -> Call {
        self.blocking(|host| host.audit().verify(), |py, found| shown::verification(py, &found))
    }

    fn audit_checkpoint(&self) -> Call {
        self.blocking(
            |host| host.audit().checkpoint(),
            |py, checkpoint| Ok(serialised(py, "Checkpoint", &checkpoint)?.unbind()),
        )
    }

    fn audit_export(&self, py: Python<'_>, filter: AuditFilter) -> PyResult<Export> {
        Export::begin(&self.host, &self.bridge, filter.0).map_err(|error| raise(py, &error))
    }

    fn audit_public_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let key = self.host.audit().public_key().map_err(|error| raise(py, &error))?;
        Ok(PyBytes::new(py, &key))
    }

    fn capsules(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let show = self.shown();
        self.host.capsules().into_iter().map(|capsule| show(py, capsule)).collect()
    }

    fn capsule(&self, py: Python<'_>, id: &str) -> PyResult<Py<PyAny>> {
        let capsule = self.host.capsule(id).map_err(|error| raise(py, &error))?;
        self.shown()(py, capsule)
    }

    fn close(&self) -> Call {
        let host = self.host.clone();
        self.call(async move { host.close().await }, shown::nothing)
    }

    /// Ends the thread that carries answers to the interpreter; after `close`.
    fn stop(&self, py: Python<'_>) {
        self.bridge.stop(py);
    }

    #[getter]
    fn closed(&self) -> bool {
        self.host.is_closed()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.bridge.traverse(visit)
    }

    fn __clear__(&self) {
        self.bridge.forget();
    }
}

/// A principal by its name.
pub(crate) fn principal(py: Python<'_>, name: &str) -> PyResult<Principal> {
    Principal::parse(name).map_err(|error| raise(py, &error))
}

/// A span of time from Python's seconds.
pub(crate) fn seconds(name: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("{name} must be a number of seconds, not {seconds}")))
}
