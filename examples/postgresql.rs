//! Logs in to Azure Database for PostgreSQL with the token of a pod: each new connection of the pool has a valid token.
//!
//! ```sh
//! cargo run --example postgresql -- 'postgresql://ROLE@NAME.postgres.database.azure.com/DATABASE?sslmode=verify-full'
//! ```

use std::{error::Error, str::FromStr};

use issuer::{Cloud, Hint, Resource, Scope, TokenSource, WorkloadIdentity};
use sqlx::{
    PgPool, Postgres, Row,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// A pool whose password is an access token.
struct Database<T> {
    pool: PgPool,
    options: PgConnectOptions,
    tokens: T,
    scope: Scope,
}

impl<T: TokenSource> Database<T> {
    fn new(url: &str, tokens: T) -> Result<Self, sqlx::Error> {
        let options = PgConnectOptions::from_str(url)?;
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(options.clone());
        Ok(Self { pool, options, tokens, scope: Resource::Postgres.scope(Cloud::Public) })
    }

    /// A connection of the pool. A new one logs in with a token that is valid now; an open one stays open after its token
    /// has expired. The source caches the token, so this call usually sends no request.
    async fn connection(&self) -> Result<PoolConnection<Postgres>, Box<dyn Error>> {
        let token = self.tokens.token(&self.scope).await?;
        self.pool.set_connect_options(self.options.clone().password(token.secret()));
        Ok(self.pool.acquire().await?)
    }
}

async fn run(url: &str) -> Result<(), Box<dyn Error>> {
    let database = Database::new(url, WorkloadIdentity::from_environment()?)?;
    // Four connections at once, which share one token.
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(database.connection().await?);
    }
    for connection in &mut connections {
        let row = sqlx::query("select current_user::text").fetch_one(&mut **connection).await?;
        println!("logged in as {}", row.try_get::<String, _>(0)?);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url] = arguments.as_slice() else { return Err("usage: postgresql URL".into()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(url)).inspect_err(|error| {
        let error = error.downcast_ref::<issuer::ExchangeError>();
        error.and_then(Hint::hint).into_iter().for_each(|hint| eprintln!("hint: {hint}"));
    })
}
