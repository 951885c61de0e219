//! Lower case: how texts are compared where case does not count.

/// Lower case, character by character, so that a part of a text folds to a part of the folded text.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.chars().flat_map(char::to_lowercase).collect()
    }
}
