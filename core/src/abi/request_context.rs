//! `astrid:request-context`: who stands behind a connection that the host accepted.

use wasmtime::component::Resource;

use super::bindings::astrid::net::host::ErrorCode;
use super::bindings::astrid::request_context::host::Host;
use super::net::TcpStream;
use super::ops::request_context as ops;
use super::state::State;

type Answer = wasmtime::Result<Result<Option<String>, ErrorCode>>;

impl Host for State {
    async fn connection_owner(&mut self, connection: Resource<TcpStream>) -> Answer {
        self.count(&ops::CONNECTION_OWNER);
        let ingress = self.table.get(&connection)?.ingress();
        Ok(Ok(ingress.map(|ingress| ingress.owner.clone())))
    }

    /// A principal that was removed since stands behind nothing any more.
    async fn connection_principal(&mut self, connection: Resource<TcpStream>) -> Answer {
        self.count(&ops::CONNECTION_PRINCIPAL);
        let ingress = self.table.get(&connection)?.ingress().filter(|ingress| ingress.stands());
        Ok(Ok(ingress.map(|ingress| ingress.principal.to_string())))
    }
}
