//! Runs a program with a fresh access token in a variable or a file.

mod child;
mod targets;
mod token_files;

use std::{collections::BTreeSet, ffi::OsString};

use child::{Child, Signals};
use clap::Args;
use issuer::{AccessToken, ConnectionString, PasswordFile, Resource, Scope, TokenMarker, TokenSource};
use targets::{Requested, Target, Targets};
use token_files::TokenFiles;

use super::{
    Exit, Failure, Output,
    identity_args::{IdentityArgs, exchange_failure},
    runtime, scope_args,
    values::variable_name,
};

/// The variable of libpq with the path of a password file: its file has the form of a password file.
const PASSWORD_FILE: &str = "PGPASSFILE";

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Run a program with a fresh access token";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Exchange the projected token of this pod for an access token of Microsoft Entra ID, and run a program with it.

With several resources, each --env and --env-file belongs to the --resource or --scope before it.

With --env and --env-connection the program replaces this process, so it gets every signal and its exit code is the result. With \
--env-file this process waits for the program, forwards signals to it, removes the file at its end, and exits with its \
exit code. If Entra refuses the token the exit code is 1, and if the program cannot be started it is 3.

The arguments of the program stay as they are. A token in a variable is not refreshed: use `issuer exchange --watch` for a \
program that connects again after an hour.",
    after_help = "Examples:
  issuer exec --resource postgres --env PGPASSWORD -- psql --list
  issuer exec --resource keyvault --env VAULT_TOKEN \\
    --resource postgres --env PGPASSWORD -- ./job
  issuer exec --env-connection DATABASE_URL \\
    --connection 'postgres://app:entraid@db.example/app?sslmode=verify-full' \\
    -- ./app"
)]
pub(crate) struct Exec {
    #[command(flatten)]
    targets: Targets,
    /// Read this connection string of PostgreSQL, a URI or key=value pairs
    ///
    /// The marker azure_workload_identity=true or the password entraid is removed. Everything else stays as it is.
    #[arg(long, value_name = "STRING", requires = "env_connection")]
    connection: Option<String>,
    /// Set this variable to the connection string with the token (repeatable)
    #[arg(long, value_name = "NAME", requires = "connection")]
    env_connection: Vec<String>,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Run this program with these arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
}

/// A token that the program needs.
struct Wanted {
    scope: Scope,
    is_of_postgres: bool,
    target: Target,
    /// The connection string that gets the token.
    connection: Option<ConnectionString>,
}

