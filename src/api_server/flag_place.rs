/// Where the flags of the API server are set, by the tool that installed the cluster.
///
/// ```
/// use issuer::FlagPlace;
/// let k3s = FlagPlace::ALL.iter().find(|place| place.tool == "k3s").unwrap();
/// assert!(k3s.place.contains("/etc/rancher/k3s/config.yaml"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlagPlace {
    /// The tool.
    pub tool: &'static str,
    /// The file or object with the flags.
    pub place: &'static str,
    /// What applies the change, one control plane node after another.
    pub applied_by: &'static str,
}

impl FlagPlace {
    /// The places of all tools.
    ///
    /// Sources: Kubernetes "Reconfiguring a kubeadm cluster"; the book of Cluster API, `KubeadmControlPlane`; k3s and RKE2
    /// "Server configuration reference" (`kube-apiserver-arg`); Talos "Configuration reference" (`APIServerConfig`).
    pub const ALL: [Self; 5] = [
        Self {
            tool: "kubeadm",
            place: "apiServer.extraArgs of ClusterConfiguration",
            applied_by: "kubeadm init phase control-plane apiserver, on each node",
        },
        Self {
            tool: "Cluster API",
            place: "apiServer.extraArgs of KubeadmControlPlane",
            applied_by: "the controller replaces the control plane machines",
        },
        Self {
            tool: "k3s",
            place: "kube-apiserver-arg in /etc/rancher/k3s/config.yaml",
            applied_by: "systemctl restart k3s, on each server",
        },
        Self {
            tool: "RKE2",
            place: "kube-apiserver-arg in /etc/rancher/rke2/config.yaml",
            applied_by: "systemctl restart rke2-server, on each server",
        },
        Self {
            tool: "Talos",
            place: "cluster.apiServer.extraArgs of the machine configuration",
            applied_by: "talosctl patch machineconfig, on each control plane node",
        },
    ];
}
