//! `cargo xtask tidy`: holds what no compiler holds: who may write what, how large things are, and who imports whom.

mod circles;
mod clock;
mod dependencies;
mod house;
mod kubelet;
mod kubernetes;
mod links;
mod names;
mod one_writer;
mod plan;
mod portable;
mod reasons;
mod rooms;
mod size;
mod source;
mod tokens;
mod violation;
mod width;

use anyhow::{Result, ensure};

use crate::image;
use house::House;
use violation::Violation;

/// Every rule: what it says of a house that breaks it.
const RULES: [fn(&House) -> Vec<Violation>; 14] = [
    one_writer::status_has_one_writer,
    one_writer::pods_have_one_writer,
    kubelet::has_one_reader,
    kubernetes::claims_are_run,
    reasons::stand_in_one_place,
    clock::is_out_of_reach_of_core,
    rooms::are_named,
    size::is_small,
    width::fits,
    names::say_what_it_is,
    dependencies::go_downwards,
    circles::are_none,
    links::lead_somewhere,
    portable::is_built_everywhere,
];

/// Checks the workspace by every rule, and prints all that breaks one.
pub(crate) fn run() -> Result<()> {
    let house = House::read(image::workspace()?)?;
    let violations = violations(&house);
    for violation in &violations {
        println!("{violation}");
    }
    ensure!(violations.is_empty(), "{} places break a rule of this house", violations.len());
    println!("{} files keep the {} rules of this house", house.sources().len(), RULES.len());
    Ok(())
}

fn violations(house: &House) -> Vec<Violation> {
    let mut found: Vec<_> = house.unreadable().to_vec();
    found.extend(RULES.iter().flat_map(|rule| rule(house)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_can_be_read() {
        let house = House::read(image::workspace().unwrap()).unwrap();
        assert!(house.sources().len() > 100, "{}", house.sources().len());
        assert_eq!(house.unreadable(), []);
    }
}
