//! Pod templates at every place of an object, and custom resources without one.

use super::{Manifest, ManifestCheck, ManifestContext, ManifestOutcome, test_setup::*};
use ManifestOutcome::{Failed, Passed, Skipped};

/// A pod template, in flow style.
const POD: &str = "{ metadata: { labels: { app: x } }, spec: { serviceAccountName: orders, containers: [{ name: app, args: [$(AZURE_CLIENT_ID)] }] } }";

/// The objects without a label and the place where it belongs, as `object: place`.
fn without_label(yaml: &str) -> Vec<String> {
    let report = examine(yaml, &ManifestContext::default());
    let labels = report.findings.iter().filter(|finding| finding.check == ManifestCheck::Label);
    let line = |object: &str, fix: &str| {
        let place = fix.strip_prefix("set ").and_then(|fix| fix.split(" of the ").next()).unwrap();
        format!("{object}: {place}")
    };
    let failed = labels.filter(|finding| finding.outcome == Failed);
    failed.map(|finding| line(&finding.object, finding.fix.as_ref().unwrap())).collect()
}

#[test]
fn pod_template_is_found_at_any_place() {
    let metadata = "metadata: { name: etl, namespace: shop }";
    let spark = "apiVersion: sparkoperator.k8s.io/v1beta2";
    let argo = "apiVersion: argoproj.io/v1alpha1";
    let cases: Vec<(String, &[&str])> = vec![
        (
            format!(
                "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\n{metadata}\nspec: {{ jobTargetRef: {{ template: {POD} }} }}"
            ),
            &["ScaledJob shop/etl: spec.jobTargetRef.template.metadata.labels"],
        ),
        (
            format!(
                "kind: RayCluster\n{metadata}\nspec: {{ headGroupSpec: {{ template: {POD} }}, workerGroupSpecs: [{{ template: {POD} }}] }}"
            ),
            &[
                "RayCluster shop/etl (spec.headGroupSpec.template): spec.headGroupSpec.template.metadata.labels",
                "RayCluster shop/etl (spec.workerGroupSpecs[0].template): spec.workerGroupSpecs[0].template.metadata.labels",
            ],
        ),
        (
            format!("kind: Deployment\n{metadata}\nspec: {{ template: {POD} }}\nstatus: {{ template: {POD} }}"),
            &["Deployment shop/etl: spec.template.metadata.labels"],
        ),
        (
            format!(
                "{spark}\nkind: SparkApplication\n{metadata}\nspec: {{ driver: {{ template: {POD} }}, executor: {{ template: {POD} }} }}"
            ),
            &[
                "SparkApplication shop/etl (spec.driver.template): spec.driver.template.metadata.labels",
                "SparkApplication shop/etl (spec.executor.template): spec.executor.template.metadata.labels",
            ],
        ),
        (
            format!(
                "{spark}\nkind: SparkApplication\n{metadata}\nspec: {{ driver: {{ serviceAccount: orders, env: [{{ name: AZURE_CLIENT_ID, value: {CLIENT} }}] }} }}"
            ),
            &["SparkApplication shop/etl: spec.driver.labels"],
        ),
        (
            format!(
                "{spark}\nkind: ScheduledSparkApplication\n{metadata}\nspec: {{ template: {{ driver: {{ labels: {{ azure.workload.identity/use: 'true' }} }}, executor: {{ envVars: {{ AZURE_CLIENT_ID: {CLIENT} }} }} }} }}"
            ),
            &["ScheduledSparkApplication shop/etl (spec.template.executor): spec.template.executor.labels"],
        ),
        (
            format!(
                "{argo}\nkind: Workflow\n{metadata}\nspec: {{ templates: [{{ name: all, steps: [] }}, {{ name: load, container: {{ args: [$(AZURE_CLIENT_ID)] }} }}] }}"
            ),
            &["Workflow shop/etl: spec.podMetadata.labels"],
        ),
        (
            format!(
                "{argo}\nkind: WorkflowTemplate\n{metadata}\nspec: {{ templates: [{{ name: load, script: {{ args: [$(AZURE_CLIENT_ID)] }} }}, {{ containerSet: {{ containers: [{{ name: a, args: [$(AZURE_CLIENT_ID)] }}] }} }}] }}"
            ),
            &[
                "WorkflowTemplate shop/etl (template load): spec.templates[0].metadata.labels",
                "WorkflowTemplate shop/etl (spec.templates[1]): spec.templates[1].metadata.labels",
            ],
        ),
        (
            format!(
                "{argo}\nkind: WorkflowTemplate\n{metadata}\nspec: {{ templates: [{{ name: all, steps: [[{{ inline: {{ container: {{ args: [$(AZURE_CLIENT_ID)] }} }} }}]] }}, {{ dag: {{ tasks: [{{ inline: {{ script: {{ args: [$(AZURE_CLIENT_ID)] }} }} }}] }} }}] }}"
            ),
            &[
                "WorkflowTemplate shop/etl (spec.templates[0].steps[0][0].inline): spec.templates[0].steps[0][0].inline.metadata.labels",
                "WorkflowTemplate shop/etl (spec.templates[1].dag.tasks[0].inline): spec.templates[1].dag.tasks[0].inline.metadata.labels",
            ],
        ),
        (
            format!(
                "{argo}\nkind: CronWorkflow\n{metadata}\nspec: {{ workflowSpec: {{ podMetadata: {{ labels: {{ azure.workload.identity/use: 'no' }} }}, templates: [{{ name: load, container: {{}} }}] }} }}"
            ),
            &["CronWorkflow shop/etl: spec.workflowSpec.podMetadata.labels"],
        ),
    ];
    for (yaml, expected) in cases {
        assert_eq!(without_label(&yaml), expected, "{yaml}");
    }
}

