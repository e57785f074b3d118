//! `issuer exec` runs real programs with a token.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{CLIENT, World, gate};
use crate::support::{
    issuer::{stderr, stdout},
    postgresql_gate::Gate,
    pty::Terminal,
};

/// `issuer exec` with these arguments in the pod.
fn exec(world: &World, arguments: &[&str]) -> Command {
    let mut issuer = world.issuer(CLIENT);
    issuer.args(["exec", "--ca-file"]).arg(world.ca_file()).args(arguments);
    issuer
}

fn parameters(world: &World, gate: &Gate, role: &str) -> String {
    let ca_file = world.ca_file();
    let (port, ca_file) = (gate.port(), ca_file.to_str().unwrap());
    format!("host=localhost port={port} user={role} dbname={role} sslmode=verify-full sslrootcert={ca_file}")
}

fn succeeded(output: &Output, expected: &str) {
    assert_eq!((stdout(output).as_str(), output.status.code()), (expected, Some(0)), "{}", stderr(output));
}

#[test]
fn psql_gets_its_token_in_pgpassword() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let connection = parameters(&world, &gate, &role);
    let arguments =
        ["--resource", "postgres", "--env", "PGPASSWORD", "--", "psql", &connection, "-Atc", "select current_user"];
    let output = exec(&world, &arguments).output().unwrap();
    succeeded(&output, &format!("{role}\n"));
    assert_eq!((stderr(&output).as_str(), gate.accepted()), ("", 1));
}

#[test]
fn connection_strings_of_the_gem_and_of_windmill_get_the_token() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let ca_file = world.ca_file();
    let rest = format!("sslmode=verify-full&sslrootcert={}", ca_file.to_str().unwrap());
    let at = format!("localhost:{}/{role}", gate.port());
    let connections = [
        format!("{} azure_workload_identity=true", parameters(&world, &gate, &role)),
        format!("postgresql://{role}@{at}?azure_workload_identity=true&{rest}"),
        format!("postgres://{role}:entraid@{at}?{rest}"),
    ];
    for connection in &connections {
        let program = "psql \"$DATABASE_URL\" -Atc 'select current_user'";
        let arguments = ["--connection", connection, "--env-connection", "DATABASE_URL", "--", "sh", "-c", program];
        let output = exec(&world, &arguments).output().unwrap();
        succeeded(&output, &format!("{role}\n"));
        assert_eq!(stderr(&output), "");
    }
    assert_eq!(gate.accepted(), 3);
}

#[test]
fn password_file_is_there_while_the_program_runs() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let connection = parameters(&world, &gate, &role);
    let program =
        format!("psql '{connection}' -Atc 'select current_user'; stat -c %a \"$PGPASSFILE\"; echo $PGPASSFILE");
    let arguments = ["--resource", "postgres", "--env-file", "PGPASSFILE", "--", "sh", "-c", &program];
    let output = exec(&world, &arguments).output().unwrap();
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], [role.as_str(), "600"], "{}", stderr(&output));
    assert!(!fs::exists(lines[2]).unwrap(), "the file is removed");
}

#[test]
fn each_resource_has_its_own_variable() {
    let world = World::new();
    let program = "printf '%s\\n' \"$A\" \"$B\"; cat \"$C\"";
    let arguments = [
        "--resource",
        "postgres",
        "--env",
        "A",
        "--resource",
        "keyvault",
        "--env",
        "B",
        "--env-file",
        "C",
        "--",
        "sh",
        "-c",
        program,
    ];
    let output = exec(&world, &arguments).output().unwrap();
    let text = stdout(&output);
    let audiences: Vec<_> = text
        .lines()
        .map(|token| {
            world.azure.controls.tokens.find(token).unwrap_or_else(|| panic!("{text} {}", stderr(&output))).audience
        })
        .collect();
    assert!(audiences[0].contains("ossrdbms") && audiences[1].contains("vault") && audiences[1] == audiences[2]);
    assert_eq!(world.azure.controls.exchanges(), 2);
}

