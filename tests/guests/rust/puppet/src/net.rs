//! `net.<function>` and the methods of its four resources.

use serde_json::{Value, json};

use crate::answer::{Answer, arms, fault};
use crate::bindings::astrid::net::host::{self, ErrorCode, NetReadStatus, ShutdownHow, UdpDatagram};
use crate::bindings::astrid::request_context::host as context;
use crate::control::unknown;
use crate::script::Call;
use crate::stage::{Resource, Stage};
use crate::value;

arms!(ErrorCode {
    WouldBlock => "would-block",
    Closed => "closed",
    CapabilityDenied => "capability-denied",
    AirlockRejected => "airlock-rejected",
    ConnectionRefused => "connection-refused",
    ConnectionReset => "connection-reset",
    Timeout => "timeout",
    AddressInUse => "address-in-use",
    AddressNotAvailable => "address-not-available",
    NameUnresolvable => "name-unresolvable",
    InvalidHandle => "invalid-handle",
    NotTcp => "not-tcp",
    Quota => "quota",
});

pub fn call(function: &str, call: &Call, stage: &mut Stage) -> Answer {
    match function.split_once('.') {
        Some(("tcp-stream", method)) => stream(method, call, stage),
        Some(("tcp-listener", method)) => listener(method, call, stage),
        Some(("unix-listener", method)) => local(method, call, stage),
        Some(("udp-socket", method)) => udp(method, call, stage),
        _ => make(function, call, stage),
    }
}

/// `request-context.<function>`: who stands behind a connection.
pub fn behind(function: &str, call: &Call, stage: &Stage) -> Answer {
    let connection = stage.stream(call.receiver())?;
    match function {
        "connection-owner" => context::connection_owner(connection).map(Value::from).map_err(arm),
        "connection-principal" => context::connection_principal(connection).map(Value::from).map_err(arm),
        other => Err(unknown(other)),
    }
}

fn make(function: &str, call: &Call, stage: &mut Stage) -> Answer {
    let args = call.args();
    let resource = match function {
        "lookup-host" => return host::lookup_host(args.text("host")?).map(Value::from).map_err(arm),
        "bind-unix" => Resource::Local(host::bind_unix().map_err(arm)?),
        "bind-tcp" => {
            Resource::Listener(host::bind_tcp(args.text("host")?, args.port("port")?).map_err(arm)?)
        }
        "connect-tcp" => {
            Resource::Stream(host::connect_tcp(args.text("host")?, args.port("port")?).map_err(arm)?)
        }
        "udp-bind" => Resource::Udp(host::udp_bind(args.text("host")?, args.port("port")?).map_err(arm)?),
        other => return Err(unknown(other)),
    };
    Ok(stage.keep_resource(call.name(), resource))
}

fn accepted(accepted: Option<host::TcpStream>, call: &Call, stage: &mut Stage) -> Value {
    match accepted {
        Some(stream) => stage.keep_resource(call.name(), Resource::Stream(stream)),
        None => Value::Null,
    }
}

fn listener(method: &str, call: &Call, stage: &mut Stage) -> Answer {
    let (args, listener) = (call.args(), stage.listener(call.receiver())?);
    match method {
        "accept" => {
            let stream = listener.accept().map_err(arm)?;
            Ok(accepted(Some(stream), call, stage))
        }
        "poll-accept" => {
            let stream = listener.poll_accept(args.number("timeout-ms")?).map_err(arm)?;
            Ok(accepted(stream, call, stage))
        }
        "local-addr" => listener.local_addr().map(Value::from).map_err(arm),
        "subscribe-readiness" => {
            let pollable = listener.subscribe_readiness();
            Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
        }
        other => Err(unknown(other)),
    }
}

fn local(method: &str, call: &Call, stage: &mut Stage) -> Answer {
    let (args, listener) = (call.args(), stage.local(call.receiver())?);
    match method {
        "accept" => {
            let stream = listener.accept().map_err(arm)?;
            Ok(accepted(Some(stream), call, stage))
        }
        "poll-accept" => {
            let stream = listener.poll_accept(args.number("timeout-ms")?).map_err(arm)?;
            Ok(accepted(stream, call, stage))
        }
        "subscribe-readiness" => {
            let pollable = listener.subscribe_readiness();
            Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
        }
        other => Err(unknown(other)),
    }
}

