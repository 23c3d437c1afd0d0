//! The acceptance cases of the registry, A1 to A30, and the tests that hold them.

use std::collections::BTreeSet;
use std::path::Path;

use terrane_xtask::{EXIT_DIFFERENCE, EXIT_FINE, Workspace};

/// Each case in a few words, and its tests.
const CASES: [(&str, &str, &[&str]); 29] = [
    ("A1", "terraform installs what was published", &["a01_terraform_installs_exactly_what_was_published"]),
    (
        "A2",
        "the same tree again changes nothing",
        &[
            "a02_publishing_the_same_tree_again_changes_nothing",
            "a02_the_same_files_are_the_same_bytes_wherever_they_are",
            "a02_a_package_is_the_same_wherever_it_is_built",
        ],
    ),
    ("A3", "other bytes are refused", &["a03_other_bytes_under_a_published_version_are_refused"]),
    (
        "A4",
        "killed at each write",
        &[
            "a04_a05_a_crash_at_any_write_is_completed_by_the_same_tree",
            "a04_a_release_killed_at_any_write_can_be_run_again",
        ],
    ),
    (
        "A5",
        "after a crash, another tree is refused",
        &["a05_after_a_crash_another_tree_is_refused_until_the_claim_is_given_up"],
    ),
    ("A6", "races for one version", &["a06_of_two_publishers_of_one_version_exactly_one_wins"]),
    ("A7", "no lost update", &["a07_publishers_of_different_versions_lose_no_update"]),
    ("A8", "constraints", &["a08_constraints_choose_among_the_listed_versions"]),
    ("A9", "init, and init -upgrade", &["a09_a_newer_version_comes_with_upgrade_alone"]),
    (
        "A10",
        "versions that clients spell differently",
        &["a10_versions_that_clients_spell_differently_are_refused"],
    ),
    (
        "A11",
        "damaged archives",
        &[
            "a11_a_changed_archive_is_refused_by_the_client",
            "a11_fsck_finds_every_damaged_object",
            "a11_a_client_that_reads_the_body_refuses_a_changed_archive",
        ],
    ),
    (
        "A12",
        "wrong encodings and types",
        &[
            "a12_each_mistake_of_a_static_host_is_named",
            "a12_an_encoded_archive_breaks_the_client_as_the_doctor_says",
        ],
    ),
    (
        "A13",
        "what may not be published",
        &["a13_what_may_not_be_published_is_refused_by_path", "a13_paths_that_leave_the_package_are_refused"],
    ),
    (
        "A14",
        "hostile paths",
        &["a14_paths_of_clients_reach_no_file", "a14_a_directory_store_never_leaves_its_root"],
    ),
    ("A15", "names that begin alike", &["a15_names_that_begin_alike_have_lists_of_their_own"]),
    (
        "A16",
        "unknown modules",
        &["a16_what_is_unknown_is_not_found", "a16_terraform_says_that_an_unknown_module_cannot_be_found"],
    ),
    (
        "A17",
        "yank and un-yank",
        &[
            "a17_a_yanked_version_is_hidden_and_its_number_stays_taken",
            "a17_a_yanked_version_stays_where_it_is_installed",
        ],
    ),
    (
        "A18",
        "answers for both clients",
        &[
            "a18_the_download_answer_suits_both_clients",
            "a18_terraform_installs_from_a_static_host_with_one_header",
        ],
    ),
    ("A19", "submodules", &["a19_submodules_resolve_inside_the_package"]),
    (
        "A20",
        "tokens",
        &[
            "a20_a_private_server_asks_for_a_token_and_keeps_it_to_itself",
            "a20_a_token_from_the_environment_opens_a_private_server",
        ],
    ),
    (
        "A21",
        "the gate",
        &[
            "a21_a_version_that_hides_a_breaking_change_is_refused",
            "a21_an_allowance_is_recorded_and_expires",
        ],
    ),
    (
        "A22",
        "moved blocks, by real plans",
        &["terraform_does_what_the_rules_predict", "a_dropped_move_destroys_for_those_who_skipped_a_version"],
    ),
    ("A23", "upgrades of old callers", &["a23_released_networks_are_upgraded_without_loss"]),
    ("A24", "faults of the store", &["a24_failures_of_the_store_are_retried_and_unclear_ones_read_back"]),
    ("A25", "discovery over TLS", &["a25_terraform_discovers_the_server_over_tls"]),
    ("A26", "OCI layout", &["a26_oci_layout_has_one_zip_for_each_version"]),
    ("A28", "tags of the program and of modules", &["a28_a_tag_starts_one_workflow"]),
    ("A29", "generated documentation", &["a29_changed_documentation_of_a_module_is_a_difference"]),
    ("A30", "many versions of many modules", &["a30_many_versions_cost_no_more_requests_than_one"]),
];

#[test]
fn every_case_has_its_tests() {
    let root = Workspace::find().unwrap().root().to_owned();
    let mut found = BTreeSet::new();
    for directory in ["crates", "tests"] {
        tests(&root.join(directory), &mut found);
    }
    for (case, meaning, tests) in CASES {
        assert!(!tests.is_empty(), "{case}, {meaning}, has no test");
        for test in tests {
            assert!(found.contains(*test), "{case}, {meaning}: there is no test `{test}`");
        }
    }
    // Without A27, an upload to a service that this project has no part of.
    let numbers: Vec<String> = (1..=30).filter(|n| *n != 27).map(|n| format!("A{n}")).collect();
    assert_eq!(CASES.map(|(case, ..)| case).to_vec(), numbers);
}

/// A29: what is generated, down to the README, is what the topology compiles to.
#[test]
fn a29_changed_documentation_of_a_module_is_a_difference() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("Cargo.toml"), "[workspace]\n").unwrap();
    let workspace = Workspace::at(root.path());
    let catalog = [terrane_catalog::public_network()];
    assert_eq!(terrane_xtask::run(&workspace, &catalog, &["compile"]), EXIT_FINE);
    assert_eq!(terrane_xtask::run(&workspace, &catalog, &["compile", "--check"]), EXIT_FINE);
    for file in ["README.md", "variables.tf", "contract.json"] {
        let path = workspace.modules().join("public-network").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("name", "Name")).unwrap();
        let code = terrane_xtask::run(&workspace, &catalog, &["compile", "--check"]);
        assert_eq!(code, EXIT_DIFFERENCE, "{file}");
        std::fs::write(&path, text).unwrap();
    }
}

/// Collects the names of functions under `#[test]`.
fn tests(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for after in text.split("#[test]").skip(1) {
                let function = after.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
                found.extend(function.map(str::to_owned));
            }
        }
    }
}
