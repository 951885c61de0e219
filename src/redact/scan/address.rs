//! IP and hardware addresses, read by the real parsers; versions, object ids, fingerprints and paths stay.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::bytes::{self, at, before, free_left, free_right, is_word, run, run_back};
use super::clue::{ADDRESS, RELEASE, VERSION};
use super::digits::{Group, mark};
use super::hits::Sort;
use super::numbers::Scan;

/// The longest text of an IPv6 address.
const LONGEST: usize = 45;

/// Bytes of a hardware address in text.
const HARDWARE: usize = 17;

/// Pushes the IPv4 address in the first four groups.
pub(super) fn dotted(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let (address, end) = quad(scan.bytes, groups)?;
    let start = groups.first()?.start;
    if is_common(address) || is_network(scan.bytes, end, u32::from(address) & 0xFF == 0, 24) {
        return None;
    }
    if is_version(scan, start, address) {
        return None;
    }
    scan.push(start, end, "ip", Sort::Network);
    scan.address_end = end;
    Some(end)
}

/// The IPv4 address that the first four groups are, anybody's or not, and its end.
pub(super) fn quad(bytes: &[u8], groups: &[Group]) -> Option<(Ipv4Addr, usize)> {
    let [first, second, third, fourth, ..] = groups else {
        return None;
    };
    let dots = [second, third, fourth]
        .iter()
        .all(|group| mark(bytes, **group) == b'.');
    if !dots || first.len() > 3 || fourth.len() > 3 {
        return None;
    }
    let address = Ipv4Addr::new(
        octet(bytes, *first)?,
        octet(bytes, *second)?,
        octet(bytes, *third)?,
        octet(bytes, *fourth)?,
    );
    ends(bytes, fourth.end).then_some((address, fourth.end))
}

/// The number that the group is, without a zero before it.
#[inline]
fn octet(bytes: &[u8], group: Group) -> Option<u8> {
    let digit = |at: usize| u16::from(bytes::at(bytes, at).wrapping_sub(b'0'));
    let number = match group.len() {
        1 => return u8::try_from(digit(group.start)).ok(),
        2 => digit(group.start) * 10 + digit(group.start + 1),
        3 => digit(group.start) * 100 + digit(group.start + 1) * 10 + digit(group.start + 2),
        _ => return None,
    };
    u8::try_from(number).ok().filter(|_| digit(group.start) != 0)
}

/// Whether an IPv4 address may end here: a range or a port may follow, more of a dotted name may not.
fn ends(bytes: &[u8], end: usize) -> bool {
    let (next, after) = (at(bytes, end), at(bytes, end + 1));
    match next {
        b'.' => !is_word(after),
        b'-' => {
            let range = run(bytes, end + 1, 16, |byte| byte.is_ascii_digit() || byte == b'.');
            !is_word(after) || range >= 7
        }
        _ => !is_word(next),
    }
}

/// Addresses that say nothing of anybody: unspecified, loopback, multicast, reserved, netmasks, and the address at
/// which clouds serve an instance's own data.
fn is_common(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first == 0 || first == 127 || first >= 224 || address == Ipv4Addr::new(169, 254, 169, 254)
}

/// Whether the address is that of a network already, as truncation leaves it, with or without its length.
fn is_network(bytes: &[u8], end: usize, no_host: bool, most: u8) -> bool {
    let bits = at(bytes, end) == b'/' && at(bytes, end + 1).is_ascii_digit();
    if !bits || !no_host {
        return no_host;
    }
    let len = run(bytes, end + 1, 3, |byte| byte.is_ascii_digit());
    let text = bytes
        .get(end + 1..end + 1 + len)
        .and_then(|text| std::str::from_utf8(text).ok());
    text.and_then(|text| text.parse::<u8>().ok())
        .is_none_or(|bits| bits <= most)
}