#[test]
fn labels_of_several_levels_are_combined() {
    let label = |value: &str| format!("labels: {{ azure.workload.identity/use: '{value}' }}");
    let argo = |of_workflow: &str, of_defaults: &str, of_template: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{ name: etl }}\nspec: {{ podMetadata: {{ {of_workflow} }}, templateDefaults: {{ metadata: {{ {of_defaults} }} }}, templates: [{{ metadata: {{ {of_template} }}, container: {{ args: [$(AZURE_CLIENT_ID)] }} }}] }}"
        )
    };
    let spark = |own: &str, of_template: &str| {
        format!(
            "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {{ name: etl }}\nspec: {{ driver: {{ {own} template: {{ metadata: {{ {of_template} }} }}, env: [{{ name: AZURE_CLIENT_ID }}] }} }}"
        )
    };
    let (yes, no) = (label("true"), label("false"));
    let cases = [
        (argo(&yes, "", ""), None),
        (argo("", &yes, ""), None),
        (argo("", "", &yes), None),
        (argo(&no, "", &yes), None),
        (argo(&no, &yes, ""), None),
        (argo(&yes, "", &no), Some("spec.templates[0].metadata.labels")),
        (argo(&yes, &no, ""), Some("spec.templateDefaults.metadata.labels")),
        (argo("", "", ""), Some("spec.podMetadata.labels")),
        (spark(&format!("{yes},"), ""), None),
        (spark("", &yes), None),
        (spark(&format!("{yes},"), &no), None),
        (spark(&format!("{no},"), &yes), Some("spec.driver.labels")),
        (spark("", ""), Some("spec.driver.template.metadata.labels")),
    ];
    for (yaml, expected) in cases {
        let found = without_label(&yaml);
        let places: Vec<_> = found.iter().map(|line| line.split(": ").nth(1).unwrap()).collect();
        assert_eq!(places, expected.into_iter().collect::<Vec<_>>(), "{yaml}");
    }
}

#[test]
fn service_account_of_a_workflow_or_application_is_known() {
    let argo = |spec: &str, template: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{ name: a }}\nspec: {{ {spec} templates: [{{ {template} container: {{}} }}] }}"
        )
    };
    let spark = |driver: &str, executor: &str| {
        format!(
            "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {{ name: a }}\nspec: {{ driver: {{ {driver} }}, executor: {{ {executor} }} }}"
        )
    };
    let cases: [(String, &[&str]); 8] = [
        (argo("", ""), &["default"]),
        (argo("serviceAccountName: a,", ""), &["a"]),
        (argo("serviceAccountName: a,", "serviceAccountName: b,"), &["b"]),
        (argo("serviceAccountName: a, templateDefaults: { serviceAccountName: c },", ""), &["c"]),
        (spark("", ""), &["default", "default"]),
        (spark("serviceAccount: a", ""), &["a", "a"]),
        (spark("serviceAccount: a", "serviceAccount: b"), &["a", "b"]),
        (spark("template: { spec: { serviceAccountName: t } }", "serviceAccount: b"), &["t", "b"]),
    ];
    for (yaml, expected) in cases {
        let mut manifest = Manifest::default();
        manifest.add("x", yaml.as_bytes());
        let accounts: Vec<_> =
            manifest.workloads.iter().map(|workload| workload.pod.service_account.as_str()).collect();
        assert_eq!(accounts, expected, "{yaml}");
    }
}

