//! The text as the parser reads it, which ends where the parser has read too far ahead.
//!
//! A list or map in brackets may turn out to be a key, so the parser keeps all of its tokens until it is closed, a hundred
//! bytes for each. A file of 1 MiB that is one such list would take more memory than a whole source may.

use std::cell::Cell;
use std::rc::Rc;

use saphyr_parser::{Input, StrInput};

/// The most tokens that are read for one event. A schedule with 10,000 targets and 1,000 overrides, written as JSON on
/// one line, takes 141,000.
const MOST_TOKENS: u32 = 150_000;

/// How far the parser reads ahead; shared with who asks it for events.
#[derive(Clone, Debug, Default)]
pub(super) struct Ahead(Rc<Cell<u32>>);

impl Ahead {
    /// Begins to count anew, for the next event.
    pub(super) fn start(&self) {
        self.0.set(0);
    }

    /// Whether the input was ended before its time.
    pub(super) fn is_too_far(&self) -> bool {
        self.0.get() > MOST_TOKENS
    }

    fn count(&self, tokens: u32) {
        self.0.set(self.0.get() + tokens);
    }
}

/// A text that is only read so far ahead: then it seems to end.
pub(super) struct BoundedInput<'t> {
    text: StrInput<'t>,
    ahead: Ahead,
}

impl<'t> BoundedInput<'t> {
    pub(super) fn new(text: &'t str, ahead: Ahead) -> Self {
        BoundedInput { text: StrInput::new(text), ahead }
    }
}

impl Input for BoundedInput<'_> {
    /// The parser asks for a byte order mark once before each token, and nowhere else. A colon makes a key of what stands
    /// before it, which is a token too.
    fn next_char_is(&self, c: char) -> bool {
        if c == '\u{feff}' {
            self.ahead.count(if self.text.peek() == ':' { 2 } else { 1 });
        }
        self.text.next_char_is(c)
    }

    fn next_is_z(&self) -> bool {
        self.ahead.is_too_far() || self.text.next_is_z()
    }

    fn peek_opt(&self) -> Option<char> {
        if self.ahead.is_too_far() { None } else { self.text.peek_opt() }
    }

    fn lookahead(&mut self, count: usize) {
        self.text.lookahead(count);
    }

    fn buflen(&self) -> usize {
        self.text.buflen()
    }

    fn bufmaxlen(&self) -> usize {
        self.text.bufmaxlen()
    }

    fn raw_read_ch(&mut self) -> char {
        self.text.raw_read_ch()
    }

    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        self.text.raw_read_non_breakz_ch()
    }

    fn skip(&mut self) {
        self.text.skip();
    }

    fn skip_n(&mut self, count: usize) {
        self.text.skip_n(count);
    }

    fn peek(&self) -> char {
        self.text.peek()
    }

    fn peek_nth(&self, n: usize) -> char {
        self.text.peek_nth(n)
    }

    // These would be made of the ones above, but more slowly.

    fn skip_while_non_breakz(&mut self) -> usize {
        self.text.skip_while_non_breakz()
    }

    fn skip_while_blank(&mut self) -> usize {
        self.text.skip_while_blank()
    }

    fn fetch_while_is_alpha(&mut self, out: &mut String) -> usize {
        self.text.fetch_while_is_alpha(out)
    }

    fn fetch_while_is_yaml_non_space(&mut self, out: &mut String) -> usize {
        self.text.fetch_while_is_yaml_non_space(out)
    }
}
