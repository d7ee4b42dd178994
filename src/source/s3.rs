//! A folder of an S3 bucket, known by its objects' ETags.
//!
//! Looking costs one list; reading gets what changed since the last reading, each object only as it was listed. Not every
//! store is AWS's: where a list has no ETags each object is asked for its own, and a content that is not the one asked for
//! is not taken for it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::Object;
use baseload_core::spec::Tree;

use super::{SOURCE_LIMIT, TooLarge, Trouble, is_wanted, patience};

/// The most objects that are looked at, whatever they are.
const OBJECTS_LIMIT: usize = 10_000;

const TOO_LARGE: TooLarge = TooLarge("the source holds more than 16 MiB");
const CHANGED: &str = "it changed while it was read";

/// What a bucket holds under a prefix.
#[derive(Debug)]
pub(crate) struct Bucket {
    bucket: String,
    /// The folder without a slash at its end, or the one object; empty for the whole bucket.
    prefix: String,
    /// What was read last, by key: an object is got again only where its ETag is another.
    last: Mutex<BTreeMap<String, (String, Vec<u8>)>>,
}

/// The ETag of every object that belongs to the source, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listing(BTreeMap<String, String>);

impl Bucket {
    /// The folder that `s3://BUCKET/PREFIX` names.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub(super) fn parse(url: &str) -> Result<Bucket> {
        let place = url.strip_prefix("s3://").context("a bucket is named by s3://BUCKET/PREFIX")?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        ensure!(!bucket.is_empty() && bucket.chars().all(is_name), "{bucket:?} is no bucket's name");
        ensure!(!prefix.contains(['?', '#']), "a bucket's URL is s3://BUCKET/PREFIX, with nothing after it");
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Bucket { bucket: bucket.to_owned(), prefix, last: Mutex::default() })
    }

    /// What is there now.
    ///
    /// # Errors
    /// That the bucket cannot be asked, or that it holds too much.
    pub(super) fn list(&self) -> Result<Listing, Trouble> {
        let listed = patience::converse(async || self.objects(&client().await).await);
        Ok(listed.with_context(|| format!("cannot look at {self}"))?)
    }

    /// The objects of a listing, as they were listed.
    ///
    /// # Errors
    /// That they cannot be had any more, or are too large.
    pub(super) fn read(&self, Listing(objects): &Listing) -> Result<Tree, Trouble> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut *last);
        let read = patience::converse(async || self.contents(objects, known).await);
        *last = read.with_context(|| format!("cannot read {self}"))?;
        let named = |(key, (_, content)): (&String, &(String, Vec<u8>))| {
            (Arc::from(format!("s3://{}/{key}", self.bucket)), content.clone())
        };
        Ok(Tree { files: last.iter().map(named).collect() })
    }

    async fn objects(&self, client: &Client) -> Result<Listing> {
        let is_one_object = is_wanted(&self.prefix);
        let folder = if self.prefix.is_empty() || is_one_object { &self.prefix } else { &format!("{}/", self.prefix) };
        let (mut found, mut seen, mut size) = (BTreeMap::new(), 0, 0);
        let mut page: Option<String> = None;
        loop {
            let request =
                client.list_objects_v2().bucket(&self.bucket).prefix(folder).set_continuation_token(page.clone());
            let answer = request.send().await.map_err(|error| failure(&error))?;
            for object in answer.contents() {
                seen += 1;
                if let Some(key) = self.wanted(object, folder)? {
                    size += u64::try_from(object.size().unwrap_or(0)).unwrap_or(0);
                    ensure!(size <= SOURCE_LIMIT, TOO_LARGE);
                    let etag = match object.e_tag() {
                        Some(etag) => etag.to_owned(),
                        None => self.etag(client, key).await.with_context(|| format!("object {key}"))?,
                    };
                    found.insert(key.to_owned(), etag);
                }
            }
            ensure!(seen <= OBJECTS_LIMIT, TooLarge("there are more than 10000 objects: name a folder of schedules"));
            let next = answer.next_continuation_token().map(str::to_owned);
            match next {
                None => return Ok(Listing(found)),
                next if next == page => bail!("the list of objects does not end"),
                next => page = next,
            }
        }
    }

    /// The key of an object that belongs to the source: by its name, and not hidden.
    fn wanted<'o>(&self, object: &'o Object, folder: &str) -> Result<Option<&'o str>> {
        let Some(key) = object.key() else { return Ok(None) };
        let within = key.strip_prefix(folder).unwrap_or_default();
        let is_there = if is_wanted(&self.prefix) { within.is_empty() } else { is_wanted(within) };
        if !is_there || within.split('/').any(|part| part.starts_with('.')) {
            return Ok(None);
        }
        ensure!(!key.contains(char::is_control), "an object has the name {key:?}, which no file should have");
        Ok(Some(key))
    }

    /// The ETag that the object itself has.
    async fn etag(&self, client: &Client, key: &str) -> Result<String> {
        let asked = client.head_object().bucket(&self.bucket).key(key).send().await;
        let head = asked.map_err(|error| failure(&error))?;
        Ok(head.e_tag().context("it has no ETag, so that nobody could tell when it changes")?.to_owned())
    }

    async fn contents(
        &self,
        objects: &BTreeMap<String, String>,
        mut known: BTreeMap<String, (String, Vec<u8>)>,
    ) -> Result<BTreeMap<String, (String, Vec<u8>)>> {
        let client = client().await;
        let mut read = BTreeMap::new();
        let mut room = SOURCE_LIMIT;
        for (key, etag) in objects {
            let content = match known.remove(key) {
                Some((same, content)) if same == *etag => content,
                _ => self.get(&client, key, etag, room).await.with_context(|| format!("object {key}"))?,
            };
            room = room.checked_sub(content.len() as u64).ok_or(TOO_LARGE)?;
            read.insert(key.clone(), (etag.clone(), content));
        }
        Ok(read)
    }

    async fn get(&self, client: &Client, key: &str, etag: &str, room: u64) -> Result<Vec<u8>> {
        let request = client.get_object().bucket(&self.bucket).key(key).if_match(etag);
        let mut answer = request.send().await.map_err(|error| failure(&error))?;
        ensure!(answer.e_tag().is_none_or(|found| found == etag), CHANGED);
        let mut content = Vec::new();
        while let Some(piece) =
            answer.body.try_next().await.map_err(|error| anyhow!("the answer broke off: {error}"))?
        {
            content.extend_from_slice(&piece);
            ensure!(content.len() as u64 <= room, TOO_LARGE);
        }
        Ok(content)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// A client by the SDK's default chain. What goes wrong is tried again with the next poll.
async fn client() -> Client {
    let sdk: SdkConfig = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled()) // the conversation is bounded as a whole
        .load()
        .await;
    // Only AWS itself has a host name for every bucket.
    let is_stand_in = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].iter().any(|name| std::env::var_os(name).is_some());
    let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(is_stand_in);
    Client::from_conf(config.build())
}

