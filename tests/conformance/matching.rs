//! Whether a result is what a scenario expects. The rules stand in `tests/scenarios/FORMAT.md`.

use serde_json::{Map, Value};

/// Compares, and says where and why the result is another one.
pub fn check(expected: &Value, actual: &Value) -> Result<(), String> {
    at("result", expected, actual)
}

fn at(path: &str, expected: &Value, actual: &Value) -> Result<(), String> {
    match expected {
        Value::Object(fields) => match operator(fields) {
            Some((name, operand)) => by_operator(path, name, operand, actual),
            None => fields.iter().try_for_each(|(key, wanted)| member(path, key, wanted, actual)),
        },
        Value::Array(items) => {
            let Some(found) = actual.as_array().filter(|found| found.len() == items.len()) else {
                return Err(format!("{path} should have {} items: {actual}", items.len()));
            };
            let mut pairs = items.iter().zip(found).enumerate();
            pairs.try_for_each(|(n, (wanted, found))| at(&format!("{path}[{n}]"), wanted, found))
        }
        Value::Number(_) if expected.as_f64().is_some() && expected.as_f64() == actual.as_f64() => Ok(()),
        same if same == actual => Ok(()),
        other => Err(format!("{path} should be {other}: {actual}")),
    }
}

fn member(path: &str, key: &str, wanted: &Value, actual: &Value) -> Result<(), String> {
    let absent = wanted.as_object().and_then(operator).is_some_and(|(name, _)| name == "$absent");
    match actual.get(key) {
        Some(found) => at(&format!("{path}.{key}"), wanted, found),
        None if absent => Ok(()),
        None => Err(format!("{path} should have `{key}`: {actual}")),
    }
}

/// The one key of an object, if it is an operator.
fn operator(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, operand) = fields.iter().next()?;
    (fields.len() == 1 && name.starts_with('$')).then_some((name, operand))
}

fn by_operator(path: &str, name: &str, operand: &Value, actual: &Value) -> Result<(), String> {
    let holds = match name {
        "$any" => true,
        "$absent" => actual.is_null(),
        "$not" => !matches(operand, actual),
        "$gte" => ordered(operand, actual, |wanted, found| found >= wanted),
        "$lte" => ordered(operand, actual, |wanted, found| found <= wanted),
        "$contains" => texts(operand, actual).is_some_and(|(part, whole)| whole.contains(part)),
        "$parsed" => {
            let parsed = actual.as_str().and_then(|text| serde_json::from_str(text).ok());
            parsed.is_some_and(|parsed: Value| matches(operand, &parsed))
        }
        "$length" => {
            actual.as_array().map(Vec::len) == operand.as_u64().and_then(|n| usize::try_from(n).ok())
        }
        "$has" => both(operand, actual).is_some_and(|(wanted, found)| in_order(wanted, found)),
        "$some" => both(operand, actual).is_some_and(|(wanted, found)| {
            wanted.iter().all(|wanted| found.iter().any(|found| matches(wanted, found)))
        }),
        "$none" => both(operand, actual).is_some_and(|(unwanted, found)| {
            unwanted.iter().all(|unwanted| !found.iter().any(|found| matches(unwanted, found)))
        }),
        other => return Err(format!("{path}: there is no matcher `{other}`")),
    };
    if holds { Ok(()) } else { Err(format!("{path} should match {name} {operand}: {actual}")) }
}

fn matches(expected: &Value, actual: &Value) -> bool {
    check(expected, actual).is_ok()
}

fn in_order(wanted: &[Value], found: &[Value]) -> bool {
    let mut rest = found.iter();
    wanted.iter().all(|wanted| rest.any(|found| matches(wanted, found)))
}

fn ordered(wanted: &Value, found: &Value, holds: fn(f64, f64) -> bool) -> bool {
    wanted.as_f64().zip(found.as_f64()).is_some_and(|(wanted, found)| holds(wanted, found))
}

fn texts<'a>(part: &'a Value, whole: &'a Value) -> Option<(&'a str, &'a str)> {
    part.as_str().zip(whole.as_str())
}

fn both<'a>(wanted: &'a Value, found: &'a Value) -> Option<(&'a [Value], &'a [Value])> {
    wanted.as_array().map(Vec::as_slice).zip(found.as_array().map(Vec::as_slice))
}