#[test]
fn arguments_and_exit_code_pass_unchanged() {
    let world = World::new();
    for flag in ["--env", "--env-file"] {
        let words =
            ["--resource", "arm", flag, "T", "--", "printf", "%s|", "a 'b' \"c\"", "--env", "$T", "", "--", "é\n"];
        succeeded(&exec(&world, &words).output().unwrap(), "a 'b' \"c\"|--env|$T||--|é\n|");
        for (program, code) in [("exit 7", 7), ("exit 0", 0), ("exit 255", 255), ("kill -TERM $$", 143)] {
            let arguments = ["--resource", "arm", flag, "T", "--", "sh", "-c", program];
            let status = exec(&world, &arguments).output().unwrap().status;
            // A program that replaced the process is killed by the signal itself.
            let by_signal = flag == "--env" && code == 143;
            assert_eq!(status.code(), (!by_signal).then_some(code), "{flag} {program}");
        }
    }
}

#[test]
fn signals_reach_the_program() {
    let world = World::new();
    for flag in ["--env", "--env-file"] {
        for (signal, name) in
            [(Signal::TERM, "TERM"), (Signal::HUP, "HUP"), (Signal::INT, "INT"), (Signal::USR1, "USR1")]
        {
            let program = format!("trap 'echo got {name}; kill $!; exit 9' {name}; sleep 60 & echo ready; wait");
            let arguments = ["--resource", "arm", flag, "T", "--", "sh", "-c", &program];
            let mut command = below("env", &DEFAULT_SIGNALS, &exec(&world, &arguments));
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert_eq!(lines.next().unwrap().unwrap(), "ready");
            let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            kill_process(id, signal).unwrap();
            assert_eq!(lines.next().unwrap().unwrap(), format!("got {name}"));
            assert_eq!(child.wait().unwrap().code(), Some(9), "{flag} {name}");
        }
    }
}

/// Arguments of `env` that undo `nohup` and `&`: a program cannot trap a signal that was ignored when it started.
const DEFAULT_SIGNALS: [&str; 1] = ["--default-signal=HUP,INT,QUIT,TERM,USR1"];

