//! Loading, from nothing and from what was compiled before, and unloading.

use std::cell::Cell;

use astrid_host::{HostOptions, limits};

use crate::measure::{Figure, prepared};
use crate::stage::{Guest, Stage, guest};

/// Measures what it costs to load a small text guest and the puppet, a guest written in Rust.
pub async fn measure() -> Vec<Figure> {
    let mut figures = Vec::new();
    for name in ["echo", "puppet"] {
        let guest = guest(name);
        let kib = guest.bytes.len() / 1024;
        let mut uncached = HostOptions::default();
        uncached.code_cache = false;
        let cold = Stage::open_with(uncached).await;
        let turn = Cell::new(0_u32);
        figures.push(
            prepared(
                format!("load, compiled anew: {name}, {kib} KiB"),
                "two entries; wall clock",
                || async { other(&guest, turn.replace(turn.get() + 1)) },
                |other| {
                    let (cold, id) = (&cold, format!("c{}", turn.get()));
                    async move { drop(cold.load(&other, &id, "").await) }
                },
            )
            .await,
        );
        cold.close().await;
        figures.extend(cached(name, kib, &guest).await);
    }
    figures
}

/// Loads whose code was compiled before: what the process still remembers, what it reads from the home, and unloading.
async fn cached(name: &str, kib: usize, guest: &Guest) -> Vec<Figure> {
    let stage = Stage::open().await;
    let turn = Cell::new(0_u32);
    let id = |what: &str| format!("{what}{}", turn.replace(turn.get() + 1));
    let memory = prepared(
        format!("load, code in memory: {name}, {kib} KiB"),
        "one entry; wall clock",
        || async {},
        |()| {
            let (stage, id) = (&stage, id("m"));
            async move { drop(stage.load(guest, &id, "").await) }
        },
    )
    .await;
    // More components than the process remembers, taken in turn: each is found in the home again.
    let many: Vec<Guest> =
        (0..limits::RECENT_COMPONENTS * 2).map(|n| other(guest, 1_000_000 + n as u32)).collect();
    for (n, guest) in many.iter().enumerate() {
        drop(stage.load(guest, &format!("f{n}"), "").await);
    }
    let next = Cell::new(0);
    let disk = prepared(
        format!("load, code in the home's cache: {name}, {kib} KiB"),
        "one entry, MAC checked; wall clock",
        || async {},
        |()| {
            let (stage, id, guest) = (&stage, id("d"), &many[next.replace((next.get() + 1) % many.len())]);
            async move { drop(stage.load(guest, &id, "").await) }
        },
    )
    .await;
    let unload = prepared(
        format!("unload an idle capsule: {name}"),
        "one entry; wall clock",
        || {
            let (stage, id) = (&stage, id("u"));
            async move { stage.load(guest, &id, "").await }
        },
        |capsule| async move { capsule.unload().await.expect("it unloads") },
    )
    .await;
    stage.close().await;
    vec![memory, disk, unload]
}

/// The same guest under another hash: a custom section more, which no cache has seen.
fn other(guest: &Guest, turn: u32) -> Guest {
    let mut bytes = guest.bytes.clone();
    let name = format!("bench{turn:08}");
    bytes.extend([0, u8::try_from(name.len() + 1).expect("short"), u8::try_from(name.len()).expect("short")]);
    bytes.extend(name.as_bytes());
    let hash = blake3::hash(&bytes).to_hex().to_string();
    Guest { bytes, hash }
}
