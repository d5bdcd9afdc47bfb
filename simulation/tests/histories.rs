//! Histories of faults that were found and mended: each must end well.

use std::path::Path;

use hooked_simulation::world::Script;

#[test]
fn every_history_ends_well() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        let script = Script::of_text(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(script.run().violation, None, "{}", file.display());
    }
}

#[test]
fn a_script_is_read_as_it_is_written() {
    let (script, _) = Script::of_seed(7);
    assert_eq!(Script::of_text(&script.to_text()).unwrap(), script);
}

#[test]
fn a_seed_makes_the_same_world_every_time() {
    let (script, outcome) = Script::of_seed(7);
    let again = script.run();
    assert_eq!((again.steps, again.violation), (outcome.steps, outcome.violation));
}
