//! Lines as wide as the terminal.

use std::io::{self, IsTerminal};

use terminal_size::{Height, Width, terminal_size_of};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::display_width};

/// The width of a terminal that does not tell it.
const WIDTH: usize = 80;
/// The widest that lines are filled: longer ones are hard to read.
const WIDTH_MAX: usize = 120;
/// The narrowest: below it words hardly fit.
const WIDTH_MIN: usize = 40;
/// The narrowest last column of a report whose later lines stay below it, and the last place where one starts.
const COLUMN_MIN: usize = 32;
const COLUMN_MAX: usize = 60;
/// The commands that hints give to copy.
const COMMANDS: [&str; 19] = [
    "az account",
    "az ad ",
    "az keyvault",
    "az login",
    "az provider",
    "az role",
    "az storage",
    "curl ",
    "issuer inspect",
    "issuer jwks",
    "issuer publish",
    "issuer status",
    "issuer unpublish",
    "issuer verify",
    "kops ",
    "kubectl ",
    "openssl ",
    "sops ",
    "ulimit ",
];

/// How wide lines on standard error are; `None` in a file or pipe, where nothing is wrapped unless `COLUMNS` is set.
pub(super) fn stderr_width() -> Option<usize> {
    width(io::stderr().is_terminal(), terminal_size_of(io::stderr()))
}

fn width(is_terminal: bool, size: Option<(Width, Height)>) -> Option<usize> {
    let variable = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let own = size.map(|(Width(width), _)| usize::from(width)).filter(|width| *width > 0);
    let width = if is_terminal { own.or(variable).or(Some(WIDTH)) } else { variable };
    width.map(|width| width.clamp(WIDTH_MIN, WIDTH_MAX))
}

/// How wide lines on standard output are, as for standard error.
pub(super) fn stdout_width() -> Option<usize> {
    width(io::stdout().is_terminal(), terminal_size_of(io::stdout()))
}

/// A sentence after its label, broken between words, with later lines below its first word.
///
/// Words are never broken: what people copy, such as a URL, is one. A command that does not fit gets a line of its own.
pub(super) fn labelled(label: &str, text: &str, width: usize) -> String {
    fill(&format!("{label}: "), &" ".repeat(display_width(label) + 2), text, width)
}

/// The lines of a report, each broken between words where it is too long.
///
/// Columns are what two spaces or more stand between. Later lines of the last column go below its first word. Where it is
/// narrow, or a word does not fit there, the column gets lines of its own.
pub(super) fn report(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        if display_width(line) <= width {
            lines.push(line.to_owned());
            continue;
        }
        let leading = line.len() - line.trim_start_matches(' ').len();
        let Some(start) = last_column(line) else {
            let hang = sentence_indent(line, leading);
            lines.push(fill(&" ".repeat(leading), &" ".repeat(hang), &line[leading..], width));
            continue;
        };
        let (head, column) = line.split_at(start);
        let room = width.saturating_sub(display_width(head));
        let longest = column.split(' ').map(display_width).max().unwrap_or_default();
        if room >= COLUMN_MIN && longest <= room {
            lines.push(fill(head, &" ".repeat(display_width(head)), column, width));
        } else {
            let indent = " ".repeat(leading.min(2) + 4);
            lines.push(head.trim_end().to_owned());
            lines.push(fill(&indent, &indent, column, width));
        }
    }
    lines.join("\n")
}

/// Where the last column of a line starts, in bytes; `None` for a line of one.
fn last_column(line: &str) -> Option<usize> {
    let is_start = |at: &usize| {
        let (before, column) = line.split_at(*at);
        before.ends_with("  ")
            && !before.trim().is_empty()
            && !column.starts_with(' ')
            && display_width(before) <= COLUMN_MAX
    };
    line.char_indices().map(|(at, _)| at).rev().find(is_start)
}

/// Where later lines of a sentence start: below its first word after a label (`fix: `) or a list mark (`- `).
fn sentence_indent(line: &str, leading: usize) -> usize {
    let first = line[leading..].split(' ').next().unwrap_or_default();
    // A label may have a style, which ends before its colon.
    let is_label = first.ends_with(':') || first == "-";
    if is_label { leading + display_width(first) + 1 } else { leading + 2 }
}

/// A text behind what its first line starts with, its later lines indented.
fn fill(first: &str, indent: &str, text: &str, width: usize) -> String {
    if display_width(first) + display_width(text) <= width {
        return format!("{first}{text}");
    }
    let fill = |text: &str, first: &str| {
        let text = with_whole_times(text);
        let options = Options::new(width)
            .initial_indent(first)
            .subsequent_indent(indent)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        textwrap::fill(&text, options).replace(NO_BREAK, " ")
    };
    let filled = match command(text) {
        None => fill(text, first),
        Some((before, command, after)) => {
            let mut lines = vec![fill(before, first), format!("{indent}{command}")];
            if !after.is_empty() {
                lines.push(fill(after, indent));
            }
            lines.join("\n")
        }
    };
    let mut lines = filled.split('\n');
    let unindented = |line: &str| {
        let word = line.trim_start_matches(' ');
        let fits = width.saturating_sub(display_width(word));
        // A word that is too long starts further left, where that is enough.
        if fits > 0 && fits < line.len() - word.len() && !word.contains(' ') {
            format!("{}{word}", " ".repeat(fits))
        } else {
            line.to_owned()
        }
    };
    let head = lines.next().unwrap_or_default().to_owned();
    [head].into_iter().chain(lines.map(unindented)).collect::<Vec<_>>().join("\n")
}

