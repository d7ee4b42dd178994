//! Who is calling, and where: STS's `GetCallerIdentity`, which everyone may ask.

use baseload_core::ecs::{EcsError, Operation};

use super::Aws;

/// Whom AWS takes the caller for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The account's number.
    pub(crate) account: String,
    /// The user or the session of a role.
    pub(crate) arn: String,
}

impl Aws {
    /// The region that is asked; `None` where nothing names one.
    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Asks AWS whom it takes the caller for.
    ///
    /// # Errors
    /// Why it does not say: no credentials, expired ones, or no way there.
    pub(crate) async fn caller(&self) -> Result<Caller, EcsError> {
        let request = self.sts.get_caller_identity();
        let send = |watch| request.clone().customize().interceptor(watch).send();
        let answer = self.read(Operation::GetCallerIdentity, send).await?;
        let text = |part: Option<&str>| part.unwrap_or("unknown").to_owned();
        Ok(Caller { account: text(answer.account()), arn: text(answer.arn()) })
    }
}