#[test]
fn volume_of_a_workflow_is_that_of_the_template_that_mounts_it() {
    let volumes = volume("audience: vault,", "expirationSeconds: 60");
    let env = "env: [{ name: AZURE_FEDERATED_TOKEN_FILE, value: /t/token }]";
    let template = |mounts: &str| format!("{{ container: {{ {env}, volumeMounts: [{mounts}] }} }}");
    let (with, without) = (template("{ name: token, mountPath: /t }"), template(""));
    let yaml = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{ name: a }}\nspec: {{ {volumes}, templates: [{with}, {without}] }}"
    );
    let report = examine(&yaml, &context());
    let tokens = report.findings.iter().filter(|finding| finding.check == ManifestCheck::ProjectedToken);
    let objects: Vec<_> = tokens.map(|finding| finding.object.as_str()).collect();
    assert_eq!(objects, ["Workflow default/a (spec.templates[0]), volume token"; 2]);
}

#[test]
fn variables_of_a_spark_driver_are_those_of_its_container() {
    let of = |driver: &str| {
        let yaml = format!(
            "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {{ name: a }}\nspec: {{ image: spark:3, driver: {{ labels: {{ azure.workload.identity/use: 'true' }}, {driver} }} }}"
        );
        let report = examine(&yaml, &context());
        let sdk = report.findings.iter().find(|finding| finding.check == ManifestCheck::Sdk).unwrap().message.clone();
        (remarkable(&report), sdk)
    };
    let (found, sdk) = of("env: [{ name: AZURE_CLIENT_ID, value: orders }]");
    assert_eq!(
        found.first().unwrap(),
        "variables failed SparkApplication default/a, container spark-kubernetes-driver"
    );
    assert!(sdk.ends_with("spark:3"), "{sdk}");
    let (found, sdk) = of(
        "image: own:1, template: { spec: { containers: [{ name: main, image: x }] } }, envVars: { AZURE_CLIENT_ID: orders }",
    );
    assert_eq!(found.first().unwrap(), "variables failed SparkApplication default/a, container main");
    assert!(sdk.ends_with("own:1"), "{sdk}");
}

#[test]
fn custom_resource_without_pod_template_is_named() {
    let label = "podLabels: { azure.workload.identity/use: 'true' }";
    let cases = [
        (format!("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {{ values: {{ {label} }} }}"), true),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: { values: \"env: $(AZURE_CLIENT_ID)\" }".to_owned(), true),
        (format!("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {{ {label}, workflowTemplateRef: {{ name: x }} }}"), true),
        ("apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: { containers: [], podMetadata: { labels: { azure.workload.identity/use: 'true' } } }".to_owned(), true),
        ("apiVersion: example.com/v1\nkind: Other\nspec: { containers: [] }".to_owned(), false),
        (format!("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {{ {label} }}"), false),
        (format!("apiVersion: v1\nkind: Service\nspec: {{ {label} }}"), false),
        (format!("kind: Service\nspec: {{ {label} }}"), false),
    ];
    for (yaml, is_named) in cases {
        let yaml = format!("{yaml}\nmetadata: {{ name: x, namespace: shop }}");
        let report = examine(&yaml, &context());
        assert_eq!(report.without_pod_template, usize::from(is_named), "{yaml}");
        assert_eq!((report.judged, report.not_judged), (0, 0), "{yaml}");
        let named: Vec<_> = report.findings.iter().map(|finding| (finding.check, finding.outcome)).collect();
        let expected: &[_] = if is_named { &[(ManifestCheck::PodTemplate, Skipped)] } else { &[] };
        assert_eq!(named, expected, "{yaml}");
        assert!(report.findings.iter().all(|finding| finding.object.ends_with(" shop/x") && finding.fix.is_some()));
    }
}

