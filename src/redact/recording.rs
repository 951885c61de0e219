//! How a value with a class meets the trail that records it.
//!
//! All that a value's `Debug` is given is a writer, and only a writer of ours may receive what the policy leaves of it:
//! code that formats for us may report to other layers meanwhile, or format into a string of its own. So the value asks
//! the writer itself. It writes the beginning of its marker from an address that nothing else has; our writer knows the
//! address, keeps the text back, and answers through the thread. Whoever does not answer has received the beginning of
//! the marker and is given the rest. Only after an answer the value's text is made, in memory that is wiped.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Write as _};

use super::action::Action;
use super::carried::Carried;
use super::class::Class;
use super::instead;
use super::judge::{Decision, Judged, Look};
use super::policy::{Policy, Stance, hides};
use super::sift::{self, Note};
use crate::memory;
use crate::record::Plaintext;
use crate::record::frame::cut;

/// The rule that a class by type is: what the record and the counters call it.
pub(super) const RULE: &str = "type";

/// The question, which is the beginning of every marker. A static, because that has an address of its own.
static QUESTION: [u8; 9] = *b"[REDACTED";

/// The question as a marker begins.
fn aloud() -> &'static str {
    std::str::from_utf8(&QUESTION).unwrap_or_default()
}

/// The question as nothing at all: nobody but our writer notices it.
pub(super) fn silently() -> &'static str {
    aloud().get(..0).unwrap_or_default()
}

/// Writes the text of a value.
pub(super) type Show<'s> = &'s dyn Fn(&mut dyn fmt::Write) -> fmt::Result;

/// A value as its type states it.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    pub(super) class: Class,
    /// What the code asks for; it counts where it is stricter than what the policy says.
    pub(super) action: Option<Action>,
    /// `None` where the value has no text, or none that can be had.
    pub(super) text: Option<Plaintext>,
    /// Whether a text that stays is put in quotes where it would read as more than one word.
    quotes: bool,
}

impl Stated {
    pub(super) fn new(class: Class, action: Option<Action>, show: Option<Show<'_>>) -> Self {
        Self {
            class,
            action,
            text: show.and_then(Plaintext::of),
            quotes: false,
        }
    }
}

/// In what form a writer of ours takes a value with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// A text as it stands, a list of texts one by one, anything else as a value.
    Parts,
    /// A text as it stands, anything else as a value.
    Text,
    /// Everything as a value.
    Whole,
}

/// What is under way between a value and a writer on this thread.
#[derive(Default)]
enum Talk {
    #[default]
    Quiet,
    Asked,
    Heard(Wish),
    Told(Told),
    Taken,
}

/// What a value says to a writer that has answered.
pub(super) enum Told {
    Value(Stated),
    /// A value with its type, which nothing is said of beside it.
    Carried(Carried),
    /// A text with its type follows, in one piece.
    Text,
    /// So many texts follow, each in one piece: a list.
    Texts(usize),
    /// All that follows is stated by types, or stands in the source code.
    Opened,
    /// That was all of it.
    Closed,
    /// How many sources the error has that is shown.
    Sources(usize),
}

thread_local! {
    static TALK: Cell<Talk> = const { Cell::new(Talk::Quiet) };
}

/// A thread that is ending has no talk: nobody is heard there, and markers are what is written.
fn swap(talk: Talk) -> Talk {
    TALK.try_with(|cell| cell.replace(talk)).unwrap_or_default()
}

/// One question, within which others may be asked. When it ends, by a panic too, the one outside goes on.
struct Turn(Talk);

impl Turn {
    fn begin(talk: Talk) -> Self {
        Self(swap(talk))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        swap(std::mem::take(&mut self.0));
    }
}

pub(super) fn is_ours(f: &mut fmt::Formatter<'_>, question: &str) -> Result<bool, fmt::Error> {
    wish(f, question).map(|wish| wish.is_some())
}

