//! `fs.<function>` and `fs.file-handle.<function>`: paths, and open files.

use serde_json::{Value, json};

use crate::answer::{Answer, arms, fault};
use crate::args::Args;
use crate::bindings::astrid::fs::host::{self, Datetime, ErrorCode, FileStat, FileType, OpenMode};
use crate::control::unknown;
use crate::script::Call;
use crate::stage::{Resource, Stage};
use crate::value;

pub fn call(function: &str, call: &Call, stage: &mut Stage) -> Answer {
    let args = call.args();
    if let Some(method) = function.strip_prefix("file-handle.") {
        return handle(method, call, stage);
    }
    if function == "fs-open" {
        let opened = host::fs_open(args.text("path")?, mode(&args)?).map_err(arm)?;
        return Ok(stage.keep_resource(call.name(), Resource::File(opened)));
    }
    look(function, &args).unwrap_or_else(|| change(function, &args))
}

fn look(function: &str, args: &Args<'_>) -> Option<Answer> {
    let path = match args.text("path") {
        Ok(path) => path,
        Err(_) => return None,
    };
    Some(match function {
        "fs-exists" => host::fs_exists(path).map(Value::from).map_err(arm),
        "fs-stat" => host::fs_stat(path).map(stat).map_err(arm),
        "fs-stat-symlink" => host::fs_stat_symlink(path).map(stat).map_err(arm),
        "fs-canonicalize" => host::fs_canonicalize(path).map(Value::from).map_err(arm),
        "fs-read-link" => host::fs_read_link(path).map(Value::from).map_err(arm),
        "fs-readdir" => host::fs_readdir(path).map(Value::from).map_err(arm),
        "read-file" => host::read_file(path).map(|bytes| value::from_bytes(&bytes)).map_err(arm),
        _ => return None,
    })
}

fn change(function: &str, args: &Args<'_>) -> Answer {
    let done = |result: Result<(), ErrorCode>| result.map(|()| Value::Null).map_err(arm);
    match function {
        "write-file" => done(host::write_file(args.text("path")?, &args.bytes("content")?)),
        "fs-append" => done(host::fs_append(args.text("path")?, &args.bytes("content")?)),
        "fs-copy" => done(host::fs_copy(args.text("src")?, args.text("dst")?)),
        "fs-rename" => done(host::fs_rename(args.text("src")?, args.text("dst")?)),
        "fs-hard-link" => done(host::fs_hard_link(args.text("src")?, args.text("link-path")?)),
        "fs-unlink" => done(host::fs_unlink(args.text("path")?)),
        "fs-mkdir" => done(host::fs_mkdir(args.text("path")?)),
        "fs-mkdir-all" => done(host::fs_mkdir_all(args.text("path")?)),
        "fs-remove-dir-all" => host::fs_remove_dir_all(args.text("path")?).map(Value::from).map_err(arm),
        other => Err(unknown(&format!("fs.{other}"))),
    }
}

fn handle(method: &str, call: &Call, stage: &Stage) -> Answer {
    let (args, file) = (call.args(), stage.file(call.receiver())?);
    let done = |result: Result<(), ErrorCode>| result.map(|()| Value::Null).map_err(arm);
    match method {
        "read-at" => {
            let read = file.read_at(args.number("offset")?, args.small_number("max-bytes")?);
            read.map(|bytes| value::from_bytes(&bytes)).map_err(arm)
        }
        "write-at" => {
            let written = file.write_at(args.number("offset")?, &args.bytes("data")?);
            written.map(Value::from).map_err(arm)
        }
        "sync-data" => done(file.sync_data()),
        "sync-all" => done(file.sync_all()),
        "stat" => file.stat().map(stat).map_err(arm),
        "set-len" => done(file.set_len(args.number("size")?)),
        other => Err(unknown(&format!("fs.file-handle.{other}"))),
    }
}

fn mode(args: &Args<'_>) -> Result<OpenMode, crate::answer::Miss> {
    match args.text("mode")? {
        "read" => Ok(OpenMode::Read),
        "write" => Ok(OpenMode::Write),
        "append" => Ok(OpenMode::Append),
        "read-write" => Ok(OpenMode::ReadWrite),
        other => Err(fault(format!("there is no open mode {other}"))),
    }
}

fn stat(stat: FileStat) -> Value {
    let kind = match stat.kind {
        FileType::TypeUnknown => "type-unknown",
        FileType::Regular => "regular",
        FileType::Directory => "directory",
        FileType::Symlink => "symlink",
        FileType::BlockDevice => "block-device",
        FileType::CharacterDevice => "character-device",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
    };
    let moment = |at: Datetime| json!({ "seconds": at.seconds, "nanoseconds": at.nanoseconds });
    json!({
        "size": stat.size, "kind": kind, "mode": stat.mode, "modified": stat.modified.map(moment),
        "created": stat.created.map(moment), "accessed": stat.accessed.map(moment),
    })
}

arms!(ErrorCode {
    NotFound => "not-found",
    Access => "access",
    CapabilityDenied => "capability-denied",
    BoundaryEscape => "boundary-escape",
    InvalidPath => "invalid-path",
    WouldBlock => "would-block",
    IsDirectory => "is-directory",
    NotDirectory => "not-directory",
    NotEmpty => "not-empty",
    TooLarge => "too-large",
    Quota => "quota",
    CrossVfs => "cross-vfs",
    AlreadyExists => "already-exists",
    Closed => "closed",
});
