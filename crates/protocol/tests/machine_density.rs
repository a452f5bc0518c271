//! How dense the network is, and whether a place of it is crowded.

use ourspace_protocol::{
    hash::sha256,
    machine::{
        density::{Density, Spacing, nearer},
        dice::Dice,
        rows::{Key, distance},
    },
};

const HOUR: u64 = 60 * 60 * 1000;

fn net(nodes: u64) -> Vec<Key> {
    (0..nodes).map(|node| sha256(&node.to_le_bytes())).collect()
}

fn place(name: &str) -> Key {
    sha256(name.as_bytes())
}

fn nearest(nodes: &[Key], place: &Key, number: usize) -> Vec<Key> {
    let far = nodes.iter().map(|node| (distance(node, place), *node));
    let mut far: Vec<(Key, Key)> = far.collect();
    if number < far.len() {
        far.select_nth_unstable(number);
        far.truncate(number);
    }
    far.sort_unstable();
    far.into_iter().map(|(_, node)| node).collect()
}

/// So many nodes that stand nearer to a place than any other.
fn crowd(place: &Key, number: usize) -> Vec<Key> {
    let ids =
        (0..number as u64).map(|node| sha256(&[b"crowd".as_slice(), &node.to_le_bytes()].concat()));
    ids.map(|mut id| {
        id[..4].copy_from_slice(&place[..4]);
        id
    })
    .collect()
}

/// What a node learns by nine probes.
fn learnt(nodes: &[Key], dice: &mut Dice) -> Density {
    let mut density = Density::new(20);
    for _ in 0..9 {
        let place = sha256(&dice.roll().to_le_bytes());
        density.note_probe(&place, &nearest(nodes, &place, 20));
    }
    density
}

#[test]
fn the_size_of_the_network_is_told_from_a_few_places() {
    for size in [12_u64, 200, 10_000] {
        let nodes = net(size);
        let mut density = learnt(&nodes, &mut Dice::new(size));
        let own = nodes[0];
        density.note_known(&own, &nearest(&nodes[1..], &own, 60));
        let told = density.spacing().unwrap().nodes() / size as f64;
        assert!((0.6..1.7).contains(&told), "{size} nodes, told {told}");
    }
    assert_eq!(Density::new(20).spacing(), None);
    // Five nodes say nothing.
    assert_eq!(Spacing::of(&place("five"), &net(5), 20), None);
}

#[test]
fn crowds_are_seen_and_chance_is_not_taken_for_one() {
    let nodes = net(3_000);
    let spacing = learnt(&nodes, &mut Dice::new(7)).spacing().unwrap();
    let mut wrong = 0;
    for at in 0..200 {
        let place = place(&format!("place {at}"));
        let honest = nearest(&nodes, &place, 20);
        wrong += usize::from(spacing.crowd(&place, &honest).is_some());
        for number in [8, 20, 40] {
            let all: Vec<Key> = [honest.clone(), crowd(&place, number)].concat();
            let far = spacing.crowd(&place, &nearest(&all, &place, 20));
            let far = far.unwrap_or_else(|| panic!("{number} at {at}"));
            let liars = nearest(&all[honest.len()..], &place, 20);
            assert!(far >= distance(&liars[liars.len() - 1], &place));
        }
    }
    assert!(wrong <= 10, "{wrong} of 200");
}

#[test]
fn a_crowd_at_one_s_own_place_says_nothing_about_the_network() {
    let nodes = net(3_000);
    let own = place("own");
    let mut density = learnt(&nodes, &mut Dice::new(3));
    density.note_known(&own, &crowd(&own, 40));
    let told = density.spacing().unwrap().nodes();
    assert!((1_800.0..5_000.0).contains(&told), "{told}");
}

/// Forty liars stand nearest; the lookups beside the first one show the honest nodes of the
/// region all the same.
#[test]
fn the_region_is_seen_around_a_crowd() {
    let nodes = net(3_000);
    let mut dice = Dice::new(5);
    let spacing = learnt(&nodes, &mut dice).spacing().unwrap();
    let (mut seen, mut there) = (0, 0);
    for at in 0..40 {
        let place = place(&format!("row {at}"));
        let all: Vec<Key> = [nodes.clone(), crowd(&place, 40)].concat();
        let aims = spacing.aims(&place, 20, &mut dice);
        assert_eq!(aims.len(), 4);
        let mut found: Vec<Key> = aims
            .iter()
            .flat_map(|aim| nearest(&all, &sha256(aim), 20))
            .filter(|node| spacing.holds(20, node, &place) && nodes.contains(node))
            .collect();
        found.sort_unstable();
        found.dedup();
        assert!(found.len() >= 5, "row {at}: {}", found.len());
        seen += found.len();
        let region = nodes.iter().filter(|node| spacing.holds(20, node, &place));
        there += region.count();
    }
    assert!(seen * 10 >= there * 9, "{seen} of {there}");
}

#[test]
fn probes_come_soon_and_then_seldom() {
    let nodes = net(50);
    let mut density = Density::new(20);
    let mut probes = Vec::new();
    for second in 0..6 * 60 * 60 {
        let now = second * 1000;
        if density.take_probe(now) {
            probes.push(now);
            let place = sha256(&now.to_le_bytes());
            density.note_probe(&place, &nearest(&nodes, &place, 20));
        }
    }
    assert!(probes[0] <= 60_000 && probes[2] <= 5 * 60_000, "{probes:?}");
    assert!(probes.len() <= 9, "{probes:?}");
    assert!(probes.windows(2).skip(3).all(|two| two[1] - two[0] >= HOUR));
}

#[test]
fn of_a_crowd_only_so_many_count_as_stand_there_by_chance() {
    let nodes = net(1_000);
    let spacing = learnt(&nodes, &mut Dice::new(2)).spacing();
    let row = place("row");
    let own = nearest(&nodes, &row, 15)[14];
    let all = [nodes, crowd(&row, 60)].concat();
    assert_eq!(nearer(&own, &row, &all, None), 74);
    assert!(nearer(&own, &row, &all, spacing) < 40);
}
