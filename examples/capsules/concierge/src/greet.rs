//! `greet`: a greeting in the chosen tone, and how many there have been.

use crate::bindings::astrid::kv::host::{ErrorCode, kv_cas, kv_get};

/// Greets the principal who calls and counts the greeting. All of it lies in that principal's own part of the store.
pub fn greet() -> Result<String, String> {
    let name = kept("name").unwrap_or_else(|| "friend".to_owned());
    let count = count_one_more()?;
    Ok(match kept("tone").as_deref() {
        Some("formal") => format!("Good day, {name}. This is greeting number {count}."),
        Some("terse") => format!("{name}. {count}."),
        _ => format!("Hello {name}! That makes {count}."),
    })
}

/// A text the install hook kept for this principal.
pub fn kept(key: &str) -> Option<String> {
    kv_get(key).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Compare-and-swap, since two calls of one principal may run at the same time and both must count.
fn count_one_more() -> Result<u64, String> {
    loop {
        let before = kv_get("greetings").map_err(|_| "the count cannot be read")?;
        let count =
            before.as_deref().and_then(|bytes| str::from_utf8(bytes).ok()?.parse().ok()).unwrap_or(0_u64) + 1;
        match kv_cas("greetings", before.as_deref(), count.to_string().as_bytes()) {
            Ok(()) => return Ok(count),
            Err(ErrorCode::CasMismatch) => {}
            Err(_) => return Err("the count cannot be kept".to_owned()),
        }
    }
}
