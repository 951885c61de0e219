//! Addresses with their last bits removed: /24 for IPv4, /48 for IPv6, /40 for 6to4.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Words that stand for an address where there was no request, and where a request had none that can be stated: not an
/// address, and not personal.
pub(super) const STAND_INS: [&str; 2] = ["system", "unknown"];

/// Bits of an IPv6 address that are left, and of one whose prefix holds an IPv4 address (6to4).
const V6_BITS: u8 = 48;
const EMBEDDED_BITS: u8 = 40;

/// Bits of an IPv4 address that are left.
const V4_BITS: u8 = 24;

/// Bits before the IPv4 address in an IPv4-mapped one.
const MAPPED_BITS: u8 = 96;

/// Truncates an IP address to its first 24 (IPv4) or 48 (IPv6) bits, and says how many bits are left.
///
/// Brackets, a zone id and a port are removed. IPv4-mapped addresses are treated as IPv4, and a 6to4 address keeps
/// 40 bits, because its prefix is somebody's IPv4 address. A network (`203.0.113.0/24`) keeps its own length where
/// that is shorter, so that truncating twice changes nothing. The words `system` and `unknown`, which stand for an
/// address, are given back with no length. Anything else is no address: `None`, so that it cannot pass as one.
#[must_use]
pub fn truncate_ip(text: &str) -> Option<(String, Option<u8>)> {
    let text = text.trim();
    if STAND_INS.contains(&text) {
        return Some((text.to_owned(), None));
    }
    let (address, bits) = truncated(text)?;
    Some((address.to_string(), Some(bits)))
}

/// Writes what is left of the text as a whole, and says whether that is something else than the text; `None` where it is
/// no address, and nothing was written.
pub(super) fn put_whole(text: &str, out: &mut String) -> Option<bool> {
    if let (Some([.., last]), Some(dot)) = (plain_v4(text), text.bytes().rposition(|byte| byte == b'.')) {
        // It can be written in one way only, so all but its last number is there already.
        out.push_str(text.get(..=dot).unwrap_or_default());
        out.push('0');
        return Some(last != 0);
    }
    let given = text.trim();
    if STAND_INS.contains(&given) {
        out.push_str(given);
        return Some(false);
    }
    let place = out.len();
    put_truncated(given, out).then(|| out.get(place..) != Some(text))
}

/// The address itself, without brackets, zone and port; an IPv4-mapped one as IPv4.
pub(crate) fn parsed(text: &str) -> Option<IpAddr> {
    let address = parse(text).or_else(|| parse_with_port(text))?;
    Some(address.to_canonical())
}

/// An IPv4 address alone, which can be written in one way only.
pub(crate) fn plain_v4(text: &str) -> Option<[u8; 4]> {
    let mut parts = [0; 4];
    let (mut part, mut digits, mut number) = (0, 0, 0);
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            let is_zero_before = digits > 0 && number == 0;
            number = number * 10 + u16::from(byte - b'0');
            digits += 1;
            if is_zero_before || number > 255 {
                return None;
            }
            *parts.get_mut(part)? = number as u8;
        } else if byte == b'.' && digits > 0 {
            (part, digits, number) = (part + 1, 0, 0);
        } else {
            return None;
        }
    }
    (part == 3 && digits > 0).then_some(parts)
}

/// Appends what truncating a text leaves of the address that it is; `false`, and nothing, where it is none.
pub(crate) fn put_truncated(text: &str, out: &mut String) -> bool {
    use std::fmt::Write as _;
    let Some((address, _)) = truncated(text) else {
        return false;
    };
    let IpAddr::V4(v4) = address else {
        let _ = write!(out, "{address}");
        return true;
    };
    for (place, part) in v4.octets().into_iter().enumerate() {
        if place > 0 {
            out.push('.');
        }
        let digit = |number: u8| char::from(b'0' + number % 10);
        if part > 99 {
            out.push(digit(part / 100));
        }
        if part > 9 {
            out.push(digit(part / 10));
        }
        out.push(digit(part));
    }
    true
}

