//! The lease's store: one item of a DynamoDB table.

use std::collections::HashMap;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use baseload_core::lease::{Answer, PERMISSIONS, Record, Request};

use super::Place;

/// The table's partition key, a string. The table has no sort key.
const KEY: &str = "LeaseKey";

type Item = HashMap<String, AttributeValue>;

/// A table, and the item in it that is the lease.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    client: Client,
    place: Place,
}

impl Table {
    /// Prepares the client; nothing is sent yet but what finding the region takes.
    pub(crate) async fn connect(place: Place) -> Table {
        let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled()) // each request is bounded as a whole
            .load()
            .await;
        Table { client: Client::new(&sdk), place }
    }

    /// Which item it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Asks once.
    pub(crate) async fn ask(&self, request: Request) -> Answer {
        match request {
            Request::Read => self.read().await,
            Request::Write { expected, record } => self.write(expected, &record).await,
        }
    }

    /// A write whose condition cannot hold, to see whether writing is allowed.
    ///
    /// # Errors
    /// Why it is not, and what to do.
    pub(crate) async fn try_writing(&self) -> Result<(), String> {
        let nothing = "attribute_exists(LeaseKey) AND attribute_not_exists(LeaseKey)";
        let put = self.client.put_item().table_name(&self.place.table).item(KEY, self.key());
        match put.condition_expression(nothing).send().await {
            Err(error) if !is_refused_by_condition(&error) => Err(self.failure(&error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn read(&self) -> Answer {
        let get = self.client.get_item().table_name(&self.place.table).key(KEY, self.key()).consistent_read(true);
        match get.send().await {
            Ok(answer) => self.found(answer.item()),
            Err(error) => Answer::Failed(self.failure(&error)),
        }
    }

    async fn write(&self, expected: Option<Record>, record: &Record) -> Answer {
        let put = self
            .client
            .put_item()
            .table_name(&self.place.table)
            .set_item(Some(self.item(record)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(LeaseKey)"),
            Some(seen) => put
                .condition_expression("#owner = :owner AND #beat = :beat")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_names("#beat", "beat")
                .expression_attribute_values(":owner", AttributeValue::S(seen.owner))
                .expression_attribute_values(":beat", AttributeValue::N(seen.beat.to_string())),
        };
        match put.send().await {
            Ok(_) => Answer::Written,
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => self.found(refused.item()),
                Some(_) | None => Answer::Failed(self.failure(&error)),
            },
        }
    }

    fn found(&self, item: Option<&Item>) -> Answer {
        match item.filter(|item| !item.is_empty()).map(record) {
            None => Answer::Found(None),
            Some(Some(record)) => Answer::Found(Some(record)),
            Some(None) => Answer::Failed(format!("the item at {} is no lease: choose another KEY", self.place)),
        }
    }

    fn item(&self, record: &Record) -> Item {
        HashMap::from([
            (KEY.to_owned(), self.key()),
            ("version".to_owned(), AttributeValue::N(record.version.to_string())),
            ("owner".to_owned(), AttributeValue::S(record.owner.clone())),
            ("beat".to_owned(), AttributeValue::N(record.beat.to_string())),
        ])
    }

    fn key(&self) -> AttributeValue {
        AttributeValue::S(self.place.key.clone())
    }

    /// What went wrong, in the service's words where it has any, and what to do.
    fn failure<E>(&self, error: &SdkError<E>) -> String
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let table = &self.place.table;
        let said = error.message().unwrap_or("DynamoDB says no more");
        match error.code() {
            Some("ResourceNotFoundException") => format!(
                "there is no table {table} in this region: create it, with the partition key {KEY} of type String"
            ),
            Some("AccessDeniedException" | "AccessDenied") => {
                format!("denied: allow the role {} on the table {table} ({said})", PERMISSIONS.join(" and "))
            }
            Some("ValidationException") => {
                format!("the table {table} must have the partition key {KEY} of type String and no sort key ({said})")
            }
            Some(code) => format!("{code}: {said}"),
            None => format!("no answer from DynamoDB: {}", DisplayErrorContext(error)),
        }
    }
}

fn is_refused_by_condition(error: &SdkError<PutItemError>) -> bool {
    matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_)))
}

/// What an item says; what else it holds, a later version may have added.
fn record(item: &Item) -> Option<Record> {
    let number = |name: &str| item.get(name)?.as_n().ok();
    let version = number("version")?.parse().ok()?;
    let beat = number("beat")?.parse().ok()?;
    let owner = item.get("owner")?.as_s().ok()?.clone();
    Some(Record { version, owner, beat })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
        Table { client: Client::from_conf(config), place: Place::parse("dynamodb://table/key").unwrap() }
    }

    #[test]
    fn what_is_written_is_what_is_read_also_where_a_later_version_added_to_it() {
        let written = Record { version: 1, owner: "host-1".to_owned(), beat: 41 };
        let mut item = table().item(&written);
        let mut names: Vec<_> = item.keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["LeaseKey", "beat", "owner", "version"]);
        item.insert("since".to_owned(), AttributeValue::S("2027".to_owned()));
        assert_eq!(table().found(Some(&item)), Answer::Found(Some(written)));
    }

    #[test]
    fn an_item_of_somebody_else_is_no_lease() {
        let item = Item::from([(KEY.to_owned(), AttributeValue::S("key".to_owned()))]);
        assert!(matches!(table().found(Some(&item)), Answer::Failed(_)));
        assert_eq!(table().found(None), Answer::Found(None));
    }
}
