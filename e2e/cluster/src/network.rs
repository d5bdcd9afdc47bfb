//! A network of the cluster's own: a namespace, joined to the host by one veth pair.
//!
//! The namespace keeps apart what clusters on one machine would fight for: ports, the bridge, nftables,
//! connection tracking. The host reaches the node, the Pods and the services by routes over the pair.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::exec;
use crate::layout::Layout;
use crate::mounts;

/// How many clusters a machine can hold: the third byte of their addresses tells them apart.
const SLOTS: u8 = 250;

/// The addresses of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    slot: u8,
}

impl Network {
    /// Makes the namespace and joins it to the host. The kernel refuses a second link of one name, which makes
    /// the claim of a slot atomic and lets no claim outlive its cluster.
    pub(crate) fn create(layout: &Layout) -> Result<Self> {
        let netns = layout.netns();
        File::create(&netns)?;
        exec::output(Command::new("unshare").arg(format!("--net={}", netns.display())).arg("true"))
            .context("cannot make a network namespace; the right to is CAP_SYS_ADMIN")?;
        let routes = exec::output(Command::new("ip").args(["-4", "route", "show"]))?;
        for network in candidates(&layout.unique()).filter(|network| network.is_free(&routes)) {
            if network.claim(&netns)? {
                network.configure(&netns)?;
                return Ok(network);
            }
        }
        bail!("none of the {SLOTS} address ranges 10.201.N.0/24 is free on this machine")
    }

    fn claim(self, netns: &Path) -> Result<bool> {
        let link = self.link();
        let pair = ["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns"];
        match exec::output(Command::new("ip").args(pair).arg(netns)) {
            Ok(_) => Ok(true),
            Err(error) if error.to_string().contains("File exists") => Ok(false),
            Err(error) => Err(error).context("cannot make a veth pair; the right to is CAP_NET_ADMIN"),
        }
    }

    fn configure(self, netns: &Path) -> Result<()> {
        let (link, host, node) = (self.link(), self.host(), self.node());
        let (pods, services) = (self.pods(), self.services());
        exec::feed(
            Command::new("ip").args(["-batch", "-"]),
            &format!(
                "addr add {host}/24 dev {link}\nlink set {link} up\n\
                 route add {pods} via {node}\nroute add {services} via {node}\n"
            ),
        )?;
        exec::feed(
            inside(netns, "ip").args(["-batch", "-"]),
            &format!(
                "link set lo up\naddr add {node}/24 dev eth0\nlink set eth0 up\nroute add default via {host}\n"
            ),
        )?;
        exec::output(inside(netns, "sh").args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]))?;
        Ok(())
    }

    /// Free, if the host has no route into any of the ranges; a wider route is only made more specific.
    fn is_free(self, routes: &str) -> bool {
        let ranges =
            [self.host(), self.address(202, 0), self.address(203, 0)].map(|address| network_of(address, 24));
        let taken = |route: &str| {
            let (address, length) = route.split_once('/').unwrap_or((route, "32"));
            let (Ok(address), Ok(length)) = (address.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
                return false;
            };
            length >= 24 && ranges.contains(&network_of(address, 24))
        };
        !routes.lines().filter_map(|line| line.split(' ').next()).any(taken)
    }

    fn address(self, range: u8, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, range, self.slot, last)
    }

    fn link(self) -> String {
        format!("hooked{}", self.slot)
    }

    /// The host's end.
    pub(crate) fn host(self) -> Ipv4Addr {
        self.address(201, 1)
    }

    /// The node's address, and the API server's.
    pub(crate) fn node(self) -> Ipv4Addr {
        self.address(201, 2)
    }

    pub(crate) fn pods(self) -> String {
        format!("{}/24", self.address(202, 0))
    }

    pub(crate) fn services(self) -> String {
        format!("{}/24", self.address(203, 0))
    }

    /// The service `kubernetes`.
    pub(crate) fn kubernetes(self) -> Ipv4Addr {
        self.address(203, 1)
    }
}

/// Makes traffic between Pods of one bridge pass the packet filter, which answers of services need.
/// Where the kernel cannot, kube-proxy must masquerade instead.
pub(crate) fn filter_bridge(netns: &Path) -> bool {
    if !Path::new("/proc/sys/net/bridge").exists() {
        // Built in, loadable or absent: only trying tells.
        let _ = exec::output(Command::new("modprobe").arg("br_netfilter"));
    }
    exec::output(inside(netns, "sh").args(["-c", "echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables"]))
        .is_ok()
}

/// A program run in the namespace. Only the network changes: mounts stay the host's, as hostPath volumes need.
pub(crate) fn inside(netns: &Path, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", netns.display())).arg(program);
    command
}

/// Removes the pair, and with it the routes, and lets go of the namespace.
pub(crate) fn remove(layout: &Layout) -> Result<()> {
    let netns = layout.netns();
    if mounts::below(&netns)?.is_empty() {
        return Ok(());
    }
    if exec::output(inside(&netns, "ip").args(["link", "show", "eth0"])).is_ok() {
        exec::output(inside(&netns, "ip").args(["link", "delete", "eth0"]))?;
    }
    mounts::clear(&netns)?;
    fs::remove_file(&netns).with_context(|| format!("cannot remove {}", netns.display()))
}

/// Every slot once, from a place that depends on the cluster, so that addresses seldom change between runs.
fn candidates(unique: &str) -> impl Iterator<Item = Network> {
    let first = unique.bytes().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % SLOTS;
    (first..SLOTS).chain(0..first).map(|slot| Network { slot })
}

fn network_of(address: Ipv4Addr, length: u32) -> u32 {
    u32::from(address) & (u32::MAX << (32 - length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_tried_once() {
        let mut slots: Vec<u8> = candidates("hooked-dev-12345678").map(|network| network.slot).collect();
        slots.sort_unstable();
        assert_eq!(slots, (0..SLOTS).collect::<Vec<_>>());
    }

    #[test]
    fn a_range_with_a_route_into_it_is_not_free() {
        let network = Network { slot: 7 };
        for route in ["10.201.7.0/24 dev x", "10.202.7.128/25 via 10.0.0.1", "10.203.7.9 dev y scope link"] {
            assert!(!network.is_free(&format!("default via 192.0.2.1 dev eth0\n{route}\n")), "{route}");
        }
    }

    #[test]
    fn a_wider_route_and_other_ranges_leave_it_free() {
        let routes = "default via 192.0.2.1 dev eth0\n10.0.0.0/8 dev vpn\n10.201.8.0/24 dev hooked8\n";
        assert!(Network { slot: 7 }.is_free(routes));
    }
}
