//! Steps through a line member by member, for who writes each value on as it comes: no tree of the whole line is built.

use std::borrow::Cow;

use super::json::{Json, Parsed, Parser};

/// Stands before a value of a JSON text. What is wrong with the text shows when it is reached.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    parser: Parser<'a>,
    depth: u32,
}

impl<'a> Steps<'a> {
    /// Before the one value of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        let mut parser = Parser { text, at: 0 };
        parser.space();
        Self { parser, depth: 0 }
    }

    /// Behind the one value.
    ///
    /// # Errors
    ///
    /// Where more than space stands there.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        self.parser.space();
        match self.parser.peek() {
            None => Ok(()),
            Some(_) => Err(self.parser.expected("the end of the line")),
        }
    }

    /// Whether an object stands here.
    #[inline]
    pub(crate) fn is_object(&self) -> bool {
        self.parser.peek() == Some(b'{')
    }

    /// Whether an object stands here that has one member, whose key begins with `$`: it stands for something else.
    pub(crate) fn is_form(&self) -> bool {
        // Nearly always this is all that has to be looked at: a key that is no such one, in our own spelling.
        if let [b'{', b'"', first, ..] = self.parser.rest()
            && !matches!(first, b'$' | b'\\')
        {
            return false;
        }
        let mut ahead = self.parser.clone();
        match ahead.value(self.depth) {
            Ok(Json::Object(members)) => matches!(members.as_slice(), [(key, _)] if key.starts_with('$')),
            _ => false,
        }
    }

    /// Steps over the value, and gives it.
    #[inline]
    pub(crate) fn value(&mut self) -> Parsed<Json<'a>> {
        self.parser.value(self.depth)
    }

    /// Steps over the object that stands here; `each` steps over the value of a key. Gives how many members there were.
    ///
    /// # Errors
    ///
    /// The flaw of the text, and what `each` returns. Some members may have been given by then.
    pub(crate) fn members(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Parsed<()>,
    ) -> Parsed<usize> {
        let start = self.parser.at;
        self.depth = self.parser.deeper(self.depth)?;
        if !self.parser.eat(b'{') {
            return Err(self.parser.expected("an object"));
        }
        let mut before: Option<Cow<'a, str>> = None;
        let (mut count, mut is_checked) = (0, false);
        self.parser.space();
        if !self.parser.eat(b'}') {
            loop {
                self.parser.space();
                let key = self.parser.key()?;
                // A key can stand twice only where keys do not rise, as they do in our own spelling.
                if !is_checked && before.as_ref().is_some_and(|before| *before >= key) {
                    is_checked = true;
                    let text = self.parser.text;
                    Parser { text, at: start }.value(self.depth - 1)?;
                }
                before = Some(key.clone());
                each(self, key)?;
                count += 1;
                self.parser.space();
                if self.parser.eat(b'}') {
                    break;
                }
                if !self.parser.eat(b',') {
                    return Err(self.parser.expected("`,` or `}`"));
                }
            }
        }
        self.depth -= 1;
        Ok(count)
    }
}
