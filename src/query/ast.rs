//! The tree of a query, and its one normal form.

use std::net::IpAddr;

use crate::record::{Slot, fold};

/// A condition on a record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expr {
    /// All hold; with none, every record satisfies it.
    And(Vec<Expr>),
    /// At least one holds; with none, no record satisfies it.
    Or(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// A field passes a test. An absent field passes none.
    Field(Field, Test),
    /// Any text of the record contains this, whatever the case.
    Text(Pattern),
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// A slot of the record. `correlation_id` is the trace id where nothing was given.
    Slot(Slot),
    /// `resource.type`, `resource.id` or `type/id`: one of them must pass.
    Resource,
    /// A member of `labels`.
    Label(String),
    /// A member of `hashes`.
    Hash(String),
    /// A member of `attributes`: the name as it stands or, where there is none, a path with dots into maps.
    Attribute(String),
    /// A member of `detail`, by the same rule.
    Detail(String),
}

/// What a field must be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// One of these, never none.
    In(Vec<Wanted>),
    /// Text that contains this, whatever the case.
    Contains(Pattern),
    /// Before or after a bound.
    Order(Order, Bound),
}

/// A value to be equal to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Wanted {
    /// Text; numbers and truth values are compared by their text.
    Text(Pattern),
    /// An integer.
    Uint(u64),
    /// A truth value.
    Bool(bool),
    /// Nanoseconds since the Unix epoch.
    Time(u64),
    /// An address in this network.
    Net(Net),
}

/// Texts with any text between them: one part is exact, `["a", ""]` is `a*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    parts: Vec<String>,
}

/// A network of IPv4 or IPv6 addresses. An IPv4 address inside IPv6 is the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Net {
    address: IpAddr,
    bits: u8,
}

/// A relation to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// A bound, of the kind that the field has.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Bound {
    /// For slots that hold integers.
    Uint(u64),
    /// Nanoseconds since the Unix epoch.
    Time(u64),
    /// The rank of a level, from 1 (trace) to 5 (error).
    Level(u8),
    /// For fields of your own: a value that is no number passes no test.
    Number(Number),
}

/// A number of either kind, compared exactly where both are integers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Number {
    /// An integer.
    Int(i128),
    /// A finite floating-point number.
    Float(f64),
}

impl Pattern {
    /// A pattern made of the texts around its stars. No part at all is the exact empty text.
    #[must_use]
    pub fn new(parts: Vec<String>) -> Self {
        if parts.is_empty() {
            return Self::exact("");
        }
        let mut kept: Vec<String> = Vec::with_capacity(parts.len());
        let last = parts.len() - 1;
        for (index, part) in parts.into_iter().enumerate() {
            if index == 0 || index == last || !part.is_empty() {
                kept.push(part);
            }
        }
        Self { parts: kept }
    }

    /// The pattern of exactly this text.
    #[must_use]
    pub fn exact(text: impl Into<String>) -> Self {
        Self {
            parts: vec![text.into()],
        }
    }

    /// The texts around the stars; one if there is no star.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The text, if there is no star.
    #[must_use]
    pub fn as_exact(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }

    /// The same pattern for text in lower case.
    #[must_use]
    pub(crate) fn folded(&self) -> Self {
        Self {
            parts: self.parts.iter().map(|part| fold(part)).collect(),
        }
    }

    /// Whether the whole text is as the pattern says.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.as_exact() == Some(text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for part in middle {
            let Some((_, after)) = rest.split_once(part.as_str()) else {
                return false;
            };
            rest = after;
        }
        rest.ends_with(last.as_str())
    }

    /// Whether the text, put in lower case, contains what the pattern (already in lower case) says.
    pub(crate) fn found_in(&self, text: &str) -> bool {
        let folded = fold(text);
        let mut rest = folded.as_str();
        self.parts
            .iter()
            .all(|part| match rest.split_once(part.as_str()) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
    }
}