/// Whether four numbers with dots are a version or an object id.
fn is_version(scan: &mut Scan<'_, '_>, start: usize, address: Ipv4Addr) -> bool {
    let bytes = scan.bytes;
    let (last, before_last) = (before(bytes, start, 1), before(bytes, start, 2));
    // Requirements (`>=1.2.3.4`, `^1.2.3.4`) and products (`Chrome/120.0.1.2`), unless the slash is that of a path.
    let required = matches!(last, b'^' | b'~')
        || (last == b'=' && matches!(before_last, b'=' | b'>' | b'<' | b'~' | b'!'));
    let named = scan.clues.nearest(start, ADDRESS);
    let product = last == b'/' && named + 1 != start && {
        let name = run_back(bytes, start - 1, 40, |byte| is_word(byte) || byte == b'-');
        name > 0 && !matches!(before(bytes, start - 1, name + 1), b'/' | b'.')
    };
    if required || product {
        return true;
    }
    let name = scan.kinds();
    if name & (VERSION | RELEASE | ADDRESS) != 0 {
        return name & ADDRESS == 0;
    }
    let version = scan.clues.nearest(start, VERSION);
    let release = scan.clues.nearest(start, RELEASE);
    let [first, second, third, _] = address.octets();
    // Arcs of SNMP and of the directory's own attributes.
    let object = matches!(
        (first, second, third),
        (1, 3, 6) | (2, 5, 4 | 6 | 8 | 13..=21 | 23 | 29)
    );
    version > named || (release > named && start - release <= 3) || (object && named == 0)
}

/// Looks at the colon at `colon` and at the hexadecimal groups around it; says where they end.
pub(super) fn colons(scan: &mut Scan<'_, '_>, colon: usize) -> usize {
    let bytes = scan.bytes;
    let (last, next) = (before(bytes, colon, 1), at(bytes, colon + 1));
    let left = last == b':' || last.is_ascii_hexdigit();
    if next != b':' && !(left && next.is_ascii_hexdigit()) {
        return colon + 1;
    }
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let back = run_back(bytes, colon, LONGEST, is_part);
    let end = colon + run(bytes, colon, usize::MAX, is_part);
    let mut start = colon - back;
    // Times and ports: too few colons for an address.
    let text = bytes.get(start..end).unwrap_or_default();
    if back + (end - colon) < 7 && !text.windows(2).any(|pair| pair == b"::") {
        return end;
    }
    // `client:2001:db8::1`: a single colon belongs to what stands before it.
    if at(bytes, start) == b':' && at(bytes, start + 1) != b':' {
        start += 1;
    }
    let mut stop = end;
    while at(bytes, stop.saturating_sub(1)) == b'.' {
        stop -= 1;
    }
    if before(bytes, stop, 1) == b':' && before(bytes, stop, 2) != b':' {
        stop -= 1;
    }
    if stop > start && stop - start <= LONGEST && free_left(bytes, start) && !is_word(at(bytes, stop)) {
        let _ = hardware(scan, start, stop, b':') || v6(scan, start, stop);
    }
    end
}

/// Pushes the IPv6 address between `start` and `end`, with its zone.
fn v6(scan: &mut Scan<'_, '_>, start: usize, end: usize) -> bool {
    let text = scan.bytes.get(start..end).unwrap_or_default();
    let short = text.windows(2).any(|pair| pair == b"::");
    if !short && text.iter().filter(|&&byte| byte == b':').count() < 6 {
        return false;
    }
    let Some(address) = scan
        .text
        .get(start..end)
        .and_then(|text| text.parse::<Ipv6Addr>().ok())
    else {
        return false;
    };
    if let Some(v4) = address.to_ipv4_mapped() {
        if is_common(v4) || is_network(scan.bytes, end, u32::from(v4) & 0xFF == 0, 120) {
            return false;
        }
        // Of the dotted form only the part that names the host: the rest says nothing.
        if let Some(colon) = text
            .iter()
            .rposition(|&byte| byte == b':')
            .filter(|_| text.contains(&b'.'))
        {
            scan.push(start + colon + 1, end, "ip", Sort::Network);
            return true;
        }
    } else if !is_assigned(address) {
        return false;
    }
    let no_host = u128::from(address) << 48 == 0;
    if is_network(scan.bytes, end, no_host, 48) {
        return false;
    }
    scan.push(start, end, "ip", Sort::Network);
    true
}

