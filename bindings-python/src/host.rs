//! An open host.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use astrid_host::audit::{Filter, Outcome};
use astrid_host::{Error, ErrorKind, Principal};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};

use crate::bridge::Bridge;
use crate::call::Call;
use crate::capsule::Capsule;
use crate::failure::raise;
use crate::messages::Messages;
use crate::options;
use crate::record::{fields, named, record, serialised};
use crate::reply::callback;

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

#[pymethods]
impl Host {
    #[staticmethod]
    fn open(
        py: Python<'_>,
        home: PathBuf,
        workspace: Option<PathBuf>,
        callbacks: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let kinds: Vec<String> = callbacks.call_method0("kinds")?.extract()?;
        let bridge = Bridge::new(callbacks.clone().unbind())?;
        let mut builder = astrid_host::Host::builder(home).options(options::read(options)?);
        if let Some(workspace) = workspace {
            builder = builder.workspace(workspace);
        }
        for kind in &kinds {
            builder = match kind.as_str() {
                "elicit" => builder.on_elicit(callback(&bridge)),
                "approval" => builder.on_approval(callback(&bridge)),
                _ => builder.on_uplink(callback(&bridge)),
            };
        }
        let host = py.detach(|| builder.open_blocking()).map_err(|error| raise(py, &error))?;
        Ok(Self { host, bridge })
    }

    fn install(
        &self,
        py: Python<'_>,
        path: PathBuf,
        principal: Option<&str>,
        attenuate: Option<Vec<String>>,
    ) -> PyResult<Call> {
        let mut install = self.host.install(path);
        if let Some(name) = principal {
            install = install.principal(self::principal(py, name)?);
        }
        if let Some(capabilities) = attenuate {
            install = install.attenuate(capabilities);
        }
        Ok(self.call(async move { install.await }, |py, done| {
            let record = record!(
                py,
                "Installed",
                id = done.id,
                version = done.version,
                hash = done.hash,
                upgraded_from = done.upgraded_from,
                warnings = done.warnings,
            )?;
            Ok(record.unbind())
        }))
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
        Ok(self.blocking(work, |py, ()| Ok(py.None())))
    }

    fn publish(
        &self,
        py: Python<'_>,
        topic: String,
        payload: Vec<u8>,
        principal: Option<&str>,
    ) -> PyResult<Call> {
        let mut publish = self.host.publish(topic, payload);
        if let Some(name) = principal {
            publish = publish.principal(self::principal(py, name)?);
        }
        Ok(self.call(async move { publish.await }, |py, outcome| {
            let record = record!(
                py,
                "Outcome",
                delivered = outcome.delivered,
                handlers = outcome.handlers,
                decision = outcome.decision,
                data = outcome.data,
                reason = outcome.reason,
            )?;
            Ok(record.unbind())
        }))
    }

    fn subscribe(&self, py: Python<'_>, pattern: &str) -> PyResult<Messages> {
        let messages = self.host.subscribe(pattern).map_err(|error| raise(py, &error))?;
        Ok(Messages::new(messages, self.host.clone(), Arc::clone(&self.bridge)))
    }

    fn usage(&self, py: Python<'_>, principal: &str) -> PyResult<Call> {
        let principal = self::principal(py, principal)?;
        Ok(self.blocking(
            move |host| host.usage(&principal),
            |py, usage| Ok(serialised(py, "Usage", &usage)?.unbind()),
        ))
    }

    fn audit_entries(
        &self,
        principal: Option<String>,
        capsule: Option<String>,
        operation: Option<String>,
        outcome: Option<&str>,
        since: u64,
        limit: Option<usize>,
    ) -> PyResult<Call> {
        let outcome = outcome.map(outcome_named).transpose()?;
        let filter = Filter { principal, capsule, operation, outcome, since_seq: since, limit };
        Ok(self.blocking(
            move |host| host.audit().entries(&filter),
            |py, entries| {
                let list = PyList::empty(py);
                for entry in &entries {
                    list.append(serialised(py, "AuditEntry", entry)?)?;
                }
                Ok(list.into_any().unbind())
            },
        ))
    }

    fn audit_verify(&self) -> Call {
        self.blocking(
            |host| host.audit().verify(),
            |py, verification| {
                let findings = PyList::empty(py);
                for finding in &verification.findings {
                    findings.append(serialised(py, "Finding", finding)?)?;
                }
                let fields = fields(py, &verification)?;
                fields.set_item("findings", findings)?;
                Ok(named(py, "Verification", &fields)?.unbind())
            },
        )
    }

    fn audit_export(&self, path: PathBuf) -> Call {
        let export = move |host: astrid_host::Host| {
            let file = File::create(&path).map_err(|cause| {
                let message = format!("`{}` cannot be written", path.display());
                Error::new(ErrorKind::InvalidArgument, message).caused_by(cause)
            })?;
            host.audit().export(&mut BufWriter::new(file)).map(drop)
        };
        self.blocking(export, |py, ()| Ok(py.None()))
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
        self.call(async move { host.close().await }, |py, ()| Ok(py.None()))
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

fn outcome_named(name: &str) -> PyResult<Outcome> {
    [Outcome::Allowed, Outcome::Denied, Outcome::Failed, Outcome::Cancelled]
        .into_iter()
        .find(|outcome| outcome.name() == name)
        .ok_or_else(|| {
            PyValueError::new_err(format!("outcome must be allowed, denied, failed or cancelled, not {name}"))
        })
}
