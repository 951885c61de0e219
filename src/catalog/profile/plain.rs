//! JSON values as record values and back, without the `$` forms of a trail's lines: what other systems write.

use base64::Engine as _;

use super::taking::Fault;
use crate::format::{Json, json_string, parse_json};
use crate::record::{Map, Value};

/// The longest key of an object, in bytes: a record cuts much longer ones, and two could become one.
const MAX_KEY: usize = 16 << 10;

/// How strings are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As `JSON.stringify` does, and RFC 8785.
    Plain,
    /// As Go's `encoding/json` does: `<`, `>`, `&` and two line separators are escaped too.
    Go,
}

/// Reads JSON text.
pub(super) fn read(text: &[u8]) -> Result<Value, Fault> {
    let json = parse_json(text).map_err(Fault::from)?;
    value(json, &mut Vec::new(), text)
}

/// The value, with exact integers. A number with a fraction or an exponent is a double, as everybody reads it.
fn value<'j>(json: Json<'j>, path: &mut Vec<String>, text: &[u8]) -> Result<Value, Fault> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(digits) => match number(digits) {
            Some(number) => number,
            None => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                return Err(Fault::at_path(
                    text,
                    &path,
                    &format!(
                        "the number `{}` is beyond 128 bits or the largest double: write it as text",
                        super::taking::short(digits)
                    ),
                ));
            }
        },
        Json::Str(text) => Value::Str(text.into_owned()),
        Json::List(values) => {
            let values = values.into_iter().map(|json| value(json, path, text));
            Value::List(values.collect::<Result<_, _>>()?)
        }
        Json::Object(members) => {
            let mut map = Map::new();
            for (key, json) in members {
                if key.len() > MAX_KEY {
                    let path: Vec<&str> = path.iter().map(String::as_str).collect();
                    let why = format!("a key of {} bytes: shorten it to {MAX_KEY}", key.len());
                    return Err(Fault::at_path(text, &path, &why));
                }
                path.push(key.clone().into_owned());
                let member = value(json, path, text)?;
                path.pop();
                map.insert(key.into_owned(), member);
            }
            Value::Map(map)
        }
    })
}

fn number(digits: &str) -> Option<Value> {
    if digits == "-0" {
        return Some(Value::Float(-0.0));
    }
    if digits.contains(['.', 'e', 'E']) {
        let number: f64 = digits.parse().ok()?;
        return number.is_finite().then_some(Value::Float(number));
    }
    let signed = digits.parse().ok().map(Value::Int);
    signed.or_else(|| digits.parse::<u128>().ok().map(Value::from))
}

/// Writes a value as JSON text; keys in the order of their bytes.
pub(super) fn write(value: &Value, style: Style, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Uint(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Float(number) => float(*number, out),
        Value::Bytes(bytes) => {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            out.extend_from_slice(b"{\"$bytes\":");
            string(&text, style, out);
            out.push(b'}');
        }
        Value::Commitment(hash) => {
            let text = base64::engine::general_purpose::STANDARD.encode(hash);
            out.extend_from_slice(b"{\"$commit\":");
            string(&text, style, out);
            out.push(b'}');
        }
        Value::Str(text) => string(text, style, out),
        Value::List(values) => {
            out.push(b'[');
            for (nth, value) in values.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write(value, style, out);
            }
            out.push(b']');
        }
        Value::Map(members) => {
            out.push(b'{');
            for (nth, (key, value)) in members.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                string(key, style, out);
                out.push(b':');
                write(value, style, out);
            }
            out.push(b'}');
        }
    }
}

/// From here on not every integer is a double: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The shortest text of a double; what JSON has no number for is its name as a text.
fn float(number: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu_js::Buffer::new();
    if number == 0.0 && number.is_sign_negative() {
        out.extend_from_slice(b"-0");
    } else if number.fract() == 0.0 && (EXACT..1e21).contains(&number.abs()) {
        // Digits only would be read as an integer, and as another one than the double is.
        out.extend_from_slice(format!("{number:e}").replacen('e', "e+", 1).as_bytes());
    } else if number.is_finite() {
        out.extend_from_slice(buffer.format_finite(number).as_bytes());
    } else {
        out.push(b'"');
        out.extend_from_slice(buffer.format(number).as_bytes());
        out.push(b'"');
    }
}

/// Writes a text as a JSON string.
pub(super) fn string(text: &str, style: Style, out: &mut Vec<u8>) {
    let start = out.len();
    json_string(out, text.as_bytes());
    let is_odd = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if style == Style::Plain || !text.contains(is_odd) {
        return;
    }
    // Escapes of the plain form hold none of these characters.
    let plain = String::from_utf8_lossy(&out.split_off(start)).into_owned();
    for c in plain.chars() {
        if is_odd(c) {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The value's JSON text.
pub(super) fn text(value: &Value, style: Style) -> String {
    let mut out = Vec::new();
    write(value, style, &mut out);
    // Made of texts that were UTF-8 before.
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether every part of the value has a JSON text of its own that is read back as it was.
pub(super) fn is_plain(value: &Value) -> bool {
    match value {
        Value::Bytes(_) | Value::Commitment(_) => false,
        Value::Float(number) => number.is_finite(),
        Value::List(values) => values.iter().all(is_plain),
        Value::Map(members) => members.values().all(is_plain),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(given: &str) -> String {
        text(&read(given.as_bytes()).expect(given), Style::Plain)
    }

    #[test]
    fn numbers_come_back_exactly_or_are_refused() {
        for same in [
            "0",
            "-0",
            "9007199254740993",
            "-170141183460469231731687303715884105728",
            "340282366920938463463374607431768211455",
            "0.1",
            "1e+21",
            "5e-324",
            "12.345",
            "1.8309785778426752e+17",
        ] {
            assert_eq!(again(same), same);
        }
        assert_eq!(again("1e2"), "100");
        assert_eq!(again("1.0"), "1");
        for beyond in ["340282366920938463463374607431768211456", "1e400", "-1e309"] {
            let told = read(format!(r#"{{"a":{{"b":{beyond}}}}}"#).as_bytes());
            let fault = told.expect_err(beyond);
            assert_eq!(fault.at, 10);
            assert!(fault.message.contains("write it as text"), "{}", fault.message);
        }
    }

    #[test]
    fn go_escapes_what_a_page_could_take_for_markup() {
        let given = Value::from("<a href=\"x\">&\u{2028}ü</a>\n");
        assert_eq!(
            text(&given, Style::Go),
            "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\u2028ü\\u003c/a\\u003e\\n\""
        );
        assert_eq!(
            text(&given, Style::Plain),
            "\"<a href=\\\"x\\\">&\u{2028}ü</a>\\n\""
        );
    }
}
