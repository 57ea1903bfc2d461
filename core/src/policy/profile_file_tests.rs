//! What a profile's file may say, and that what is written is read back.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::super::{CommandLocation, KeyScope};
use super::*;

fn parse(text: &str) -> Profile {
    Profile::parse_toml(text).unwrap().profile
}

#[test]
fn an_empty_profile_is_the_default() {
    assert_eq!(parse(""), Profile::default());
    assert_eq!(Profile::from_json(&json!({})).unwrap().profile, Profile::default());
}

#[test]
fn what_is_malformed_is_refused_and_what_is_unknown_is_a_warning() {
    let long = format!("capsules = [\"{}\"]", "x".repeat(129));
    for (text, field) in [
        ("profile_version = 2", "profile_version"),
        ("profile_version = 0", "profile_version"),
        ("enabled = 1", "enabled"),
        ("groups = [\"a b\"]", "groups[0]"),
        ("grants = [\"a**\"]", "grants[0]"),
        ("quotas = 3", "quotas"),
        ("[quotas]\nmax_memory_bytes = 0", "quotas.max_memory_bytes"),
        ("[quotas]\nmax_memory_bytes = -1", "quotas.max_memory_bytes"),
        ("[quotas]\nmax_memory_bytes = \"lots\"", "quotas.max_memory_bytes"),
        ("[quotas]\nmax_timeout_secs = \"unlimited\"", "quotas.max_timeout_secs"),
        ("[quotas]\nmax_in_flight_calls = 65", "quotas.max_in_flight_calls"),
        ("[auth]\nmethods = [\"password\"]", "auth.methods[0]"),
        ("[network]\negress = [\"nowhere\"]", "network.egress[0]"),
        ("[network.capsule_egress]\nmail = [\"nowhere\"]", "network.capsule_egress.mail[0]"),
        ("[network.capsule_egress]\n\" \" = []", "network.capsule_egress.\" \""),
        ("[process]\nallow = [\" \"]", "process.allow[0]"),
        ("approvals = 1", "approvals"),
        (&long, "capsules[0]"),
    ] {
        let error = Profile::parse_toml(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
        assert!(error.message().starts_with(&format!("`{field}` ")), "{text} said {error}");
    }
    let read = Profile::parse_toml("color = 1\n[quotas]\nmax_fun = 3\n[auth]\nface = 1\n").unwrap();
    let expected = [
        "unknown field `quotas.max_fun` is ignored",
        "unknown field `auth.face` is ignored",
        "unknown field `color` is ignored",
    ];
    assert_eq!(read.warnings, expected);
}

#[test]
fn json_has_the_names_of_the_file_and_no_line() {
    let wanted = json!({
        "enabled": false,
        "grants": null,
        "quotas": { "max_cpu_fuel_per_sec": "unlimited", "max_sockets": 3 },
        "approvals": { "command_always": [{ "command": "ls", "location": "hosted", "workspace": null }] },
    });
    let profile = Profile::from_json(&wanted).unwrap().profile;
    assert!(!profile.enabled);
    assert_eq!((profile.quotas.max_cpu_fuel_per_sec, profile.quotas.max_sockets), (Quotas::UNLIMITED, 3));
    let written = profile.to_json().unwrap();
    assert_eq!(written["quotas"]["max_cpu_fuel_per_sec"], "unlimited");
    assert_eq!(written["approvals"]["command_always"], json!([{ "command": "ls", "location": "hosted" }]));
    for wrong in [json!([]), json!({ "groups": [null] }), json!({ "quotas": { "max_sockets": u64::MAX } })] {
        assert_eq!(Profile::from_json(&wrong).unwrap_err().kind(), ErrorKind::InvalidArgument, "{wrong}");
    }
    let error = Profile::from_json(&json!({ "quotas": { "max_sockets": 0 } })).unwrap_err();
    assert!(
        error.message().starts_with("`quotas.max_sockets` ") && !error.to_string().contains("line"),
        "{error}"
    );
}

#[test]
fn what_breaks_a_rule_is_not_written() {
    let changes: [fn(&mut Profile); 5] = [
        |profile| profile.quotas.max_memory_bytes = 0,
        |profile| profile.groups = vec!["a b".to_owned()],
        |profile| profile.egress = vec!["nowhere".to_owned()],
        |profile| profile.capsules = vec![String::new()],
        |profile| profile.auth_methods = vec!["password".to_owned()],
    ];
    for change in changes {
        let mut profile = Profile::default();
        change(&mut profile);
        assert_eq!(profile.to_toml().unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(profile.to_json().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    let text = "(\\*|[a-z0-9_-]{1,8}(:[a-z]{1,4}){0,3}(:\\*)?)";
    vec(text.prop_map(|text| Grant::parse(&text).unwrap()), 0..4)
}

fn endpoints() -> impl Strategy<Value = Vec<String>> {
    vec("[a-z]{1,8}\\.[a-z]{2,3}:([1-9][0-9]{0,3}|\\*)", 0..4)
}

fn key() -> impl Strategy<Value = DeviceKey> {
    let scope = prop_oneof![
        Just(KeyScope::Full),
        (grants(), grants()).prop_map(|(allow, deny)| KeyScope::Scoped { allow, deny }),
    ];
    ("[0-9a-f]{16}", "[0-9a-f]{64}", option::of("[a-zé\"\\\\ ]{0,8}x"), scope).prop_map(
        |(key_id, pubkey, label, scope)| {
            let created_at = label.as_ref().map(|_| "2026-02-03T04:05:06Z".to_owned());
            DeviceKey { key_id, pubkey, label, created_at, scope }
        },
    )
}

fn command() -> impl Strategy<Value = StandingCommand> {
    let hosted = ("[a-z'\"\\\\\t ]{0,8}x", option::of("[a-z]{1,8}")).prop_map(|(command, workspace)| {
        StandingCommand { command, location: CommandLocation::Hosted, workspace }
    });
    let own = "[a-z]{1,8}".prop_map(|command| StandingCommand {
        command,
        location: CommandLocation::AstridWorkspace,
        workspace: None,
    });
    prop_oneof![hosted, own]
}

fn quotas() -> impl Strategy<Value = Quotas> {
    vec((0..Quotas::NAMES.len(), prop_oneof![1..65_u64, Just(Quotas::UNLIMITED), any::<u64>()]), 0..6)
        .prop_map(|changes| {
            let mut quotas = Quotas::default();
            for (n, value) in changes {
                // What breaks a quota's rule leaves it as it was.
                drop(quotas.set(Quotas::NAMES[n], value));
            }
            quotas
        })
}

fn profile() -> impl Strategy<Value = Profile> {
    let names = vec("[A-Za-z0-9_-]{1,64}", 0..4);
    let methods = vec(prop_oneof![Just("keypair"), Just("passkey"), Just("system")], 0..3);
    (
        (any::<bool>(), names.clone(), grants(), grants(), quotas()),
        (methods, vec(key(), 0..3), endpoints(), btree_map("[a-z.\" -]{1,12}x", endpoints(), 0..3)),
        (vec("[a-z/ ]{0,8}x", 0..3), names, vec(command(), 0..3)),
    )
        .prop_map(
            |((enabled, groups, grants, revokes, quotas), (methods, keys, egress, by_capsule), rest)| {
                Profile {
                    enabled,
                    groups,
                    grants,
                    revokes,
                    quotas,
                    auth_methods: methods.into_iter().map(str::to_owned).collect(),
                    public_keys: keys,
                    egress,
                    capsule_egress: by_capsule,
                    process_allow: rest.0,
                    capsules: rest.1,
                    command_always: rest.2,
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(profile in profile()) {
        let read = Profile::parse_toml(&profile.to_toml().unwrap()).unwrap();
        prop_assert_eq!(&read.profile, &profile);
        prop_assert!(read.warnings.is_empty());
        let read = Profile::from_json(&profile.to_json().unwrap()).unwrap();
        prop_assert_eq!(&read.profile, &profile);
        prop_assert!(read.warnings.is_empty());
    }

    #[test]
    fn no_text_brings_the_reader_down(text in "\\PC{0,200}") {
        if let Ok(read) = Profile::parse_toml(&text) {
            prop_assert!(read.profile.to_toml().is_ok());
        }
    }
}
