//! `http.<function>` of version 1.0.0, and `http@1.1.0.<function>`.

/// How the operations of the newer version begin.
pub const NEWER: &str = "http@1.1.0.";

/// What both versions have.
macro_rules! common {
    ($kind:ident, $getter:ident) => {
        fn request(args: &Args<'_>) -> Result<HttpRequestData, Miss> {
            let args = args.record("request");
            let method = match args.optional_text("method")?.unwrap_or("GET") {
                "GET" => HttpMethod::Get,
                "HEAD" => HttpMethod::Head,
                "POST" => HttpMethod::Post,
                "PUT" => HttpMethod::Put,
                "DELETE" => HttpMethod::Delete,
                "CONNECT" => HttpMethod::Connect,
                "OPTIONS" => HttpMethod::Options,
                "TRACE" => HttpMethod::Trace,
                "PATCH" => HttpMethod::Patch,
                other => HttpMethod::Other(other.to_owned()),
            };
            let headers = args.pairs("headers")?.into_iter().map(|(key, value)| KeyValuePair { key, value });
            Ok(HttpRequestData {
                url: args.text("url")?.to_owned(),
                method,
                headers: headers.collect(),
                body: args.optional_bytes("body")?,
            })
        }

        fn pairs(headers: Vec<KeyValuePair>) -> Value {
            headers.into_iter().map(|pair| json!([pair.key, pair.value])).collect()
        }

        /// What the resource of both versions can do.
        fn stream(method: &str, call: &Call, stage: &mut Stage) -> Answer {
            let stream = stage.$getter(call.receiver())?;
            match method {
                "status" => Ok(stream.status().into()),
                "headers" => Ok(pairs(stream.headers())),
                "read-chunk" => stream.read_chunk().map(|bytes| value::from_bytes(&bytes)).map_err(arm),
                "body-stream" => {
                    let input = stream.body_stream();
                    Ok(stage.keep_resource(call.name(), Resource::Input(input)))
                }
                "subscribe-readable" => {
                    let pollable = stream.subscribe_readable();
                    Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
                }
                "close" => stream.close().map(|()| Value::Null).map_err(arm),
                other => more(other, call, stage),
            }
        }

        fn started(started: Result<HttpStream, ErrorCode>, call: &Call, stage: &mut Stage) -> Answer {
            let stream = started.map_err(arm)?;
            Ok(stage.keep_resource(call.name(), Resource::$kind(stream)))
        }
    };
}

pub mod older {
    //! Version 1.0.0.

    use serde_json::{Value, json};

    use crate::answer::{Answer, Miss};
    use crate::args::Args;
    use crate::bindings::astrid::http1_0_0::host::{
        self, ErrorCode, HttpMethod, HttpRequestData, HttpStream, KeyValuePair,
    };
    use crate::control::unknown;
    use crate::script::Call;
    use crate::stage::{Resource, Stage};
    use crate::value;

    common!(OlderHttp, older_http);

    pub fn call(function: &str, call: &Call, stage: &mut Stage) -> Answer {
        if let Some(method) = function.strip_prefix("http-stream.") {
            return stream(method, call, stage);
        }
        let request = request(&call.args())?;
        match function {
            "http-request" => {
                let given = host::http_request(&request).map_err(arm)?;
                Ok(json!({
                    "status": given.status, "headers": pairs(given.headers), "body": value::from_bytes(&given.body),
                }))
            }
            "http-stream-start" => started(host::http_stream_start(&request), call, stage),
            other => Err(unknown(other)),
        }
    }

    fn more(method: &str, _: &Call, _: &mut Stage) -> Answer {
        Err(unknown(method))
    }

    fn arm(error: ErrorCode) -> Miss {
        let arm = match error {
            ErrorCode::CapabilityDenied => "capability-denied",
            ErrorCode::InvalidRequest => "invalid-request",
            ErrorCode::DnsError => "dns-error",
            ErrorCode::AirlockRejected => "airlock-rejected",
            ErrorCode::TlsError => "tls-error",
            ErrorCode::Timeout => "timeout",
            ErrorCode::ConnectionError => "connection-error",
            ErrorCode::BodyTooLarge => "body-too-large",
            ErrorCode::Closed => "closed",
            ErrorCode::Quota => "quota",
            ErrorCode::Protocol(text) => return Miss::Arm("protocol", Some(text)),
            ErrorCode::Unknown(text) => return Miss::Arm("unknown", Some(text)),
        };
        Miss::Arm(arm, None)
    }
}

pub mod newer {
    //! Version 1.1.0.

    use serde_json::{Value, json};

    use crate::answer::{Answer, Miss, fault};
    use crate::args::Args;
    use crate::bindings::astrid::http1_1_0::host::{
        self, ErrorCode, HttpMethod, HttpRequestData, HttpResponseData, HttpStream, KeyValuePair,
        RedirectPolicy, RequestOptions, TimeoutConfig,
    };
    use crate::control::unknown;
    use crate::script::Call;
    use crate::stage::{Resource, Stage};
    use crate::value;

