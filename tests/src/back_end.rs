//! The back end of an app: it has a phone's authorised requests checked by the portal.

use crate::portal::PortalPlace;
use crate::{Doing, Result};
use reqwest::{Certificate, Client};
use serde_json::{Map, Value};

/// The address of the back end, which requests are signed for.
const OWN_URL: &str = "https://orders.northwind.example";

/// A back end that the portal knows.
pub struct BackEnd {
    client: Client,
    url: String,
    key: String,
}

impl BackEnd {
    /// The operator makes it known to the portal.
    pub fn add(place: &PortalPlace, organisation: &str) -> Result<Self> {
        let arguments = ["admin", "add-back-end", "--organisation", organisation, "--name", "orders", "--url", OWN_URL];
        let key = place.run(&arguments, "")?;
        let root = Certificate::from_pem(place.root_pem().as_bytes()).doing("the root certificate")?;
        let client = Client::builder().tls_certs_only([root]).no_proxy().build().doing("the back end's client")?;
        Ok(Self { client, url: place.url(), key })
    }

    /// What the portal says of a request with this `method`, `url` and `headers`.
    pub async fn introspect(&self, request: &Map<String, Value>) -> Result<Value> {
        let asked = self.client.post(format!("{}/v1/introspection", self.url)).bearer_auth(&self.key).json(request);
        let answer = asked.send().await.doing("introspection")?;
        answer.json().await.doing("introspection")
    }
}
