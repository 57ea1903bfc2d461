//! A message that nobody wants, with more and more subscriptions for other topics, and one that a thousand wait for.

use astrid_host::Messages;
use futures_util::future::{join, join_all};

use crate::measure::{Figure, repeated};
use crate::stage::{Stage, guest};

/// Measures the embedding program's publish to nobody, and to a thousand subscriptions of its own.
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
    figures.push(waking().await);
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

/// One message for a thousand subscriptions, each of which is waited for.
async fn waking() -> Figure {
    const SUBSCRIBERS: usize = 1_000;
    let stage = Stage::open().await;
    let subscribe = |_| stage.host.subscribe("bench.go").expect("a subscription");
    let subscriptions: Vec<_> = (0..SUBSCRIBERS).map(subscribe).collect();
    let figure = repeated("publish that wakes 1000 subscribers, each takes it", "one entry", || async {
        let all = join_all(subscriptions.iter().map(Messages::next));
        let publish = stage.host.publish("bench.go", b"1".to_vec()).fan_out(SUBSCRIBERS);
        let (heard, outcome) = join(all, publish.into_future()).await;
        assert_eq!(outcome.expect("published").delivered, SUBSCRIBERS as u64);
        assert!(heard.iter().all(Option::is_some));
    });
    let figure = figure.await;
    drop(subscriptions);
    stage.close().await;
    figure
}
