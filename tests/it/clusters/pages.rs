//! Lists in pages (Kubernetes API concepts, "Retrieving large results sets in chunks").

use issuer::{
    ClusterKind, Hint,
    kubernetes::{Cluster, ClusterError, ClusterOptions, ObjectScope},
};
use serde_json::{Value, json};

use crate::support::{
    api_server_stand_in::{ApiServerStandIn, html},
    signer::ISSUER,
    stand_in::Response,
};

const PODS: &str = "/api/v1/namespaces/shop/pods";

fn pods(server: &ApiServerStandIn) -> Result<Vec<Value>, ClusterError> {
    let folder = tempfile::TempDir::new().unwrap();
    let options = ClusterOptions::default().kubeconfig(server.kubeconfig().write(folder.path()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::connect(&options).await?;
        cluster.objects(ClusterKind::Pod, &ObjectScope::Namespace("shop".to_owned())).await
    })
}

#[test]
fn every_page_of_a_list_is_read() {
    let server = ApiServerStandIn::new(ISSUER);
    server.pages((0..3).map(|page| vec![json!({ "metadata": { "name": format!("pod-{page}") } })]).collect());
    let names: Vec<_> = pods(&server).unwrap().iter().map(|pod| pod["metadata"]["name"].clone()).collect();
    assert_eq!(names, ["pod-0", "pod-1", "pod-2"]);
    let tokens: Vec<_> = server.requests().iter().map(|request| request.query("continue").map(str::to_owned)).collect();
    assert_eq!(tokens, [None, Some("page+/&=1".to_owned()), Some("page+/&=2".to_owned())]);
    server.pages(vec![Vec::new()]);
    assert_eq!(pods(&server).unwrap(), Vec::<Value>::new());
    server.replace(PODS, Response::json(200, json!({ "kind": "PodList", "metadata": {}, "items": null })));
    assert_eq!(pods(&server).unwrap(), Vec::<Value>::new());
}

#[test]
fn list_that_is_not_whole_is_an_error() {
    let server = ApiServerStandIn::new(ISSUER);
    server.pages((0..3).map(|page| vec![json!({ "metadata": { "name": page.to_string() } })]).collect());
    server.expire_pages();
    let error = pods(&server).unwrap_err();
    assert!(error.to_string().contains("returned 410 to /api/v1/namespaces/shop/pods?limit=500&continue="), "{error}");
    assert!(error.hint().unwrap().contains("run the command again"), "{error}");
    let endless = json!({ "metadata": { "continue": "again" }, "items": [] });
    for (response, because) in [
        (Response::json(200, endless), "the list has more than 200 pages"),
        (Response::json(200, json!({ "kind": "Status" })), "it is not a list of objects"),
        (Response::json(200, json!({ "items": "none" })), "it is not a list of objects"),
        (html(200), "expected value"),
    ] {
        server.replace(PODS, response);
        let error = pods(&server).unwrap_err().to_string();
        assert!(error.contains(because) && error.contains(server.url()), "{because}: {error}");
    }
}
