//! Reads a request's fields with the errors that AWS gives for wrong ones. Null counts as absent, as AWS takes it.

use serde_json::{Map, Value};

use super::WireError;

/// The fields of a JSON object.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Takes a body or a structure within one.
    pub(super) fn of(value: &'a Value) -> Result<Self, WireError> {
        value
            .as_object()
            .map(Fields)
            .ok_or_else(|| serialization("Start of structure or map found where not expected."))
    }

    /// The raw value, for what is given back as it came.
    pub(super) fn raw(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// A string.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, WireError> {
        self.read(key, Value::as_str)
    }

    /// A string that must be there.
    pub(super) fn required(&self, key: &str) -> Result<&'a str, WireError> {
        self.text(key)?.ok_or_else(|| missing(key))
    }

    /// A boolean.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, WireError> {
        self.read(key, Value::as_bool)
    }

    /// A floating-point number.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, WireError> {
        self.read(key, Value::as_f64)
    }

    /// A capacity: a 32-bit integer, not negative.
    pub(super) fn capacity(&self, key: &str) -> Result<Option<u32>, WireError> {
        let Some(number) = self.integer(key)? else { return Ok(None) };
        let refused = || constraint(&number.to_string(), key, "Member must have value greater than or equal to 0");
        u32::try_from(number).map(Some).map_err(|_| refused())
    }

    /// A 32-bit integer.
    pub(super) fn integer(&self, key: &str) -> Result<Option<i32>, WireError> {
        self.read(key, |value| i32::try_from(value.as_i64()?).ok())
    }

    /// A list of strings; absent is empty.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<&'a str>, WireError> {
        let list = self.read(key, Value::as_array)?;
        let texts = list.into_iter().flatten().map(|value| value.as_str().ok_or_else(|| wrong_type(key)));
        texts.collect()
    }

    /// A structure within.
    pub(super) fn object(&self, key: &str) -> Result<Option<Fields<'a>>, WireError> {
        self.raw(key).map(Fields::of).transpose()
    }

    fn read<T>(&self, key: &str, as_type: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, WireError> {
        self.raw(key).map(|value| as_type(value).ok_or_else(|| wrong_type(key))).transpose()
    }
}

/// AWS's sentence for a field outside its constraint.
pub(super) fn constraint(value: &str, key: &str, rule: &str) -> WireError {
    let key = key[..1].to_lowercase() + &key[1..];
    let message =
        format!("1 validation error detected: Value '{value}' at '{key}' failed to satisfy constraint: {rule}");
    WireError::validation(message)
}

fn missing(key: &str) -> WireError {
    constraint("null", key, "Member must not be null")
}

fn wrong_type(key: &str) -> WireError {
    serialization(&format!("the value of {key} is of a wrong type or out of range"))
}

fn serialization(message: &str) -> WireError {
    WireError::new(400, "SerializationException", message)
}
