//! Plays one scenario: sets it up, takes its steps, and compares what comes back.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::coverage::Coverage;
use crate::matching;
use crate::package::Guests;
use crate::steps::{Failed, World};
use crate::workspace;

/// How long a scenario may take unless it says otherwise.
const DEADLINE_MS: u64 = 30_000;
/// How long a step that is repeated rests before it looks again.
const LOOK: Duration = Duration::from_millis(10);

/// A scenario as its file says.
pub struct Scenario {
    /// Its area and name, `kv/quota`.
    pub name: String,
    whole: Value,
}

impl Scenario {
    /// Reads every scenario below a folder whose name contains the text.
    pub fn read_all(folder: &Path, wanted: &str) -> Result<Vec<Self>, String> {
        let mut files = Vec::new();
        find(folder, &mut files)?;
        files.sort();
        let named = files.into_iter().filter_map(|path| {
            let name = path.strip_prefix(folder).ok()?.with_extension("");
            let name = name.to_string_lossy().replace('\\', "/");
            name.contains(wanted).then_some((name, path))
        });
        let read = |(name, path): (String, PathBuf)| {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
            let whole = serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
            Ok(Self { name, whole })
        };
        named.map(read).collect()
    }

    /// Plays it in a folder of its own; the first step that goes wrong ends it.
    pub async fn play(&self, guests: &Guests, coverage: &mut Coverage) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        for (key, capsule) in self.whole["capsules"].as_object().into_iter().flatten() {
            guests.write(&folder.path().join(key), key, capsule)?;
        }
        if self.whole["home"] == "file" {
            std::fs::write(folder.path().join("home"), "not a folder").map_err(|error| error.to_string())?;
        }
        workspace::make(&self.whole, folder.path())?;
        let mut world = World::new(&self.whole, folder.path(), guests);
        let deadline = Duration::from_millis(self.whole["timeout_ms"].as_u64().unwrap_or(DEADLINE_MS));
        let played = tokio::time::timeout(deadline, self.steps(&mut world, coverage)).await;
        let ended = tokio::time::timeout(deadline, world.end()).await;
        match (played, ended) {
            (Ok(Ok(())), Ok(())) => Ok(()),
            (Ok(Err(failure)), _) => Err(failure),
            (Err(_), _) => Err(format!("not done after {deadline:?}, in {}", world.doing())),
            (_, Err(_)) => Err(format!("not closed after {deadline:?}")),
        }
    }

    async fn steps(&self, world: &mut World<'_>, coverage: &mut Coverage) -> Result<(), String> {
        if self.whole["open"] != false {
            let opened = world.take(&json!({ "do": "open" })).await;
            opened.map_err(|failed| format!("opening: {failed}"))?;
        }
        for (n, step) in self.whole["steps"].as_array().into_iter().flatten().enumerate() {
            let result = take(world, step).await;
            let result = result.map_err(|failure| format!("step {} ({}): {failure}", n + 1, step["do"]))?;
            coverage.see(step, &result);
        }
        Ok(())
    }
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let unread = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

/// Takes a step, again and again where it may take a while, and gives its result if it is what was expected.
async fn take(world: &mut World<'_>, step: &Value) -> Result<Value, String> {
    let until = step["within_ms"].as_u64().map(|within| Instant::now() + Duration::from_millis(within));
    loop {
        let judged = judge(step, world.take(step).await);
        if judged.is_ok() || until.is_none_or(|until| Instant::now() >= until) {
            return judged;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn judge(step: &Value, result: Result<Value, Failed>) -> Result<Value, String> {
    match (step.get("expect_error"), result) {
        (None, Ok(result)) => {
            step.get("expect").map_or(Ok(()), |expected| matching::check(expected, &result))?;
            Ok(result)
        }
        (None, Err(failed)) => Err(failed.to_string()),
        (Some(expected), Ok(result)) => Err(format!("should fail with {expected}: {result}")),
        (Some(expected), Err(failed)) => right_failure(expected, &failed).map(|()| Value::Null),
    }
}

fn right_failure(expected: &Value, failed: &Failed) -> Result<(), String> {
    let Failed::Host(error) = failed else { return Err(failed.to_string()) };
    let cause = error.cause().map(ToString::to_string);
    let told = [
        ("contains", Some(error.to_string())),
        ("cause_contains", cause),
        ("backtrace_contains", error.guest_backtrace().map(str::to_owned)),
    ];
    let holds = |(field, text): &(&str, Option<String>)| match expected[*field].as_str() {
        Some(part) => text.as_ref().is_some_and(|text| text.contains(part)),
        None => true,
    };
    let right = expected["kind"] == error.kind().code() && told.iter().all(holds);
    if right { Ok(()) } else { Err(format!("should fail with {expected}: {error:?}")) }
}