/// What the writer wishes, if it is ours.
fn wish(f: &mut fmt::Formatter<'_>, question: &str) -> Result<Option<Wish>, fmt::Error> {
    let _turn = Turn::begin(Talk::Asked);
    f.write_str(question)?;
    Ok(match swap(Talk::Quiet) {
        Talk::Heard(wish) => Some(wish),
        _ => None,
    })
}

/// As [`wish`], for who has nothing to write where nobody answers.
pub(super) fn asks(f: &mut fmt::Formatter<'_>) -> Result<Option<Wish>, fmt::Error> {
    wish(f, silently())
}

/// Tells a writer that has answered.
pub(super) fn hands(f: &mut fmt::Formatter<'_>, told: Told) -> fmt::Result {
    tell(f, silently(), told).map(drop)
}

pub(super) fn tell(f: &mut fmt::Formatter<'_>, question: &str, told: Told) -> Result<bool, fmt::Error> {
    let _turn = Turn::begin(Talk::Told(told));
    f.write_str(question)?;
    Ok(matches!(swap(Talk::Quiet), Talk::Taken))
}

/// Writes a value of which others get the marker of its class, and a trail what its policy leaves of it.
pub(super) fn state(
    f: &mut fmt::Formatter<'_>,
    class: Class,
    action: Option<Action>,
    show: Option<Show<'_>>,
) -> fmt::Result {
    if is_ours(f, aloud())? {
        let stated = Stated::new(class, action, show);
        if tell(f, aloud(), Told::Value(stated))? {
            return Ok(());
        }
    }
    rest_of_marker(class, f)
}

/// As [`state`], for one of several values beside each other. Others get the text itself where its class is public or
/// internal.
pub(super) fn state_field(
    f: &mut fmt::Formatter<'_>,
    class: Class,
    action: Option<Action>,
    show: Show<'_>,
) -> fmt::Result {
    if is_ours(f, silently())? {
        let stated = Stated {
            quotes: true,
            ..Stated::new(class, action, Some(show))
        };
        return match tell(f, silently(), Told::Value(stated))? {
            true => Ok(()),
            false => marker(class, f),
        };
    }
    if class.is_open() {
        return show(f);
    }
    state(f, class, action, Some(show))
}

/// Writes what `then` does, all of which is stated by types or stands in the source code.
pub(super) fn cover(
    f: &mut fmt::Formatter<'_>,
    then: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if !is_ours(f, silently())? {
        return then(f);
    }
    tell(f, silently(), Told::Opened)?;
    then(f)?;
    tell(f, silently(), Told::Closed)?;
    Ok(())
}

/// The marker that stands in the place of a value of this class.
pub(super) fn marker(class: Class, out: &mut dyn fmt::Write) -> fmt::Result {
    out.write_str(aloud())?;
    rest_of_marker(class, out)
}

fn rest_of_marker(class: Class, out: &mut dyn fmt::Write) -> fmt::Result {
    if class != Class::UNCLASSIFIED {
        out.write_str(":")?;
        out.write_str(class.word())?;
    }
    out.write_str("]")
}

/// What the text is that a writer of ours was given.
pub(super) enum Heard {
    /// Text like any other.
    Text,
    /// A question, to which the answer has been given.
    Question,
    /// What was told after an answer.
    Told(Told),
}

/// Answers the text if it is a question.
#[inline]
pub(super) fn hear(text: &str, wish: Wish) -> Heard {
    if text.as_ptr() == QUESTION.as_ptr() {
        answer(wish)
    } else {
        Heard::Text
    }
}

#[cold]
fn answer(wish: Wish) -> Heard {
    let (next, heard) = match swap(Talk::Quiet) {
        Talk::Asked => (Talk::Heard(wish), Heard::Question),
        Talk::Told(told) => (Talk::Taken, Heard::Told(told)),
        // Somebody hands on what was written to them.
        other => (other, Heard::Text),
    };
    swap(next);
    heard
}

