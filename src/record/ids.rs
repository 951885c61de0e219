//! Trace identity: W3C trace and span ids, and the `traceparent` header that carries them.

use std::fmt;

/// A W3C trace id: 16 bytes, not all zero, written as 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId([u8; 16]);

/// A W3C span (parent) id: 8 bytes, not all zero, written as 16 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId([u8; 8]);

/// The identity under which a span is traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span within the trace.
    pub span_id: SpanId,
    /// W3C trace flags; bit 0 says that the trace is sampled, so that it can exist at the collector.
    pub flags: u8,
}

macro_rules! hex_id {
    ($id:ident, $bytes:literal) => {
        impl $id {
            /// The id, unless all bytes are zero, which the W3C recommendation forbids.
            #[must_use]
            pub fn from_bytes(bytes: [u8; $bytes]) -> Option<Self> {
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }

            /// The bytes, most significant first.
            #[must_use]
            pub fn to_bytes(self) -> [u8; $bytes] {
                self.0
            }

            /// Reads lower- or upper-case hex digits of exactly the right number.
            #[must_use]
            pub fn parse(hex: &str) -> Option<Self> {
                let mut bytes = [0; $bytes];
                decode_hex(hex, &mut bytes)?;
                Self::from_bytes(bytes)
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    };
}

hex_id!(TraceId, 16);
hex_id!(SpanId, 8);

impl TraceContext {
    /// Reads a `traceparent` header: <https://www.w3.org/TR/trace-context/#traceparent-header>.
    ///
    /// A later version is read by its first four fields, as the recommendation asks; version `ff` is not valid.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.trim().splitn(5, '-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let mut byte = [0; 1];
        decode_hex(version, &mut byte)?;
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        decode_hex(flags, &mut byte)?;
        Some(Self {
            trace_id: TraceId::parse(trace)?,
            span_id: SpanId::parse(span)?,
            flags: byte[0],
        })
    }
}

fn decode_hex(hex: &str, into: &mut [u8]) -> Option<()> {
    if hex.len() != into.len() * 2 {
        return None;
    }
    for (byte, pair) in into.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        let digit = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_and_a_malformed_one_is_not() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContext::parse(parent).unwrap();
        assert_eq!(context.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(context.flags, 1);
        assert!(
            TraceContext::parse(&parent.replacen("00", "cc", 1)).is_some(),
            "a later version is read"
        );
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "00-0af7651916cd43dd8448eb211c80319ü-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }
}