/// What went wrong, in the service's words where it has any.
fn failure<E>(error: &SdkError<E>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (error.code(), status) {
        (Some("PreconditionFailed"), _) | (_, Some(412)) => anyhow!(CHANGED),
        (Some(code), _) => anyhow!("{code}: {}", error.message().unwrap_or("S3 says no more")),
        (None, Some(status)) => anyhow!("S3 answers HTTP {status}"),
        (None, None) => anyhow!("{}", with_causes(error)),
    }
}

/// The error with what led to it. Not as the SDK would show it: that repeats whole answers, with whatever is in them.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_bucket_and_a_folder() {
        let bucket = Bucket::parse("s3://shop-config/prod/schedules/").unwrap();
        assert_eq!((bucket.bucket.as_str(), bucket.prefix.as_str()), ("shop-config", "prod/schedules"));
        assert_eq!(Bucket::parse("s3://shop-config").unwrap().to_string(), "s3://shop-config/");
        for url in ["s3://", "s3:///a", "s3://a b/c", "s3://a/b?versionId=1"] {
            assert!(Bucket::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_is_hidden_or_lies_beside_the_folder_does_not_belong() {
        let bucket = Bucket::parse("s3://a/prod").unwrap();
        let belongs = |key: &str| {
            let object = Object::builder().key(key).e_tag("e").build();
            bucket.wanted(&object, "prod/").unwrap().is_some()
        };
        assert!(belongs("prod/a.yaml") && belongs("prod/b/c.ics"));
        assert!(
            !belongs("prod/") && !belongs("prod/.a.yaml") && !belongs("prod/.b/a.yaml") && !belongs("prod/README.md")
        );
    }
}