/// What is done to a value of this class where nothing but its type is known.
pub(super) fn decide(policy: &Policy, class: Class, asked: Option<Action>) -> Decision {
    let own = policy.action_for(class);
    let is_off = matches!(policy.inner().stance, Stance::Off(_));
    let asked = asked.map(|action| policy.inner().available(action));
    let action = asked
        .filter(|asked| !is_off && asked.strictness() > own.strictness())
        .unwrap_or(own);
    Decision {
        action,
        rule: RULE,
        class,
        look: Look::Secrets,
    }
}

/// Of what is said of a value's class and of its field's name, the stricter; the class where both are alike.
pub(super) fn stricter(by_type: Decision, named: Decision) -> Decision {
    if named.action.strictness() > by_type.action.strictness() {
        named
    } else {
        by_type
    }
}

/// Whether the action makes sense of the beginning of a text.
pub(super) const fn takes_a_part(action: Action) -> bool {
    matches!(
        action,
        Action::Keep | Action::TruncateLen(_) | Action::Drop | Action::Marker | Action::Mask
    )
}

/// A value with a class, within a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: Class,
    pub(super) asked: Option<Action>,
    /// What was done to it.
    pub(super) note: Option<Note>,
}

impl Piece {
    /// A value that stays, and is all of a text.
    pub(super) fn kept(class: Class, len: usize) -> Self {
        Self {
            start: 0,
            end: len,
            class,
            asked: None,
            note: None,
        }
    }

    /// Whether nothing of the value can be read any more.
    pub(super) fn is_hidden(&self) -> bool {
        self.note.is_some_and(|note| hides(note.action))
    }
}

/// The values with a class in a text that is being formatted.
pub(super) struct Declaring<'p> {
    policy: &'p Policy,
    judged: &'p Judged,
    pub(super) pieces: Vec<Piece>,
    /// What was done to parts of values that were looked through before they were cut.
    pub(super) inside: Vec<Note>,
    /// The first value while it is the only one: it may be all of the field.
    first: Option<Stated>,
    /// Where a stretch began that types state, how many such are open, and where the first one ended.
    began: usize,
    open: u32,
    ended: Option<usize>,
    /// How many sources the error has that the text is the message of.
    pub(super) sources: usize,
    /// A value with its type, while it is all that was written.
    pub(super) carried: Option<Carried>,
}

impl<'p> Declaring<'p> {
    pub(super) fn new(policy: &'p Policy, judged: &'p Judged) -> Self {
        Self {
            policy,
            judged,
            pieces: Vec::new(),
            inside: Vec::new(),
            first: None,
            began: 0,
            open: 0,
            ended: None,
            sources: 0,
            carried: None,
        }
    }

    /// Forgets everything but how many sources there are: the text is taken back.
    pub(super) fn clear(&mut self) {
        let sources = self.sources;
        *self = Self::new(self.policy, self.judged);
        self.sources = sources;
    }

    pub(super) fn opened(&mut self, at: usize) {
        if self.open == 0 && self.ended.is_none() {
            self.began = at;
        }
        self.open += 1;
    }

