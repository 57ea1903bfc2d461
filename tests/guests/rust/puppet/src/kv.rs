//! `astrid:kv/host`, one operation per arm.

use serde_json::{Value, json};

use crate::answer::{Answer, arms};
use crate::args::Args;
use crate::bindings::astrid::kv::host::{self, ErrorCode};
use crate::control::unknown;
use crate::value;

arms!(ErrorCode {
    InvalidKey => "invalid-key",
    TooLarge => "too-large",
    Quota => "quota",
    CasMismatch => "cas-mismatch",
});

pub fn call(function: &str, args: &Args<'_>) -> Answer {
    match function {
        "kv-cas" => {
            let expected = args.optional_bytes("expected")?;
            let done = host::kv_cas(args.text("key")?, expected.as_deref(), &args.bytes("new")?);
            done.map(|()| Value::Null).map_err(arm)
        }
        "kv-clear-prefix" => host::kv_clear_prefix(args.text("prefix")?).map(Value::from).map_err(arm),
        "kv-delete" => host::kv_delete(args.text("key")?).map(|()| Value::Null).map_err(arm),
        "kv-get" => {
            let found = host::kv_get(args.text("key")?).map_err(arm)?;
            Ok(found.map_or(Value::Null, |bytes| value::from_bytes(&bytes)))
        }
        "kv-list-keys" => host::kv_list_keys(args.text("prefix")?).map(Value::from).map_err(arm),
        "kv-list-keys-page" => {
            let (prefix, cursor) = (args.text("prefix")?, args.optional_text("cursor")?);
            let page = host::kv_list_keys_page(prefix, cursor, args.small_number("limit")?).map_err(arm)?;
            Ok(json!({ "keys": page.keys, "next-cursor": page.next_cursor }))
        }
        "kv-set" => host::kv_set(args.text("key")?, &args.bytes("value")?).map(|()| Value::Null).map_err(arm),
        other => Err(unknown(other)),
    }
}
