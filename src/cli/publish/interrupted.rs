use issuer::{Change, DocumentPath, Plan};

use crate::cli::{Exit, Failure, answers::Interruption, site::ChangesMade};

/// The error of a run that a signal ended: which documents were written. Nothing was read back.
pub(super) fn interrupted(plan: &Plan, made: &ChangesMade) -> Failure {
    let changed = plan.documents.iter().filter(|document| document.change != Change::Unchanged);
    let written: Vec<_> = made.written.iter().map(DocumentPath::as_str).collect();
    let unknown: Vec<_> = made.under_way.iter().map(DocumentPath::as_str).collect();
    let left = changed.map(|document| document.path.as_str());
    let left: Vec<_> = left.filter(|path| !written.contains(path) && !unknown.contains(path)).collect();
    let was = |names: &[&str]| if names.len() == 1 { "was" } else { "were" };
    let mut parts = Vec::new();
    if !written.is_empty() {
        parts.push(format!("{} {} written", written.join(" and "), was(&written)));
    }
    if !unknown.is_empty() {
        parts.push(format!("{} may have been written", unknown.join(" and ")));
    }
    if !left.is_empty() {
        parts.push(format!("{} {} not written", left.join(" and "), was(&left)));
    }
    let message = if written.is_empty() && unknown.is_empty() {
        "interrupted; nothing was written".to_owned()
    } else {
        format!("interrupted; {}; nothing was read back", parts.join(", "))
    };
    let hint = "run the command again to write the rest; no document was written partially".to_owned();
    let owned = |paths: Vec<&str>| paths.into_iter().map(str::to_owned).collect();
    let interruption =
        Interruption { written: owned(written), not_written: owned(left), unknown: owned(unknown), proven: false };
    Failure { interruption: Some(Box::new(interruption)), ..Failure::new(Exit::Incomplete, message, Some(hint)) }
}
