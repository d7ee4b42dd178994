//! Values as users type them: durations, instants, targets, accounts. What is wrong with one is said in a sentence.

use std::time::Duration;

use baseload_core::model::{Site, TargetId, TargetPattern};
use baseload_core::timetable::Allowance;

use super::Account;
use crate::aws::Access;

/// Reads `90s`, `5m`, `1h30m`, `7d`: descending units, integers.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let advice = || format!("`{text}` is not a duration; write for example 90s, 5m, 1h30m or 7d");
    let mut rest = text;
    let (mut seconds, mut last_unit) = (0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(advice)?;
        let number: u64 = rest[..digits].parse().map_err(|_| advice())?;
        let unit = match rest.as_bytes()[digits] {
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return Err(advice()),
        };
        if unit >= last_unit {
            return Err(advice());
        }
        last_unit = unit;
        seconds = number.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(advice)?;
        rest = &rest[digits + 1..];
    }
    let sensible = (1..=86_400 * 366 * 100).contains(&seconds);
    sensible.then(|| Duration::from_secs(seconds)).ok_or_else(advice)
}

/// Reads an instant: RFC 3339 with an offset, or a date for its midnight in UTC.
pub(super) fn instant(text: &str) -> Result<jiff::Timestamp, String> {
    let at = match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() == "YYYY-MM-DD".len() => date.to_zoned(jiff::tz::TimeZone::UTC).map(|z| z.timestamp()),
        _ => text.parse(),
    };
    at.map_err(|_| {
        format!("`{text}` is not an instant; write 2026-11-27T06:00:00Z, 2026-11-27T07:00:00+01:00 or 2026-11-27")
    })
}

pub(super) fn target(text: &str) -> Result<TargetId, String> {
    let advice = || format!("`{text}` is not CLUSTER/SERVICE or ACCOUNT/REGION/CLUSTER/SERVICE");
    TargetId::parse(text).ok_or_else(advice)
}

pub(super) fn allowance(text: &str) -> Result<Allowance, String> {
    let advice = || {
        format!("`{text}` is not CLUSTER/SERVICE or ACCOUNT/REGION/CLUSTER/SERVICE; of wildcards, * and ? are known")
    };
    Allowance::parse(text).ok_or_else(advice)
}

pub(super) fn account(text: &str) -> Result<Account, String> {
    let (name, access) = text.split_once('=').map_or((text, None), |(name, access)| (name, Some(access)));
    if !Site::is_account_name(name) {
        return Err(format!("`{name}` cannot name an account: letters, digits, - and _, 1 to 63 of them"));
    }
    let access = match access {
        None => None,
        Some("own") => Some(Access::Own),
        Some(arn) if is_role(arn) => Some(Access::Role(arn.to_owned())),
        Some(other) => {
            return Err(format!("`{other}` is not the ARN of a role, such as arn:aws:iam::123456789012:role/baseload"));
        }
    };
    Ok(Account { name: name.into(), access })
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH`.
fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "iam", "", account, resource] => {
            let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            partition.starts_with("aws")
                && is_account
                && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        }
        _ => false,
    }
}

pub(super) fn pattern(text: &str) -> Result<TargetPattern, String> {
    let advice = || format!("`{text}` is not CLUSTER/SERVICE; of wildcards, * and ? are known");
    TargetPattern::parse(text).ok_or_else(advice)
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=100_000.0).contains(&speed) => Ok(speed),
        _ => Err("a factor from 1 to 100000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("60s", 60), ("5m", 300), ("1h30m", 5400), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "60", "m", "30m1h", "1.5h", "-5m", "0s", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_account_is_a_name_and_the_way_there() {
        let role = "arn:aws:iam::123456789012:role/path/baseload";
        for (text, name, access) in [
            ("prod", "prod", None),
            ("prod=own", "prod", Some(Access::Own)),
            (&format!("prod-2={role}"), "prod-2", Some(Access::Role(role.to_owned()))),
        ] {
            assert_eq!(account(text), Ok(Account { name: name.into(), access }), "{text}");
        }
        let refused = ["", "=own", "pr/od=own", "prod=", "prod=baseload", "prod=arn:aws:iam::12:role/x"];
        for text in refused.into_iter().chain(["prod=arn:aws:iam::123456789012:user/x"]) {
            assert!(account(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_instant_needs_an_offset_or_is_a_whole_date() {
        assert_eq!(instant("2026-11-27").map(|at| at.to_string()), Ok("2026-11-27T00:00:00Z".to_owned()));
        assert!(instant("2026-11-27T07:00:00+01:00").is_ok());
        assert!(instant("2026-11-27T07:00").is_err());
        assert!(instant("tomorrow").is_err());
    }
}
