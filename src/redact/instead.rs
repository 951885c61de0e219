//! What stands in the place of a value: a marker, a mask, a pseudonym, a part of it.

use super::action::Action;
use super::class::{Class, ClassKind};
use super::policy::Policy;
use super::recording;
use super::scan::is_mark;
use crate::memory;

/// Writes what stands in the place of `text`; `false` where that is the text itself.
pub(super) fn replace(
    policy: &Policy,
    action: Action,
    class: Class,
    rule: &str,
    text: &str,
    out: &mut String,
) -> bool {
    // More than any marker or pseudonym has, beside the words of the class.
    const MARK: usize = 256;
    if !memory::room_for_text(out, text.len() + class.word().len() + rule.len() + MARK) {
        return true;
    }
    match action {
        Action::Keep => {
            out.push_str(text);
            return false;
        }
        Action::TruncateIp => {
            if let Some(is_changed) = super::ip::put_whole(text, out) {
                return is_changed;
            }
        }
        Action::TruncateLen(len) => {
            let kept = crate::record::frame::cut(text, usize::from(len));
            out.push_str(kept);
            return kept.len() < text.len();
        }
        Action::Mask | Action::KeepLast(_) => {
            action.mask(text, out);
            return true;
        }
        Action::Hmac if super::hmac::is_pseudonym(text.as_bytes()) => {
            out.push_str(text);
            return false;
        }
        // The value in its normal form, and the pseudonym.
        Action::Hmac => {
            if memory::is_enough(2 * text.len() + MARK)
                && let Some(pseudonym) = policy.pseudonym(class, None, text)
            {
                out.push_str(&pseudonym);
                return true;
            }
        }
        Action::Drop | Action::Marker | Action::Erasable(_) => {}
    }
    marker(class, rule, out);
    true
}

/// The marker for what a rule found: it names the family, never the value. Where the field is what was judged, no rule
/// of the value engine has found anything, and `rule` is empty.
fn marker(class: Class, rule: &str, out: &mut String) {
    if rule == recording::RULE {
        let _ = recording::marker(class, out);
        return;
    }
    if rule.is_empty() && class == Class::UNCLASSIFIED {
        return out.push_str("[REDACTED]");
    }
    let family = match class.kind() {
        ClassKind::Secret => "secret",
        _ if rule.is_empty() || rule.starts_with("name.") || !class.label().is_empty() => class.word(),
        _ => rule.rsplit('.').next().unwrap_or(rule),
    };
    out.push_str("[REDACTED:");
    out.push_str(family);
    out.push(']');
}

/// Whether the text is nothing but what redaction itself puts in the place of a value: a marker, a mask or a pseudonym.
pub(super) fn is_own(text: &str) -> bool {
    if !may_be_own(text) {
        return false;
    }
    if let Some(last) = text.strip_prefix(super::action::MASK) {
        return last.chars().count() <= 4 && last.chars().all(char::is_alphanumeric);
    }
    text == "[REDACTED]" || is_mark(text)
}

/// Whether a text begins like one of our own: a mask, a marker, a pseudonym.
#[inline]
pub(super) fn may_be_own(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'*' | b'[' | b'h'))
}
