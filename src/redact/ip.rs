//! Addresses with their last bits removed: /24 for IPv4, /48 for IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Word that stands for an address where there is none (seed 004): not an address, and not personal.
const SENTINEL: &str = "system";

/// Truncates an IP address to its first 24 (IPv4) or 48 (IPv6) bits, and says how many bits are left.
///
/// Zone ids and a port are removed, IPv4-mapped addresses are treated as IPv4, and an address with a prefix
/// length (`203.0.113.0/24`) is truncated like any other. The sentinel `system` is given back with no length.
/// Anything else is no address: `None`, so that it cannot pass as one.
#[must_use]
pub fn truncate_ip(text: &str) -> Option<(String, Option<u8>)> {
    let text = text.trim();
    if text == SENTINEL {
        return Some((SENTINEL.to_owned(), None));
    }
    let (address, bits) = truncated(text)?;
    Some((address.to_string(), Some(bits)))
}

/// The truncated address, without its text.
pub(crate) fn truncated(text: &str) -> Option<(IpAddr, u8)> {
    let (address, given) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address = address
        .split_once('%')
        .map_or(address, |(address, _zone)| address);
    let address = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(address);
    let parsed = address.parse::<IpAddr>().ok();
    let parsed = parsed.or_else(|| {
        text.parse::<std::net::SocketAddr>()
            .ok()
            .map(|socket| socket.ip())
    })?;
    let (truncated, bits) = match parsed.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            (IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), 24)
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            (IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), 48)
        }
    };
    Some((truncated, given.map_or(bits, |given| given.min(bits))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_last_bits() {
        for (raw, kept, bits) in [
            ("203.0.113.77", "203.0.113.0", 24),
            ("203.0.113.77:4711", "203.0.113.0", 24),
            ("203.0.113.0/24", "203.0.113.0", 24),
            ("10.0.0.0/8", "10.0.0.0", 8),
            ("::ffff:203.0.113.77", "203.0.113.0", 24),
            ("2001:db8:1:2::3", "2001:db8:1::", 48),
            ("[2001:db8:1:2::3]:443", "2001:db8:1::", 48),
            ("fe80::1%eth0", "fe80::", 48),
        ] {
            assert_eq!(truncate_ip(raw), Some((kept.to_owned(), Some(bits))), "{raw}");
        }
        assert_eq!(truncate_ip("system"), Some(("system".to_owned(), None)));
    }

    #[test]
    fn what_is_no_address_never_passes() {
        for raw in [
            "",
            "alice",
            "203.0.113",
            "203.0.113.7.9",
            "1.2.3.4, 5.6.7.8",
            "203.0.113.7/x",
            "::g",
        ] {
            assert_eq!(truncate_ip(raw), None, "{raw}");
        }
    }
}
