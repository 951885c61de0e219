//! Evidence beside a value that is given as one: the option before it in a list of arguments, the name that a pair
//! states, and keys that are secrets themselves.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::Redacting;
use super::class::{Class, ClassKind};
use super::judge::{Decision, Judged, Look};
use super::rule::{About, Asked};
use super::scan::Field;
use super::sift::{self, Note};
use super::words;
use crate::record::{Map, Value};

/// What is looked for in a key: nothing is known of it but its text.
pub(super) static NAMELESS: LazyLock<Judged> = LazyLock::new(|| {
    let decision = Decision {
        action: super::Action::Keep,
        rule: "",
        class: Class::UNCLASSIFIED,
        look: Look::Secrets,
    };
    Judged {
        text: decision,
        number: decision,
        field: Some(Arc::new(Field::of(""))),
        named: Class::UNCLASSIFIED,
        trial: None,
    }
});

/// No secret is recognised by its shape alone in fewer bytes.
const SHORTEST: usize = 16;

/// Keys of a pair that state a name, and those that state its value.
const NAMES: &[&str] = &["name", "key", "k", "header", "field", "option"];
const VALUES: &[&str] = &["value", "val", "v", "content", "data"];

impl Redacting<'_> {
    /// The key as it may stand among `members`, and what was cut out of it. Two that become the same are told apart by a
    /// number, so that no value is lost.
    pub(super) fn key<'k>(&self, key: &'k str, members: &Map) -> (Cow<'k, str>, Vec<Note>) {
        let sifted = (key.len() >= SHORTEST)
            .then(|| sift::sift(self.policy, &NAMELESS, Look::Secrets, key))
            .flatten();
        let Some(sifted) = sifted else {
            return (Cow::Borrowed(key), Vec::new());
        };
        // Its place among its neighbours is the same in every run.
        let place = members.keys().take_while(|other| other.as_str() < key).count();
        let key = match members.len() {
            1 => sifted.text,
            _ => format!("{}#{}", sifted.text, place + 1),
        };
        (Cow::Owned(key), sifted.notes)
    }

    /// Whether the name says that its value is a secret.
    pub(super) fn is_secrets_name(&self, name: &str, path: &str, about: About<'_>) -> bool {
        // Most texts are no name of a secret, and to say so takes no memory.
        let is_secrets = |class: Class| class.kind() == ClassKind::Secret;
        let rules = &self.policy.inner().rules;
        if words::named(name).is_none() && !rules.iter().any(|rule| rule.class.is_some_and(is_secrets)) {
            return false;
        }
        let asked = Asked { name, path, about };
        let judged = self.policy.judge(&asked, None);
        is_secrets(judged.text.class) && super::policy::hides(judged.text.action)
    }
}

/// The name that stands before item `at` of a list: an option's (`"--password", "…"`), or the first of two.
pub(super) fn before(values: &[Value], at: usize) -> Option<&str> {
    let before = values.get(at.checked_sub(1)?)?.as_str()?;
    let value = values.get(at)?.as_str();
    let name = names_next(before, values.len())?;
    let is_option = name.len() < before.len() && value.is_some_and(|text| text.starts_with("--"));
    (!is_option).then_some(name)
}

/// The name that a text of a list with `count` items gives to the item behind it, if that is no option.
pub(super) fn names_next(text: &str, count: usize) -> Option<&str> {
    let name = text.trim_start_matches('-');
    (name.len() < text.len() || count == 2).then_some(name)
}

/// The name that a pair such as `{"name": "DB_PASSWORD", "value": "…"}` states for its member `key`.
pub(super) fn stated<'m>(members: &'m Map, key: &str) -> Option<&'m str> {
    let is_in = |key: &str, list: &[&str]| list.iter().any(|known| key.eq_ignore_ascii_case(known));
    if !is_in(key, VALUES) {
        return None;
    }
    let (_, name) = members.iter().find(|(key, _)| is_in(key, NAMES))?;
    name.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_before_its_value_in_arguments_and_in_pairs() {
        let list = |items: &[&str]| items.iter().map(|item| Value::from(*item)).collect::<Vec<_>>();
        let arguments = list(&["mysql", "--password", "x", "-p", "y", "--quiet", "--force"]);
        let names: Vec<_> = (0..arguments.len()).map(|at| before(&arguments, at)).collect();
        let expected = [None, None, Some("password"), None, Some("p"), None, None];
        assert_eq!(names, expected);
        assert_eq!(before(&list(&["Authorization", "x"]), 1), Some("Authorization"));
        assert_eq!(before(&list(&["a", "b", "c"]), 1), None);
        assert_eq!(before(&list(&["a", "b"]), 0), None);
    }

    #[test]
    fn a_pair_states_the_name_of_its_value() {
        let map = |pairs: &[(&str, &str)]| -> Map {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
                .collect()
        };
        let pair = map(&[("Name", "DB_PASSWORD"), ("value", "x")]);
        assert_eq!(stated(&pair, "value"), Some("DB_PASSWORD"));
        assert_eq!(stated(&pair, "Name"), None);
        assert_eq!(stated(&map(&[("value", "x")]), "value"), None);
    }
}
