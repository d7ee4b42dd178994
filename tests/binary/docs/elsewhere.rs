//! Commands that cannot be carried out in a test: each is at least put to the program that it is for, as far as that is here,
//! which says whether it understands every flag and every value.
//!
//! What is `baseload`'s is put to the binary's own parser, wherever it stands; what is AWS's, to AWS's own command. See
//! `tests/support/elsewhere.sh`.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::page::{Block, Page};
use crate::support::{python, root};

/// For what a block may be marked as not to be run here, with the reason.
const REASONS: [(&str, &str); 6] = [
    ("docker", "a container engine, and a registry of the reader's"),
    ("aws", "an account: none of these is an operation that the simulated ECS or moto has"),
    ("kubernetes", "a cluster, and Helm"),
    ("terraform", "the provider, which is in no registry of packages"),
    ("git host", "a git server of the reader's"),
    ("build", "compiles for minutes, or runs the tests that this is one of"),
];

/// All programs that such blocks name.
const PROGRAMS: [&str; 11] = [
    "aws",
    "baseload",
    "cargo",
    "docker",
    "git",
    "helm",
    "kubectl",
    "make",
    "podman",
    "scripts/image-without-registry.sh",
    "terraform",
];

/// Puts every command of a block to its program.
pub(super) fn understood(block: &Block, page: &Page) {
    let known = REASONS.iter().any(|(reason, _)| block.how == *reason);
    assert!(known, "{}: `{}` is no reason not to run a block; there are {REASONS:?}", page.path.display(), block.how);
    is_understood(&block.text, page);
}

/// Puts each command of ours or AWS's that stands in the prose to its program, and returns how many there were.
pub(super) fn commands_in_prose(page: &Page) -> usize {
    let prose: String = page.text.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ").replace(" COMMAND ", " run "));
    let names = ["baseload ", "aws application-autoscaling ", "aws ecs "];
    let commands: Vec<String> = spans.filter(|span| names.iter().any(|name| span.starts_with(name))).collect();
    is_understood(&commands.join("\n"), page);
    commands.len()
}

fn is_understood(script: &str, page: &Page) {
    let folder = tempfile::tempdir().expect("a folder for a script");
    std::fs::create_dir(folder.path().join("scripts")).expect("the folder is new");
    std::fs::write(folder.path().join("token"), "a token of the reader's").expect("the folder is new");
    for program in PROGRAMS {
        let stand_in = root().join("tests/support/elsewhere.sh");
        symlink(stand_in, folder.path().join(program)).expect("a link can be made");
    }
    let mut shell = Command::new("/bin/bash");
    shell.args(["-euo", "pipefail", "-c", &format!("exec 2>&1\n{script}")]);
    shell.current_dir(folder.path()).env_clear().env("PATH", folder.path());
    shell.env("ROOT", root()).env("PYTHON", python()).env("BASELOAD", assert_cmd::cargo::cargo_bin!("baseload"));
    let output = shell.output().expect("there is bash");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: this is not understood:\n{script}\nfor\n{said}", page.path.display());
}

#[test]
fn a_flag_a_value_a_path_and_a_program_that_are_not_there_are_not_understood() {
    let page = Page::at("README.md");
    for wrong in [
        "baseload run --nonsense",
        "baseload run --resync soon",
        "kubectl exec deployment/floors -- /baseload nonsense",
        "cargo run -- run --speed fast",
        "aws ecs run-task --cluster tools",
        "make nonsense",
        "helm install floors charts/nonsense",
        "nonsense",
    ] {
        let judged = std::panic::catch_unwind(|| is_understood(wrong, &page));
        assert!(judged.is_err(), "{wrong}");
    }
    is_understood("baseload run --resync 30s", &page);
}
