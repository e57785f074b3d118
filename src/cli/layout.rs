//! Wraps lines at the width of the terminal.

use std::io::{self, IsTerminal};

use terminal_size::{Height, Width, terminal_size_of};
use textwrap::{
    Options, WordSeparator, WordSplitter, WrapAlgorithm,
    core::{Word, display_width},
};

/// The width of a terminal that does not report it.
const WIDTH: usize = 80;
/// The maximum width. Longer lines are hard to read.
const WIDTH_MAX: usize = 120;
/// The minimum width. In a narrower line few words fit.
const WIDTH_MIN: usize = 40;
/// The minimum width of the last column of a report, and the last position where it may start.
const COLUMN_MIN: usize = 32;
const COLUMN_MAX: usize = 60;
/// The commands that hints contain.
const COMMANDS: [&str; 25] = [
    "az account",
    "az ad ",
    "az identity",
    "az keyvault",
    "az login",
    "az policy",
    "az provider",
    "az role",
    "az storage",
    "curl ",
    "issuer doctor",
    "issuer explain",
    "issuer inspect",
    "issuer jwks",
    "issuer publish",
    "issuer status",
    "issuer unpublish",
    "issuer verify",
    "keytool ",
    "kops ",
    "kubectl ",
    "openssl ",
    "sops ",
    "ssh-keygen ",
    "ulimit ",
];

/// The width of standard error; `None` in a file or pipe, where nothing is wrapped unless `COLUMNS` is set.
pub(super) fn stderr_width() -> Option<usize> {
    width(io::stderr().is_terminal(), terminal_size_of(io::stderr()))
}

fn width(is_terminal: bool, size: Option<(Width, Height)>) -> Option<usize> {
    let variable = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let own = size.map(|(Width(width), _)| usize::from(width)).filter(|width| *width > 0);
    let width = if is_terminal { own.or(variable).or(Some(WIDTH)) } else { variable };
    width.map(|width| width.clamp(WIDTH_MIN, WIDTH_MAX))
}

/// The maximum width of a progress line: one less than the terminal, because a wrapped line cannot be cleared. `None` if the
/// terminal is too narrow.
pub(super) fn drawn_width() -> Option<usize> {
    let columns = terminal_size_of(io::stderr()).map_or(WIDTH, |(Width(columns), _)| usize::from(columns));
    (columns >= WIDTH_MIN).then(|| columns.min(WIDTH_MAX) - 1)
}

/// The width of standard output, as for standard error.
pub(super) fn stdout_width() -> Option<usize> {
    width(io::stdout().is_terminal(), terminal_size_of(io::stdout()))
}

/// A sentence after its label, wrapped between words, with a hanging indent.
///
/// Words such as URLs are never broken, so that they can be copied. A command that does not fit gets a line of its own.
pub(super) fn labelled(label: &str, text: &str, width: usize) -> String {
    let (first, indent) = (format!("{label}: "), " ".repeat(display_width(label) + 2));
    if label == "hint" { fill_around_command(&first, &indent, text, width) } else { fill(&first, &indent, text, width) }
}