/// The truncated address, without its text.
pub(crate) fn truncated(text: &str) -> Option<(IpAddr, u8)> {
    if let Some([a, b, c, _]) = plain_v4(text) {
        return Some((IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), V4_BITS));
    }
    let (address, given) = match text.split_once('/') {
        Some((address, bits)) => (parse(address)?, Some(length(bits)?)),
        None => (parse(text).or_else(|| parse_with_port(text))?, None),
    };
    let (canonical, given) = match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => (IpAddr::V4(v4), given.map(|bits| bits.saturating_sub(MAPPED_BITS))),
            None => (address, given),
        },
        IpAddr::V4(_) => (address, given),
    };
    let whole = if address.is_ipv4() { 32 } else { 128 };
    if given.is_some_and(|given| given > whole) {
        return None;
    }
    Some(match canonical {
        IpAddr::V4(v4) => {
            let bits = given.unwrap_or(V4_BITS).min(V4_BITS);
            let mask = u32::MAX.checked_shl(u32::from(32 - bits)).unwrap_or(0);
            (IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask)), bits)
        }
        IpAddr::V6(v6) => {
            let most = if v6.segments().first() == Some(&0x2002) {
                EMBEDDED_BITS
            } else {
                V6_BITS
            };
            let bits = given.unwrap_or(most).min(most);
            let mask = u128::MAX.checked_shl(u32::from(128 - bits)).unwrap_or(0);
            (IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask)), bits)
        }
    })
}

/// Whether the text is what truncating it would leave.
pub(crate) fn is_truncated(text: &str) -> bool {
    STAND_INS.contains(&text)
        || truncated(text).is_some_and(|(address, bits)| {
            let address = address.to_string();
            text == address || text == format!("{address}/{bits}")
        })
}

/// A prefix length: digits only, so that `+24` is none.
fn length(bits: &str) -> Option<u8> {
    let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    bits.parse().ok().filter(|_| digits)
}

/// An address, in brackets or not, with or without a zone.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None => text,
    };
    match bare.split_once('%') {
        // Only IPv6 has zones. Whatever the zone says is dropped.
        Some((address, zone)) if !zone.is_empty() => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        Some(_) => None,
        None => bare.parse().ok(),
    }
}

