//! Meeting in a Mainline DHT of this machine, by mainline's own nodes.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{net::Ipv4Addr, time::Duration};

use futures::{StreamExt as _, stream};
use mainline::Testnet;
use ourspace_protocol::account::Account;
use ourspace_testkit::signing::NOW;
use ourspace_torrent::{Rendezvous, RendezvousError, Settings, keys};
use tokio::time::{Instant, timeout};

use support::{Net, crowd, record_of, signed};

/// The net ends when the first is dropped.
fn net(nodes: usize) -> (Testnet, Net) {
    let testnet = Testnet::builder(nodes).build().unwrap();
    let nodes = testnet.bootstrap.iter().map(|node| node.parse().unwrap());
    let net = Net {
        nodes: nodes.collect(),
        bind: Ipv4Addr::LOCALHOST,
    };
    (testnet, net)
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_are_found_across_the_end_of_a_week() {
    const WEEK: u64 = 7 * 24 * 3600 * 1000;
    let (_testnet, net) = net(20);
    let (account, bytes) = signed("rendezvous");
    let boundary = (NOW / WEEK + 1) * WEEK;
    let port = net.answering(Some(bytes)).await;
    let holder = net.rendezvous();
    let told = holder
        .announce(account, port, boundary - 60_000)
        .await
        .unwrap();
    assert!(told.made && told.others == 0);
    assert!((1200..1800).contains(&told.again.as_secs()));
    let seeker = net.rendezvous();
    for now in [boundary - 60_000, boundary + 60_000] {
        let begun = Instant::now();
        let found = record_of(account, seeker.find(account, now)).await;
        assert_eq!(found.unwrap().record.account, account);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    // An hour later nobody looks there any more; of others nobody is there.
    let late = seeker.find(account, boundary + 3_600_000);
    assert_eq!(late.collect::<Vec<_>>().await, []);
    let other = seeker.find(Account([9; 20]), boundary);
    assert_eq!(other.collect::<Vec<_>>().await, []);
    let counts = seeker.counts();
    assert_eq!((counts.lookups, counts.announced), (4, 0));
    assert_eq!(holder.counts().announced, 1);
    assert!(!seeker.nodes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_the_network_are_found_by_the_hour() {
    let (_testnet, net) = net(20);
    // A small network: everybody announces. In which shard is left to chance.
    let port = net.answering(None).await;
    let here = net.rendezvous().announce_here(port, 10, NOW).await.unwrap();
    assert!(here.made);
    let asker = mainline::Dht::builder()
        .bootstrap(&net.nodes[..4])
        .bind_address(net.bind)
        .build();
    let asker = asker.unwrap().as_async();
    let in_shard = async |shard| {
        let key = keys::of_shard(shard, keys::hour(NOW));
        let peers: Vec<_> = asker.get_peers(key.into()).concat().await;
        peers.iter().any(|peer| peer.port() == port)
    };
    let looked = stream::iter((0..keys::SHARDS).map(in_shard)).buffered(4);
    let shards: Vec<bool> = looked.collect().await;
    let shards = shards.into_iter().filter(|there| *there).count();
    assert_eq!(shards, 1);
    // With somebody in each shard, any two of them do.
    let mut ports = Vec::new();
    for shard in 0..keys::SHARDS {
        let port = net.answering(None).await;
        let key = keys::of_shard(shard, keys::hour(NOW));
        net.announce_all(key, vec![port]).await;
        ports.push(port);
    }
    let found: Vec<_> = net.rendezvous().join(NOW).collect().await;
    let known = found.iter().filter(|peer| ports.contains(&peer.port()));
    assert_eq!(known.count(), 2, "{found:?}");
    // Of a huge network hardly anybody announces.
    let node = net.rendezvous();
    for _ in 0..5 {
        let told = node.announce_here(port, u64::MAX, NOW).await.unwrap();
        assert!(!told.made);
    }
    assert_eq!((node.counts().held_back, node.counts().announced), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_to_a_crowd_mostly_holds_back() {
    let (_testnet, net) = net(20);
    let (account, _) = signed("rendezvous");
    let key = keys::of_account(account, keys::week(NOW));
    net.announce_all(key, (20_000..20_400).collect()).await;
    let holder = net.rendezvous();
    for _ in 0..8 {
        let told = holder.announce(account, 9, NOW).await.unwrap();
        assert!(told.others > 50, "{told:?}");
    }
    let counts = holder.counts();
    assert_eq!(counts.held_back + counts.announced, 8);
    assert!(counts.held_back >= 1, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_honest_ones_are_found_among_450_others() {
    let (_testnet, net) = net(30);
    let took = crowd(&net).await;
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_it_does_nothing() {
    let (_testnet, net) = net(4);
    let (account, _) = signed("rendezvous");
    let rendezvous = net.rendezvous();
    rendezvous.switch(false).await;
    assert!(!rendezvous.is_on());
    let refused = rendezvous.announce(account, 9, NOW).await;
    assert!(matches!(refused, Err(RendezvousError::Off)));
    assert_eq!(rendezvous.find(account, NOW).collect::<Vec<_>>().await, []);
    assert_eq!(rendezvous.join(NOW).collect::<Vec<_>>().await, []);
    assert_eq!(rendezvous.counts(), Default::default());
    rendezvous.switch(true).await;
    assert!(rendezvous.announce(account, 9, NOW).await.unwrap().made);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_dht_it_ends_all_the_same() {
    let alone = Rendezvous::new(Settings {
        on: true,
        bootstrap: vec!["127.0.0.1:9".to_owned()],
        bind: Some(Ipv4Addr::LOCALHOST),
        private: true,
        ..Settings::default()
    });
    let (account, _) = signed("rendezvous");
    let nobody = alone.find(account, NOW).collect::<Vec<_>>();
    assert_eq!(timeout(Duration::from_secs(10), nobody).await.unwrap(), []);
    let refused = timeout(Duration::from_secs(30), alone.announce(account, 9, NOW)).await;
    assert!(
        matches!(refused, Ok(Err(RendezvousError::NotTaken(_)))),
        "{refused:?}"
    );
    assert_eq!(alone.counts().failed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lookups_at_once_wait_for_each_other() {
    let (_testnet, net) = net(20);
    let accounts: Vec<Account> = (0..16).map(|n| Account([n; 20])).collect();
    for (account, port) in accounts.iter().zip(3000..) {
        let key = keys::of_account(*account, keys::week(NOW));
        net.announce_all(key, vec![port]).await;
    }
    let seeker = net.rendezvous();
    let find = |account: &Account| seeker.find(*account, NOW).collect::<Vec<_>>();
    let found = futures::future::join_all(accounts.iter().map(find)).await;
    for (found, port) in found.iter().zip(3000..) {
        assert_eq!(found.as_slice(), [(net.bind, port).into()]);
    }
}