fn stream(method: &str, call: &Call, stage: &mut Stage) -> Answer {
    let (args, stream) = (call.args(), stage.stream(call.receiver())?);
    let made = match method {
        "subscribe-readable" => Resource::Pollable(stream.subscribe_readable()),
        "read-stream" => Resource::Input(stream.read_stream()),
        "write-stream" => Resource::Output(stream.write_stream()),
        "read" => return stream.read().map(status).map_err(arm),
        "write" => return stream.write(&args.bytes("data")?).map(|()| Value::Null).map_err(arm),
        "read-bytes" => {
            let read = stream.read_bytes(args.small_number("max-bytes")?);
            return read.map(|bytes| value::from_bytes(&bytes)).map_err(arm);
        }
        "peek" => {
            let read = stream.peek(args.small_number("max-bytes")?);
            return read.map(|bytes| value::from_bytes(&bytes)).map_err(arm);
        }
        "write-bytes" => return stream.write_bytes(&args.bytes("data")?).map(Value::from).map_err(arm),
        "shutdown" => {
            let how = match args.text("how")? {
                "receive" => ShutdownHow::Receive,
                "send" => ShutdownHow::Send,
                "both" => ShutdownHow::Both,
                other => return Err(fault(format!("there is no half called {other}"))),
            };
            return stream.shutdown(how).map(|()| Value::Null).map_err(arm);
        }
        option => return self::option(option, call, stage),
    };
    Ok(stage.keep_resource(call.name(), made))
}

fn option(method: &str, call: &Call, stage: &Stage) -> Answer {
    let (args, stream) = (call.args(), stage.stream(call.receiver())?);
    let done = |result: Result<(), ErrorCode>| result.map(|()| Value::Null).map_err(arm);
    match method {
        "peer-addr" => stream.peer_addr().map(Value::from).map_err(arm),
        "local-addr" => stream.local_addr().map(Value::from).map_err(arm),
        "nodelay" => stream.nodelay().map(Value::from).map_err(arm),
        "set-nodelay" => done(stream.set_nodelay(args.flag("nodelay"))),
        "read-timeout" => stream.read_timeout().map(Value::from).map_err(arm),
        "set-read-timeout" => done(stream.set_read_timeout(args.optional_number("timeout-ms")?)),
        "write-timeout" => stream.write_timeout().map(Value::from).map_err(arm),
        "set-write-timeout" => done(stream.set_write_timeout(args.optional_number("timeout-ms")?)),
        "hop-limit" => stream.hop_limit().map(Value::from).map_err(arm),
        "set-hop-limit" => done(stream.set_hop_limit(args.small_number("hops")?)),
        "keepalive" => stream.keepalive().map(Value::from).map_err(arm),
        "set-keepalive" => done(stream.set_keepalive(args.optional_number("keepalive-secs")?)),
        "linger" => stream.linger().map(Value::from).map_err(arm),
        "set-linger" => done(stream.set_linger(args.optional_number("linger-ms")?)),
        "reuseaddr" => stream.reuseaddr().map(Value::from).map_err(arm),
        "set-reuseaddr" => done(stream.set_reuseaddr(args.flag("reuse"))),
        other => Err(unknown(other)),
    }
}

fn status(status: NetReadStatus) -> Value {
    match status {
        NetReadStatus::Data(bytes) => json!({ "data": value::from_bytes(&bytes) }),
        NetReadStatus::Closed => json!("closed"),
        NetReadStatus::Pending => json!("pending"),
    }
}

fn udp(method: &str, call: &Call, stage: &mut Stage) -> Answer {
    let (args, socket) = (call.args(), stage.udp(call.receiver())?);
    let done = |result: Result<(), ErrorCode>| result.map(|()| Value::Null).map_err(arm);
    match method {
        "send-to" => {
            let (data, host, port) = (args.bytes("data")?, args.text("peer-host")?, args.port("peer-port")?);
            socket.send_to(&data, host, port).map(Value::from).map_err(arm)
        }
        "recv-from" => {
            let received = socket.recv_from(args.small_number("max-bytes")?).map_err(arm)?;
            Ok(received.map(datagram).into())
        }
        "connect" => done(socket.connect(args.text("peer-host")?, args.port("peer-port")?)),
        "disconnect" => done(socket.disconnect()),
        "send" => socket.send(&args.bytes("data")?).map(Value::from).map_err(arm),
        "recv" => {
            let received = socket.recv(args.small_number("max-bytes")?).map_err(arm)?;
            Ok(received.map(|bytes| value::from_bytes(&bytes)).into())
        }
        "peer-addr" => socket.peer_addr().map(Value::from).map_err(arm),
        "local-addr" => socket.local_addr().map(Value::from).map_err(arm),
        "set-read-timeout" => done(socket.set_read_timeout(args.optional_number("timeout-ms")?)),
        "subscribe-readable" => {
            let pollable = socket.subscribe_readable();
            Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
        }
        other => Err(unknown(other)),
    }
}

fn datagram(datagram: UdpDatagram) -> Value {
    json!({
        "data": value::from_bytes(&datagram.data), "peer-host": datagram.peer_host, "peer-port": datagram.peer_port,
    })
}
