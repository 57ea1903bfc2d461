//! The floor: the same guest called by wasmtime alone, with fuel and epochs on and nothing else.

use std::rc::Rc;

use tokio::sync::Mutex;
use wasmtime::component::{Component, ComponentType, Lift, Linker, TypedFunc};
use wasmtime::{Config, Engine, Store};

use crate::measure::{Figure, repeated};
use crate::stage::guest;

#[derive(ComponentType, Lift)]
#[component(record)]
struct Reply {
    #[component(name = "action")]
    _action: String,
    #[component(name = "data")]
    data: Option<String>,
}

type Hook = TypedFunc<(&'static str, &'static [u8]), (Reply,)>;

const PAYLOAD: &[u8] = &[b'a'; 64];

/// Measures one call of 64 bytes there and back.
pub async fn measure() -> Vec<Figure> {
    let mut config = Config::new();
    config.concurrency_support(false).consume_fuel(true).epoch_interruption(true);
    let engine = Engine::new(&config).expect("an engine");
    let component = Component::new(&engine, guest("echo").bytes).expect("the echo compiles");
    let mut store = Store::new(&engine, ());
    store.set_fuel(u64::MAX).expect("fuel");
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = Linker::new(&engine).instantiate_async(&mut store, &component).await.expect("an instance");
    let hook: Hook = instance.get_typed_func(&mut store, "astrid-hook-trigger").expect("the hook");
    let held = Rc::new(Mutex::new((store, hook)));
    vec![
        repeated("floor: bare wasmtime call, 64 B", "asynchronous, fuel and epochs on", || {
            let held = Rc::clone(&held);
            async move {
                let (store, hook) = &mut *held.lock().await;
                let (reply,) = hook.call_async(&mut *store, ("echo", PAYLOAD)).await.expect("a reply");
                assert_eq!(reply.data.map(|data| data.len()), Some(PAYLOAD.len()));
            }
        })
        .await,
    ]
}
