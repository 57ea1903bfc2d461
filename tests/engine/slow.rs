//! Components made to be slow to compile, within the bounds.

use std::time::Duration;

use astrid_host::{ErrorKind, Principal};

use crate::stage::{alone, counted, guest, load, open, variant};

fn number(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n > 127 {
        bytes.push(u8::try_from(n & 127).expect("seven bits") | 128);
        n >>= 7;
    }
    bytes.push(u8::try_from(n).expect("seven bits"));
    bytes
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &number(content.len()), content].concat()
}

/// A few kilobytes that take the compiler many seconds: functions of loops inside one another around code that changes
/// every one of their locals.
fn slow(copies: usize) -> Vec<u8> {
    const WIDTH: usize = 250;
    let changed = (0..WIDTH).flat_map(|n| {
        let n = number(n);
        [&[0x20][..], &n, &[0x42, 1, 0x7c, 0x21], &n].concat()
    });
    let code =
        [[0x03, 0x40].repeat(WIDTH), changed.collect(), [0x41, 1, 0x0d, 0, 0x0b].repeat(WIDTH)].concat();
    let body = [&[1][..], &number(WIDTH), &[0x7e], &code, &[0x0b]].concat();
    let bodies = [number(body.len()), body].concat().repeat(copies);
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, b"\x01\x60\0\0"),
        section(3, &[number(copies), vec![0; copies]].concat()),
        section(10, &[number(copies), bodies].concat()),
    ];
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module.concat())].concat()
}

#[tokio::test(flavor = "current_thread")]
async fn slow_components_hold_up_neither_the_quick_nor_the_end() {
    let _alone = alone().await;
    let home = tempfile::tempdir().expect("a folder");
    let host = open(home.path()).await;
    let hostile: Vec<_> = (0..3)
        .map(|n| {
            let (host, component) = (host.clone(), variant(&slow(8), n));
            tokio::spawn(
                async move { load(&host, &format!("slow{n}"), &Principal::default(), &component).await },
            )
        })
        .collect();
    let state = |state| counted(&host, &format!("astrid_compilations{{state=\"{state}\"}}"));
    // All three have come to the compiler: one is at work, two wait for it.
    while (state("running"), state("waiting")) != (1, 2) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for n in 0..4 {
        let component = variant(&guest("echo"), 200 + n);
        let capsule =
            load(&host, &format!("quick{n}"), &Principal::default(), &component).await.expect("it loads");
        let reply = capsule.trigger("say", "words").await.expect("an answer");
        assert_eq!(reply.data.as_deref(), Some("words"));
    }
    assert_eq!((state("running"), state("waiting")), (1, 2), "the slow ones are where they were");

    // Who stops waiting for one leaves the queue.
    hostile[2].abort();
    while state("waiting") == 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    host.close().await.expect("closed");
    for (n, load) in hostile.into_iter().enumerate() {
        match load.await {
            Ok(loaded) => assert_eq!(loaded.expect_err("not loaded").kind(), ErrorKind::Closed, "{n}"),
            Err(ended) => assert!(ended.is_cancelled() && n == 2),
        }
    }
}
