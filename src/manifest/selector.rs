//! Label selectors of Kubernetes (`LabelSelector` in `k8s.io/apimachinery/pkg/apis/meta/v1`).

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

/// The labels of an object.
pub(super) type Labels = BTreeMap<String, String>;

/// The member `labels` of the metadata of an object.
pub(super) fn labels(object: &Value) -> Labels {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// A selector. Without requirements it selects every object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelSelector {
    pub(super) requirements: Vec<Requirement>,
}

/// A requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: Operator,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    pub(super) fn of(selector: Option<&Value>) -> Self {
        let member = |name: &str| selector.and_then(|selector| selector.get(name));
        let labels = member("matchLabels").and_then(Value::as_object).into_iter().flatten();
        let equals = |(key, value): (&String, &Value)| {
            let values = vec![value.as_str()?.to_owned()];
            Some(Requirement { key: key.clone(), operator: Operator::In, values })
        };
        let expressions = member("matchExpressions").and_then(Value::as_array).into_iter().flatten();
        let requirements = labels.filter_map(equals).chain(expressions.filter_map(Requirement::of)).collect();
        Self { requirements }
    }

    /// The first requirement that labels do not meet.
    pub(super) fn unmet(&self, labels: &Labels) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| !requirement.is_met(labels))
    }

    /// The first requirement on one label that labels do not meet.
    pub(super) fn unmet_of(&self, key: &str, labels: &Labels) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.key == key && !requirement.is_met(labels))
    }
}

impl Requirement {
    /// The API server rejects other operators, so that an expression with one is not in a cluster.
    fn of(expression: &Value) -> Option<Self> {
        let operator = match expression.get("operator")?.as_str()? {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            _ => return None,
        };
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
        Some(Self { key: expression.get("key")?.as_str()?.to_owned(), operator, values })
    }

    /// An object without the label meets `NotIn` (`Requirement.Matches` in `k8s.io/apimachinery/pkg/labels`).
    fn is_met(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// As `kubectl get --selector` reads it.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, operator, values } = self;
        match (operator, values.as_slice()) {
            (Operator::In, [value]) => write!(f, "{key}={value}"),
            (Operator::NotIn, [value]) => write!(f, "{key}!={value}"),
            (Operator::In, values) => write!(f, "{key} in ({})", values.join(", ")),
            (Operator::NotIn, values) => write!(f, "{key} notin ({})", values.join(", ")),
            (Operator::Exists, _) => f.write_str(key),
            (Operator::DoesNotExist, _) => write!(f, "!{key}"),
        }
    }
}