/// The same command as the argument of another program.
fn below(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(arguments).arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

#[test]
fn interrupt_of_a_terminal_reaches_the_program_once() {
    let world = World::new();
    // A shell runs one trap for two signals that arrive together.
    let program = r#"
import signal, sys
awaited = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
print("ready", flush=True)
count = 0
while signal.sigwaitinfo(awaited).si_signo == signal.SIGINT:
    count += 1
    print(f"got {count}", flush=True)
print(f"total {count}", flush=True)
sys.exit(9)
"#;
    let arguments = ["--resource", "arm", "--env-file", "T", "--", "python3", "-c", program];
    // Both processes are in the foreground process group of a terminal.
    let (mut terminal, mut child) = Terminal::run(
        80,
        &mut below("setsid", &["--ctty", "env", DEFAULT_SIGNALS[0]], &exec(&world, &arguments)),
        false,
    );
    let id = Pid::from_child(&child);
    terminal.read_to("ready");
    terminal.type_text("\x03");
    terminal.read_to("got 1");
    // A process sends the signal to one process.
    kill_process(id, Signal::INT).unwrap();
    terminal.read_to("got 2");
    kill_process(id, Signal::TERM).unwrap();
    terminal.read_to("total 2");
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn ignored_signal_stays_ignored() {
    let world = World::new();
    let program = "trap 'kill $!; exit 9' TERM; sleep 60 & echo ready; wait";
    for flag in ["--env", "--env-file"] {
        let arguments = ["--resource", "arm", flag, "T", "--", "sh", "-c", program];
        let ignoring = below("sh", &["-c", "trap '' HUP; exec \"$@\"", "sh"], &exec(&world, &arguments));
        let mut child = { ignoring }.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        for signal in [Signal::HUP, Signal::TERM] {
            kill_process(Pid::from_child(&child), signal).unwrap();
        }
        assert_eq!(child.wait().unwrap().code(), Some(9), "{flag}");
    }
}

#[test]
fn refused_token_starts_no_program() {
    let world = World::new();
    let mark = world.folder.path().join("started");
    let mark = mark.to_str().unwrap();
    let arguments =
        ["--client-id", "77777777-aaaa-4bbb-8ccc-000000000007", "--resource", "arm", "--env", "T", "--", "touch", mark];
    let output = exec(&world, &arguments).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("AADSTS700016") && text.contains("trace ID") && text.contains("hint: "), "{text}");

    let arguments = ["--scope", "https://vault.azure.net", "--env", "T", "--", "touch", mark];
    assert_eq!(exec(&world, &arguments).output().unwrap().status.code(), Some(2));
    let arguments = ["--resource", "arm", "--env", "T", "--", "/no/such/program"];
    let output = exec(&world, &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("cannot start /no/such/program"), "{}", stderr(&output));
    assert!(!fs::exists(mark).unwrap());
}

#[test]
fn weak_connection_is_warned_about() {
    let world = World::new();
    let cases = [
        ("host=localhost sslmode=verify-full", true, false),
        ("host=localhost user=orders sslmode=require", false, true),
        ("postgres://orders:entraid@localhost/x", false, true),
        ("postgres://orders:entraid@localhost/x?sslmode=verify-full", false, false),
    ];
    let twice = ["--resource", "postgres", "--env", "A", "--resource", "postgres", "--env", "B"];
    for (connection, user, ssl_mode) in cases {
        for resources in [&[][..], &twice] {
            let rest = ["--connection", connection, "--env-connection", "D", "--", "true"];
            let text = stderr(&exec(&world, &[resources, &rest].concat()).output().unwrap());
            let count = |warning: &str| text.matches(warning).count();
            assert_eq!(
                (count("names no user"), count("sslmode is")),
                (usize::from(user), usize::from(ssl_mode)),
                "{connection}: {text}"
            );
        }
    }
}

#[test]
fn token_is_in_no_command_line_and_no_log() {
    let world = World::new();
    let program = "tr '\\0' ' ' < /proc/$PPID/cmdline; tr '\\0' ' ' < /proc/$$/cmdline";
    for flag in ["--env", "--env-file"] {
        let arguments = ["-v", "--resource", "arm", flag, "T", "--", "sh", "-c", program];
        let output = exec(&world, &arguments).output().unwrap();
        let printed = stdout(&output) + &stderr(&output);
        assert!(output.status.success() && (printed.contains(" exec ") || flag == "--env"), "{printed}");
        let assertion = fs::read_to_string(world.folder.path().join("token")).unwrap();
        for secret in world.azure.controls.tokens.all().iter().chain([&assertion]) {
            assert!(!printed.contains(secret.as_str()), "{printed}");
        }
    }
}

/// Whether a folder in memory has a file with this name, finished or not.
fn is_left(name: &str) -> bool {
    let folders = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let own = folders.filter(|folder| folder.file_name().to_string_lossy().starts_with("issuer-"));
    own.filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten().any(|file| file.file_name() == *name)
}

#[test]
fn signal_at_the_start_leaves_no_file() {
    let world = World::new();
    for round in 0..30 {
        let name = format!("LEFT_{}_{round}", std::process::id());
        let arguments = ["--resource", "arm", "--env-file", &name, "--", "sleep", "60"];
        let mut child = exec(&world, &arguments).spawn().unwrap();
        let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        // The file appears shortly before the program starts.
        while !is_left(&name) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        kill_process(id, Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143), "{name}");
        assert!(!is_left(&name), "{name}");
    }
}