#[test]
fn deep_pod_template_is_not_found_but_named() {
    let at = |depth: usize| {
        let value = (0..depth).fold(POD.to_owned(), |value, _| format!("{{ a: {value} }}"));
        examine(&format!("apiVersion: example.com/v1\nkind: X\nmetadata: {{ name: x }}\nspec: {value}"), &context())
    };
    assert_eq!((at(10).judged, at(10).without_pod_template), (1, 0));
    assert_eq!((at(40).judged, at(40).without_pod_template), (0, 1));
    let brackets = "[".repeat(100_000);
    let mut manifest = Manifest::default();
    manifest.add("x", format!("{{ \"kind\": \"X\", \"spec\": {brackets}").as_bytes());
    manifest.add("x", format!("kind: X\nspec: {brackets}").as_bytes());
    assert_eq!(manifest.unreadable.len(), 2);
}

#[test]
fn fix_for_a_dumped_pod_names_its_owner() {
    let owners = |text: &str, labels: &str| {
        format!(
            "kind: Pod\nmetadata: {{ name: web-5d-x, namespace: shop, uid: 0d4b5f1e-53c1-4c8e-9f0c-2f6d1a7b8c9d, labels: {{ {labels} }}, ownerReferences: [{text}] }}\nspec: {{ serviceAccountName: orders, containers: [{{ name: app }}] }}"
        )
    };
    let replica_set = "{ kind: ReplicaSet, name: web-5d, controller: true }";
    let template = "spec.template.metadata.labels of the";
    let cases = [
        ("", "", "metadata.labels of the Pod:".to_owned()),
        (replica_set, "pod-template-hash: 5d", format!("{template} Deployment web, which creates the Pod:")),
        (replica_set, "rollouts-pod-template-hash: 5d", format!("{template} Rollout web, which creates the Pod:")),
        (replica_set, "pod-template-hash: 6e", format!("{template} ReplicaSet web-5d, which creates the Pod:")),
        (replica_set, "", format!("{template} ReplicaSet web-5d, which creates the Pod:")),
        ("{ kind: StatefulSet, name: db }", "", format!("{template} StatefulSet db, which creates the Pod:")),
        (
            "{ kind: X, name: x }, { kind: Workflow, name: etl, controller: true }",
            "",
            "labels in the pod template of the Workflow etl, which creates the Pod:".to_owned(),
        ),
        ("{ kind: Node, name: n1, controller: true }", "", "metadata.labels of the Pod:".to_owned()),
    ];
    for (text, labels, expected) in cases {
        let report = examine(&owners(text, labels), &context());
        let label = report.findings.iter().find(|finding| finding.check == ManifestCheck::Label).unwrap();
        assert_eq!(label.object, "Pod shop/web-5d-x");
        let fix = label.fix.as_ref().unwrap();
        assert!(fix.starts_with(&format!("set {expected}")), "{fix}");
    }
}

#[test]
fn fix_for_a_variable_of_a_dumped_pod_names_its_owner() {
    let account = SOUND.split("---").nth(1).unwrap();
    let yaml = format!(
        "kind: Pod\nmetadata: {{ name: x, namespace: shop, uid: a, ownerReferences: [{{ kind: Job, name: etl }}] }}\nspec: {{ serviceAccountName: orders, containers: [{{ name: app, env: [{{ name: AZURE_CLIENT_ID, value: {OTHER} }}] }}] }}\n---{account}"
    );
    let report = examine(&yaml, &context());
    let variables = report.findings.iter().find(|finding| finding.check == ManifestCheck::Variables).unwrap();
    let fix = variables.fix.as_ref().unwrap();
    assert!(fix.ends_with("remove AZURE_CLIENT_ID from the pod template of the Job etl"), "{fix}");
}

#[test]
fn ordinary_workload_is_shown_without_its_place() {
    let report = examine(SOUND, &context());
    let label = report.findings.iter().find(|finding| finding.check == ManifestCheck::Label).unwrap();
    assert_eq!((label.object.as_str(), label.outcome), ("Deployment shop/orders", Passed));
}
