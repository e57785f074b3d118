use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memchr_iter};

/// The size of a chunk. A line that does not fit is longer than any token.
const CHUNK: usize = 128 << 10;
/// The maximum number of lines in a chunk, because the output of a short line is longer than the line.
const LINES: usize = 256;

/// Reads lines in chunks, in constant memory whatever their length.
pub(super) struct Lines<R> {
    reader: R,
    /// Bytes that were read and not returned yet.
    rest: Vec<u8>,
    /// The number of the next line, from 1.
    line: u64,
    at_end: bool,
    /// The error that ended the input. The lines before it are returned first.
    error: Option<io::Error>,
}

/// Whole lines, or the length of one that is too long to be read.
pub(super) struct Chunk {
    /// The number of the first line, from 1.
    pub(super) line: u64,
    pub(super) text: Text,
    /// The length in the input, in bytes.
    pub(super) bytes: u64,
}

pub(super) enum Text {
    /// Each ends with a newline, except perhaps the last line of the input.
    Lines(Vec<u8>),
    TooLong(usize),
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), line: 1, at_end: false, error: None }
    }

    /// The next lines; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        let mut text = std::mem::take(&mut self.rest);
        if memchr(b'\n', &text).is_none() {
            self.fill(&mut text);
        }
        if text.is_empty() {
            return self.error.take().map_or(Ok(None), Err);
        }
        let line = self.line;
        let end = memchr_iter(b'\n', &text).take(LINES).last();
        let end = match end {
            Some(newline) => newline + 1,
            None if self.error.is_some() => return self.error.take().map_or(Ok(None), Err),
            None if self.at_end => text.len(),
            None => {
                let length = text.len() + self.skip_line();
                self.line += 1;
                return Ok(Some(Chunk { line, text: Text::TooLong(length), bytes: length as u64 }));
            }
        };
        self.rest = text.split_off(end);
        self.line += memchr_iter(b'\n', &text).count() as u64;
        Ok(Some(Chunk { line, bytes: text.len() as u64, text: Text::Lines(text) }))
    }

    /// Reads until a line ends, a chunk is full, or the input ends. Lines of a slow input are returned without delay.
    fn fill(&mut self, text: &mut Vec<u8>) {
        let mut read = text.len();
        text.resize(CHUNK.max(read), 0);
        while read < CHUNK && !self.at_end {
            match self.reader.read(&mut text[read..]) {
                Ok(0) => self.at_end = true,
                Ok(length) => {
                    read += length;
                    if memchr(b'\n', &text[read - length..read]).is_some() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.at_end = true;
                }
            }
        }
        text.truncate(read);
    }

    /// Skips the rest of a line, and returns its length.
    fn skip_line(&mut self) -> usize {
        let mut length = 0;
        let mut buffer = Vec::new();
        while !self.at_end {
            buffer.clear();
            self.fill(&mut buffer);
            if let Some(newline) = memchr(b'\n', &buffer) {
                self.rest = buffer.split_off(newline + 1);
                return length + newline;
            }
            length += buffer.len();
        }
        length
    }
}

impl Chunk {
    /// Each line with its number, without its end.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, Result<&[u8], usize>)> {
        let (lines, too_long) = match &self.text {
            Text::Lines(lines) => (lines.as_slice(), None),
            Text::TooLong(length) => ([].as_slice(), Some(*length)),
        };
        let lines = lines.split_inclusive(|byte| *byte == b'\n').map(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            Ok(line.strip_suffix(b"\r").unwrap_or(line))
        });
        (self.line..).zip(lines.chain(too_long.map(Err)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::{CHUNK, LINES, Lines};

    /// Returns a few bytes at a time, as a pipe does.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn read(text: &[u8], at_once: usize) -> Vec<(u64, Result<Vec<u8>, usize>)> {
        let mut lines = Lines::new(Drip(text, at_once));
        let (mut all, mut bytes) = (Vec::new(), 0);
        while let Some(chunk) = lines.next().unwrap() {
            assert!(chunk.lines().count() <= LINES, "the output of short lines is longer than the lines");
            all.extend(chunk.lines().map(|(number, line)| (number, line.map(<[u8]>::to_vec))));
            bytes += chunk.bytes;
        }
        assert!(text.len() as u64 - bytes <= 1, "the newline after a long last line is not counted");
        all
    }

    #[test]
    fn lines_are_whole_and_numbered_across_chunks() {
        let cases: [(&[u8], &[&str]); 7] = [
            (b"", &[]),
            (b"a", &["a"]),
            (b"a\n", &["a"]),
            (b"a\nb", &["a", "b"]),
            (b"a\r\n\r\nb\r\n", &["a", "", "b"]),
            (b"\n\n", &["", ""]),
            (b"a\n\n", &["a", ""]),
        ];
        for (text, lines) in cases {
            for at_once in 1..4 {
                let expected: Vec<_> = (1..).zip(lines.iter().map(|line| Ok(line.as_bytes().to_vec()))).collect();
                assert_eq!(read(text, at_once), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn line_longer_than_a_chunk_is_skipped_and_counted() {
        for length in [CHUNK, CHUNK + 1, 3 * CHUNK - 1, 3 * CHUNK, 3 * CHUNK + 5] {
            let text = [b"a\n".as_slice(), &vec![b'x'; length], b"\nb\nc"].concat();
            let lines = read(&text, 10_000);
            let expected = [(1, Ok(b"a".to_vec())), (2, Err(length)), (3, Ok(b"b".to_vec())), (4, Ok(b"c".to_vec()))];
            assert_eq!(lines, expected, "{length}");
            let last = read(&vec![b'x'; length + CHUNK], 10_000);
            assert_eq!(last, [(1, Err(length + CHUNK))], "{length}");
        }
    }

    #[test]
    fn complete_lines_survive_a_later_read_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let mut lines = Lines::new(Drip(b"a\nb\nc", 3).chain(Broken));
        let mut read = Vec::new();
        let error = loop {
            match lines.next() {
                Ok(chunk) => {
                    let chunk = chunk.expect("the error comes first");
                    read.extend(chunk.lines().map(|(_, line)| line.unwrap().to_vec()));
                }
                Err(error) => break error,
            }
        };
        assert_eq!(read, [b"a", b"b"]);
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(lines.next().unwrap().is_none());
    }

    #[test]
    fn many_lines_keep_their_order() {
        let text: String = (0..100_000).fold(String::new(), |text, number| text + &number.to_string() + "\n");
        let lines = read(text.as_bytes(), usize::MAX);
        assert!(lines.iter().enumerate().all(|(index, (number, line))| {
            *number == index as u64 + 1 && *line == Ok(index.to_string().into_bytes())
        }));
    }
}
