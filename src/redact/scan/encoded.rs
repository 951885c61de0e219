//! Placeholder until the branch `pii` is merged, whose file of this name replaces it.

use super::hits::Hits;

pub(crate) fn runs(_text: &str, _secret: &mut dyn FnMut(&str) -> bool, _hits: &mut Hits) {}
