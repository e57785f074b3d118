//! Findings of a cluster that several pods share, so that the report of a large cluster stays short.

use std::collections::{HashMap, HashSet};

use super::{
    checks::Case,
    finding::{ManifestCheck, ManifestFinding, ManifestOutcome},
};

/// Collects findings. The pods of one owner have one finding each, with their number.
#[derive(Default)]
pub(super) struct SameFindings {
    /// The findings of pod templates.
    templates: HashSet<Key>,
    pods: HashMap<Key, usize>,
    groups: Vec<Group>,
}

/// The parts that are equal in the same finding of one owner.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    check: ManifestCheck,
    outcome: ManifestOutcome,
    /// The container or volume.
    part: String,
    details: Details,
}

/// The namespace, kind and name.
type Owner = [String; 3];
/// The message, the values and the fix.
type Details = [Option<String>; 4];

/// A finding of several pods.
struct Group {
    /// The place in the report.
    index: usize,
    /// The name of the first pod.
    object: String,
    owner: String,
    others: usize,
}

impl SameFindings {
    /// Adds the findings of a workload to a report. The pod templates come before the pods.
    pub(super) fn add(&mut self, case: &Case<'_>, own: Vec<ManifestFinding>, report: &mut Vec<ManifestFinding>) {
        let (namespace, object) = (case.namespace.to_owned(), case.object());
        let workload = case.workload;
        let owner = match case.owner() {
            Some(owner) if workload.is_running() => [namespace, owner.kind.clone(), owner.name.clone()],
            _ if workload.is_running() => return report.extend(own),
            _ => [namespace, workload.kind.clone(), workload.name.clone()],
        };
        for finding in own {
            let key = |details| Key {
                owner: owner.clone(),
                check: finding.check,
                outcome: finding.outcome,
                part: part(&finding, &object),
                details,
            };
            let template_key = key(of_template(&finding));
            if !workload.is_running() {
                self.templates.insert(template_key);
                report.push(finding);
                continue;
            }
            if self.templates.contains(&template_key) {
                continue;
            }
            let key = key(of_pod(&finding));
            if let Some(group) = self.pods.get(&key) {
                self.groups[*group].others += 1;
                continue;
            }
            self.pods.insert(key, self.groups.len());
            let owner = case.owner().map(ToString::to_string).unwrap_or_default();
            self.groups.push(Group { index: report.len(), object: object.clone(), owner, others: 0 });
            report.push(finding);
        }
    }

    /// Names the number of pods of each finding.
    pub(super) fn finish(self, report: &mut [ManifestFinding]) {
        for Group { index, object, owner, others } in self.groups.into_iter().filter(|group| group.others > 0) {
            let finding = &mut report[index];
            if let Some(part) = finding.object.strip_prefix(&object) {
                finding.object = format!("{object} and {others} more of {owner}{part}");
            }
        }
    }
}

/// The container or volume of a finding. The webhook's volumes have a name for each pod.
fn part(finding: &ManifestFinding, object: &str) -> String {
    let part = finding.object.strip_prefix(object).unwrap_or(&finding.object);
    match part.find("azure-workload-identity-reserved-") {
        Some(at) => part[..at].to_owned(),
        None => part.to_owned(),
    }
}

/// The details that a pod shares with its template. A variable may be that of the template or of the webhook.
fn of_template(finding: &ManifestFinding) -> Details {
    let is_of_variable = matches!(finding.check, ManifestCheck::Variables | ManifestCheck::TenantId);
    [is_of_variable.then(|| finding.message.clone()), None, None, None]
}

/// The details that the pods of an owner share. Each pod has its own times.
fn of_pod(finding: &ManifestFinding) -> Details {
    let ManifestFinding { check, message, seen, expected, fix, .. } = finding;
    let seen = if *check == ManifestCheck::Injection { None } else { seen.clone() };
    [Some(message.clone()), seen, expected.clone(), fix.clone()]
}
