//! Loading, from nothing and from what was compiled before, and unloading.

use std::cell::Cell;

use astrid_host::HostOptions;

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
                "two entries",
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

/// A second host on a home whose cache has the code: the engine itself must not remember the component.
async fn cached(name: &str, kib: usize, guest: &Guest) -> Vec<Figure> {
    let stage = Stage::open().await;
    drop(stage.load(guest, "first", "").await);
    let turn = Cell::new(0_u32);
    let load = prepared(
        format!("load, code from memory: {name}, {kib} KiB"),
        "one entry",
        || async {},
        |()| async {
            turn.set(turn.get() + 1);
            drop(stage.load(guest, &format!("m{}", turn.get()), "").await);
        },
    )
    .await;
    let unload = prepared(
        format!("unload an idle capsule: {name}"),
        "one entry",
        || async {
            turn.set(turn.get() + 1);
            stage.load(guest, &format!("u{}", turn.get()), "").await
        },
        |capsule| async move { capsule.unload().await.expect("it unloads") },
    )
    .await;
    stage.close().await;
    vec![load, unload]
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