/// Whether hosts have addresses in this range: that keeps `dead::beef`, loopback and multicast.
fn is_assigned(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    (0x2000..0x4000).contains(&first)
        || first & 0xFE00 == 0xFC00
        || first & 0xFFC0 == 0xFE80
        || (first == 0x64 && second == 0xFF9B)
}

/// Pushes the hardware address between `start` and `end`.
fn hardware(scan: &mut Scan<'_, '_>, start: usize, end: usize, separator: u8) -> bool {
    let text = scan.bytes.get(start..end).unwrap_or_default();
    let fits = text.len() == HARDWARE
        && text.iter().enumerate().all(|(at, &byte)| match at % 3 {
            2 => byte == separator,
            _ => byte.is_ascii_hexdigit(),
        });
    let digits = || text.iter().filter(|byte| byte.is_ascii_hexdigit());
    let varied = digits().any(|digit| Some(digit) != text.first());
    if fits && varied {
        scan.push(start, end, "mac", Sort::Network);
    }
    // One digit over and over is nobody's address, and nothing else either.
    fits
}

/// Pushes the hardware address with dashes, or with dots after every second byte, that the digit at `digit` is in.
#[inline]
pub(super) fn dashed(scan: &mut Scan<'_, '_>, digit: usize) -> Option<usize> {
    let bytes = scan.bytes;
    // The other digit of the pair, and a dash on one side of the two. Mostly there is no dash at all.
    let (last, next) = (before(bytes, digit, 1), at(bytes, digit + 1));
    let (last_but_one, next_but_one) = (before(bytes, digit, 2), at(bytes, digit + 2));
    if (last != b'-') & (next != b'-') & (last_but_one != b'-') & (next_but_one != b'-') {
        return None;
    }
    near_dash(scan, digit)
}

