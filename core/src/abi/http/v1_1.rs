//! `astrid:http@1.1.0`: requests with options, trailing headers and streamed uploads.

use wasmtime::component::Resource;

use super::super::bindings::astrid::http1_1_0::host::{
    ErrorCode, Host, HostHttpStream, HostHttpUpload, HttpMethod, HttpRequestData, HttpResponseData,
    KeyValuePair, RedirectPolicy, RequestOptions, ResponseMeta, TimeoutConfig,
};
use super::super::ops::http_1_1 as ops;
use super::super::pollable::Pollable;
use super::super::state::State;
use super::super::streams::{InputStream, OutputStream};
use super::{Asked, HttpStream, HttpUpload, Whole};
use crate::http::{Ceilings, HttpError, Integrity, Options, Redirects};
use crate::limits;

impl From<HttpError> for ErrorCode {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied => Self::CapabilityDenied,
            HttpError::Invalid => Self::InvalidRequest,
            HttpError::Dns => Self::DnsError,
            HttpError::Airlock => Self::AirlockRejected,
            HttpError::Tls => Self::TlsError,
            HttpError::Timeout => Self::Timeout,
            HttpError::Connection => Self::ConnectionError,
            HttpError::TooLarge => Self::BodyTooLarge,
            HttpError::Closed => Self::Closed,
            HttpError::Quota => Self::Quota,
            HttpError::RedirectBlocked => Self::RedirectBlocked,
            HttpError::TooManyRedirects => Self::TooManyRedirects,
            HttpError::Integrity => Self::IntegrityMismatch,
            HttpError::Scheme => Self::SchemeDenied,
            HttpError::Bomb => Self::DecompressionBomb,
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

impl From<Whole> for HttpResponseData {
    fn from(whole: Whole) -> Self {
        let meta = ResponseMeta {
            final_url: whole.final_url,
            redirect_count: whole.redirects,
            elapsed_ms: whole.elapsed_ms,
            wire_bytes: whole.wire_bytes,
        };
        Self { status: whole.status, headers: pairs(whole.headers), body: whole.body, meta }
    }
}

fn pairs(headers: Vec<(String, String)>) -> Vec<KeyValuePair> {
    headers.into_iter().map(|(key, value)| KeyValuePair { key, value }).collect()
}

/// What a guest asks for, put into `options`: nothing can be more than the host permits.
fn read(asked: &RequestOptions, mut options: Options, ceilings: &Ceilings) -> Result<Options, HttpError> {
    if let Some(times) = &asked.timeouts {
        let &TimeoutConfig { connect_ms, first_byte_ms, between_bytes_ms, total_ms } = times;
        options.limit(ceilings, [connect_ms, first_byte_ms, between_bytes_ms, total_ms]);
    }
    options.redirects = match asked.redirect {
        None | Some(RedirectPolicy::Follow) => Redirects::Follow,
        Some(RedirectPolicy::Error) => Redirects::Refuse,
        Some(RedirectPolicy::Manual) => Redirects::Give,
    };
    let most = limits::HTTP_REDIRECTS;
    options.most_redirects = asked.max_redirects.unwrap_or(most).min(most);
    if let Some(asked) = asked.max_response_bytes {
        options.most_bytes = Some(options.most_bytes.map_or(asked, |most| most.min(asked)));
    }
    options.most_decompressed = asked.max_decompressed_bytes;
    options.decompress = asked.auto_decompress.unwrap_or(true);
    options.https_only = asked.https_only.unwrap_or(false);
    options.integrity = asked.integrity.as_deref().map(Integrity::read).transpose()?;
    Ok(options)
}

type Answer<T> = wasmtime::Result<Result<T, ErrorCode>>;

impl State {
    fn push_http(&mut self, made: Result<HttpStream, HttpError>) -> Answer<Resource<HttpStream>> {
        match made {
            Ok(stream) => Ok(Ok(self.table.push(stream)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl Host for State {
    async fn http_request(&mut self, request: HttpRequestData) -> Answer<HttpResponseData> {
        let ceilings = *self.ceilings();
        let whole = self.request_whole(&ops::HTTP_REQUEST, request.into(), Options::whole(&ceilings)).await?;
        Ok(whole.map(Into::into).map_err(Into::into))
    }

    async fn http_request_opts(
        &mut self,
        request: HttpRequestData,
        options: RequestOptions,
    ) -> Answer<HttpResponseData> {
        let options = match read(&options, Options::whole(self.ceilings()), self.ceilings()) {
            Ok(options) => options,
            Err(error) => {
                return Ok(self.turn_away(&ops::HTTP_REQUEST_OPTS, error).await?.map_err(Into::into));
            }
        };
        let whole = self.request_whole(&ops::HTTP_REQUEST_OPTS, request.into(), options).await?;
        Ok(whole.map(Into::into).map_err(Into::into))
    }

    async fn http_stream_start(&mut self, request: HttpRequestData) -> Answer<Resource<HttpStream>> {
        let ceilings = *self.ceilings();
        let made =
            self.start_stream(&ops::HTTP_STREAM_START, request.into(), Options::streamed(&ceilings)).await?;
        self.push_http(made)
    }

    async fn http_stream_start_opts(
        &mut self,
        request: HttpRequestData,
        options: RequestOptions,
    ) -> Answer<Resource<HttpStream>> {
        let options = match read(&options, Options::streamed(self.ceilings()), self.ceilings()) {
            Ok(options) => options,
            Err(error) => {
                return Ok(self.turn_away(&ops::HTTP_STREAM_START_OPTS, error).await?.map_err(Into::into));
            }
        };
        let made = self.start_stream(&ops::HTTP_STREAM_START_OPTS, request.into(), options).await?;
        self.push_http(made)
    }

    async fn http_upload_start(
        &mut self,
        request: HttpRequestData,
        options: RequestOptions,
    ) -> Answer<Resource<HttpUpload>> {
        let options = match read(&options, Options::streamed(self.ceilings()), self.ceilings()) {
            Ok(options) => options,
            Err(error) => {
                return Ok(self.turn_away(&ops::HTTP_UPLOAD_START, error).await?.map_err(Into::into));
            }
        };
        match self.start_upload(request.into(), options).await? {
            Ok(upload) => Ok(Ok(self.table.push(upload)?)),
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

    async fn trailers(&mut self, this: Resource<HttpStream>) -> Answer<Option<Vec<KeyValuePair>>> {
        let trailers = self.stream_trailers(&ops::HTTP_STREAM_TRAILERS, &this).await?;
        Ok(trailers.map(|trailers| trailers.map(pairs)).map_err(Into::into))
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

impl HostHttpUpload for State {
    async fn body_sink(&mut self, this: Resource<HttpUpload>) -> wasmtime::Result<Resource<OutputStream>> {
        State::body_sink(self, &this)
    }

    async fn subscribe_writable(
        &mut self,
        this: Resource<HttpUpload>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.subscribe_upload(&this)
    }

    async fn finish(&mut self, this: Resource<HttpUpload>) -> Answer<Resource<HttpStream>> {
        let made = self.finish_upload(&ops::HTTP_UPLOAD_FINISH, &this).await?;
        self.push_http(made)
    }

    async fn drop(&mut self, this: Resource<HttpUpload>) -> wasmtime::Result<()> {
        self.drop_upload(this)
    }
}
