//! The two versions of `astrid:process/host`, word for word the same but for the files that 1.1.0 injects.

use wasmtime::component::Resource;

use super::super::state::State;
use super::handle::ProcessHandle;
use super::persistent::Chunk;
use super::{Finished, Killed, Logs, ProcessError};
use crate::process::{Entry, Exit, Injection, Limits, Overflow, Placement, Request, Signal};

/// Implements one version; `$files` reads the injected files of its request.
macro_rules! version {
    ($name:ident, $package:ident, $files:expr) => {
        mod $name {
            use super::*;
            use crate::abi::bindings::astrid::$package::host::*;
            use crate::abi::ops::$name as ops;
            use crate::abi::pollable::Pollable;

            type Answer<T> = wasmtime::Result<Result<T, ErrorCode>>;

            impl From<ProcessError> for ErrorCode {
                fn from(error: ProcessError) -> Self {
                    match error {
                        ProcessError::Denied => Self::CapabilityDenied,
                        ProcessError::Invalid => Self::InvalidInput,
                        ProcessError::Escape => Self::BoundaryEscape,
                        ProcessError::Quota => Self::Quota,
                        ProcessError::TooLarge => Self::TooLarge,
                        ProcessError::Closed => Self::Closed,
                        ProcessError::Cancelled => Self::Cancelled,
                        ProcessError::Timeout => Self::WaitTimeout,
                        ProcessError::Unknown => Self::NoSuchProcess,
                        ProcessError::Full => Self::RegistryFull,
                        ProcessError::Unsupported => Self::PersistUnsupported,
                        ProcessError::Fault(text) => Self::Unknown(text.to_owned()),
                    }
                }
            }

            impl From<SpawnRequest> for Request {
                fn from(mut asked: SpawnRequest) -> Self {
                    let files: fn(&mut SpawnRequest) -> Vec<Injection> = $files;
                    let injections = files(&mut asked);
                    Self {
                        command: asked.cmd,
                        args: asked.args,
                        stdin: asked.stdin,
                        env: asked.env.into_iter().map(|own| (own.key, own.value)).collect(),
                        cwd: asked.cwd,
                        limits: asked.limits.map_or_else(Limits::default, |own| Limits {
                            memory_bytes: own.max_memory_bytes,
                            cpu_secs: own.max_cpu_secs,
                            pids: own.max_pids,
                            open_files: own.max_open_files,
                        }),
                        injections,
                        label: asked.label,
                        keep_stdin_open: asked.keep_stdin_open.unwrap_or(false),
                        overflow: match asked.overflow {
                            None | Some(OverflowPolicy::DropOldest) => Overflow::DropOldest,
                            Some(OverflowPolicy::Backpressure) => Overflow::Backpressure,
                        },
                        ring_bytes: asked.log_ring_bytes,
                        max_lifetime_ms: asked.max_lifetime_ms,
                        idle_timeout_ms: asked.idle_timeout_ms,
                        exit_retention_ms: asked.exit_retention_ms,
                    }
                }
            }

            impl From<ProcessSignal> for Signal {
                fn from(signal: ProcessSignal) -> Self {
                    match signal {
                        ProcessSignal::Term => Self::Term,
                        ProcessSignal::Hup => Self::Hup,
                        ProcessSignal::Usr1 => Self::Usr1,
                        ProcessSignal::Usr2 => Self::Usr2,
                        ProcessSignal::Int => Self::Int,
                        ProcessSignal::Stop => Self::Stop,
                        ProcessSignal::Cont => Self::Cont,
                    }
                }
            }

            impl From<Exit> for ExitInfo {
                fn from(exit: Exit) -> Self {
                    Self { exit_code: exit.code, signal: exit.signal }
                }
            }

            impl From<Finished> for ProcessResult {
                fn from(done: Finished) -> Self {
                    Self { stdout: done.stdout, stderr: done.stderr, exit: done.exit.into() }
                }
            }

            impl From<Logs> for ReadLogsResult {
                fn from(logs: Logs) -> Self {
                    let (running, exit) = (logs.exit.is_none(), logs.exit.map(Into::into));
                    Self { stdout: logs.stdout, stderr: logs.stderr, running, exit }
                }
            }

            impl From<Killed> for KillResult {
                fn from(killed: Killed) -> Self {
                    let Killed { by_this: killed, stdout, stderr, exit } = killed;
                    Self { killed, exit: Some(exit.into()), stdout, stderr }
                }
            }

            impl From<Chunk> for LogChunk {
                fn from(chunk: Chunk) -> Self {
                    Self {
                        data: chunk.part.data,
                        next: LogCursor { token: Some(chunk.next) },
                        bytes_dropped: chunk.part.dropped,
                        drained_eof: chunk.part.at_end,
                    }
                }
            }

            fn info(entry: &Entry) -> ProcessInfo {
                let child = &entry.child;
                let (exit, used) = (child.exit(), child.used());
                let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                ProcessInfo {
                    id: entry.id.clone(),
                    label: entry.terms.label.clone(),
                    command: entry.terms.command.clone(),
                    os_pid: child.os_pid(),
                    phase: if exit.is_some() { ProcessPhase::Exited } else { ProcessPhase::Running },
                    exit: exit.map(Into::into),
                    age_ms: millis(child.started.elapsed()),
                    idle_ms: millis(entry.idle()),
                    buffered_bytes: child.stdout.buffered() + child.stderr.buffered(),
                    bytes_dropped: child.stdout.dropped() + child.stderr.dropped(),
                    stdin_open: exit.is_none() && child.input.is_open(),
                    cpu_ms: used.cpu_ms,
                    mem_bytes_peak: used.memory_peak,
                }
            }

            impl Host for State {
                async fn spawn(&mut self, request: SpawnRequest) -> Answer<ProcessResult> {
                    let done = self.spawn_whole(&ops::SPAWN, request.into()).await?;
                    Ok(done.map(Into::into).map_err(Into::into))
                }

                async fn spawn_background(
                    &mut self,
                    request: SpawnRequest,
                ) -> Answer<Resource<ProcessHandle>> {
                    match self.spawn_held(&ops::SPAWN_BACKGROUND, request.into()).await? {
                        Ok(handle) => Ok(Ok(self.table.push(handle)?)),
                        Err(error) => Ok(Err(error.into())),
                    }
                }

                async fn spawn_persistent(&mut self, request: SpawnRequest) -> Answer<String> {
                    Ok(self.spawn_kept(&ops::SPAWN_PERSISTENT, request.into()).await?.map_err(Into::into))
                }

                async fn attach(&mut self, id: String) -> Answer<Resource<ProcessHandle>> {
                    match self.attach_process(&ops::ATTACH, &id).await? {
                        Ok(handle) => Ok(Ok(self.table.push(handle)?)),
                        Err(error) => Ok(Err(error.into())),
                    }
                }

                async fn list_processes(&mut self, filter: Option<String>) -> Answer<Vec<ProcessInfo>> {
                    let listed = self.list_kept(&ops::LIST_PROCESSES, filter).await?;
                    Ok(listed.map(|own| own.iter().map(|one| info(one)).collect()).map_err(Into::into))
                }

                async fn status(&mut self, id: String) -> Answer<ProcessInfo> {
                    let found = self.kept_status(&ops::STATUS, &id).await?;
                    Ok(found.map(|entry| info(&entry)).map_err(Into::into))
                }

                async fn status_many(&mut self, ids: Vec<String>) -> Answer<Vec<ProcessInfo>> {
                    let found = self.kept_statuses(&ops::STATUS_MANY, ids).await?;
                    Ok(found.map(|own| own.iter().map(|one| info(one)).collect()).map_err(Into::into))
                }

                async fn read_logs(&mut self, id: String) -> Answer<ReadLogsResult> {
                    Ok(self.kept_logs(&ops::READ_LOGS, &id).await?.map(Into::into).map_err(Into::into))
                }

                async fn read_since(
                    &mut self,
                    id: String,
                    which_stream: LogStream,
                    cursor: LogCursor,
                    max_bytes: u32,
                ) -> Answer<LogChunk> {
                    let stderr = matches!(which_stream, LogStream::Stderr);
                    let chunk =
                        self.kept_since(&ops::READ_SINCE, &id, stderr, cursor.token, max_bytes).await?;
                    Ok(chunk.map(Into::into).map_err(Into::into))
                }

                async fn write_stdin(&mut self, id: String, data: Vec<u8>) -> Answer<u32> {
                    Ok(self.kept_write(&ops::WRITE_STDIN, &id, data).await?.map_err(Into::into))
                }

                async fn close_stdin(&mut self, id: String) -> Answer<()> {
                    Ok(self.kept_close_stdin(&ops::CLOSE_STDIN, &id).await?.map_err(Into::into))
                }

                async fn signal(&mut self, id: String, sig: ProcessSignal) -> Answer<()> {
                    Ok(self.kept_signal(&ops::SIGNAL, &id, sig.into()).await?.map_err(Into::into))
                }

                async fn wait(&mut self, id: String, timeout_ms: u64) -> Answer<ExitInfo> {
                    let exit = self.kept_wait(&ops::WAIT, &id, timeout_ms).await?;
                    Ok(exit.map(Into::into).map_err(Into::into))
                }

                async fn stop(&mut self, id: String, grace_ms: Option<u64>) -> Answer<ExitInfo> {
                    let exit = self.kept_stop(&ops::STOP, &id, grace_ms).await?;
                    Ok(exit.map(Into::into).map_err(Into::into))
                }

                async fn release_process(&mut self, id: String) -> Answer<()> {
                    Ok(self.kept_release(&ops::RELEASE_PROCESS, &id).await?.map_err(Into::into))
                }

                async fn watch(&mut self, id: String, suffix: Option<String>) -> Answer<()> {
                    Ok(self.kept_watch(&ops::WATCH, &id, suffix).await?.map_err(Into::into))
                }

                async fn unwatch(&mut self, id: String) -> Answer<()> {
                    Ok(self.kept_unwatch(&ops::UNWATCH, &id).await?.map_err(Into::into))
                }
            }

            impl HostProcessHandle for State {
                async fn read_logs(&mut self, this: Resource<ProcessHandle>) -> Answer<ReadLogsResult> {
                    let logs = self.handle_logs(&ops::PROCESS_HANDLE_READ_LOGS, &this).await?;
                    Ok(logs.map(Into::into).map_err(Into::into))
                }

                async fn write_stdin(&mut self, this: Resource<ProcessHandle>, data: Vec<u8>) -> Answer<u32> {
                    let written = self.handle_write(&ops::PROCESS_HANDLE_WRITE_STDIN, &this, data).await?;
                    Ok(written.map_err(Into::into))
                }

                async fn close_stdin(&mut self, this: Resource<ProcessHandle>) -> Answer<()> {
                    let closed = self.handle_close_stdin(&ops::PROCESS_HANDLE_CLOSE_STDIN, &this).await?;
                    Ok(closed.map_err(Into::into))
                }

                async fn signal(&mut self, this: Resource<ProcessHandle>, sig: ProcessSignal) -> Answer<()> {
                    let sent = self.handle_signal(&ops::PROCESS_HANDLE_SIGNAL, &this, sig.into()).await?;
                    Ok(sent.map_err(Into::into))
                }

                async fn kill(&mut self, this: Resource<ProcessHandle>) -> Answer<KillResult> {
                    let killed = self.handle_kill(&ops::PROCESS_HANDLE_KILL, &this).await?;
                    Ok(killed.map(Into::into).map_err(Into::into))
                }

                async fn wait(
                    &mut self,
                    this: Resource<ProcessHandle>,
                    timeout_ms: Option<u64>,
                ) -> Answer<ExitInfo> {
                    let exit = self.handle_wait(&ops::PROCESS_HANDLE_WAIT, &this, timeout_ms).await?;
                    Ok(exit.map(Into::into).map_err(Into::into))
                }

                async fn wait_with_output(
                    &mut self,
                    this: Resource<ProcessHandle>,
                    timeout_ms: Option<u64>,
                ) -> Answer<ProcessResult> {
                    let op = &ops::PROCESS_HANDLE_WAIT_WITH_OUTPUT;
                    let done = self.handle_finish(op, &this, timeout_ms).await?;
                    Ok(done.map(Into::into).map_err(Into::into))
                }

                async fn os_pid(&mut self, this: Resource<ProcessHandle>) -> Answer<u32> {
                    Ok(self.handle_os_pid(&ops::PROCESS_HANDLE_OS_PID, &this).await?.map_err(Into::into))
                }

                async fn subscribe_exit(
                    &mut self,
                    this: Resource<ProcessHandle>,
                ) -> wasmtime::Result<Resource<Pollable>> {
                    self.handle_pollable(&ops::PROCESS_HANDLE_SUBSCRIBE_EXIT, &this, false)
                }

                async fn subscribe_logs(
                    &mut self,
                    this: Resource<ProcessHandle>,
                ) -> wasmtime::Result<Resource<Pollable>> {
                    self.handle_pollable(&ops::PROCESS_HANDLE_SUBSCRIBE_LOGS, &this, true)
                }

                async fn drop(&mut self, this: Resource<ProcessHandle>) -> wasmtime::Result<()> {
                    self.drop_process(this)
                }
            }
        }
    };
}

version!(process, process1_0_0, |_| Vec::new());
version!(process_1_1, process1_1_0, |asked| {
    let files = std::mem::take(&mut asked.file_injections).into_iter();
    files
        .map(|file| Injection {
            content: file.content,
            placement: match file.placement {
                InjectionPlacement::EnvPointer(name) => Placement::Variable(name),
                InjectionPlacement::FixedPath(path) => Placement::Path(path),
            },
        })
        .collect()
});