/// `address:port`; an IPv6 address stands in brackets then.
fn parse_with_port(text: &str) -> Option<IpAddr> {
    let (address, port) = text.rsplit_once(':')?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse::<u16>().ok().filter(|_| digits)?;
    let bracketed = address.starts_with('[');
    parse(address).filter(|address| address.is_ipv4() != bracketed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_lose_their_last_bits() {
        for (raw, kept, bits) in [
            ("203.0.113.77", "203.0.113.0", 24),
            (" 203.0.113.77 ", "203.0.113.0", 24),
            ("203.0.113.77:4711", "203.0.113.0", 24),
            ("203.0.113.77/32", "203.0.113.0", 24),
            ("203.0.113.0/24", "203.0.113.0", 24),
            ("10.0.0.0/8", "10.0.0.0", 8),
            ("10.1.2.3/8", "10.0.0.0", 8),
            ("10.1.2.3/0", "0.0.0.0", 0),
            ("::ffff:203.0.113.77", "203.0.113.0", 24),
            ("::ffff:cb00:714d", "203.0.113.0", 24),
            ("::ffff:203.0.113.77/128", "203.0.113.0", 24),
            ("[::ffff:203.0.113.77]:443", "203.0.113.0", 24),
            ("2001:db8:1:2::3", "2001:db8:1::", 48),
            ("2001:DB8:1:2::3", "2001:db8:1::", 48),
            ("2001:db8:1::/48", "2001:db8:1::", 48),
            ("2001:db8:1:2::/64", "2001:db8:1::", 48),
            ("2001:db8::/32", "2001:db8::", 32),
            ("[2001:db8:1:2::3]", "2001:db8:1::", 48),
            ("[2001:db8:1:2::3]:443", "2001:db8:1::", 48),
            ("fe80::1%eth0", "fe80::", 48),
            ("fe80::1%eth0/64", "fe80::", 48),
            ("[fe80::1%eth0]:443", "fe80::", 48),
            ("2002:cb00:714d:1::1", "2002:cb00:7100::", 40),
            ("64:ff9b::203.0.113.77", "64:ff9b::", 48),
        ] {
            assert_eq!(truncate_ip(raw), Some((kept.to_owned(), Some(bits))), "{raw}");
        }
        for word in STAND_INS {
            assert_eq!(truncate_ip(word), Some((word.to_owned(), None)));
        }
    }

    #[test]
    fn what_is_no_address_never_passes() {
        for raw in [
            "",
            "alice",
            "System",
            "localhost",
            "203.0.113",
            "203.0.113.7.9",
            "203.0.113.07",
            "203.0.113.256",
            "0xcb00714d",
            "3405803853",
            "1.2.3.4, 5.6.7.8",
            "203.0.113.7/x",
            "203.0.113.7/",
            "203.0.113.7/33",
            "203.0.113.7/+8",
            "203.0.113.7:",
            "203.0.113.7:99999",
            "203.0.113.7:+80",
            "203.0.113.7%eth0",
            "203.0.113.7:80/24",
            "2001:db8::1/129",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]x",
            "[203.0.113.7]:80",
            "fe80::1%",
            "::g",
            "::ffff:203.0.113.77.1",
        ] {
            assert_eq!(truncate_ip(raw), None, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn no_host_bit_survives_and_twice_is_once(v4: [u8; 4], v6: [u16; 8], form in 0..6_u8) {
            let (v4, v6) = (Ipv4Addr::from(v4), Ipv6Addr::from(v6));
            let raw = match form {
                0 => v4.to_string(),
                1 => format!("{v4}:8080"),
                2 => v4.to_ipv6_mapped().to_string(),
                3 => v6.to_string(),
                4 => format!("[{v6}]:443"),
                _ => format!("{v6}%en0"),
            };
            let (kept, bits) = truncate_ip(&raw).unwrap();
            let bits = bits.unwrap();
            match kept.parse::<IpAddr>().unwrap() {
                IpAddr::V4(kept) => prop_assert!(bits == 24 && u32::from(kept) << 24 == 0),
                IpAddr::V6(kept) => prop_assert!(bits <= 48 && u128::from(kept) << bits == 0),
            }
            prop_assert_eq!(truncate_ip(&kept), Some((kept.clone(), Some(bits))));
            prop_assert_eq!(truncate_ip(&format!("{kept}/{bits}")), Some((kept, Some(bits))));
        }

        #[test]
        fn what_is_put_is_what_is_truncated(a: [u8; 4], port in proptest::option::of(0_u16..100), mapped: bool) {
            let address = Ipv4Addr::from(a);
            let text = match (port, mapped) {
                (Some(port), _) => format!("{address}:{port}"),
                (None, true) => format!("::ffff:{address}"),
                (None, false) => address.to_string(),
            };
            let mut put = String::new();
            prop_assert!(put_truncated(&text, &mut put));
            prop_assert_eq!(Some(put), truncate_ip(&text).map(|(address, _)| address));
            prop_assert!(!put_truncated("1.2.3", &mut String::new()));
        }

        #[test]
        fn any_text_is_an_address_or_nothing(text in "[0-9a-f:.%/\\[\\] x]{0,30}") {
            if let Some((kept, Some(_))) = truncate_ip(&text) {
                prop_assert!(kept.parse::<IpAddr>().is_ok());
            }
        }
    }
}