impl Net {
    /// The network of the first `bits` bits of an address; bits behind them are cleared.
    #[must_use]
    pub fn new(address: IpAddr, bits: u8) -> Option<Self> {
        let (address, bits) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), canonical @ IpAddr::V4(_)) if bits >= 96 => (canonical, bits - 96),
            (address, _) => (address, bits),
        };
        let address = match address {
            IpAddr::V4(v4) if bits <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                IpAddr::V4((u32::from(v4) & mask).into())
            }
            IpAddr::V6(v6) if bits <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                IpAddr::V6((u128::from(v6) & mask).into())
            }
            _ => return None,
        };
        Some(Self { address, bits })
    }

    /// The network of one address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    /// The lowest address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits are fixed.
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether the network has one address only.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.bits == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Whether the address lies in the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                Self::new(address, self.bits).is_some_and(|net| net.address == self.address)
            }
            _ => false,
        }
    }
}

impl Expr {
    pub(crate) fn at_least(slot: Slot, time: u64) -> Self {
        Self::Field(Field::Slot(slot), Test::Order(Order::AtLeast, Bound::Time(time)))
    }

    pub(crate) fn before(slot: Slot, time: u64) -> Self {
        Self::Field(Field::Slot(slot), Test::Order(Order::Less, Bound::Time(time)))
    }

    /// Opens nested `And`s and `Or`s and removes those of one member.
    pub(crate) fn normal(self) -> Self {
        match self {
            Self::And(members) => Self::join(members, true),
            Self::Or(members) => Self::join(members, false),
            Self::Not(inner) => match inner.normal() {
                Self::Not(twice) => *twice,
                inner => Self::Not(Box::new(inner)),
            },
            leaf => leaf,
        }
    }

    fn join(members: Vec<Self>, and: bool) -> Self {
        let mut flat = Vec::with_capacity(members.len());
        for member in members {
            match (member.normal(), and) {
                (Self::And(inner), true) | (Self::Or(inner), false) => flat.extend(inner),
                (member, _) => flat.push(member),
            }
        }
        match (flat.len(), and) {
            (1, _) => flat.pop().unwrap_or(Self::And(Vec::new())),
            // No record satisfies an `or` of nothing; this form has words in the language.
            (0, false) => Self::Not(Box::new(Self::And(flat))),
            (_, true) => Self::And(flat),
            (_, false) => Self::Or(flat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn a_star_stands_for_any_text_and_parts_do_not_overlap() {
        assert!(pattern("invoice.*").matches("invoice.delete"));
        assert!(pattern("*.delete").matches("invoice.delete"));
        assert!(pattern("a*b*c").matches("a-b-b-c"));
        assert!(pattern("*").matches(""));
        assert!(pattern("").matches(""));
        assert!(
            !pattern("aba*ba").matches("aba"),
            "the end may not reuse the beginning"
        );
        assert!(!pattern("invoice").matches("invoice.delete"));
        assert!(!pattern("").matches("x"));
        assert_eq!(pattern("a**b"), pattern("a*b"));
    }

    #[test]
    fn contains_ignores_case_in_every_alphabet() {
        assert!(pattern("straße").folded().found_in("Lange STRAßE 3"));
        assert!(pattern("ΑΣ").folded().found_in("καλας ΑΣΑ"));
        assert!(!pattern("x").folded().found_in("abc"));
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let net = Net::new("10.1.2.3".parse().unwrap(), 8).unwrap();
        assert!(net.contains("10.255.0.1".parse().unwrap()));
        assert!(net.contains("::ffff:10.9.9.9".parse().unwrap()));
        assert!(!net.contains("11.0.0.1".parse().unwrap()));
        assert!(!net.contains("::1".parse().unwrap()));
        assert!(Net::new("10.0.0.0".parse().unwrap(), 33).is_none());
        assert!(
            Net::new("::".parse().unwrap(), 0)
                .unwrap()
                .contains("2001:db8::1".parse().unwrap())
        );
        assert_eq!(
            Net::new("::ffff:10.0.0.0".parse().unwrap(), 104),
            Net::new("10.0.0.0".parse().unwrap(), 8)
        );
    }
}
