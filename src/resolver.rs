//! Resolves host names on this machine, and accepts only public addresses.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::public_host::{self, NotPublic, why_address_not_public};

/// A resolver that returns the addresses of a name only if all of them are public.
///
/// One private address fails the whole name: no public service has one.
#[derive(Clone)]
pub(crate) struct PublicOnly {
    names: Arc<dyn Resolve>,
}

impl PublicOnly {
    /// The same with another source of addresses than the system.
    #[cfg(test)]
    pub(crate) fn of(names: impl Resolve + 'static) -> Self {
        Self { names: Arc::new(names) }
    }
}

impl Default for PublicOnly {
    fn default() -> Self {
        Self { names: Arc::new(System) }
    }
}

impl fmt::Debug for PublicOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicOnly").finish_non_exhaustive()
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let addresses: Vec<_> = resolving.await?.collect();
            match addresses.iter().find_map(|address| NotPublicAddress::new(address.ip())) {
                Some(private) => Err(private.into()),
                None => Ok(Box::new(addresses.into_iter()) as Addrs),
            }
        })
    }
}

/// A name has an address that is not reachable from the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("resolves to {address}, which {why}")]
pub(crate) struct NotPublicAddress {
    address: IpAddr,
    why: NotPublic,
}

impl NotPublicAddress {
    fn new(address: IpAddr) -> Option<Self> {
        why_address_not_public(address).map(|why| Self { address, why })
    }

    /// Finds this error among the causes of a failed request.
    pub(crate) fn find(error: &reqwest::Error) -> Option<Self> {
        let mut cause: Option<&(dyn Error + 'static)> = error.source();
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(*found);
            }
            cause = error.source();
        }
        None
    }
}

/// The resolver of the system.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(Box::new(look_up(name.as_str()).await?.into_iter()) as Addrs) })
    }
}

/// Whether a public name resolves only to private addresses on this machine.
///
/// `false` for a name that does not resolve, and for a host that is not public by its form. Split DNS causes such answers:
/// Entra may receive others.
pub(crate) async fn resolves_to_private_only(host: &str) -> bool {
    if public_host::why_not_public(host).is_some() {
        return false;
    }
    let addresses = look_up(host).await.unwrap_or_default();
    !addresses.is_empty() && addresses.iter().all(|address| NotPublicAddress::new(address.ip()).is_some())
}

/// The addresses of a host, which is a name or an address, as the system resolves it.
async fn look_up(host: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host.trim_matches(['[', ']']), 0)).await?.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns these addresses for every name.
    struct Fixed(&'static [&'static str]);

    impl Resolve for Fixed {
        fn resolve(&self, _: Name) -> Resolving {
            let addresses: Vec<SocketAddr> =
                self.0.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
            Box::pin(std::future::ready(Ok(Box::new(addresses.into_iter()) as Addrs)))
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn only_names_whose_addresses_are_all_public_resolve() {
        let cases: [(&'static [&'static str], Result<usize, &str>); 6] = [
            (&["1.1.1.1", "2606:4700::1"], Ok(2)),
            (&[], Ok(0)),
            (&["127.0.0.1"], Err("resolves to 127.0.0.1, which is a loopback address")),
            (&["1.1.1.1", "10.0.0.1"], Err("resolves to 10.0.0.1, which is an address of a private network")),
            (&["169.254.169.254", "1.1.1.1"], Err("resolves to 169.254.169.254, which is a link-local address")),
            (&["::ffff:10.0.0.1"], Err("resolves to ::ffff:10.0.0.1, which is an address of a private network")),
        ];
        for (addresses, expected) in cases {
            let resolved = block_on(PublicOnly::of(Fixed(addresses)).resolve("issuer.example.com".parse().unwrap()));
            let seen = resolved.map(Iterator::count).map_err(|error| error.to_string());
            assert_eq!(seen, expected.map_err(str::to_owned), "{addresses:?}");
        }
    }

    #[test]
    fn only_public_names_can_resolve_to_private_only() {
        for host in ["localhost", "127.0.0.1", "[::1]", "1.1.1.1", "[2606:4700::1]", ""] {
            assert!(!block_on(resolves_to_private_only(host)), "{host}");
        }
    }
}
