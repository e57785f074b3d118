//! The tokens of a program and the variables that get them: each resource or scope with the variables after it.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::ErrorKind};

/// A resource or a scope, and the names of the variables that get its token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// The flag and its value; `None` for the resource of a connection string.
    pub(super) scope: Option<Requested>,
    /// The variables with the token itself.
    pub(super) variables: Vec<String>,
    /// The variables with the path of a file with the token.
    pub(super) files: Vec<String>,
}

/// A value of `--resource` or `--scope`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Requested {
    Resource(String),
    Scope(String),
}

/// The targets, in the order of the command line.
///
/// Implemented by hand, because the order of different flags decides which variable gets which token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Targets(pub(super) Vec<Target>);

const RESOURCE: &str = "resource";
const SCOPE: &str = "scope";
const ENV: &str = "env";
const ENV_FILE: &str = "env_file";

impl Args for Targets {
    fn augment_args(command: Command) -> Command {
        let flag = |id: &'static str, name: &'static str, value: &'static str| {
            Arg::new(id).long(name).value_name(value).action(ArgAction::Append)
        };
        command
            .arg(flag(RESOURCE, "resource", "NAME").help("Request a token for this resource of the cloud (repeatable)").long_help(
                "Request a token for this resource of the cloud (repeatable)\n\nOne of postgres, mysql, keyvault, storage, arm, graph, servicebus and aks. The flags --env and --env-file after it belong to it.",
            ))
            .arg(flag(SCOPE, "scope", "SCOPE").help("Request a token for this scope, such as https://vault.azure.net/.default"))
            .arg(flag(ENV, "env", "NAME").help("Set this variable of the program to the token (repeatable)").long_help(
                "Set this variable of the program to the token (repeatable)\n\nIt belongs to the --resource or --scope before it.",
            ))
            .arg(flag(ENV_FILE, "env-file", "NAME").help("Set this variable to the path of a file with the token").long_help(
                "Set this variable to the path of a file with the token\n\nIt belongs to the --resource or --scope before it.",
            ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Targets {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags: Vec<(usize, &str, &String)> = Vec::new();
        for id in [RESOURCE, SCOPE, ENV, ENV_FILE] {
            let values = matches.get_many::<String>(id).into_iter().flatten();
            flags.extend(matches.indices_of(id).into_iter().flatten().zip(values).map(|(at, value)| (at, id, value)));
        }
        flags.sort_unstable();
        let mut targets: Vec<Target> = Vec::new();
        for (_, id, value) in flags {
            let value = value.clone();
            match id {
                RESOURCE => targets.push(Target { scope: Some(Requested::Resource(value)), ..Target::default() }),
                SCOPE => targets.push(Target { scope: Some(Requested::Scope(value)), ..Target::default() }),
                _ => {
                    if targets.is_empty() {
                        targets.push(Target::default());
                    }
                    let Some(last) = targets.last_mut() else { continue };
                    if id == ENV { last.variables.push(value) } else { last.files.push(value) }
                }
            }
        }
        // A variable before the only resource belongs to it.
        if let [first, second] = &mut targets[..]
            && first.scope.is_none()
        {
            first.scope = second.scope.take();
            first.variables.append(&mut second.variables);
            first.files.append(&mut second.files);
            targets.truncate(1);
        }
        if targets.len() > 1 && targets[0].scope.is_none() {
            let message = "with several resources, pass each --env after its --resource or --scope";
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, message));
        }
        Ok(Self(targets))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Vec<Target>, clap::Error> {
        let matches = Targets::augment_args(Command::new("exec")).try_get_matches_from(line.split(' '))?;
        Ok(Targets::from_arg_matches(&matches)?.0)
    }

    #[test]
    fn variables_belong_to_the_resource_before_them() {
        let target = |scope: Option<Requested>, variables: &[&str], files: &[&str]| Target {
            scope,
            variables: variables.iter().map(ToString::to_string).collect(),
            files: files.iter().map(ToString::to_string).collect(),
        };
        let resource = |name: &str| Some(Requested::Resource(name.to_owned()));
        let scope = Some(Requested::Scope("https://x/.default".to_owned()));
        let cases = [
            ("exec", vec![]),
            ("exec --env A", vec![target(None, &["A"], &[])]),
            ("exec --resource postgres --env A", vec![target(resource("postgres"), &["A"], &[])]),
            ("exec --env A --resource postgres --env-file B", vec![target(resource("postgres"), &["A"], &["B"])]),
            (
                "exec --resource postgres --env A --env B --scope https://x/.default --env-file C",
                vec![target(resource("postgres"), &["A", "B"], &[]), target(scope, &[], &["C"])],
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line).unwrap(), expected, "{line}");
        }
        let error = parse("exec --env A --resource postgres --resource aks --env B").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ArgumentConflict);
    }
}
