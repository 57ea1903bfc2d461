//! Playing a script: one call after another, the control operations, and what becomes of the results.

use serde_json::{Value, json};

use crate::answer::{Answer, Miss, fault, written};
use crate::bindings::astrid::ipc::host::publish;
use crate::bindings::astrid::kv::host::kv_set;
use crate::script::{Call, Script, configured};
use crate::stage::Stage;
use crate::{approval, elicit, fs, give_up, http, identity, ipc, kv, memory, net, poll, process, streams, sys, uplink, value};

/// An action and its data, as the hook returns them.
type Reply = (String, Option<String>);

/// How the calls of a script ended: with one result each, or with a `return` that cuts the script short.
enum Ending {
    Results(Vec<Value>),
    Return(Reply),
}

/// Plays a script to its end and says what the hook answers.
pub fn perform(script: &Script, stage: &mut Stage) -> Reply {
    if script.keeps() {
        stage.keep();
    }
    let results = match play(script.calls(), stage) {
        Ending::Results(results) => Value::Array(results).to_string(),
        Ending::Return(reply) => return reply,
    };
    hand_on(script, &results);
    match script.reply() {
        Some(asked) => {
            let (action, data) = reply(asked, stage);
            (action, data.or(Some(results)))
        }
        None => ("continue".to_owned(), Some(results)),
    }
}

/// Plays the script of a setting (`run`, `install`, `upgrade`); returns at once when there is none.
pub fn perform_configured(key: &str) {
    if let Some(script) = configured(key) {
        perform(&script, &mut Stage::enter());
    }
}

/// Publishes or stores the results where the script asks for it; a refusal is a trap, since nobody else would hear of it.
fn hand_on(script: &Script, results: &str) {
    if let Some(topic) = script.text("publish")
        && publish(topic, results).is_err()
    {
        give_up("the results could not be published");
    }
    if let Some(key) = script.text("store")
        && kv_set(key, results.as_bytes()).is_err()
    {
        give_up("the results could not be stored");
    }
}

fn reply(asked: &Value, stage: &Stage) -> Reply {
    let action = asked.get("action").and_then(Value::as_str).unwrap_or("continue").to_owned();
    let data = match asked.get("data").map(|data| value::resolve(data, stage)) {
        None | Some(Ok(Value::Null)) => None,
        Some(Ok(Value::String(text))) => Some(text),
        Some(Ok(other)) => Some(other.to_string()),
        Some(Err(Miss::Fault(sentence))) => give_up(&sentence),
        Some(Err(Miss::Arm(arm, _))) => give_up(arm),
    };
    (action, data)
}

fn play(calls: &[Value], stage: &mut Stage) -> Ending {
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        match Call::parse(call, stage) {
            Err(miss) => results.push(written("?", Err(miss))),
            Ok(call) => match make(&call, stage) {
                Made::Result(result) => results.push(result),
                Made::Return(reply) => return Ending::Return(reply),
            },
        }
    }
    Ending::Results(results)
}

/// What one call of the list came to.
enum Made {
    Result(Value),
    Return(Reply),
}

fn make(call: &Call, stage: &mut Stage) -> Made {
    match call.op.as_str() {
        "return" => Made::Return(reply(&call.args().whole(), stage)),
        "repeat" => repeat(call, stage),
        "until" => until(call, stage),
        op => {
            let answer = ask(call, stage);
            if let (Some(name), Ok(value)) = (call.name(), &answer) {
                stage.keep_value(name, value.clone());
            }
            Made::Result(written(op, answer))
        }
    }
}

