//! A hook called from Rust.

use crate::measure::{Figure, repeated};
use crate::stage::{Stage, guest};

/// Measures triggers of 64 bytes and of 64 KiB, there and back.
pub async fn measure() -> Vec<Figure> {
    let stage = Stage::open().await;
    let echo = stage.load(&guest("echo"), "echo", "").await;
    let mut figures = Vec::new();
    for (name, bytes) in [("trigger, 64 B", 64), ("trigger, 64 KiB in and out", 64 * 1024)] {
        let payload = vec![b'a'; bytes];
        let figure = repeated(name, "one entry, process class", || {
            let (echo, payload) = (echo.clone(), payload.clone());
            async move {
                let reply = echo.trigger("echo", payload).await.expect("a reply");
                assert_eq!(reply.data.map(|data| data.len()), Some(bytes));
            }
        });
        figures.push(figure.await);
    }
    stage.close().await;
    figures
}
