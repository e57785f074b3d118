//! The sidecar of a manifest: `issuer exchange --watch` with the arguments and the variables of its container.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{pod::Pod, world::World};

/// A test that waits longer for a line has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// The volume that the containers share.
const VOLUME: &str = "/azure/";

/// A running sidecar, killed when it is dropped.
pub(super) struct Sidecar {
    child: Child,
    /// The lines of standard error.
    log: Receiver<String>,
    file: PathBuf,
    /// The token that the test has seen last.
    seen: String,
}

impl Sidecar {
    /// Starts the sidecar of a pod, and waits until its first token is in the file. The pod gets the variable with the
    /// path of the file.
    pub(super) fn start(world: &World, pod: &mut Pod, manifest: &str) -> Self {
        let container = container(manifest);
        let volume = world.folder().join("azure");
        fs::create_dir_all(&volume).unwrap();
        let place = |word: &str| {
            let address = if word == ":8091" { "127.0.0.1:0" } else { word };
            address.replace(VOLUME, &format!("{}/", volume.display()))
        };
        assert_eq!(container["command"], serde_json::json!(["issuer"]));
        let mut issuer = Command::new(env!("CARGO_BIN_EXE_issuer"));
        world.prepare(&mut issuer);
        issuer.envs(&pod.variables);
        issuer.args(container["args"].as_array().unwrap().iter().map(|word| place(word.as_str().unwrap())));
        for variable in container["env"].as_array().unwrap() {
            issuer.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
        }
        let mut child = issuer.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let file = volume.join("pgpass");
        pod.variables.insert("PGPASSFILE", file.to_str().unwrap().to_owned());
        let (sender, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut sidecar = Self { child, log, file, seen: String::new() };
        sidecar.wait_for_a_write();
        sidecar
    }

    /// Waits until the file contains a token that the test has not seen.
    pub(super) fn wait_for_a_write(&mut self) {
        loop {
            let line = self.log.recv_timeout(PATIENCE).expect("the sidecar writes another token");
            // The line may be about an earlier write.
            if line.contains("wrote ") {
                let token = self.token();
                if std::mem::replace(&mut self.seen, token.clone()) != token {
                    return;
                }
            }
        }
    }

    /// Lets the sidecar refresh the token now.
    pub(super) fn refresh(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
        self.wait_for_a_write();
    }

    /// The token in the file.
    pub(super) fn token(&self) -> String {
        let content = fs::read_to_string(&self.file).unwrap();
        content.trim_end().rsplit(':').next().unwrap().to_owned()
    }

    /// Ends the sidecar as the kubelet does.
    pub(super) fn stop(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first init container of the first workload.
fn container(manifest: &str) -> Value {
    let documents = manifest.split("---\n").map(|document| serde_saphyr::from_str::<Value>(document).unwrap());
    let mut containers = documents.map(|document| document["spec"]["template"]["spec"]["initContainers"][0].clone());
    containers.find(Value::is_object).expect("a workload has a sidecar")
}
