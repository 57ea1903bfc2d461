//! What guests log, for the embedding program.

use super::HostBuilder;
use crate::logs::LogSink;

impl HostBuilder {
    /// Takes every line that guests log, as well as the files under `home/log`. The sink is called from one thread of the
    /// host's own, in order, and never while a guest waits; what comes faster than it takes is lost, counted, and told by a
    /// line of the host's own. A sink that panics loses the line.
    #[must_use]
    pub fn on_log(mut self, sink: LogSink) -> Self {
        self.log = Some(sink);
        self
    }
}