/// A space that lines are not broken at.
const NO_BREAK: char = '\u{a0}';

/// The same text, with date and time as one word: `2026-11-26 15:25Z`.
fn with_whole_times(text: &str) -> String {
    let is_date = |word: &str| {
        let digits = word.trim_start_matches('(');
        digits.len() == 10
            && digits.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    let mut words = text.split(' ').peekable();
    let mut whole = String::with_capacity(text.len());
    while let Some(word) = words.next() {
        whole.push_str(word);
        let is_time = words
            .peek()
            .is_some_and(|next| next.contains(':') && next.starts_with(|first: char| first.is_ascii_digit()));
        if words.peek().is_some() {
            whole.push(if is_date(word) && is_time { NO_BREAK } else { ' ' });
        }
    }
    whole
}

/// The command in a sentence, with what stands before it, colon included, and after it.
fn command(text: &str) -> Option<(&str, &str, &str)> {
    let starts = text.match_indices(": ").map(|(at, mark)| at + mark.len());
    let start = starts.into_iter().find(|start| COMMANDS.iter().any(|command| text[*start..].starts_with(command)))?;
    let end = text[start..].find("; ").map_or(text.len(), |length| start + length);
    Some((text[..start].trim_end(), &text[start..end], text[end..].trim_start_matches([';', ' '])))
}

/// The beginning of a line that is cut where the terminal ends.
pub(super) fn first_columns(line: &str, width: usize) -> String {
    if display_width(line) <= width {
        return line.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += display_width(character.encode_utf8(&mut [0; 4]));
        used <= width
    };
    let mut cut: String = line.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_wrapped_below_their_first_word_and_what_is_copied_stays_whole() {
        assert_eq!(labelled("note", "short", 40), "note: short");
        assert_eq!(
            labelled(
                "error",
                "the issuer https://issuer.example.com/clusters/prod-1/with/a/long/path is not there",
                40
            ),
            "error: the issuer\n       https://issuer.example.com/clusters/prod-1/with/a/long/path\n       is not there"
        );
        assert_eq!(
            labelled("hint", "copy it anew: az storage account keys list --account-name ACCOUNT; or sign in", 40),
            "hint: copy it anew:\n      az storage account keys list --account-name ACCOUNT\n      or sign in"
        );
    }

    #[test]
    fn reports_keep_their_columns() {
        let kid = "R4Jf-ds5L8_k48zrD0XYs2clIk0lDpbzhHP-yRG78Xo";
        let url = "https://issuers.example.com/clusters/prod-1/.well-known/openid-configuration";
        let cases = [
            ("issuer   short".to_owned(), "issuer   short".to_owned()),
            (
                format!("  {kid}  RSA 4096  published 2026-11-26 15:22Z, retired 2026-11-26 15:22Z"),
                format!("  {kid}  RSA 4096\n      published 2026-11-26 15:22Z, retired 2026-11-26 15:22Z"),
            ),
            (
                "  ok       time       valid from 2026-11-22 00:33:32Z to 2026-11-22 01:33:32Z, now 2026-11-22 00:40:00Z".to_owned(),
                "  ok       time       valid from 2026-11-22 00:33:32Z to 2026-11-22 01:33:32Z,\n                      now 2026-11-22 00:40:00Z".to_owned(),
            ),
            (
                format!("  failed   discovery  it cannot be fetched: {url} did not answer"),
                format!("  failed   discovery\n      it cannot be fetched:\n    {url}\n      did not answer"),
            ),
            (
                "fix: check the name, the network and the certificate; Entra must reach it from the internet".to_owned(),
                "fix: check the name, the network and the certificate; Entra must reach it from\n     the internet".to_owned(),
            ),
            (
                "  - the keys came from /etc/kubernetes/pki/issuer/jwks.json, and not from the issuer URL".to_owned(),
                "  - the keys came from /etc/kubernetes/pki/issuer/jwks.json, and not from the\n    issuer URL".to_owned(),
            ),
        ];
        let time = "  failed   time       expired at 2026-11-22 01:33:32Z, now is 2026-11-26 15:25:02Z";
        assert_eq!(report(time, 80).lines().last().map(str::trim_start), Some("2026-11-26 15:25:02Z"));
        for (line, expected) in cases {
            assert_eq!(report(&line, 80), expected);
        }
    }

    #[test]
    fn a_line_is_cut_at_the_last_column() {
        assert_eq!(first_columns("abcdef", 6), "abcdef");
        assert_eq!(first_columns("abcdefg", 6), "abcde…");
        assert_eq!(first_columns("東京東京", 6), "東京…");
    }
}
