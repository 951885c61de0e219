//! Gives the slots of a line in our own spelling as they stand in it, and steps over the rest.

use super::json::Parser;
use super::read::NEEDED;
use crate::record::Slot;

/// Deeper lines are read whole.
const MAX_DEPTH: u32 = 32;

/// The slots that are read of a line, by their keys in the line's order.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    tops: Vec<(&'static str, Top)>,
}

/// What a top-level key holds of the wanted slots.
#[derive(Debug, Clone)]
enum Top {
    Slot(Slot),
    Members(Vec<(&'static str, Slot)>),
}

impl Wanted {
    /// These, and those without which a line is no record. `None` where attributes are wanted: keys that nobody knows
    /// become attributes, so all of the line must be read.
    pub(crate) fn new(slots: impl IntoIterator<Item = Slot>) -> Option<Self> {
        let mut all: Vec<Slot> = NEEDED
            .into_iter()
            .chain([Slot::ObservedAt, Slot::Profile])
            .collect();
        all.extend(slots);
        if all.contains(&Slot::Attributes) {
            return None;
        }
        // Slots have the order of the line.
        all.sort_unstable();
        all.dedup();
        let mut tops: Vec<(&'static str, Top)> = Vec::new();
        for slot in all {
            match (slot.place(), tops.last_mut()) {
                ((Some(object), key), Some((last, Top::Members(members)))) if *last == object => {
                    members.push((key, slot));
                }
                ((Some(object), key), _) => tops.push((object, Top::Members(vec![(key, slot)]))),
                ((None, key), _) => tops.push((key, Top::Slot(slot))),
            }
        }
        Some(Self { tops })
    }
}

/// What stands for a slot in a line, as it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands<'a> {
    /// A text without escapes.
    Text(&'a str),
    /// The digits of a number.
    Number(&'a str),
}

/// Gives the wanted slots of a line as they stand in it, copying nothing. `None` where it must be read whole to know: it is not
/// in our own spelling (no spaces, keys in order and without escapes), or it is not a record; where a text has an escape; and
/// where something else than a text or a number stands for a wanted slot. Some may have been given by then.
///
/// A slot that is not wanted is stepped over: that it has a value which it cannot have does not show.
pub(crate) fn as_it_stands<'a>(
    line: &'a str,
    wanted: &Wanted,
    mut give: impl FnMut(Slot, Stands<'a>),
) -> Option<()> {
    let mut step = Step {
        parser: Parser { text: line, at: 0 },
    };
    let mut needed = 0;
    let mut give = |slot, stands| {
        needed += usize::from(NEEDED.contains(&slot));
        give(slot, stands);
    };
    let mut tops = wanted.tops.iter().peekable();
    step.members(|step, key| {
        while tops.next_if(|(top, _)| *top < key).is_some() {}
        match tops.next_if(|(top, _)| *top == key) {
            None => step.value(0),
            Some((_, Top::Slot(slot))) => step.stands().map(|stands| give(*slot, stands)),
            Some((_, Top::Members(members))) => {
                let mut wanted = members.iter().peekable();
                step.members(|step, key| {
                    while wanted.next_if(|(name, _)| *name < key).is_some() {}
                    match wanted.next_if(|(name, _)| *name == key) {
                        None => step.value(1),
                        Some((_, slot)) => step.stands().map(|stands| give(*slot, stands)),
                    }
                })
            }
        }
    })?;
    (step.parser.at == line.len() && needed == NEEDED.len()).then_some(())
}

struct Step<'a> {
    parser: Parser<'a>,
}

impl<'a> Step<'a> {
    /// Steps through an object whose keys stand in order; `each` steps over the value of a key.
    fn members(&mut self, mut each: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.eat(b'{')?;
        if self.parser.eat(b'}') {
            return Some(());
        }
        let mut before: Option<&str> = None;
        loop {
            let key = self.key()?;
            if before.is_some_and(|before| before >= key) {
                return None;
            }
            before = Some(key);
            self.eat(b':')?;
            each(self, key)?;
            if self.parser.eat(b'}') {
                return Some(());
            }
            self.eat(b',')?;
        }
    }

    fn stands(&mut self) -> Option<Stands<'a>> {
        let start = self.parser.at;
        match self.parser.peek()? {
            b'"' => self.key().map(Stands::Text),
            b'-' | b'0'..=b'9' => {
                self.parser.number().ok()?;
                let digits = self.parser.text.get(start..self.parser.at)?;
                Some(Stands::Number(digits))
            }
            _ => None,
        }
    }

    /// A text without escapes, such as a key.
    fn key(&mut self) -> Option<&'a str> {
        self.eat(b'"')?;
        let start = self.parser.at;
        self.parser.plain().ok()?;
        let key = self.parser.text.get(start..self.parser.at)?;
        self.eat(b'"')?;
        Some(key)
    }

    /// Steps over a value.
    fn value(&mut self, depth: u32) -> Option<()> {
        let parser = &mut self.parser;
        match parser.peek()? {
            b'"' => self.string(),
            b'{' if depth < MAX_DEPTH => self.members(|step, _| step.value(depth + 1)),
            b'[' if depth < MAX_DEPTH => self.list(depth + 1),
            b'-' | b'0'..=b'9' => parser.number().ok().map(drop),
            b't' | b'f' | b'n' => parser.value(0).ok().map(drop),
            _ => None,
        }
    }

    fn list(&mut self, depth: u32) -> Option<()> {
        self.eat(b'[')?;
        if self.parser.eat(b']') {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.parser.eat(b']') {
                return Some(());
            }
            self.eat(b',')?;
        }
    }

    fn string(&mut self) -> Option<()> {
        self.eat(b'"')?;
        self.parser.plain().ok()?;
        while self.parser.eat(b'\\') {
            self.parser.escape().ok()?;
            self.parser.plain().ok()?;
        }
        self.eat(b'"')
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.parser.eat(byte).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = concat!(
        r#"{"action":"read","actor":{"id":"u-1","roles":["a","b"],"type":"user"},"attributes":{"a":[{"b":1.5e3},null],"#,
        r#""c\n":true},"event":"document.read","labels":{"team":"core"},"observed_at":"2025-11-21T10:00:00.250000000Z","#,
        r#""outcome":"suc\u0000cess\"","schema":1,"seq":7,"stream":"main","time":"2025-11-21T10:00:00.250000000Z"}"#
    );

    #[test]
    fn what_stands_in_a_line_is_given_as_it_stands_or_not_at_all() {
        fn places<'a>(line: &'a str, slots: &[Slot]) -> Option<Vec<(Slot, Stands<'a>)>> {
            let mut places = Vec::new();
            let wanted = Wanted::new(slots.iter().copied()).unwrap();
            as_it_stands(line, &wanted, |slot, stands| places.push((slot, stands)))?;
            places.retain(|(slot, _)| slots.contains(slot));
            Some(places)
        }
        let line = &LINE.replace("c\\n", "c");
        let unnumbered = line.replace("\"seq\"", "\"seqs\"");
        let both = [Slot::ActorType, Slot::Seq];
        let given = [
            (Slot::ActorType, Stands::Text("user")),
            (Slot::Seq, Stands::Number("7")),
        ];
        assert_eq!(places(line, &both).as_deref(), Some(&given[..]));
        assert_eq!(places(line, &[Slot::Reason]), Some(Vec::new()), "it is absent");
        assert_eq!(places(line, &[Slot::Outcome]), None, "it has an escape");
        assert_eq!(places(line, &[Slot::ActorRoles]), None, "it is a list");
        assert_eq!(places(&unnumbered, &both), None, "it has no number");
        assert_eq!(places(&line[..line.len() - 1], &both), None, "it is cut short");
    }
}
