//! What a thread is inside of, beside a plain list of the same.

use proptest::prelude::*;

use super::super::context::AuditContext;
use super::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Enter {
        instance: u32,
        id: u64,
        tracked: u64,
    },
    /// Leaves the newest entry, or one further out.
    Leave(usize),
    /// Leaves a span that was not entered.
    LeaveOther,
    Scope,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let enter = (1..3_u32, 1..5_u64, 0..4_u64).prop_map(|(instance, id, tracked)| Step::Enter {
        instance,
        id,
        tracked,
    });
    let step = prop_oneof![
        8 => enter,
        4 => Just(Step::Leave(0)),
        2 => (0..30_usize).prop_map(Step::Leave),
        1 => Just(Step::LeaveOther),
        1 => Just(Step::Scope),
    ];
    prop::collection::vec(step, 1..120)
}

/// The oracle's entry: a span, or a scope.
#[derive(Clone)]
enum Entry {
    Span { instance: u32, id: u64, tracked: u64 },
    Scope(Arc<ScopeFields>),
}

fn leave(list: &mut Vec<Entry>, at: usize) {
    match list[at].clone() {
        Entry::Scope(scope) => {
            pop_scope(&scope);
            list.remove(at);
        }
        Entry::Span { instance, id, .. } => {
            // The newest entry of that span is the one that is left.
            let is_it = |entry: &Entry| matches!(entry, Entry::Span { instance: i, id: n, .. } if *i == instance && *n == id);
            let at = list.iter().rposition(is_it).unwrap();
            list.remove(at);
            assert_eq!(pop_span(instance, id), Some(false));
        }
    }
}

fn compare(list: &[Entry]) {
    assert_eq!(is_outside(), list.is_empty());
    for of in 1..3 {
        let is_of = |entry: &Entry| matches!(entry, Entry::Span { instance, .. } if *instance == of);
        let at = list.iter().rposition(is_of);
        let (tracked, id) = match at.map(|at| &list[at]) {
            Some(Entry::Span { tracked, id, .. }) => (*tracked, Some(*id)),
            _ => (0, None),
        };
        assert_eq!(innermost(of), id);
        let scopes = |list: &[Entry]| {
            list.iter()
                .filter(|entry| matches!(entry, Entry::Scope(_)))
                .count()
        };
        let (outer, inside) = list.split_at(at.unwrap_or(0));
        let found = current(of, |spot| {
            (
                spot.tracked,
                super::scopes(spot.outer).count(),
                super::scopes(spot.inside).count(),
            )
        });
        assert_eq!(found, (tracked, scopes(outer), scopes(inside)));
        if let Some(plain) = plain(of) {
            assert_eq!((plain, scopes(list)), (tracked, 0));
        }
    }
    let scopes = list.iter().filter_map(|entry| match entry {
        Entry::Scope(scope) => Some(Arc::as_ptr(scope)),
        Entry::Span { .. } => None,
    });
    assert_eq!(
        around(|held| super::scopes(held).map(Arc::as_ptr).collect::<Vec<_>>()),
        scopes.collect::<Vec<_>>()
    );
}

proptest! {
    #[test]
    fn a_thread_knows_where_it_is_whatever_it_enters_and_leaves_and_in_whichever_order(steps in steps()) {
        let mut list = Vec::new();
        for step in steps {
            match step {
                Step::Enter { instance, id, tracked } => {
                    push_span(Entered::new(instance, false, id, tracked));
                    list.push(Entry::Span { instance, id, tracked });
                }
                Step::Leave(_) if list.is_empty() => {}
                Step::Leave(out) => {
                    let at = list.len() - 1 - out % list.len();
                    leave(&mut list, at);
                }
                Step::LeaveOther => assert_eq!(pop_span(3, 1), None),
                Step::Scope => {
                    let scope = Arc::new(ScopeFields::new(AuditContext::new()));
                    push_scope(&scope);
                    list.push(Entry::Scope(scope));
                }
            }
            compare(&list);
        }
        while !list.is_empty() {
            let newest = list.len() - 1;
            leave(&mut list, newest);
            compare(&list);
        }
    }
}
