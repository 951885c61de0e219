//! Canonical JSON of any value (RFC 8785), and the keyed hash over it: what `params_hash` of a record is made of.

use super::text;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Value;
use crate::redact::{Class, ClassKind, Policy};

/// Deeper nesting is refused.
const MAX_DEPTH: u32 = 128;

/// The class under which parameters are hashed: `internal:params`.
const PARAMS: Class = Class::of(ClassKind::Internal, "params");

/// The value as canonical JSON by RFC 8785: keys sorted, numbers in their shortest form, nothing between them. Equal
/// values have equal texts, in whatever order and spelling they came.
///
/// What RFC 8785 has no text for is written as in a line: integers outside ±(2^53 − 1), bytes, and floats that are not
/// finite, as `{"$int":"…"}`, `{"$bytes":"…"}`, `{"$f64":"…"}`.
///
/// # Errors
///
/// [`ErrorKind::Format`] for a value that is nested over 128 levels deep.
pub fn canonical_json(value: &Value) -> Result<String> {
    let mut out = Vec::new();
    write(value, 0, &mut out)?;
    // Made of texts that were UTF-8 before.
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn write(value: &Value, depth: u32, out: &mut Vec<u8>) -> Result<()> {
    if depth > MAX_DEPTH {
        let message = format!("a value is nested over {MAX_DEPTH} levels deep; flatten it");
        return Err(Error::new(ErrorKind::Format, message));
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => text::i128(out, *number),
        Value::Uint(number) => text::u128(out, *number),
        Value::Float(number) if number.is_finite() => {
            out.extend_from_slice(ryu_js::Buffer::new().format_finite(*number).as_bytes());
        }
        Value::Float(number) => text::f64(out, *number),
        Value::Bytes(bytes) => text::bytes(out, bytes),
        Value::Commitment(hash) => text::commitment(out, hash),
        Value::Str(text) => text::string(out, text.as_bytes()),
        Value::List(values) => {
            out.push(b'[');
            for (nth, value) in values.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write(value, depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Map(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(left, _), (right, _)| text::utf16_order(left.as_bytes(), right.as_bytes()));
            out.push(b'{');
            for (nth, (key, value)) in members.into_iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                text::string(out, key.as_bytes());
                out.push(b':');
                write(value, depth + 1, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

impl Policy {
    /// The keyed hash of a call's parameters, `hmac-sha256:<key id>:<hex>`, over their canonical JSON: for the field
    /// `params_hash`. Its class is `internal:params`. Without the key nobody can confirm a guess of what the parameters
    /// were. `key` names one of the policy's keys, else it is the one in use.
    ///
    /// `None` where the policy has no such key, or the value is nested over 128 levels deep.
    #[must_use]
    pub fn params_hash(&self, key: Option<&str>, params: &Value) -> Option<String> {
        let text = canonical_json(params).ok()?;
        let mut hash = Vec::new();
        // The text as it is: what a pseudonym's value is brought into a common form by would make `"1"` and `1` one.
        let is_made = match key {
            Some(id) => self.keys().pseudonym_by(id, PARAMS, text.as_bytes(), &mut hash),
            None => self.keys().pseudonym(PARAMS, text.as_bytes(), &mut hash),
        };
        String::from_utf8(hash).ok().filter(|_| is_made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Map;

    fn map(members: &[(&str, Value)]) -> Value {
        let members = members
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        Value::Map(members.collect::<Map>())
    }

    #[test]
    fn a_value_is_written_as_an_independent_implementation_does() {
        let value = map(&[
            ("\u{10000}", Value::from("beyond the plane")),
            ("\u{e000}", Value::from("after it, by code unit")),
            (
                "b",
                Value::List(vec![
                    Value::Null,
                    Value::from(true),
                    Value::from(1.0),
                    Value::from(1e21),
                ]),
            ),
            (
                "a",
                map(&[("z", Value::from(-7_i64)), ("", Value::from("\u{1}\"\\/ü"))]),
            ),
        ]);
        let text = canonical_json(&value).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text, serde_jcs::to_string(&read).unwrap());
        assert!(text.contains("[null,true,1,1e+21]"), "{text}");
    }

    #[test]
    fn parameters_have_one_hash_whatever_their_order_and_nobody_confirms_a_guess() {
        let one = map(&[("a", Value::from(1_u64)), ("b", Value::from("x"))]);
        let policy = Policy::balanced();
        assert_eq!(policy.params_hash(None, &one), None, "no key");
        let policy = policy.key("k1", &[7; 32]).unwrap();
        let hash = policy.params_hash(None, &one).unwrap();
        assert!(
            hash.starts_with("hmac-sha256:k1:") && hash.len() == 15 + 64,
            "{hash}"
        );
        assert_eq!(
            policy.pseudonym(PARAMS, None, r#"{"a":1,"b":"x"}"#),
            Some(hash.clone())
        );
        let other = Policy::balanced().key("k1", &[8; 32]).unwrap();
        assert_ne!(other.params_hash(None, &one), Some(hash.clone()));
        assert_eq!(policy.params_hash(Some("k2"), &one), None);
        assert_eq!(policy.params_hash(Some("k1"), &one), Some(hash));
        let hash = |value: Value| policy.params_hash(None, &value);
        assert_ne!(
            hash(Value::from("1")),
            hash(Value::from(1_u64)),
            "a text is no number"
        );
    }

    #[test]
    fn a_value_that_is_too_deep_is_refused_and_not_walked_to_its_end() {
        let mut deep = Value::Null;
        for _ in 0..10_000 {
            deep = Value::List(vec![deep]);
        }
        assert_eq!(canonical_json(&deep).unwrap_err().kind(), ErrorKind::Format);
        deep.dismantle();
    }
}