    common!(Http, http);

    pub fn call(function: &str, call: &Call, stage: &mut Stage) -> Answer {
        match function.split_once('.') {
            Some(("http-stream", method)) => return stream(method, call, stage),
            Some(("http-upload", method)) => return upload(method, call, stage),
            _ => {}
        }
        let (request, options) = (request(&call.args())?, options(&call.args())?);
        match function {
            "http-request" => host::http_request(&request).map(whole).map_err(arm),
            "http-request-opts" => host::http_request_opts(&request, &options).map(whole).map_err(arm),
            "http-stream-start" => started(host::http_stream_start(&request), call, stage),
            "http-stream-start-opts" => {
                started(host::http_stream_start_opts(&request, &options), call, stage)
            }
            "http-upload-start" => {
                let upload = host::http_upload_start(&request, &options).map_err(arm)?;
                Ok(stage.keep_resource(call.name(), Resource::Upload(upload)))
            }
            other => Err(unknown(other)),
        }
    }

    fn whole(given: HttpResponseData) -> Value {
        json!({
            "status": given.status, "headers": pairs(given.headers), "body": value::from_bytes(&given.body),
            "meta": {
                "final-url": given.meta.final_url, "redirect-count": given.meta.redirect_count,
                "elapsed-ms": given.meta.elapsed_ms, "wire-bytes": given.meta.wire_bytes,
            },
        })
    }

    fn options(args: &Args<'_>) -> Result<RequestOptions, Miss> {
        let args = args.record("options");
        let timeouts = match args.optional_record("timeouts") {
            Some(times) => Some(TimeoutConfig {
                connect_ms: times.optional_number("connect-ms")?,
                first_byte_ms: times.optional_number("first-byte-ms")?,
                between_bytes_ms: times.optional_number("between-bytes-ms")?,
                total_ms: times.optional_number("total-ms")?,
            }),
            None => None,
        };
        let redirect = match args.optional_text("redirect")? {
            None => None,
            Some("follow") => Some(RedirectPolicy::Follow),
            Some("error") => Some(RedirectPolicy::Error),
            Some("manual") => Some(RedirectPolicy::Manual),
            Some(other) => return Err(fault(format!("there is no redirect policy {other}"))),
        };
        let most = args.optional_number("max-redirects")?;
        Ok(RequestOptions {
            timeouts,
            redirect,
            max_redirects: most.map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
            max_response_bytes: args.optional_number("max-response-bytes")?,
            max_decompressed_bytes: args.optional_number("max-decompressed-bytes")?,
            auto_decompress: args.optional_flag("auto-decompress"),
            https_only: args.optional_flag("https-only"),
            integrity: args.optional_text("integrity")?.map(str::to_owned),
        })
    }

    fn more(method: &str, call: &Call, stage: &mut Stage) -> Answer {
        match method {
            "trailers" => {
                stage.http(call.receiver())?.trailers().map(|all| all.map(pairs).into()).map_err(arm)
            }
            other => Err(unknown(other)),
        }
    }

    fn upload(method: &str, call: &Call, stage: &mut Stage) -> Answer {
        let upload = stage.upload(call.receiver())?;
        let made = match method {
            "body-sink" => Resource::Output(upload.body_sink()),
            "subscribe-writable" => Resource::Pollable(upload.subscribe_writable()),
            "finish" => return started(upload.finish(), call, stage),
            other => return Err(unknown(other)),
        };
        Ok(stage.keep_resource(call.name(), made))
    }

    fn arm(error: ErrorCode) -> Miss {
        let arm = match error {
            ErrorCode::CapabilityDenied => "capability-denied",
            ErrorCode::InvalidRequest => "invalid-request",
            ErrorCode::DnsError => "dns-error",
            ErrorCode::AirlockRejected => "airlock-rejected",
            ErrorCode::TlsError => "tls-error",
            ErrorCode::Timeout => "timeout",
            ErrorCode::ConnectionError => "connection-error",
            ErrorCode::BodyTooLarge => "body-too-large",
            ErrorCode::Closed => "closed",
            ErrorCode::Quota => "quota",
            ErrorCode::RedirectBlocked => "redirect-blocked",
            ErrorCode::TooManyRedirects => "too-many-redirects",
            ErrorCode::IntegrityMismatch => "integrity-mismatch",
            ErrorCode::SchemeDenied => "scheme-denied",
            ErrorCode::DecompressionBomb => "decompression-bomb",
            ErrorCode::Protocol(text) => return Miss::Arm("protocol", Some(text)),
            ErrorCode::Unknown(text) => return Miss::Arm("unknown", Some(text)),
        };
        Miss::Arm(arm, None)
    }
}
