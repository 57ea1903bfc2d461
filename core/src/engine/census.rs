//! What the engine of the process has at work, for operators.

use super::Engine;
use crate::limits;
use crate::metrics::Exposition;

impl Engine {
    /// Writes the families.
    pub fn tell(&self, text: &mut Exposition) {
        let queue = &self.machine.queue;
        text.gauge("astrid_compilations", "Compilations under way and waiting, in this process.");
        text.sample(&[("state", "running")], queue.running());
        text.sample(&[("state", "waiting")], queue.waiting());

        text.gauge("astrid_pool_memories", "Linear memories of the pool of instances, in this process.");
        let pool = self.machine.pool.as_ref();
        let Some(counts) = pool.and_then(|pool| pool.half.wasmtime.pooling_allocator_metrics()) else {
            return;
        };
        let (in_use, left) = (counts.memories(), counts.unused_warm_memories() as usize);
        let all = (limits::POOL_INSTANCES * limits::POOL_MEMORIES) as usize;
        text.sample(&[("state", "in_use")], in_use);
        text.sample(&[("state", "left")], left);
        // The two were not read at the same moment.
        text.sample(&[("state", "fresh")], all.saturating_sub(in_use + left));
    }
}
