//! `astrid:http@1.0.0`: requests to named hosts, made as in 1.1.0 with the default options.

use wasmtime::component::Resource;

use super::super::bindings::astrid::http1_0_0::host::{
    ErrorCode, Host, HostHttpStream, HttpMethod, HttpRequestData, HttpResponseData, KeyValuePair,
};
use super::super::ops::http as ops;
use super::super::pollable::Pollable;
use super::super::state::State;
use super::super::streams::InputStream;
use super::{Asked, HttpStream};
use crate::http::{HttpError, Options};

impl From<HttpError> for ErrorCode {
    /// What this version has no arm for is told by the nearest.
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied => Self::CapabilityDenied,
            HttpError::Invalid | HttpError::Scheme => Self::InvalidRequest,
            HttpError::Dns => Self::DnsError,
            HttpError::Airlock | HttpError::RedirectBlocked => Self::AirlockRejected,
            HttpError::Tls => Self::TlsError,
            HttpError::Timeout => Self::Timeout,
            HttpError::Connection => Self::ConnectionError,
            HttpError::TooLarge | HttpError::Bomb => Self::BodyTooLarge,
            HttpError::Closed => Self::Closed,
            HttpError::Quota => Self::Quota,
            HttpError::TooManyRedirects => Self::Protocol("too many redirects".to_owned()),
            HttpError::Integrity => Self::Protocol("integrity mismatch".to_owned()),
            HttpError::Protocol(text) => Self::Protocol(text.to_owned()),
            HttpError::Fault(text) => Self::Unknown(text.to_owned()),
        }
    }
}

impl From<HttpRequestData> for Asked {
    fn from(data: HttpRequestData) -> Self {
        let method = match data.method {
            HttpMethod::Get => "GET".to_owned(),
            HttpMethod::Head => "HEAD".to_owned(),
            HttpMethod::Post => "POST".to_owned(),
            HttpMethod::Put => "PUT".to_owned(),
            HttpMethod::Delete => "DELETE".to_owned(),
            HttpMethod::Connect => "CONNECT".to_owned(),
            HttpMethod::Options => "OPTIONS".to_owned(),
            HttpMethod::Trace => "TRACE".to_owned(),
            HttpMethod::Patch => "PATCH".to_owned(),
            HttpMethod::Other(name) => name,
        };
        let headers = data.headers.into_iter().map(|pair| (pair.key, pair.value)).collect();
        Self { url: data.url, method, headers, body: data.body }
    }
}

fn pairs(headers: Vec<(String, String)>) -> Vec<KeyValuePair> {
    headers.into_iter().map(|(key, value)| KeyValuePair { key, value }).collect()
}

type Answer<T> = wasmtime::Result<Result<T, ErrorCode>>;

impl Host for State {
    async fn http_request(&mut self, request: HttpRequestData) -> Answer<HttpResponseData> {
        let ceilings = *self.ceilings();
        let whole = self.request_whole(&ops::HTTP_REQUEST, request.into(), Options::whole(&ceilings)).await?;
        let given = whole.map(|whole| HttpResponseData {
            status: whole.status,
            headers: pairs(whole.headers),
            body: whole.body,
        });
        Ok(given.map_err(Into::into))
    }

    async fn http_stream_start(&mut self, request: HttpRequestData) -> Answer<Resource<HttpStream>> {
        let ceilings = *self.ceilings();
        match self.start_stream(&ops::HTTP_STREAM_START, request.into(), Options::streamed(&ceilings)).await?
        {
            Ok(stream) => Ok(Ok(self.table.push(stream)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl HostHttpStream for State {
    async fn status(&mut self, this: Resource<HttpStream>) -> wasmtime::Result<u16> {
        self.stream_status(&ops::HTTP_STREAM_STATUS, &this)
    }

    async fn headers(&mut self, this: Resource<HttpStream>) -> wasmtime::Result<Vec<KeyValuePair>> {
        Ok(pairs(self.stream_headers(&ops::HTTP_STREAM_HEADERS, &this)?))
    }

    async fn read_chunk(&mut self, this: Resource<HttpStream>) -> Answer<Vec<u8>> {
        let piece = State::read_chunk(self, &ops::HTTP_STREAM_READ_CHUNK, &this).await?;
        Ok(piece.map(Vec::from).map_err(Into::into))
    }

    async fn body_stream(&mut self, this: Resource<HttpStream>) -> wasmtime::Result<Resource<InputStream>> {
        State::body_stream(self, &ops::HTTP_STREAM_BODY_STREAM, &this)
    }

    async fn subscribe_readable(
        &mut self,
        this: Resource<HttpStream>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.subscribe_body(&ops::HTTP_STREAM_SUBSCRIBE_READABLE, &this)
    }

    async fn close(&mut self, this: Resource<HttpStream>) -> Answer<()> {
        self.close_stream(&ops::HTTP_STREAM_CLOSE, &this).map(Ok)
    }

    async fn drop(&mut self, this: Resource<HttpStream>) -> wasmtime::Result<()> {
        self.drop_stream(this)
    }
}
