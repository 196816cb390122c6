//! The client's address: the peer's, or behind a trusted proxy the right-most hop that is not one of ours.

use crate::portal::Portal;
use crate::problem::Refusal;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Who is asking, for limits and for the audit log.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// True for a proxy whose `X-Forwarded-` headers are believed.
    pub is_trusted: bool,
}

/// Layer: finds the address, and refuses networks that ask too often.
pub async fn find(State(portal): State<Portal>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let address = behind_proxies(peer, request.headers(), &portal.config.trusted_proxies);
    if let Err(error) = portal.throttle.check_request(address) {
        return Refusal::from(error).into_response();
    }
    let is_trusted = portal.config.trusted_proxies.iter().any(|net| net.contains(&peer));
    request.extensions_mut().insert(Peer { is_trusted });
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_ours = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_ours(&peer) {
        return peer;
    }
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    // A hop that is no address ends the search: what stands to its left was written by a stranger.
    let mut known = hops.iter().rev().map_while(|hop| hop.parse::<IpAddr>().ok());
    known.find(|hop| !is_ours(hop)).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        behind_proxies(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()]).to_string()
    }

    #[test]
    fn only_a_trusted_peer_is_believed_and_only_its_nearest_stranger() {
        assert_eq!(address("192.0.2.9", "198.51.100.1"), "192.0.2.9");
        assert_eq!(address("10.0.0.1", "203.0.113.5, 198.51.100.1, 10.0.0.2"), "198.51.100.1");
        assert_eq!(address("10.0.0.1", "203.0.113.5, nonsense"), "10.0.0.1");
    }
}
