//! `init` with a person at a terminal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use image::{GrayImage, Luma};
use rexpect::session::{PtySession, spawn_command};
use support::Place;

/// How long an answer may take, in milliseconds: the machine may be busy.
const PATIENCE: u64 = 120_000;

fn terminal(place: &Place, arguments: &[&str]) -> PtySession {
    let mut command = place.command(arguments);
    command.env_remove("OURSPACE_PASSWORD").env("TERM", "xterm");
    // The terminal is the program's standard input, too.
    let mut fresh = std::process::Command::new(command.get_program());
    fresh.args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            fresh.env(name, value);
        }
    }
    fresh.current_dir(place.folder());
    spawn_command(fresh, Some(PATIENCE)).unwrap()
}

/// Reads the numbered words that are on the screen.
fn words(screen: &str) -> BTreeMap<usize, String> {
    let mut words = BTreeMap::new();
    let mut parts = screen.split_whitespace();
    while let Some(part) = parts.next() {
        let number = part
            .strip_suffix('.')
            .and_then(|digits| digits.parse().ok());
        if let Some(number) = number
            && let Some(word) = parts.next()
        {
            words.insert(number, word.to_owned());
        }
    }
    words
}

/// Reads a list from the screen and types what is asked of it; the first time wrongly when
/// `err` says so.
fn write_down(session: &mut PtySession, mut err: bool) -> BTreeMap<usize, String> {
    let screen = session
        .exp_string("Press Enter when you have written them down. ")
        .unwrap();
    let words = words(&screen);
    assert_eq!(words.len(), 12, "{screen}");
    session.send_line("").unwrap();
    let mut left = 3;
    while left > 0 {
        let (_, asked) = session.exp_regex("Word [0-9]+: ").unwrap();
        let digits: String = asked.chars().filter(char::is_ascii_digit).collect();
        let place: usize = digits.parse().unwrap();
        if err {
            session.send_line("wrong").unwrap();
            session
                .exp_string(&format!("That is not word {place}."))
                .unwrap();
            err = false;
        } else {
            session.send_line(&words[&place]).unwrap();
            left -= 1;
        }
    }
    words
}

/// What a camera reads on the screen.
fn scan(screen: &str) -> String {
    let rows: Vec<Vec<char>> = screen
        .lines()
        .map(|line| {
            let blocks = line
                .rsplit_once("\x1b[0m")
                .map_or(line, |(blocks, _)| blocks);
            let (_, blocks) = blocks.rsplit_once('m').unwrap_or(("", blocks));
            blocks.chars().collect::<Vec<_>>()
        })
        .take_while(|row| row.iter().all(|block| " █▀▄".contains(*block)))
        .collect();
    let (width, height) = (rows[0].len() as u32, rows.len() as u32 * 2);
    let picture = GrayImage::from_fn(width * 4, height * 4, |x, y| {
        let (x, y) = (x as usize / 4, y as usize / 4);
        let block = rows[y / 2][x];
        let dark = block == '█' || block == if y % 2 == 0 { '▀' } else { '▄' };
        Luma([if dark { 0 } else { 255 }])
    });
    let mut picture = rqrr::PreparedImage::prepare(picture);
    picture.detect_grids()[0].decode().unwrap().1
}

fn choose_password(session: &mut PtySession, password: &str) {
    session
        .exp_string("A password for the account's key on this machine: ")
        .unwrap();
    session.send_line(password).unwrap();
    session.exp_string("The same again: ").unwrap();
    session.send_line(password).unwrap();
}

/// Waits for the end; gives what was said until then, and how it ended.
fn end(session: &mut PtySession) -> (String, String) {
    let rest = session.exp_eof().unwrap();
    let how = session.process().wait().unwrap();
    // The library names the type of this nowhere.
    (rest, format!("{how:?}"))
}

#[test]
fn a_person_makes_an_account() {
    let place = Place::empty();
    let mut session = terminal(&place, &["init"]);
    session.exp_string("two lists of").unwrap();
    session
        .exp_string("A password for the account's key on this machine: ")
        .unwrap();
    session.send_line("one thing").unwrap();
    session.exp_string("The same again: ").unwrap();
    session.send_line("another thing").unwrap();
    session.exp_string("once more").unwrap();
    choose_password(&mut session, "one thing");
    session.exp_string("words of your ACCOUNT").unwrap();
    let account = write_down(&mut session, true);
    session.exp_string("words of your SUCCESSOR").unwrap();
    let successor = write_down(&mut session, false);
    assert_ne!(account, successor);
    session.exp_string("account").unwrap();
    let (rest, how) = end(&mut session);
    assert!(
        how.starts_with("Exited(") && how.ends_with(", 0)"),
        "{how}: {rest}"
    );
    let address = rest.split_whitespace().next().unwrap().to_owned();

    // The words that were shown are those of the account that was made.
    let phrase: Vec<String> = account.into_values().collect();
    let again = Place::empty();
    let made = again.run_with(
        &["init", "--yes", "--json", "--mnemonic", "-"],
        &phrase.join(" "),
    );
    assert_eq!(made.json()["account"], address);

    let mut session = terminal(&place, &["whoami"]);
    let (screen, how) = end(&mut session);
    assert!(how.ends_with(", 0)"), "{how}: {screen}");
    // What comes through the terminal is told byte by byte.
    let bytes: Vec<u8> = screen.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let screen = String::from_utf8(bytes).unwrap();
    assert!(screen.contains(&address), "{screen}");
    assert_eq!(scan(&screen), format!("ethereum:{address}@1"));
}

#[test]
fn without_an_account_the_program_makes_one_and_serves_it() {
    let place = Place::empty();
    let mut session = terminal(&place, &[]);
    choose_password(&mut session, "a password");
    session.exp_string("words of your ACCOUNT").unwrap();
    write_down(&mut session, false);
    session.exp_string("words of your SUCCESSOR").unwrap();
    write_down(&mut session, false);
    session.exp_string("The feed of ").unwrap();
    let account = session.exp_string(",").unwrap();
    session.exp_string("http://").unwrap();
    let host = session.exp_string("/").unwrap();
    let mut stream = TcpStream::connect(&host).unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains(&account),
        "{page}"
    );
    session.exp_string("Stop with Ctrl-C.").unwrap();
    session.send_control('c').unwrap();
    let (rest, how) = end(&mut session);
    assert!(
        how.starts_with("Exited(") && how.ends_with(", 0)"),
        "{how}: {rest}"
    );
    assert_eq!(place.json(&["whoami"])["account"], account);
}

#[test]
fn who_gives_up_has_no_account() {
    let place = Place::empty();
    let mut session = terminal(&place, &["init"]);
    choose_password(&mut session, "a password");
    session.exp_string("words of your ACCOUNT").unwrap();
    session
        .exp_string("Press Enter when you have written them down. ")
        .unwrap();
    session.send_control('c').unwrap();
    let (_, how) = end(&mut session);
    assert!(how.contains("SIGINT"), "{how}");
    let said = place.run(&["whoami"]);
    assert!(said.refused(1).contains("no account"), "{}", said.err);
    // And nothing is in the way of another try.
    let made = place.json(&["init", "--yes"]);
    assert_eq!(place.json(&["whoami"])["account"], made["account"]);
}
