//! Lines as wide as the terminal.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::display_width};

/// The width where there is no terminal that has one.
const WIDTH: usize = 80;
/// The widest that lines are filled: longer ones are hard to read.
const WIDTH_MAX: usize = 120;
/// The narrowest: below it words hardly fit.
const WIDTH_MIN: usize = 40;

/// How many columns the terminal has: that of standard error, else that of standard output, else `COLUMNS`.
pub(super) fn width() -> usize {
    let variable = || std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let of = |size: Option<(terminal_size::Width, terminal_size::Height)>| size.map(|(width, _)| usize::from(width.0));
    let terminal = of(terminal_size::terminal_size_of(std::io::stderr()))
        .or_else(|| of(terminal_size::terminal_size_of(std::io::stdout())));
    terminal.or_else(variable).unwrap_or(WIDTH).clamp(WIDTH_MIN, WIDTH_MAX)
}

/// A text that is broken between words, with later lines indented.
///
/// Words are never broken: what people copy, such as a URL, is one.
pub(super) fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let options = Options::new(width)
        .subsequent_indent(indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::fill(text, options)
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
