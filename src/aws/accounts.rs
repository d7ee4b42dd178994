//! The accounts and regions that schedules name: whose credentials reach each, and clients of its own for each, so that
//! what is denied or dead in one fails there alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use baseload_core::model::Site;
use tokio::sync::Mutex;

use super::{Aws, AwsConfig, Patience};

/// How an account is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// With the credentials that Baseload itself has.
    Own,
    /// By assuming the role of this ARN with them.
    Role(String),
}

/// How each account that schedules may name is reached. The operator's, so that no edit can point it elsewhere.
pub(crate) type Roles = BTreeMap<Arc<str>, Access>;

/// The session's name in CloudTrail, where a role is assumed.
const SESSION: &str = "baseload";

/// AWS in all accounts and regions. Clients are made when they are first asked for. Cloning is cheap, all clones share.
#[derive(Clone)]
pub(crate) struct Accounts {
    /// What all clients are made from.
    base: SdkConfig,
    config: AwsConfig,
    roles: Arc<Roles>,
    made: Arc<Mutex<BTreeMap<Site, Aws>>>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Prepares to make clients; nothing is sent yet but what finding the region takes. Without credentials or a region it
    /// is the calls that fail, so that both may turn up later.
    pub(crate) async fn connect(config: AwsConfig, roles: Roles) -> Accounts {
        let base = match &config.stand_in {
            Some(endpoint) => stand_in(endpoint),
            None => aws_config::defaults(BehaviorVersion::v2026_01_12()).app_name(app_name()).load().await,
        };
        Accounts::over(base, config, roles)
    }

    /// The same over what the SDK found already.
    pub(crate) fn over(base: SdkConfig, config: AwsConfig, roles: Roles) -> Accounts {
        let base = base
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts(config.patience))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled()) // an attempt is bounded as a whole
            .build();
        Accounts { base, config, roles: Arc::new(roles), made: Arc::default() }
    }

    /// The clients of one account and region, made now if need be.
    pub(crate) async fn at(&self, site: &Site) -> Aws {
        let mut made = self.made.lock().await;
        if let Some(aws) = made.get(site) {
            return aws.clone();
        }
        let sdk = self.sdk_config(site).await;
        made.entry(site.clone()).or_insert(Aws::over(&sdk, site.clone(), self.config.clone())).clone()
    }

    /// The clients of Baseload's own account and region.
    pub(crate) async fn home(&self) -> Aws {
        self.at(&Site::HOME).await
    }

    /// How the account at `site` is reached.
    pub(crate) fn access(&self, site: &Site) -> Access {
        site.account().and_then(|account| self.roles.get(account)).cloned().unwrap_or(Access::Own)
    }

    /// Each with a cache of its own for credentials: waiting for one account's keeps no other waiting.
    async fn sdk_config(&self, site: &Site) -> SdkConfig {
        let cache = IdentityCache::lazy().load_timeout(self.config.patience.credentials).build();
        let mut sdk = self.base.clone().into_builder().identity_cache(cache);
        let Some((account, region)) = site.account().zip(site.region()) else { return sdk.build() };
        let region = Region::new(region.to_string());
        sdk = sdk.region(region.clone());
        if self.config.stand_in.is_some() {
            return sdk.credentials_provider(signing_as(account)).build(); // the stand-in tells accounts apart by it
        }
        match self.access(site) {
            Access::Own => sdk.build(),
            Access::Role(arn) => {
                let role = AssumeRoleProvider::builder(arn).configure(&self.base).region(region).session_name(SESSION);
                sdk.credentials_provider(SharedCredentialsProvider::new(role.build().await)).build()
            }
        }
    }
}

fn timeouts(patience: Patience) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(patience.connect).operation_attempt_timeout(patience.attempt).build()
}

/// Stands in the user agent, and so in CloudTrail.
fn app_name() -> AppName {
    AppName::new("baseload").expect("the name holds only letters")
}

pub(super) fn stand_in(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(signing_as("stand-in"))
        .build()
}

fn signing_as(id: &str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(id, "stand-in", None, None, "stand-in"))
}
