//! `io.input-stream.<method>` and `io.output-stream.<method>`: streams of bytes.

use serde_json::Value;

use crate::answer::{Answer, Miss};
use crate::bindings::astrid::io::streams::StreamError;
use crate::control::unknown;
use crate::script::Call;
use crate::stage::{Resource, Stage};
use crate::value;

pub fn call(function: &str, call: &Call, stage: &mut Stage) -> Answer {
    match function.split_once('.') {
        Some(("input-stream", method)) => input(method, call, stage),
        Some(("output-stream", method)) => output(method, call, stage),
        _ => Err(unknown(function)),
    }
}

fn input(method: &str, call: &Call, stage: &mut Stage) -> Answer {
    let (args, stream) = (call.args(), stage.input(call.receiver())?);
    let bytes = |read: Result<Vec<u8>, StreamError>| read.map(|bytes| value::from_bytes(&bytes)).map_err(arm);
    let count = |skipped: Result<u64, StreamError>| skipped.map(Value::from).map_err(arm);
    match method {
        "read" => bytes(stream.read(args.number("len")?)),
        "blocking-read" => bytes(stream.blocking_read(args.number("len")?)),
        "skip" => count(stream.skip(args.number("len")?)),
        "blocking-skip" => count(stream.blocking_skip(args.number("len")?)),
        "subscribe" => {
            let pollable = stream.subscribe();
            Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
        }
        other => Err(unknown(other)),
    }
}

fn output(method: &str, call: &Call, stage: &mut Stage) -> Answer {
    let (args, stream) = (call.args(), stage.output(call.receiver())?);
    let done = |result: Result<(), StreamError>| result.map(|()| Value::Null).map_err(arm);
    let count = |moved: Result<u64, StreamError>| moved.map(Value::from).map_err(arm);
    match method {
        "check-write" => count(stream.check_write()),
        "write" => done(stream.write(&args.bytes("contents")?)),
        "blocking-write-and-flush" => done(stream.blocking_write_and_flush(&args.bytes("contents")?)),
        "flush" => done(stream.flush()),
        "blocking-flush" => done(stream.blocking_flush()),
        "write-zeroes" => done(stream.write_zeroes(args.number("len")?)),
        "blocking-write-zeroes-and-flush" => {
            done(stream.blocking_write_zeroes_and_flush(args.number("len")?))
        }
        "splice" => count(stream.splice(stage.input(Some(args.text("src")?))?, args.number("len")?)),
        "blocking-splice" => {
            count(stream.blocking_splice(stage.input(Some(args.text("src")?))?, args.number("len")?))
        }
        "subscribe" => {
            let pollable = stream.subscribe();
            Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
        }
        other => Err(unknown(other)),
    }
}

fn arm(error: StreamError) -> Miss {
    match error {
        StreamError::Closed => Miss::Arm("closed", None),
        StreamError::LastOperationFailed(error) => {
            Miss::Arm("last-operation-failed", Some(error.to_debug_string()))
        }
    }
}
