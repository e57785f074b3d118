//! A service that accepts tokens of a cluster's service accounts: a middleware for axum with a `RemoteVerifier`.
//!
//! ```sh
//! cargo run --example middleware -- https://issuer.example.com my-service
//! curl --header "Authorization: Bearer $(kubectl create token default --audience my-service)" http://127.0.0.1:PORT/
//! ```
//!
//! An optional third argument is the URL or directory that the documents are read from, in place of the issuer URL.

use std::{error::Error, net::Ipv4Addr, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{
        StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use issuer::{Expectations, Location, RemoteVerifier, VerifiedToken};

/// The shared state of all requests.
struct Gate {
    verifier: RemoteVerifier,
    expectations: Expectations,
}

/// Accepts requests with a valid bearer token (RFC 6750), and passes its claims to the handler.
async fn authenticate(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credentials = header.and_then(|header| header.split_once(' '));
    let Some((_, token)) = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer")) else {
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response();
    };
    match gate.verifier.verify(token, &gate.expectations).await {
        Ok(token) => {
            request.extensions_mut().insert(Arc::new(token));
            next.run(request).await
        }
        Err(refusal) => {
            // The log gets the cause; the client learns only that the token is not valid.
            eprintln!("refused: {refusal}");
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")]).into_response()
        }
    }
}

async fn hello(Extension(token): Extension<Arc<VerifiedToken>>) -> String {
    format!("hello {}/{}\n", token.namespace(), token.name())
}

async fn serve(issuer: &str, audience: &str, location: Location) -> Result<(), Box<dyn Error>> {
    let verifier = RemoteVerifier::builder().trust_published_at(issuer.parse()?, location).build();
    verifier.ready().await?;
    let gate = Arc::new(Gate { verifier, expectations: Expectations::oidc().audience(audience) });
    let app = Router::new().route("/", get(hello)).layer(middleware::from_fn_with_state(gate, authenticate));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    // Refreshes are events of `tracing`; failed refreshes have the level WARN.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, audience, published @ ..] = arguments.as_slice() else {
        return Err("usage: middleware ISSUER AUDIENCE [PUBLISHED]".into());
    };
    let location = published.first().map_or(Ok(Location::Issuer), |published| published.parse())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(issuer, audience, location))
}
