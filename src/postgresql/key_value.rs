//! The key=value form: PostgreSQL documentation, "Keyword/Value Connection Strings" (`conninfo_parse` in libpq).

use std::ops::Range;

use super::{ConnectionStringError, connection_string::Parameter};

/// The parameters, each with the place of the whole `key=value` in the text.
pub(super) fn parse(text: &str) -> Result<Vec<Parameter>, ConnectionStringError> {
    let mut parameters = Vec::new();
    let mut rest = Rest { text, at: 0 };
    loop {
        rest.skip_space();
        let start = rest.at;
        if rest.peek().is_none() {
            return Ok(parameters);
        }
        let name = rest.take_while(|character| character != '=' && !is_space(character));
        rest.skip_space();
        if rest.next() != Some('=') || name.is_empty() {
            return Err(ConnectionStringError::NoValue);
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
            return Err(ConnectionStringError::Name);
        }
        rest.skip_space();
        let value = rest.value()?;
        parameters.push(Parameter { name, value, place: Range { start, end: rest.at } });
    }
}

/// A value, quoted where it must be.
pub(super) fn quoted(value: &str) -> String {
    let is_plain = |character: char| !is_space(character) && !['\'', '\\', ';'].contains(&character);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl Rest<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(character) = self.peek().filter(|character| is_part(*character)) {
            taken.push(character);
            self.at += character.len_utf8();
        }
        taken
    }

    fn skip_space(&mut self) {
        self.take_while(is_space);
    }

    /// A value: in quotes, or up to a space. A backslash escapes the next character in both.
    fn value(&mut self) -> Result<String, ConnectionStringError> {
        let is_quoted = self.peek() == Some('\'');
        if is_quoted {
            self.next();
        }
        let mut value = String::new();
        loop {
            match self.peek() {
                None if is_quoted => return Err(ConnectionStringError::Quote),
                None => return Ok(value),
                Some('\'') if is_quoted => {
                    self.next();
                    return Ok(value);
                }
                Some(character) if !is_quoted && is_space(character) => return Ok(value),
                Some('\\') => {
                    self.next();
                    value.extend(self.next());
                }
                Some(character) => {
                    self.next();
                    value.push(character);
                }
            }
        }
    }
}

fn is_space(character: char) -> bool {
    character.is_ascii_whitespace()
}
