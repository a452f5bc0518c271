//! The neighbours' homes: made by this program's own commands, as a person would make them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ourspace_protocol::account::Account;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

const PEOPLE: &str = include_str!("../../../demo/people.json");
const ANSWERS: &str = include_str!("../../../demo/answers.json");
const PICTURES: [(&str, &[u8]); 5] = [
    ("lake.jpg", include_bytes!("../../../demo/lake.jpg")),
    ("night.jpg", include_bytes!("../../../demo/night.jpg")),
    ("desert.jpg", include_bytes!("../../../demo/desert.jpg")),
    ("forest.jpg", include_bytes!("../../../demo/forest.jpg")),
    ("dusk.jpg", include_bytes!("../../../demo/dusk.jpg")),
];

#[derive(Debug, Deserialize)]
struct Sample {
    name: String,
    bio: String,
    follows: Vec<usize>,
    posts: Vec<SamplePost>,
}

#[derive(Debug, Deserialize)]
struct SamplePost {
    text: String,
    media: Option<String>,
    alt: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SampleAnswer {
    by: usize,
    to: (usize, usize),
    text: String,
}

/// Somebody whose home is ready.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) account: Account,
    pub(super) home: PathBuf,
}

fn samples() -> Result<(Vec<Sample>, Vec<SampleAnswer>), Failure> {
    Ok((
        serde_json::from_str(PEOPLE)?,
        serde_json::from_str(ANSWERS)?,
    ))
}

/// How many steps [`prepare`] takes.
pub(super) fn steps() -> u64 {
    let Ok((people, answers)) = samples() else {
        return 0;
    };
    let each = people
        .iter()
        .map(|one| 2 + one.posts.len() + one.follows.len());
    (each.sum::<usize>() + answers.len()) as u64
}

/// Makes the homes in a folder, and calls `step` after each step.
pub(super) fn prepare(folder: &Path, step: &dyn Fn()) -> Result<Vec<Person>, Failure> {
    let (samples, answers) = samples()?;
    for (name, bytes) in PICTURES {
        fs::write(folder.join(name), bytes)?;
    }
    let mut password = [0; 16];
    getrandom::fill(&mut password).map_err(|error| Failure::refused(error.to_string()))?;
    let maker = Maker {
        folder,
        program: std::env::current_exe()?,
        // Nobody needs it: the homes are thrown away.
        password: format!("{:032x}", u128::from_le_bytes(password)),
        step,
    };
    let mut people = Vec::new();
    let mut posts = Vec::new();
    for (n, sample) in samples.iter().enumerate() {
        let (person, ids) = maker.person(&format!("{}", n + 1), sample)?;
        people.push(person);
        posts.push(ids);
    }
    for (person, sample) in people.iter().zip(&samples) {
        for other in sample.follows.iter().filter_map(|at| people.get(*at)) {
            maker.run(&person.home, &["follow", &other.account.to_string()])?;
        }
    }
    for answer in &answers {
        let by = people.get(answer.by);
        let whose = people.get(answer.to.0);
        let post = posts.get(answer.to.0).and_then(|ids| ids.get(answer.to.1));
        if let (Some(by), Some(whose), Some(post)) = (by, whose, post) {
            let target = format!("ourspace:{}/{post}", whose.account);
            maker.run(&by.home, &["post", "--reply-to", &target, &answer.text])?;
        }
    }
    Ok(people)
}

struct Maker<'m> {
    folder: &'m Path,
    program: PathBuf,
    password: String,
    step: &'m dyn Fn(),
}

impl Maker<'_> {
    fn person(&self, folder: &str, sample: &Sample) -> Result<(Person, Vec<String>), Failure> {
        let home = self.folder.join(folder);
        let made = self.run(&home, &["init", "--yes"])?;
        let account = made["account"].as_str().unwrap_or_default();
        let account = account.parse().map_err(|_| failed("init", "no account"))?;
        let about = ["profile", "--name", &sample.name, "--bio", &sample.bio];
        self.run(&home, &about)?;
        let mut ids = Vec::new();
        for post in &sample.posts {
            let mut words = vec!["post".to_owned(), post.text.clone()];
            if let Some(media) = &post.media {
                let path = self.folder.join(media).display().to_string();
                words.extend(["--media".to_owned(), path, "--alt".to_owned()]);
                words.push(post.alt.clone().unwrap_or_default());
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let posted = self.run(&home, &words)?;
            ids.push(posted["id"].as_str().unwrap_or_default().to_owned());
        }
        let person = Person {
            name: sample.name.clone(),
            account,
            home,
        };
        Ok((person, ids))
    }

    /// Runs one command and gives its answer.
    fn run(&self, home: &Path, words: &[&str]) -> Result<Value, Failure> {
        let output = Command::new(&self.program)
            .arg("--home")
            .arg(home)
            .arg("--json")
            .args(words)
            .env("OURSPACE_PASSWORD", &self.password)
            .stdin(Stdio::null())
            .output()?;
        (self.step)();
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout)?);
        }
        let verb = words.first().copied().unwrap_or_default();
        Err(failed(verb, &String::from_utf8_lossy(&output.stderr)))
    }
}

fn failed(verb: &str, why: &str) -> Failure {
    Failure::refused(format!("the demo could not be prepared: {verb}: {why}"))
}
