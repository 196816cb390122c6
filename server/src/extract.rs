//! JSON bodies, refused with the place of the fault and never with its value.

use crate::problem::Refusal;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use twinlock_core::Error;

/// A JSON body.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return Err(Refusal::from(Error::BadRequest).with_detail("The body must be application/json."));
        }
        let bytes = read(request.into_body()).await?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|fault| {
            // The parser's own message quotes the input, which may be a password.
            let place = match fault.path().to_string().as_str() {
                "." => "The body is not the JSON object that this call takes.".to_owned(),
                path => format!("The body is not understood at `{path}`."),
            };
            Refusal::from(Error::BadRequest).with_detail(place)
        })?;
        deserializer
            .end()
            .map_err(|_| Refusal::from(Error::BadRequest).with_detail("There is something after the JSON object."))?;
        Ok(Self(value))
    }
}

/// A whole body: [`Error::RequestTooLarge`], or [`Error::BadRequest`] where the rest of it never came.
pub async fn read(body: Body) -> Result<Bytes, Error> {
    Bytes::from_request(Request::new(body), &()).await.map_err(|rejected| match rejected.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::RequestTooLarge,
        _ => Error::BadRequest,
    })
}
