//! From what a guest asked for to what is started: the folder is looked at, the files are made.

use std::path::PathBuf;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::bubblewrap::INJECTED;
use super::options::Processes;
use super::plan::{Bind, Injected, Plan};
use super::request::{Placement, Request, Unfit, injection_path};
use crate::limits;

/// Why nothing can be started.
#[derive(Debug)]
pub enum Start {
    /// The request is none that can be carried out.
    Unfit(Unfit),
    /// The system failed.
    Failed,
}

impl From<Unfit> for Start {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl Request {
    /// What is started, in this workspace, once [`Request::check`] has passed.
    ///
    /// # Errors
    /// A folder that is not there, or lies outside; a failure of the system.
    pub fn plan(
        self,
        options: &Processes,
        workspace: Option<Bind>,
        host_network: bool,
    ) -> Result<Plan, Start> {
        let cwd = self.cwd()?;
        match &workspace {
            Some(bind) => below(bind, &cwd)?,
            None if self.cwd.is_some() => return Err(Unfit::Invalid.into()),
            None => {}
        }
        let mut env = self.env;
        let mut injections = Vec::new();
        for (n, injection) in self.injections.iter().enumerate() {
            let to = match &injection.placement {
                Placement::Path(path) => injection_path(options, path).ok_or(Unfit::Invalid)?,
                Placement::Variable(name) => {
                    let to = format!("{INJECTED}/{n}");
                    // What the host says comes after what the guest said.
                    env.retain(|(key, _)| key != name);
                    env.push((name.clone(), to.clone()));
                    PathBuf::from(to)
                }
            };
            injections.push(Injected::new(&injection.content, to).map_err(|_| Start::Failed)?);
        }
        Ok(Plan {
            command: self.command,
            args: self.args,
            env,
            workspace,
            cwd,
            injections,
            limits: self.limits.or(options.limits),
            stdin: self.stdin.unwrap_or_default(),
            keep_stdin_open: self.keep_stdin_open,
            ring_bytes: self.ring_bytes.map_or(limits::PROCESS_RING_BYTES, |bytes| bytes as usize),
            overflow: self.overflow,
            host_network,
        })
    }
}

/// Whether there is such a folder below the workspace, whatever links lead to it.
fn below(workspace: &Bind, cwd: &std::path::Path) -> Result<(), Start> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, &workspace.from, flags, Mode::empty()).map_err(|_| Start::Failed)?;
    if cwd.as_os_str().is_empty() {
        return Ok(());
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match openat2(&root, cwd, flags, Mode::empty(), resolve) {
        Ok(_) => Ok(()),
        Err(Errno::XDEV) => Err(Unfit::Escape.into()),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::ACCESS) => {
            Err(Unfit::Invalid.into())
        }
        Err(_) => Err(Start::Failed),
    }
}
