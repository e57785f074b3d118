//! The commands that only compute an explanation, compared with a hello world, and with themselves on a longer input.

use std::fmt::Write;

use tempfile::TempDir;

use crate::{ISSUER, alternate::medians};

const RUNS: usize = 500;
/// The number of Deployments in a small manifest, and in two long ones.
const SMALL: usize = 1;
const LONG: [usize; 2] = [200, 2000];

pub(crate) fn measure(hello: &str) {
    let folder = TempDir::new().expect("a temporary directory");
    let file = |deployments: usize| {
        let path = folder.path().join(format!("{deployments}.yaml"));
        std::fs::write(&path, manifest(deployments)).expect("a file in a temporary directory");
        path.to_str().expect("a path in UTF-8").to_owned()
    };
    let (small, long) = (file(SMALL), LONG.map(file));
    let explain = ["explain", "AADSTS700211"];
    let doctor = ["doctor", "--manifest", &small];
    let times = medians(&[(hello, &[], 0), (ISSUER, &explain, 0), (ISSUER, &doctor, 0)], RUNS);
    for (what, time) in ["`issuer explain`", "`issuer doctor --manifest`, a small manifest"].iter().zip(&times[1..]) {
        let ratio = time / times[0];
        println!(
            "| {what}, wall time, median of {RUNS} | {time:.2} ms | hello world {:.2} ms | {ratio:.2} | ≤ 3 |",
            times[0]
        );
    }
    let [short, long] = long.each_ref().map(|file| ["doctor", "--manifest", file.as_str()]);
    let times = medians(&[(ISSUER, &short, 0), (ISSUER, &long, 0)], RUNS / 50);
    let (short, long) = (times[0], times[1]);
    println!(
        "| `issuer doctor --manifest`, {} Deployments | {long:.1} ms | {} Deployments {short:.1} ms | {:.1} | ≤ 11 |",
        LONG[1],
        LONG[0],
        long / short
    );
}

/// A manifest of Deployments that pass every check, each with a service account.
fn manifest(deployments: usize) -> String {
    let mut text = String::new();
    for number in 0..deployments {
        let _ = write!(
            text,
            r#"---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: app-{number}
  namespace: shop
  annotations:
    azure.workload.identity/client-id: 2f6a4f4e-5a0c-4c57-9d3a-{number:012x}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  namespace: shop
spec:
  selector:
    matchLabels:
      app: app-{number}
  template:
    metadata:
      labels:
        app: app-{number}
        azure.workload.identity/use: "true"
    spec:
      serviceAccountName: app-{number}
      containers:
        - name: app
          image: registry.example.com/app:1.0.{number}
          env:
            - name: LOG_LEVEL
              value: info
"#
        );
    }
    text
}
