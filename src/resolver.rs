//! Names looked up on this machine.

use std::net::SocketAddr;

use crate::{public_address, public_host};

/// Whether a name that looks public resolves on this machine to addresses that are not; `false` for one that does not
/// resolve, and for a host that by itself is not public.
///
/// Split DNS gives such answers: Entra may get others.
#[allow(dead_code, reason = "for warnings about issuers")]
pub(crate) async fn resolves_to_private_only(host: &str) -> bool {
    if public_host::why_not_public(host).is_some() {
        return false;
    }
    let addresses = look_up(host).await.unwrap_or_default();
    !addresses.is_empty() && addresses.iter().all(|address| public_address::why_not_public(address.ip()).is_some())
}

async fn look_up(host: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host.trim_matches(['[', ']']), 0)).await?.collect())
}