fn ask(call: &Call, stage: &mut Stage) -> Answer {
    match call.op.as_str() {
        "drop" => {
            let name = call.receiver().ok_or_else(|| fault("drop needs `on`"))?;
            stage.drop_resource(name).map(|()| Value::Null)
        }
        "note" => Ok(call.args().whole()),
        "spin" => memory::spin(),
        "grow" => memory::grow(&call.args()),
        "fill" => memory::fill(&call.args()),
        "search" => memory::search(&call.args()),
        "trap" => memory::trap(),
        op if op.starts_with(http::NEWER) => http::newer::call(&op[http::NEWER.len()..], call, stage),
        op if op.starts_with(process::NEWER) => {
            process::newer::call(&op[process::NEWER.len()..], call, stage)
        }
        op => match op.split_once('.') {
            Some(("sys", function)) => sys::call(function, &call.args()),
            Some(("kv", function)) => kv::call(function, &call.args()),
            Some(("ipc", function)) => ipc::call(function, call, stage),
            Some(("fs", function)) => fs::call(function, call, stage),
            Some(("io", function)) if function.contains("stream.") => streams::call(function, call, stage),
            Some(("io", function)) => poll::call(function, call, stage),
            Some(("http", function)) => http::older::call(function, call, stage),
            Some(("process", function)) => process::older::call(function, call, stage),
            Some(("request-context", function)) => net::behind(function, call, stage),
            Some(("net", function)) => net::call(function, call, stage),
            Some(("elicit", function)) => elicit::call(function, &call.args()),
            Some(("approval", function)) => approval::call(function, &call.args()),
            Some(("uplink", function)) => uplink::call(function, &call.args()),
            Some(("identity", function)) => identity::call(function, &call.args()),
            _ => Err(unknown(op)),
        },
    }
}

/// The fault of a script that names an operation nobody knows.
pub fn unknown(op: &str) -> Miss {
    fault(format!("no operation is called {op}"))
}

/// `repeat {times, calls, index?, last?}`: an array with one array of results for each round; with `last` only the
/// results of the last round, in an array of their own.
fn repeat(call: &Call, stage: &mut Stage) -> Made {
    let args = call.args();
    let (times, calls) = match (args.number("times"), args.calls()) {
        (Ok(times), Ok(calls)) => (times, calls),
        (Err(miss), _) | (_, Err(miss)) => return Made::Result(written("repeat", Err(miss))),
    };
    let marker = marker(call);
    let mut rounds = Vec::new();
    for round in 0..times {
        if args.flag("last") {
            rounds.clear();
        }
        match play(&numbered(calls, &marker, round), stage) {
            Ending::Results(results) => rounds.push(Value::Array(results)),
            Ending::Return(reply) => return Made::Return(reply),
        }
    }
    Made::Result(Value::Array(rounds))
}

/// `until {arm, calls, most, index?}`: plays the calls until one of them answers with that arm (or `ok`).
/// Says `{"met", "rounds", "last"}`: whether that happened, how many rounds were played, and the results of the last.
fn until(call: &Call, stage: &mut Stage) -> Made {
    let args = call.args();
    let (arm, most, calls) = match (args.text("arm"), args.number("most"), args.calls()) {
        (Ok(arm), Ok(most), Ok(calls)) => (arm, most, calls),
        (Err(miss), ..) | (_, Err(miss), _) | (.., Err(miss)) => {
            return Made::Result(written("until", Err(miss)));
        }
    };
    let marker = marker(call);
    let mut met = false;
    let mut rounds = 0;
    let mut last = Vec::new();
    while !met && rounds < most {
        match play(&numbered(calls, &marker, rounds), stage) {
            Ending::Results(results) => last = results,
            Ending::Return(reply) => return Made::Return(reply),
        }
        rounds += 1;
        met = last.iter().any(|result| answered(result, arm));
    }
    Made::Result(written("until", Ok(json!({ "met": met, "rounds": rounds, "last": last }))))
}

fn answered(result: &Value, arm: &str) -> bool {
    match arm {
        "ok" => result.get("ok").is_some(),
        arm => result.get("err").and_then(Value::as_str) == Some(arm),
    }
}

/// `{i}`, or another letter where rounds are nested.
fn marker(call: &Call) -> String {
    format!("{{{}}}", call.args().text("index").unwrap_or("i"))
}

fn numbered(calls: &[Value], marker: &str, round: u64) -> Vec<Value> {
    calls.iter().map(|call| value::numbered(call, marker, round)).collect()
}
