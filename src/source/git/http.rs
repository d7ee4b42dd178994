//! A git server over HTTPS, on the same HTTP and TLS stack as AWS: the system's certificates (or `SSL_CERT_FILE`), and the
//! proxy that `HTTPS_PROXY` and `NO_PROXY` name.

use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;

use super::pack::{PACK_LIMIT, TOO_LARGE};
use super::secret;

/// What every smart server's address for the first question ends with.
const REFS: &str = "/info/refs?service=git-upload-pack";

/// How often a server may say that the repository moved.
const REDIRECTS: usize = 3;

/// A repository on a server.
pub(super) struct Http {
    connector: Connector,
    /// The repository's URL, after redirects.
    url: String,
    authorization: Option<String>,
    pub(super) was_redirected: bool,
}

impl Http {
    /// The repository at this URL; nothing is sent yet.
    ///
    /// # Errors
    /// That the token cannot be read, or would go over a network in clear text.
    pub(super) fn new(url: &str, user: Option<&str>, takes_token: bool) -> Result<Http> {
        let token = secret::token()?;
        ensure!(
            takes_token || token.is_none(),
            "a token would go over the network in clear text: use git+https:// or unset BASELOAD_GIT_TOKEN"
        );
        // Servers that take tokens look at the password; this user is what GitHub's own documents write.
        let user = user.unwrap_or("x-access-token");
        let basic = |token| format!("Basic {}", aws_smithy_types::base64::encode(format!("{user}:{token}")));
        let connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        Ok(Http {
            connector: connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build(),
            url: url.to_owned(),
            authorization: token.map(basic),
            was_redirected: false,
        })
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub(super) async fn greeting(&mut self) -> Result<Vec<u8>> {
        for _ in 0..=REDIRECTS {
            let response = self.send(&format!("{}{REFS}", self.url), None).await?;
            if (300..400).contains(&response.status().as_u16()) {
                self.follow(&response)?;
                continue;
            }
            return self.content(response).await;
        }
        bail!("the server redirects in circles");
    }

    /// Sends a request of git's, and returns the answer.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>> {
        let response = self.send(&format!("{}/git-upload-pack", self.url), Some(request)).await?;
        self.content(response).await
    }

    async fn send(&self, url: &str, body: Option<Vec<u8>>) -> Result<HttpResponse> {
        let mut request = HttpRequest::new(SdkBody::from(body.clone().unwrap_or_default()));
        request.set_uri(url).context("the repository's URL is no URL")?;
        request.set_method(if body.is_some() { "POST" } else { "GET" }).context("these are methods")?;
        let headers = request.headers_mut();
        // Some servers look for "git/" before they speak git.
        headers.insert("user-agent", concat!("git/baseload-", env!("CARGO_PKG_VERSION")));
        headers.insert("git-protocol", "version=2");
        if body.is_some() {
            headers.insert("content-type", "application/x-git-upload-pack-request");
            headers.insert("accept", "application/x-git-upload-pack-result");
        }
        if let Some(authorization) = &self.authorization {
            headers.try_insert("authorization", authorization.clone()).map_err(|_| anyhow!("the token is odd"))?;
        }
        self.connector.call(request).await.map_err(|error| anyhow!("{}", reason(&error)))
    }

    /// Goes where the server says the repository is now: never to another host, which would get the token.
    fn follow(&mut self, response: &HttpResponse) -> Result<()> {
        let to = response.headers().get("location").context("the server redirects nowhere")?;
        let same_origin = self.url.split('/').take(3).collect::<Vec<_>>().join("/");
        let to = if to.starts_with('/') { format!("{same_origin}{to}") } else { to.to_owned() };
        let moved = to.strip_suffix(REFS).filter(|to| to.starts_with(&format!("{same_origin}/")));
        let moved = moved.context("the server redirects to another place: name that one, if it is yours")?;
        (self.url, self.was_redirected) = (moved.to_owned(), true);
        Ok(())
    }

    async fn content(&self, response: HttpResponse) -> Result<Vec<u8>> {
        let has_token = self.authorization.is_some();
        match response.status().as_u16() {
            200 => {}
            401 | 403 if has_token => bail!("the server refuses the token (HTTP {})", response.status().as_u16()),
            401 | 403 | 404 if !has_token => bail!(
                "HTTP {}: there is no such repository, or it wants a token: set BASELOAD_GIT_TOKEN or \
                 BASELOAD_GIT_TOKEN_FILE",
                response.status().as_u16()
            ),
            404 => bail!("HTTP 404: there is no such repository, or the token may not read it"),
            status => bail!("the server answers HTTP {status}"),
        }
        let kind = response.headers().get("content-type").unwrap_or_default();
        ensure!(kind.starts_with("application/x-git-upload-pack-"), "this is no git server: it does not answer as one");
        let (mut body, mut content) = (response.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| anyhow!("the answer broke off: {error}"))?;
            content.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            ensure!(content.len() <= PACK_LIMIT, TOO_LARGE);
        }
        Ok(content)
    }
}

/// The innermost reason: the outer ones say no more than that something failed.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let innermost = std::iter::successors(Some(error), |error| error.source()).last();
    innermost.map_or_else(String::new, ToString::to_string)
}