/// As [`dashed`], where a dash is near.
pub(super) fn near_dash(scan: &mut Scan<'_, '_>, digit: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let (last, next) = (before(bytes, digit, 1), at(bytes, digit + 1));
    let (last_but_one, next_but_one) = (before(bytes, digit, 2), at(bytes, digit + 2));
    let opens = next.is_ascii_hexdigit() && (next_but_one == b'-' || last == b'-');
    let closes = last.is_ascii_hexdigit() && (next == b'-' || last_but_one == b'-');
    if !opens && !closes {
        return None;
    }
    // A long run may have many digits next to dashes. Of one that is too long, it is enough to know that it is.
    if !scan.dashed.contains(&digit) {
        let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
        let back = run_back(bytes, digit, HARDWARE + 1, is_part);
        scan.dashed = digit - back..digit + run(bytes, digit, usize::MAX, is_part);
    }
    let (start, end) = (scan.dashed.start, scan.dashed.end);
    if end - start != HARDWARE || !free_left(bytes, start) || !free_right(bytes, end) {
        return None;
    }
    let dashes = |text: &[u8]| text.iter().filter(|&&byte| byte == b'-').count();
    if dashes(bytes.get(start..end)?) != 5 {
        return None;
    }
    hardware(scan, start, end, b'-').then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, found, leaves};

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for text in [
            "«203.0.113.9»",
            "from «10.1.2.3»:8080",
            "client=«192.168.1.7»,",
            "http://«198.51.100.4»/path",
            "[«203.0.113.9»] done.",
            "connected to «203.0.113.9».",
            "root@«203.0.113.9»",
            "host/«203.0.113.9»:80",
            "release lock held by «10.2.3.4»",
            "build server «10.2.3.4»",
            "connection from «10.2.3.4» (version 7)",
            "https://api/ip/«203.0.113.9»/x",
            "«203.0.113.9»/32",
            "a\\n«203.0.113.9»",
            "<ip>«203.0.113.9»</ip>",
            "«2001:db8:85a3::8a2e:370:7334»",
            "[«2001:db8::1»]:443",
            "ip: «2001:db8::1».",
            "client:«2001:db8::1»: refused",
            "«fe80::1ff:fe23:4567:890a»%eth0",
            "::ffff:«203.0.113.9»",
            "«2001:DB8:0:0:8:800:200C:417A»",
            "«fd12:3456:789a:1::1»/64",
        ] {
            claims("ip", text, "");
        }
        let range = found("10.0.0.1-10.0.0.9", "");
        assert_eq!(range.len(), 2, "{range:?}");
    }

    #[test]
    fn addresses_of_no_one_and_truncated_ones_stay() {
        for text in [
            "127.0.0.1",
            "0.0.0.0:80",
            "255.255.255.0",
            "224.0.0.251",
            "169.254.169.254",
            "203.0.113.0",
            "203.0.113.0/24",
            "10.0.0.0/8",
            "::1",
            "[::]:443",
            "ff02::1",
            "2001:db8:1::/48",
            "2001:db8:1::",
            "::ffff:127.0.0.1",
        ] {
            leaves(text, "");
            leaves(text, "client_ip");
        }
    }

    #[test]
    fn versions_and_object_ids_are_no_addresses() {
        for text in [
            "v1.2.3.4",
            "version 10.2.3.4",
            "foo==1.2.3.4",
            "foo>=1.2.3.4",
            "^1.2.3.4",
            "Chrome/120.0.6099.71",
            "Chrome/99.0.1.2 Safari/5.3.1.2",
            "libfoo-1.2.3.4.tar.gz",
            "1.2.3.4-beta",
            "1.2.3.4.5",
            "1.3.6.1",
            "kernel 5.4.0.42",
            "package: 1.2.3.4",
            "OID 2.5.29.17",
            "upgraded from 1.2.3.4 to 1.2.3.5",
            "1.2.3.4.nip.example",
            "300.1.2.3",
        ] {
            leaves(text, "");
        }
        leaves("10.2.3.4", "app_version");
        claims("ip", "«10.2.3.4»", "client_ip");
        claims("ip", "version 7, client ip «10.2.3.4»", "");
    }

    #[test]
    fn paths_times_and_fingerprints_are_no_addresses() {
        for text in [
            "dead::beef",
            "std::fmt::Debug",
            "a::b",
            "12:34:56",
            "aa:bb:cc:dd:ee:ff:00:11",
            "SHA1 a1:b2:c3:d4:e5:f6:a7:b8:c9:d0:e1:f2:a3:b4:c5:d6:e7:f8:a9:b0",
            "x2001:db8::1",
            "2001:db8::1z",
            "::::::",
            "1:2:3",
        ] {
            leaves(text, "");
        }
    }

    #[test]
    fn a_hardware_address_is_found_beside_long_runs_of_the_same_bytes() {
        let address = "00-1a-2b-3c-4d-5e";
        let is_found = |text: &str| found(text, "").contains(&("mac", address.to_owned()));
        for run in ["A3-", "3-", "-00-1a", "0-1-2-", "aa-bb-cc-dd-ee-0f-", "-4d"] {
            for times in [1, 2, 3, 5, 6, 7, 40] {
                let run = run.repeat(times);
                for gap in [" ", ", ", "x ", "/"] {
                    for text in [
                        format!("{run}{gap}{address}"),
                        format!("{address} {gap}{run}"),
                        format!("{run}{gap}{address} {run}"),
                    ] {
                        assert!(is_found(&text), "{text}");
                    }
                }
                assert!(!is_found(&format!("{run}{address}")), "{run}");
            }
        }
    }

    #[test]
    fn hardware_addresses_are_found_and_longer_tokens_are_not() {
        for text in [
            "«00:1a:2b:3c:4d:5e»",
            "mac=«00-1A-2B-3C-4D-5E»;",
            "dev «a2:bb:cc:dd:ee:0f» up",
        ] {
            claims("mac", text, "");
        }
        for text in [
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
            "00:1a:2b:3c:4d:5e:6f",
            "00-1a-2b-3c-4d-5e-6f",
            "x00:1a:2b:3c:4d:5e",
            "00:1a:2b:3c:4d",
            "550e8400-e29b-41d4-a716-446655440000",
        ] {
            leaves(text, "");
        }
    }
}