/// The lines of a report, each wrapped between words.
///
/// Two or more spaces separate columns. Only the last column is wrapped, below its first word. If it is too narrow for its
/// longest word, the column gets lines of its own.
pub(super) fn report(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        if display_width(line) <= width {
            lines.push(line.to_owned());
            continue;
        }
        let leading = line.len() - line.trim_start_matches(' ').len();
        let Some(start) = last_column(line) else {
            let (lead, hang) = (" ".repeat(leading), " ".repeat(sentence_indent(line, leading)));
            let text = &line[leading..];
            let is_fix = text.split(' ').next().is_some_and(|first| first.contains("fix") && first.ends_with(':'));
            lines.push(if is_fix {
                fill_around_command(&lead, &hang, text, width)
            } else {
                fill(&lead, &hang, text, width)
            });
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

/// The start of the last column of a line, in bytes; `None` if the line has one column.
fn last_column(line: &str) -> Option<usize> {
    // One pass, which ends where no column may start, so that a long line takes no quadratic time.
    let mut columns = 0;
    let (mut start, mut spaces, mut has_text) = (None, 0, false);
    for (at, character) in line.char_indices() {
        if character != ' ' {
            if spaces >= 2 && has_text {
                start = Some(at);
            }
            has_text = true;
        }
        spaces = if character == ' ' { spaces + 1 } else { 0 };
        columns += 1;
        // The escape sequences of styles take no columns, but at most as many characters as the columns.
        if columns > 2 * COLUMN_MAX {
            break;
        }
    }
    start.filter(|start| display_width(&line[..*start]) <= COLUMN_MAX)
}

/// The indent of continuation lines: below the first word after a label (`fix: `) or a list mark (`- `, `1. `).
fn sentence_indent(line: &str, leading: usize) -> usize {
    let first = line[leading..].split(' ').next().unwrap_or_default();
    // A label may have a style, which ends before its colon.
    let is_label = first.ends_with(':') || is_mark(first);
    if is_label { leading + display_width(first) + 1 } else { leading + 2 }
}

/// Whether a word is the mark of a list: `-`, or a number with a full stop.
fn is_mark(word: &str) -> bool {
    let number = word.strip_suffix('.').unwrap_or_default();
    word == "-" || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Wraps a text. `first` starts its first line, `indent` the others. Only spaces between words change.
fn fill(first: &str, indent: &str, text: &str, width: usize) -> String {
    if display_width(first) + display_width(text) <= width {
        return format!("{first}{text}");
    }
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(indent)
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let filled = textwrap::fill(text, options);
    let mut lines = filled.split('\n');
    let unindented = |line: &str| {
        let word = line.trim_start_matches(' ');
        let fits = width.saturating_sub(display_width(word));
        // A word that is too long starts further left, if it fits there.
        if fits > 0 && fits < line.len() - word.len() && !word.contains(' ') {
            format!("{}{word}", " ".repeat(fits))
        } else {
            line.to_owned()
        }
    };
    let head = lines.next().unwrap_or_default().to_owned();
    [head].into_iter().chain(lines.map(unindented)).collect::<Vec<_>>().join("\n")
}

/// Wraps a hint. A command in it gets a line of its own.
fn fill_around_command(first: &str, indent: &str, text: &str, width: usize) -> String {
    let is_short = display_width(first) + display_width(text) <= width;
    let Some((before, command, after)) = command(text).filter(|_| !is_short) else {
        return fill(first, indent, text, width);
    };
    let mut lines = vec![fill(first, indent, before, width), format!("{indent}{command}")];
    if !after.is_empty() {
        lines.push(fill(indent, indent, after, width));
    }
    lines.join("\n")
}

/// Splits a line into words. A date with its time is one word, and so is a command in backticks or parentheses. The mark
/// of a list belongs to the first word after it.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let is_date = |word: &str| {
        let digits = word.trim_start_matches('(');
        digits.len() == 10
            && digits
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
    };
    let is_time = |word: &str| word.contains(':') && word.starts_with(|first: char| first.is_ascii_digit());
    let mut words: Vec<Word<'_>> = Vec::new();
    // Whether the previous word is a date, and whether a command in backticks or parentheses is open.
    let (mut start, mut date, mut command, mut aside, mut mark) = (0, false, false, false, false);
    let is_command = |text: &str| COMMANDS.iter().any(|command| text.starts_with(command));
    for piece in line.split_inclusive(' ') {
        let end = start + piece.len();
        let word = piece.trim_end_matches(' ');
        match words.last_mut() {
            // Spaces, and a time after its date, belong to the previous word.
            Some(last) if word.is_empty() || (date && is_time(word)) || command || aside || mark => {
                let from = start - last.word.len() - last.whitespace.len();
                *last = Word::from(&line[from..end]);
            }
            _ => words.push(Word::from(piece)),
        }
        date = is_date(word);
        mark = start == 0 && is_mark(word);
        command ^= word.matches('`').count() % 2 == 1;
        aside = (aside || line[start..].strip_prefix('(').is_some_and(is_command)) && !word.contains(')');
        start = end;
    }
    Box::new(words.into_iter())
}

/// The command in a sentence, with the text before it, including the colon, and the text after it.
fn command(text: &str) -> Option<(&str, &str, &str)> {
    let starts = text.match_indices(": ").map(|(at, mark)| at + mark.len());
    let start = starts.into_iter().find(|start| COMMANDS.iter().any(|command| text[*start..].starts_with(command)))?;
    let end = text[start..].find("; ").map_or(text.len(), |length| start + length);
    Some((text[..start].trim_end(), &text[start..end], text[end..].trim_start_matches([';', ' '])))
}

/// The start of a line, cut at a width.
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
    fn sentences_wrap_with_indent_and_commands_stay_whole() {
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
            labelled("hint", "copy it again: az storage account keys list --account-name ACCOUNT; or sign in", 40),
            "hint: copy it again:\n      az storage account keys list --account-name ACCOUNT\n      or sign in"
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
                format!("  10. the keys came from {url} of another server"),
                format!("  10. the keys came from\n    {url}\n      of another server"),
            ),
            (
                "  - `az identity federated-credential list --identity-name NAME --resource-group GROUP` lists them".to_owned(),
                "  - `az identity federated-credential list --identity-name NAME --resource-group GROUP`\n    lists them".to_owned(),
            ),
            (
                "  - the keys came from /etc/kubernetes/pki/issuer/jwks.json, and not from the issuer URL".to_owned(),
                "  - the keys came from /etc/kubernetes/pki/issuer/jwks.json, and not from the\n    issuer URL".to_owned(),
            ),
        ];
        let time = "  failed   time       expired at 2026-11-22 01:33:32Z, now is 2026-11-26 15:25:02Z";
        assert_eq!(report(time, 80).lines().last().map(str::trim_start), Some("2026-11-26 15:25:02Z"));
        let fix =
            "fix: set expirationSeconds of the projected token to 86400 or less (kubectl create token: --duration=24h)";
        assert!(report(fix, 80).ends_with("\n     (kubectl create token: --duration=24h)"));
        let hint = labelled(
            "hint",
            "set the variables of a service principal or workload identity (issuer publish --help), or run `az login`",
            80,
        );
        assert!(hint.contains("\n      (issuer publish --help), or run `az login`"), "{hint}");
        // Untrusted text is not changed: no-break spaces, and text that looks like a command.
        let subject = format!("  sub  system:serviceaccount:default:{}\u{a0}{}", "a".repeat(30), "b".repeat(30));
        assert_eq!(report(&subject, 80).replace(['\n', ' '], ""), subject.replace(' ', ""));
        let audience = format!("  aud  see: az login --x; rm -rf / {}", "c ".repeat(40));
        assert!(report(&audience, 80).contains("see: az login --x; rm -rf / c"));
        for (line, expected) in cases {
            assert_eq!(report(&line, 80), expected);
        }
    }

    #[test]
    fn line_is_cut_at_the_last_column() {
        assert_eq!(first_columns("abcdef", 6), "abcdef");
        assert_eq!(first_columns("abcdefg", 6), "abcde…");
        assert_eq!(first_columns("東京東京", 6), "東京…");
    }
}
