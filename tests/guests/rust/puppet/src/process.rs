//! `process.<function>` of version 1.0.0, and `process@1.1.0.<function>`.

/// How the operations of the newer version begin.
pub const NEWER: &str = "process@1.1.0.";

/// One version; `$files` reads the injected files where it has some.
macro_rules! version {
    ($name:ident, $package:ident, $kind:ident, $getter:ident, { $($files:ident)? }) => {
        pub mod $name {
            use serde_json::{Value, json};

            use crate::answer::{Answer, Miss, arms, fault};
            use crate::args::Args;
            use crate::bindings::astrid::$package::host::{self, *};
            use crate::control::unknown;
            use crate::script::Call;
            use crate::stage::{Resource, Stage};
            use crate::value;

            arms!(ErrorCode {
                CapabilityDenied => "capability-denied",
                InvalidInput => "invalid-input",
                BoundaryEscape => "boundary-escape",
                Quota => "quota",
                TooLarge => "too-large",
                Closed => "closed",
                Cancelled => "cancelled",
                WaitTimeout => "wait-timeout",
                NoSuchProcess => "no-such-process",
                RegistryFull => "registry-full",
                PersistUnsupported => "persist-unsupported",
            });

            fn request(args: &Args<'_>) -> Result<SpawnRequest, Miss> {
                let args = args.record("request");
                let small = |args: &Args<'_>, name: &str| -> Result<Option<u32>, Miss> {
                    Ok(args.optional_number(name)?.and_then(|n| u32::try_from(n).ok()))
                };
                let limits = match args.optional_record("limits") {
                    Some(limits) => Some(ResourceLimits {
                        max_memory_bytes: limits.optional_number("max-memory-bytes")?,
                        max_cpu_secs: limits.optional_number("max-cpu-secs")?,
                        max_pids: small(&limits, "max-pids")?,
                        max_open_files: small(&limits, "max-open-files")?,
                    }),
                    None => None,
                };
                let overflow = match args.optional_text("overflow")? {
                    None => None,
                    Some("drop-oldest") => Some(OverflowPolicy::DropOldest),
                    Some("backpressure") => Some(OverflowPolicy::Backpressure),
                    Some(_) => return Err(fault("overflow is drop-oldest or backpressure")),
                };
                Ok(SpawnRequest {
                    cmd: args.text("cmd")?.to_owned(),
                    args: args.optional_texts("args")?.unwrap_or_default(),
                    stdin: args.optional_bytes("stdin")?,
                    env: args.pairs("env")?.into_iter().map(|(key, value)| EnvVar { key, value }).collect(),
                    cwd: args.optional_text("cwd")?.map(str::to_owned),
                    limits,
                    $($files: injections(&args)?,)?
                    label: args.optional_text("label")?.map(str::to_owned),
                    keep_stdin_open: args.optional_flag("keep-stdin-open"),
                    overflow,
                    log_ring_bytes: small(&args, "log-ring-bytes")?,
                    max_lifetime_ms: args.optional_number("max-lifetime-ms")?,
                    idle_timeout_ms: args.optional_number("idle-timeout-ms")?,
                    exit_retention_ms: args.optional_number("exit-retention-ms")?,
                })
            }

            /// `env` and `files` hold pairs: a variable or a path, and the content.
            $(fn injections(args: &Args<'_>) -> Result<Vec<FileInjection>, Miss> {
                let $files = args.pairs("files")?.into_iter().map(|(place, content)| FileInjection {
                    content: content.into_bytes(),
                    placement: match place.strip_prefix("env:") {
                        Some(name) => InjectionPlacement::EnvPointer(name.to_owned()),
                        None => InjectionPlacement::FixedPath(place),
                    },
                });
                Ok($files.collect())
            })?

            fn signal(args: &Args<'_>) -> Result<ProcessSignal, Miss> {
                Ok(match args.text("sig")? {
                    "term" => ProcessSignal::Term,
                    "hup" => ProcessSignal::Hup,
                    "usr1" => ProcessSignal::Usr1,
                    "usr2" => ProcessSignal::Usr2,
                    "int" => ProcessSignal::Int,
                    "stop" => ProcessSignal::Stop,
                    "cont" => ProcessSignal::Cont,
                    _ => return Err(fault("no signal is called so")),
                })
            }

            fn exit(exit: &ExitInfo) -> Value {
                json!({ "exit-code": exit.exit_code, "signal": exit.signal })
            }

            fn finished(done: ProcessResult) -> Value {
                json!({ "stdout": done.stdout, "stderr": done.stderr, "exit": exit(&done.exit) })
            }

            fn logs(logs: ReadLogsResult) -> Value {
                json!({
                    "stdout": logs.stdout, "stderr": logs.stderr, "running": logs.running,
                    "exit": logs.exit.as_ref().map(exit),
                })
            }

            fn info(info: ProcessInfo) -> Value {
                let phase = match info.phase {
                    ProcessPhase::Starting => "starting",
                    ProcessPhase::Running => "running",
                    ProcessPhase::Exited => "exited",
                };
                json!({
                    "id": info.id, "label": info.label, "command": info.command, "has-pid": info.os_pid.is_some(),
                    "phase": phase, "exit": info.exit.as_ref().map(exit), "buffered-bytes": info.buffered_bytes,
                    "bytes-dropped": info.bytes_dropped, "stdin-open": info.stdin_open,
                })
            }

            fn held(started: Result<ProcessHandle, ErrorCode>, call: &Call, stage: &mut Stage) -> Answer {
                let handle = started.map_err(arm)?;
                Ok(stage.keep_resource(call.name(), Resource::$kind(handle)))
            }

            fn nothing(done: Result<(), ErrorCode>) -> Answer {
                done.map(|()| Value::Null).map_err(arm)
            }

            pub fn call(function: &str, call: &Call, stage: &mut Stage) -> Answer {
                if let Some(method) = function.strip_prefix("process-handle.") {
                    return of_handle(method, call, stage);
                }
                let args = call.args();
                let id = || args.text("id");
                match function {
                    "spawn" => host::spawn(&request(&args)?).map(finished).map_err(arm),
                    "spawn-background" => held(host::spawn_background(&request(&args)?), call, stage),
                    "spawn-persistent" => host::spawn_persistent(&request(&args)?).map(Value::from).map_err(arm),
                    "attach" => held(host::attach(id()?), call, stage),
                    "list-processes" => host::list_processes(args.optional_text("label-filter")?)
                        .map(|own| own.into_iter().map(info).collect())
                        .map_err(arm),
                    "status" => host::status(id()?).map(info).map_err(arm),
                    "status-many" => host::status_many(&args.texts("ids")?)
                        .map(|own| own.into_iter().map(info).collect())
                        .map_err(arm),
                    "read-logs" => host::read_logs(id()?).map(logs).map_err(arm),
                    "read-since" => {
                        let which = match args.text("which-stream")? {
                            "stderr" => LogStream::Stderr,
                            _ => LogStream::Stdout,
                        };
                        let token = args.optional_text("cursor")?.map(str::to_owned);
                        let most = args.small_number("max-bytes")?;
                        let chunk = host::read_since(id()?, which, &LogCursor { token }, most).map_err(arm)?;
                        Ok(json!({
                            "data": value::from_bytes(&chunk.data), "next": chunk.next.token,
                            "bytes-dropped": chunk.bytes_dropped, "drained-eof": chunk.drained_eof,
                        }))
                    }
                    "write-stdin" => host::write_stdin(id()?, &args.bytes("data")?).map(Value::from).map_err(arm),
                    "close-stdin" => nothing(host::close_stdin(id()?)),
                    "signal" => nothing(host::signal(id()?, signal(&args)?)),
                    "wait" => host::wait(id()?, args.number("timeout-ms")?).map(|own| exit(&own)).map_err(arm),
                    "stop" => {
                        host::stop(id()?, args.optional_number("grace-ms")?).map(|own| exit(&own)).map_err(arm)
                    }
                    "release-process" => nothing(host::release_process(id()?)),
                    "watch" => nothing(host::watch(id()?, args.optional_text("suffix")?)),
                    "unwatch" => nothing(host::unwatch(id()?)),
                    other => Err(unknown(other)),
                }
            }

            fn of_handle(method: &str, call: &Call, stage: &mut Stage) -> Answer {
                let handle = stage.$getter(call.receiver())?;
                let args = call.args();
                match method {
                    "read-logs" => handle.read_logs().map(logs).map_err(arm),
                    "write-stdin" => handle.write_stdin(&args.bytes("data")?).map(Value::from).map_err(arm),
                    "close-stdin" => nothing(handle.close_stdin()),
                    "signal" => nothing(handle.signal(signal(&args)?)),
                    "kill" => {
                        let killed = handle.kill().map_err(arm)?;
                        Ok(json!({
                            "killed": killed.killed, "exit": killed.exit.as_ref().map(exit),
                            "stdout": killed.stdout, "stderr": killed.stderr,
                        }))
                    }
                    "wait" => {
                        handle.wait(args.optional_number("timeout-ms")?).map(|own| exit(&own)).map_err(arm)
                    }
                    "wait-with-output" => {
                        handle.wait_with_output(args.optional_number("timeout-ms")?).map(finished).map_err(arm)
                    }
                    "os-pid" => handle.os_pid().map(|pid| (pid > 0).into()).map_err(arm),
                    "subscribe-exit" => {
                        let pollable = handle.subscribe_exit();
                        Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
                    }
                    "subscribe-logs" => {
                        let pollable = handle.subscribe_logs();
                        Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
                    }
                    other => Err(unknown(other)),
                }
            }
        }
    };
}

version!(older, process1_0_0, OlderProcess, older_process, {});
version!(newer, process1_1_0, Process, process, { file_injections });
