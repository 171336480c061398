//! `ordain healthcheck`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ordain_runtime::is_ready;

use crate::Verdict;
use crate::args::HealthcheckArgs;
use crate::commands::print;
use crate::config::{Config, Problems, environment, resolve};
use crate::failure::Failure;

/// Asks a server whether it is ready.
pub(crate) fn run(args: &HealthcheckArgs) -> Result<Verdict, Failure> {
    let config = resolve(&args.flags(), &environment())?.map_err(Problems::into_failure)?.config;
    let address = args.url.clone().unwrap_or_else(|| own(&config));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::other)?;
    match runtime.block_on(is_ready(&address, args.authorities.as_deref())) {
        Ok(()) => {
            print(&format!("{address}: ready\n"))?;
            Ok(Verdict::Clean)
        }
        Err(error) => {
            eprintln!("not ready: {error}");
            Ok(Verdict::Findings)
        }
    }
}

/// Where the server of this configuration answers on this machine.
fn own(config: &Config) -> String {
    let ip = match config.listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let scheme = if config.tls().is_some() { "https" } else { "http" };
    format!("{scheme}://{}/readyz", SocketAddr::new(ip, config.listen.port()))
}
