//! Placeholder until the branch `pii` is merged, whose file of this name replaces it.

use super::hits::Hits;
use crate::redact::words::Words;

pub(crate) fn detect(_text: &str, name: Option<&Words>, _hits: &mut Hits) {
    debug_assert!(name.is_none_or(|name| name.iter().count() < usize::MAX));
}
