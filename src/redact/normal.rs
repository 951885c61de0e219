//! One form for values that are written in several, so that they have one pseudonym.

use std::borrow::Cow;

use super::class::{Class, ClassKind};

/// The form in which a value of this class is hashed: an e-mail address in small letters, a telephone number as its
/// digits with a leading `+`, a card as its digits, an IP address as it is written shortest; others without the quotes
/// that `Debug` puts around a text.
pub(crate) fn normal(class: Class, value: &str) -> Cow<'_, str> {
    let value = unquoted(value);
    match (class.kind(), class.label()) {
        (ClassKind::Personal, "email") => Cow::Owned(value.trim().to_lowercase()),
        (ClassKind::Personal, "phone") | (ClassKind::Financial, _) => compact(value),
        (ClassKind::Network, _) if is_shortest(value) => Cow::Borrowed(value),
        (ClassKind::Network, _) => match super::ip::parsed(value.trim()) {
            Some(address) => Cow::Owned(address.to_string()),
            None => Cow::Borrowed(value.trim()),
        },
        _ => Cow::Borrowed(value),
    }
}

/// Whether a value is in that form already, as far as that can be told at a glance.
pub(super) fn is_normal(class: Class, value: &str) -> bool {
    match (class.kind(), class.label()) {
        (ClassKind::Personal, "email") => value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && byte != b'"'),
        (ClassKind::Personal, "phone") | (ClassKind::Financial, _) => {
            let digits = value.strip_prefix('+').unwrap_or(value);
            digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        (ClassKind::Network, _) => is_shortest(value),
        _ => !value.starts_with('"'),
    }
}

/// Whether an address is written shortest: an IPv4 address can be written in one way only.
fn is_shortest(address: &str) -> bool {
    super::ip::plain_v4(address).is_some()
}

/// A text without the quotes of its `Debug` form, where nothing in it was escaped.
fn unquoted(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner
        .filter(|inner| !inner.contains(['"', '\\']))
        .unwrap_or(value)
}

/// The letters and digits, and a leading `+`.
fn compact(value: &str) -> Cow<'_, str> {
    let value = value.trim();
    let kept = |at: usize, char: char| char.is_alphanumeric() || (char == '+' && at == 0);
    if value.char_indices().all(|(at, char)| kept(at, char)) {
        return Cow::Borrowed(value);
    }
    let kept = value.char_indices().filter(|&(at, char)| kept(at, char));
    Cow::Owned(kept.map(|(_, char)| char).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_several_ways_is_hashed_in_one() {
        let email = Class::personal("email");
        assert_eq!(normal(email, " Ann@Example.COM "), "ann@example.com");
        assert_eq!(
            normal(Class::personal("phone"), "+49 (30) 123-456"),
            "+4930123456"
        );
        assert_eq!(
            normal(Class::FINANCIAL, "4111 1111-1111 1111"),
            "4111111111111111"
        );
        assert_eq!(normal(Class::NETWORK, "2001:0DB8::0001"), "2001:db8::1");
        assert_eq!(normal(Class::NETWORK, "::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(normal(Class::NETWORK, "192.0.2.1:80"), "192.0.2.1");
        assert!(matches!(
            normal(Class::NETWORK, "192.0.2.1"),
            Cow::Borrowed("192.0.2.1")
        ));
        assert_eq!(normal(Class::UNCLASSIFIED, "\"4711\""), "4711");
        assert_eq!(normal(Class::UNCLASSIFIED, " a "), " a ");
        assert_eq!(normal(Class::UNCLASSIFIED, r#""a\"b""#), r#""a\"b""#);
    }

    proptest::proptest! {
        #[test]
        fn an_address_that_is_written_shortest_is_one_and_every_other_text_is_not(
            parts in proptest::collection::vec("[0-9]{0,4}|25[0-9]|x|0| 1|\\+1", 1..6)
        ) {
            let text = parts.join(".");
            proptest::prop_assert_eq!(is_shortest(&text), text.parse::<std::net::Ipv4Addr>().is_ok(), "{}", text);
        }
    }

    #[test]
    fn what_is_said_to_be_normal_stays_as_it_is() {
        let classes = [
            Class::personal("email"),
            Class::personal("phone"),
            Class::FINANCIAL,
            Class::NETWORK,
            Class::UNCLASSIFIED,
        ];
        let mut normals = 0;
        for value in [
            "",
            "+",
            "+1",
            "1+",
            " 1",
            "a@b.c",
            "A@b.c",
            "é@b.c",
            "a @b.c",
            "\"a@b.c\"",
            "\"a",
            "192.0.2.1",
            "192.0.2.01",
            "192.0.2.1 ",
            "::1",
            "0:0::1",
            "[::1]",
            "4111-1",
            "\"\"",
        ] {
            for class in classes {
                if is_normal(class, value) {
                    assert_eq!(normal(class, value), value, "{class:?}");
                    normals += 1;
                }
            }
        }
        assert!(normals > 20, "{normals}");
    }
}
