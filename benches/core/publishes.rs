//! A message that nobody wants, with more and more subscriptions for other topics.

use crate::measure::{Figure, repeated};
use crate::stage::{Stage, guest};

/// Measures the embedding program's publish to nobody, and to itself.
pub async fn measure() -> Vec<Figure> {
    let mut figures = Vec::new();
    for others in [10, 1_000, 10_000] {
        let stage = Stage::open().await;
        let mut subscriptions = Vec::new();
        for n in 0..others {
            subscriptions.push(stage.host.subscribe(&format!("bench.t{n}.*")).expect("a subscription"));
        }
        let figure = repeated(format!("publish to nobody, {others} subscriptions"), "one entry", || async {
            let outcome = stage.host.publish("other.topic", b"1".to_vec()).await.expect("published");
            assert_eq!(outcome.delivered, 0);
        });
        figures.push(figure.await);
        drop(subscriptions);
        stage.close().await;
    }
    for capsules in [10, 1_000] {
        let stage = Stage::open().await;
        let echo = guest("echo");
        for n in 0..capsules {
            let lines = format!("[subscribe]\n\"bench.c{n}\" = {{ wit = \"opaque\", handler = \"h\" }}\n");
            drop(stage.load(&echo, &format!("c{n}"), &lines).await);
        }
        let figure = repeated(
            format!("publish to nobody, {capsules} capsules with handlers"),
            "one entry",
            || async {
                let outcome = stage.host.publish("other.topic", b"1".to_vec()).await.expect("published");
                assert_eq!(outcome.handlers, 0);
            },
        );
        figures.push(figure.await);
        stage.close().await;
    }
    figures
}
