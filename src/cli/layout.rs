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
/// The commands that hints give to copy.
const COMMANDS: [&str; 8] = ["az ", "curl ", "issuer ", "kops ", "kubectl ", "openssl ", "sops ", "ulimit "];

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

/// A sentence after its label, broken between words, with later lines below its first word.
///
/// Words are never broken: what people copy, such as a URL, is one. A command that does not fit gets a line of its own.
pub(super) fn labelled(label: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(display_width(label) + 2);
    let whole = format!("{label}: {text}");
    if display_width(&whole) <= width {
        return whole;
    }
    let fill = |text: &str, first: &str| {
        let options = Options::new(width)
            .initial_indent(first)
            .subsequent_indent(&indent)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        textwrap::fill(text, options)
    };
    let first = format!("{label}: ");
    match command(text) {
        None => fill(text, &first),
        Some((before, command, after)) => {
            let mut lines = vec![fill(before, &first), format!("{indent}{command}")];
            if !after.is_empty() {
                lines.push(fill(after, &indent));
            }
            lines.join("\n")
        }
    }
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
    fn a_line_is_cut_at_the_last_column() {
        assert_eq!(first_columns("abcdef", 6), "abcdef");
        assert_eq!(first_columns("abcdefg", 6), "abcde…");
        assert_eq!(first_columns("東京東京", 6), "東京…");
    }
}
