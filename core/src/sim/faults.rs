//! What goes wrong on demand, and how fast AWS lets callers go. Nothing does until it is asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::wire::{Api, WireError};
use crate::ecs::Operation;
use crate::model::TargetId;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// AWS refuses the call, which has no effect.
    Refuse(WireError),
    /// The call takes effect, and its answer never arrives.
    LoseAnswer,
    /// The call never reaches AWS. Where the caller is connected all the same, it only sees that no answer comes.
    Unreachable,
}

impl Fault {
    /// A refusal with AWS's error code, for instance `ConcurrentUpdateException`; HTTP 500 where the code says so, else 400.
    pub fn refuse(code: &str) -> Self {
        let status = match code {
            "InternalServiceException" | "InternalFailure" | "ServerException" => 500,
            "ServiceUnavailable" | "ServiceUnavailableException" => 503,
            _ => 400,
        };
        Fault::Refuse(WireError::new(status, code, format!("simulated {code}")))
    }
}

/// Which calls a fault meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every call.
    Everything,
    /// The calls of one operation.
    Operation(Operation),
    /// `RegisterScalableTarget` of one target.
    WritesTo(TargetId),
}

/// How long a fault stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// For this many calls, 1 or more.
    Times(u32),
    /// For all calls before this instant.
    Until(Timestamp),
}

/// The API families that AWS gives a token bucket of their own, per account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Every call to Application Auto Scaling; AWS publishes no rate.
    AutoScaling,
    /// `DescribeServices`, `ListServices`.
    ServiceRead,
    /// `CreateService`, `UpdateService`, `DeleteService`.
    ServiceModify,
    /// `DescribeClusters`, `ListClusters`.
    ClusterRead,
    /// `CreateCluster`.
    ClusterModify,
}

/// A token bucket's size and its refill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls that a rested bucket lets through at once.
    pub burst: u32,
    /// Calls that it regains in a second.
    pub per_second: u32,
}

impl Family {
    /// What ECS publishes; `None` where AWS keeps silent.
    pub fn published_rate(self) -> Option<Rate> {
        match self {
            Family::AutoScaling => None,
            Family::ServiceRead => Some(Rate { burst: 100, per_second: 20 }),
            Family::ServiceModify => Some(Rate { burst: 50, per_second: 5 }),
            Family::ClusterRead => Some(Rate { burst: 50, per_second: 20 }),
            Family::ClusterModify => Some(Rate { burst: 20, per_second: 1 }),
        }
    }
}

/// The faults in force, the first one that fits first.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<(Scope, Fault, Lasting)>);

impl Faults {
    /// Adds a fault behind those in force.
    pub(super) fn add(&mut self, scope: Scope, fault: Fault, lasting: Lasting) {
        self.0.push((scope, fault, lasting));
    }

    /// Ends all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that this call meets, if any; used up by one call.
    pub(super) fn meet(&mut self, api: Api, target: Option<&TargetId>, now: Timestamp) -> Option<Fault> {
        self.0.retain(|(_, _, lasting)| match lasting {
            Lasting::Times(left) => *left > 0,
            Lasting::Until(end) => now < *end,
        });
        let (_, fault, lasting) = self.0.iter_mut().find(|(scope, _, _)| meets(scope, api, target))?;
        if let Lasting::Times(left) = lasting {
            *left -= 1;
        }
        Some(fault.clone())
    }
}

fn meets(scope: &Scope, api: Api, target: Option<&TargetId>) -> bool {
    match scope {
        Scope::Everything => true,
        Scope::Operation(operation) => api.operation() == Some(*operation),
        Scope::WritesTo(id) => api == Api::RegisterScalableTarget && target == Some(id),
    }
}

/// Token buckets in virtual time; a family without one is not limited.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets(BTreeMap<Family, Bucket>);

#[derive(Clone, Debug)]
struct Bucket {
    rate: Rate,
    nanotokens: i128,
    filled: Timestamp,
}

const TOKEN: i128 = 1_000_000_000;

impl Buckets {
    /// Gives the family a full bucket, or takes its bucket away.
    pub(super) fn limit(&mut self, family: Family, rate: Option<Rate>, now: Timestamp) {
        match rate {
            None => self.0.remove(&family),
            Some(rate) => {
                self.0.insert(family, Bucket { rate, nanotokens: i128::from(rate.burst) * TOKEN, filled: now })
            }
        };
    }

    /// Whether one more call of the family goes through.
    pub(super) fn admit(&mut self, family: Family, now: Timestamp) -> bool {
        self.0.get_mut(&family).is_none_or(|bucket| bucket.take(now))
    }
}

impl Bucket {
    fn take(&mut self, now: Timestamp) -> bool {
        let gained = now.duration_since(self.filled).as_nanos() * i128::from(self.rate.per_second);
        self.nanotokens = (self.nanotokens + gained).min(i128::from(self.rate.burst) * TOKEN);
        self.filled = now;
        let enough = self.nanotokens >= TOKEN;
        if enough {
            self.nanotokens -= TOKEN;
        }
        enough
    }
}