    pub(super) fn closed(&mut self, at: usize) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 && self.ended.is_none() {
            self.ended = Some(at);
        }
    }

    /// Whether a text of this length has nothing but what types state.
    pub(super) fn covers(&self, len: usize) -> bool {
        self.ended == Some(len) && self.began == 0
    }

    /// Whether no type has stated anything of the text.
    pub(super) fn is_silent(&self) -> bool {
        self.pieces.is_empty() && self.inside.is_empty()
    }

    /// The value that is all of a text of this length.
    pub(super) fn whole(&mut self, len: usize) -> Option<Stated> {
        let piece = self.pieces.first()?;
        let is_whole = self.pieces.len() == 1 && piece.start == 0 && piece.end == len && self.open == 0;
        self.first.take().filter(|_| is_whole && self.ended.is_none())
    }

    /// Notes a value whose form stands in the text from `start` to `end`.
    pub(super) fn stands(&mut self, stated: Stated, note: Option<Note>, start: usize, end: usize) {
        let piece = Piece {
            start,
            end,
            class: stated.class,
            asked: stated.action,
            note,
        };
        memory::push(&mut self.pieces, piece);
        self.first = Some(stated).filter(|_| self.pieces.len() == 1);
    }

    /// What the policy leaves of a value within a text, and what was done.
    pub(super) fn form<'s>(&mut self, stated: &'s Stated) -> (Cow<'s, str>, Option<Note>) {
        let class = stated.class;
        let action = match decide(self.policy, class, stated.action).action {
            // What a text says around a value would read as something else if the value were gone.
            Action::Drop | Action::Erasable(_) => Action::Marker,
            action => action,
        };
        let mut out = memory::Text::default();
        let done = |action| {
            Some(Note {
                rule: RULE,
                class,
                action,
                n: 1,
            })
        };
        let is_read = |text: &&Plaintext| !text.is_cut() || takes_a_part(action);
        let Some(text) = stated.text.as_ref().filter(is_read).map(Plaintext::as_str) else {
            let _ = marker(class, &mut out);
            return (Cow::Owned(out.0), done(Action::Marker));
        };
        match action {
            Action::Keep if stated.quotes => return (quoted(text), None),
            Action::Keep => return (Cow::Borrowed(text), None),
            Action::TruncateLen(len) => {
                let (kept, is_cut) = self.shortened(text, usize::from(len));
                return (Cow::Owned(kept), done(action).filter(|_| is_cut));
            }
            _ => {}
        }
        let is_done = instead::replace(self.policy, action, class, RULE, text, &mut out.0);
        (Cow::Owned(out.0), done(action).filter(|_| is_done))
    }

    /// At most `len` bytes of a text, of which nothing is left that the value engine finds.
    fn shortened(&mut self, text: &str, len: usize) -> (String, bool) {
        let listed = self.judged.field.is_none().then(|| self.judged.listed(""));
        let judged = listed.as_ref().unwrap_or(self.judged);
        let sifted = sift::sift(self.policy, judged, Look::All, text);
        let whole = sifted.as_ref().map_or(text, |sifted| sifted.text.as_str());
        let kept = memory::owned(cut(whole, len));
        let is_cut = kept.len() < whole.len() || sifted.as_ref().is_some_and(|sifted| sifted.is_short);
        sifted
            .into_iter()
            .flat_map(|sifted| sifted.notes)
            .for_each(|note| memory::push(&mut self.inside, note));
        (kept, is_cut)
    }

    /// What was done to the values that stand in the text, like with like.
    pub(super) fn notes(&self) -> Vec<Note> {
        let mut notes = notes_of(&self.pieces);
        self.inside.iter().for_each(|note| sift::note(&mut notes, *note));
        notes
    }

    /// Counts what the policy under trial would have done to the values.
    pub(super) fn rehearse(&self) {
        let Some(trial) = self.policy.trial() else { return };
        let would = self
            .pieces
            .iter()
            .filter(|piece| decide(trial, piece.class, piece.asked).action != Action::Keep);
        let n = u32::try_from(would.count()).unwrap_or(u32::MAX);
        if n > 0 {
            self.policy.counts().add_trial(RULE, n);
        }
    }
}

/// What was done to these values, like with like.
pub(super) fn notes_of(pieces: &[Piece]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for new in pieces.iter().filter_map(|piece| piece.note) {
        let same = |known: &&mut Note| (known.class, known.action) == (new.class, new.action);
        match notes.iter_mut().find(same) {
            Some(known) => known.n += 1,
            None => memory::push(&mut notes, new),
        }
    }
    notes
}

/// A text in quotes, unless it is one word.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@/+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_part) {
        return Cow::Borrowed(text);
    }
    let mut shown = memory::Text::default();
    let _ = write!(shown, "{text:?}");
    Cow::Owned(shown.0)
}
