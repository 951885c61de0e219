//! Placeholder until the branch `pii` is merged, whose file of this name replaces it.

pub(crate) struct Folded {
    pub(crate) text: String,
}

impl Folded {
    pub(crate) fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        (start, end)
    }
}

pub(crate) fn fold(_text: &str) -> Option<Folded> {
    None
}