impl Exec {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let wanted = self.wanted(output)?;
        self.check_names(&wanted)?;
        let identity = self.identity.build()?;
        let tokens = runtime::block_on(output.steps().without_warnings(async {
            let mut tokens = Vec::with_capacity(wanted.len());
            for Wanted { scope, .. } in &wanted {
                tokens.push(identity.token(scope).await.map_err(exchange_failure)?);
            }
            Ok::<_, Failure>(tokens)
        }))??;
        let is_of_files = wanted.iter().any(|wanted| !wanted.target.files.is_empty());
        if !is_of_files {
            let variables = self.variables(&wanted, &tokens, &mut TokenFiles::default())?;
            return Err(Child::new(&self.command, variables).replace_process());
        }
        // Before the first file exists: a signal must not leave it behind.
        let signals = Signals::listen()?;
        let mut files = TokenFiles::default();
        let variables = self.variables(&wanted, &tokens, &mut files)?;
        let status = Child::new(&self.command, variables).run(signals);
        drop(files);
        let status = status?;
        std::process::exit(child::exit_code(status));
    }

    /// The variables of the program. Writes the files that they name.
    fn variables(
        &self,
        wanted: &[Wanted],
        tokens: &[AccessToken],
        files: &mut TokenFiles,
    ) -> Result<Vec<(String, OsString)>, Failure> {
        let mut variables: Vec<(String, OsString)> = Vec::new();
        for (wanted, token) in wanted.iter().zip(tokens) {
            for name in &wanted.target.variables {
                variables.push((name.clone(), token.secret().into()));
            }
            for name in &wanted.target.files {
                let path = files.write(name, &file_content(name, wanted, token)?)?;
                variables.push((name.clone(), path.into()));
            }
            if let Some(connection) = &wanted.connection {
                let text = connection.with_token(token.secret());
                variables.extend(self.env_connection.iter().map(|name| (name.clone(), text.clone().into())));
            }
        }
        Ok(variables)
    }

    /// The tokens that the command line asks for.
    fn wanted(&self, output: &mut Output) -> Result<Vec<Wanted>, Failure> {
        let cloud = self.identity.cloud()?;
        let connection = self.connection.as_deref().map(|text| parsed_connection(text, output)).transpose()?;
        let of_postgres = |target: Target| Wanted {
            scope: Resource::Postgres.scope(cloud),
            is_of_postgres: true,
            target,
            connection: None,
        };
        let mut wanted = Vec::new();
        for target in self.targets.0.clone() {
            let has_variable = !(target.variables.is_empty() && target.files.is_empty());
            let mut next = match &target.scope {
                Some(Requested::Resource(name)) => {
                    let resource = scope_args::resource(name)?;
                    let is_of_postgres = resource == Resource::Postgres;
                    Wanted { scope: resource.scope(cloud), is_of_postgres, target, connection: None }
                }
                Some(Requested::Scope(text)) => {
                    let scope = scope_args::scope(text)?;
                    let is_of_postgres = scope == Resource::Postgres.scope(cloud);
                    Wanted { scope, is_of_postgres, target, connection: None }
                }
                None if connection.is_some() => of_postgres(target),
                None => {
                    let hint = "pass --resource or --scope before it, such as --resource postgres";
                    return Err(Failure::usage("no resource is given for --env or --env-file", hint));
                }
            };
            if connection.is_some() && next.is_of_postgres {
                next.connection.clone_from(&connection);
            } else if !has_variable {
                let hint = "pass --env NAME or --env-file NAME after each --resource and --scope";
                return Err(Failure::usage("a resource is given without a variable for its token", hint));
            }
            wanted.push(next);
        }
        let has_connection = wanted.iter().any(|wanted| wanted.connection.is_some());
        if connection.is_some() && !has_connection {
            wanted.push(Wanted { connection, ..of_postgres(Target::default()) });
        }
        if wanted.is_empty() {
            let hint = "pass --resource NAME --env NAME, or --connection STRING --env-connection NAME";
            return Err(Failure::usage("no token is requested", hint));
        }
        Ok(wanted)
    }

    /// Checks the names of the variables.
    fn check_names(&self, wanted: &[Wanted]) -> Result<(), Failure> {
        let of_targets = wanted.iter().flat_map(|wanted| wanted.target.variables.iter().chain(&wanted.target.files));
        let mut seen = BTreeSet::new();
        for name in of_targets.chain(&self.env_connection) {
            variable_name(name)?;
            if !seen.insert(name) {
                let message = format!("the variable {name} is set twice");
                return Err(Failure::usage(message, "pass another name for each token"));
            }
        }
        Ok(())
    }
}

/// The connection string of a flag. Warns about what it lacks.
fn parsed_connection(text: &str, output: &mut Output) -> Result<ConnectionString, Failure> {
    let connection = scope_args::connection(text)?;
    if connection.has_password() && connection.marker() != Some(TokenMarker::Parameter) {
        let message = "the connection string has a password of its own, which a token would replace";
        return Err(Failure::usage(message, "remove the password, or write entraid in its place"));
    }
    scope_args::warn_about(&connection, output);
    Ok(connection)
}

/// The content of a file with a token: the token alone, or a password file of libpq.
fn file_content(name: &str, wanted: &Wanted, token: &AccessToken) -> Result<String, Failure> {
    if name != PASSWORD_FILE || !wanted.is_of_postgres {
        return Ok(token.secret().to_owned());
    }
    let file = match &wanted.connection {
        Some(connection) => PasswordFile::of(connection),
        None => scope_args::password_file_of_variables(),
    };
    Ok(file?.with_token(token.secret()))
}
